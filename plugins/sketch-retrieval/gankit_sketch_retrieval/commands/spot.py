"""`gankit sketch-retrieval spot`: what looks like a query, on pages that are in no index."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import click

from gankit.commands import ready
from gankit_sketch_retrieval.commands import hit_options, limit_option, show_hits


@click.command("spot")
@hit_options
@click.option("--pages", type=click.Path(exists=True, path_type=Path), required=True, help="Folder or file of pages.")
@limit_option
def command(
    query: str, pages: Path, limit: int, run: str, runs_dir: Path | None, count: int, rotations: float, as_json: bool,
    **places: Any,
) -> None:  # fmt: skip
    """Find QUERY on whole pages, without an index.

    Writes what `search` writes. To search the same pages again at once, `index` them.
    """
    ready()
    from gankit_sketch_retrieval.features.encoder import open_encoder
    from gankit_sketch_retrieval.hits.hit import best_hits
    from gankit_sketch_retrieval.hits.query import read_query
    from gankit_sketch_retrieval.hits.results import check_places, write_hits
    from gankit_sketch_retrieval.index.archive import index_files
    from gankit_sketch_retrieval.index.store import Index
    from gankit_sketch_retrieval.pages.cutouts import PAGES
    from gankit_sketch_retrieval.pages.files import named_documents

    check_places(**places)
    encoder, loaded = open_encoder(run, runs_dir)
    asked = read_query(query, encoder, rotations)
    with tempfile.TemporaryDirectory(prefix="gankit-spot-") as folder:
        place = Path(folder) / "pages.index"
        made = index_files(place, named_documents([pages]), encoder, PAGES, limit)
        index = Index.load(place, mapped=False)
    message = "%s marks on %s pages, in %.1f s"
    logging.getLogger("gankit").info(message, f"{made['marks']:,}", f"{made['pages']:,}", made["seconds"])
    found = best_hits(index, asked.vectors, count)
    request = {"pages": str(pages), "k": count, "rotations": rotations, "limit": limit}
    show_hits(write_hits("spot", asked, found, request, encoder, loaded, **places), as_json)
