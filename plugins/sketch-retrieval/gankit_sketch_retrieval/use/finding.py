"""`search` in an index, and `spot` on pages that are in none."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

from gankit.errors import UsageError
from gankit.runs.results import results_folder
from gankit.support import vacant
from gankit_sketch_retrieval.index.store import Index
from gankit_sketch_retrieval.use import formats, opening
from gankit_sketch_retrieval.use.cutting import PAGES
from gankit_sketch_retrieval.use.indexing import Lines, build_from, named
from gankit_sketch_retrieval.use.querying import query as read_query
from gankit_sketch_retrieval.use.searching import hits, result, written

log = logging.getLogger("gankit")


def checked(output: Path | None, *addresses: str) -> None:
    """Raises UsageError for what would otherwise be wrong only after all the work."""
    vacant(output)
    for pattern in filter(None, addresses):
        formats.address(pattern, "document.png", 1)


def search(
    query: str, path: Path, *, run: str, runs_dir: Path | None, count: int, rotations: float, output: Path | None,
    iiif_canvas: str, iiif_image: str,
) -> dict[str, Any]:  # fmt: skip
    """What `gankit sketch-retrieval search` does; the arguments are its options.

    Raises:
        UsageError: The index was made with another model, or the query is none.
        DataError: Something cannot be read.
    """
    checked(output, iiif_canvas, iiif_image)
    found = Index.load(path)
    encoder = opening.encoder(run, runs_dir)
    if found.meta["encoder"]["fingerprint"] != encoder.fingerprint:
        about = found.meta["encoder"]["settings"]
        made = f"{about['network']} trained on {about['trained_on']}"
        raise UsageError(f"{path} was made with another model ({made})", "name its run with --run, or index again")
    asked = read_query(query, encoder, rotations, found.meta["cutting"]["kind"])
    best = hits(found, asked.vectors, count)
    folder = results_folder(Path(), output, "search")
    return result(asked, best, written(asked, best, folder, iiif_canvas, iiif_image))


def spot(
    query: str, pages: Path, *, limit: int, run: str, runs_dir: Path | None, count: int, rotations: float,
    output: Path | None, iiif_canvas: str, iiif_image: str,
) -> dict[str, Any]:  # fmt: skip
    """What `gankit sketch-retrieval spot` does; the arguments are its options.

    Raises:
        UsageError: The query is none.
        DataError: Something cannot be read.
    """
    checked(output, iiif_canvas, iiif_image)
    encoder = opening.encoder(run, runs_dir)
    asked = read_query(query, encoder, rotations)
    with tempfile.TemporaryDirectory(prefix="gankit-spot-") as folder, Lines() as progress:
        place = Path(folder) / "pages.index"
        made = build_from(place, named([pages]), encoder, PAGES, limit, progress=progress)
        found = Index.load(place, mapped=False)
    log.info("%s marks on %s pages, in %.1f s", f"{made['marks']:,}", f"{made['pages']:,}", made["seconds"])
    best = hits(found, asked.vectors, count)
    out = results_folder(Path(), output, "spot")
    return result(asked, best, written(asked, best, out, iiif_canvas, iiif_image))
