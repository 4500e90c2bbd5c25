"""`gankit sketch-retrieval search`: what looks like a query, in an index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gankit import UsageError
from gankit.commands import ready
from gankit_sketch_retrieval.commands import FILE, hit_options, show_hits


@click.command("search")
@hit_options
@click.option("--index", "path", type=FILE, required=True, help="Index to search, made by `index`.")
def command(
    query: str, path: Path, run: str, runs_dir: Path | None, count: int, rotations: float, as_json: bool, **places: Any
) -> None:
    """Find what looks like QUERY: a picture, or a region, page.png#x0,y0,x1,y1 or scans.tif#3/x0,y0,x1,y1.

    Writes hits.csv, hits.json, hits.iiif.json, contact sheets as contact.png and contact.html, and provenance.json.
    """
    ready()
    from gankit_sketch_retrieval.features.encoder import open_encoder
    from gankit_sketch_retrieval.hits.hit import best_hits
    from gankit_sketch_retrieval.hits.query import read_query
    from gankit_sketch_retrieval.hits.results import check_places, write_hits
    from gankit_sketch_retrieval.index.store import Index

    check_places(**places)
    index = Index.load(path)
    encoder, loaded = open_encoder(run, runs_dir)
    maker = index.meta.get("encoder", {})
    if maker.get("fingerprint") != encoder.fingerprint:
        about = maker.get("settings", {})
        made = f"{about.get('network')} trained on {about.get('trained_on')}"
        raise UsageError(f"{path} was made with another model ({made})", "name its run with --run, or index again")
    asked = read_query(query, encoder, rotations, index.meta.get("cutting", {}).get("kind", "auto"))
    found = best_hits(index, asked.vectors, count)
    request = {"index": str(path), "k": count, "rotations": rotations}
    show_hits(write_hits("search", asked, found, request, encoder, loaded, **places), as_json)
