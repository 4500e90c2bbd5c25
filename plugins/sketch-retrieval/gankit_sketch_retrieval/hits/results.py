"""The files that tell what was found: a table, JSON, annotations for viewers of scanned books, contact sheets."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from gankit import DataError, LoadedRun
from gankit.runs import Results
from gankit.support import vacant, write, write_csv
from gankit_sketch_retrieval.features.encoder import Encoder
from gankit_sketch_retrieval.hits.hit import COLUMNS, Hit, writable
from gankit_sketch_retrieval.hits.iiif import CANVAS, address, manifest
from gankit_sketch_retrieval.hits.query import Query
from gankit_sketch_retrieval.pages.files import page_of
from gankit_sketch_retrieval.sheet.content import gathered
from gankit_sketch_retrieval.sheet.html import html
from gankit_sketch_retrieval.sheet.picture import png


def check_places(output: Path | None, iiif_canvas: str, iiif_image: str) -> None:
    """Raises UsageError for what would otherwise be wrong only after all the work: a full folder, no web address."""
    vacant(output)
    for pattern in filter(None, (iiif_canvas, iiif_image)):
        address(pattern, "document.png", 1)


def write_hits(
    verb: str, query: Query, found: Sequence[Hit], request: Mapping[str, Any], encoder: Encoder,
    loaded: LoadedRun | None, *, output: Path | None, iiif_canvas: str, iiif_image: str,
) -> dict[str, Any]:  # fmt: skip
    """Writes hits.csv, hits.json, hits.iiif.json, contact.png, contact.html and provenance.json.

    Args:
        verb: The command's.
        query: What was searched for.
        found: The hits.
        request: What else the user asked for.
        encoder: The model.
        loaded: Its run, if it has one.
        output: An empty folder; None for a new one.
        iiif_canvas: Web address of a page's canvas; "" for made-up ones.
        iiif_image: Web address of a page's picture; "" for none.

    Returns:
        What `--json` prints: the query, the hits, and where the files are.
    """
    request = {"query": query.text, **request}
    results = Results(verb, output, loaded, distribution="gankit-sketch-retrieval", request=request)
    told = {"query": writable(query.text), "count": len(found), "hits": [hit.row for hit in found]}
    write_csv(results.path("hits.csv", "table"), told["hits"], COLUMNS)
    results.json("hits.json", told, "json")
    paths = {hit.document: hit.path for hit in found}

    @lru_cache(maxsize=4)
    def page(document: str, number: int) -> np.ndarray:
        return page_of(paths[document], number).pixels

    def crop(hit: Hit) -> np.ndarray:
        x0, y0, x1, y1 = hit.box
        return page(hit.document, hit.page)[y0:y1, x0:x1]

    sizes = {}
    for place in dict.fromkeys((hit.document, hit.page) for hit in found):
        try:
            sizes[place] = page(*place).shape[::-1]
        except DataError:
            sizes[place] = (0, 0)
    there = [hit for hit in found if np.less_equal(hit.box[2:], sizes[hit.document, hit.page]).all()]
    if there:
        results.json("hits.iiif.json", manifest(there, query.text, sizes, iiif_canvas or CANVAS, iiif_image), "iiif")
    if len(there) < len(found):
        message = "%d of %d hits are on pages that are gone or have changed"
        logging.getLogger("gankit").warning(message, len(found) - len(there), len(found))
    sheet = gathered(query.pixels, found, crop, page, query.text)
    write(results.path("contact.png", "picture"), png(sheet))
    write(results.path("contact.html", "page"), html(sheet))
    model = {"fingerprint": encoder.fingerprint, **encoder.settings}
    return {**told, "files": results.finish(model=model)}
