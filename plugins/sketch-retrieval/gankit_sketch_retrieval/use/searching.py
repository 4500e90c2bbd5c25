"""Searching an index, and writing what was found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from gankit.errors import DataError
from gankit_sketch_retrieval.index.store import Entry, Index
from gankit_sketch_retrieval.pages.boxes import DISTINCT, iou
from gankit_sketch_retrieval.pages.reading import page_of
from gankit_sketch_retrieval.use import formats
from gankit_sketch_retrieval.use.contact import write
from gankit_sketch_retrieval.use.hits import Hit
from gankit_sketch_retrieval.use.querying import Query
from gankit_sketch_retrieval.use.thumbnails import gathered

log = logging.getLogger("gankit")

MORE = 8  # rows asked for, for each hit that is wanted: most proposals of a page overlap others


def hits(index: Index, vectors: np.ndarray, k: int) -> list[Hit]:
    """The k best places, of which no two overlap.

    Args:
        index: Where to search.
        vectors: `[rotations, dim]` of a query.
        k: How many at most.
    """
    asked = MORE * k
    while True:
        scores, rows = index.search(vectors, asked)
        found = _distinct([index.entry(int(row)) for row in rows], k)
        if len(found) == k or len(rows) < asked:
            break
        asked *= 4
    return [
        Hit(rank, float(scores[i]), entry.document, entry.page, entry.box, _path(index, entry))
        for rank, (i, entry) in enumerate(found, 1)
    ]


def _distinct(entries: Sequence[Entry], k: int) -> list[tuple[int, Entry]]:
    """The first k that overlap none before them on their page, with their places in the list."""
    kept: list[tuple[int, Entry]] = []
    there: dict[tuple[str, int], list[tuple[int, int, int, int]]] = {}
    for i, entry in enumerate(entries):
        others = there.setdefault((entry.document, entry.page), [])
        if others and iou(np.array([entry.box]), np.array(others)).max() > DISTINCT:
            continue
        others.append(entry.box)
        kept.append((i, entry))
        if len(kept) == k:
            break
    return kept


def _path(index: Index, entry: Entry) -> Path:
    documents = index.documents
    return Path(documents.paths[documents.numbers[entry.document]] or entry.document)


def written(query: Query, found: Sequence[Hit], out: Path, canvas: str, image: str) -> dict[str, str]:
    """Writes hits.csv, hits.json, hits.iiif.json, contact.png and contact.html.

    Args:
        query: What was searched for.
        found: The hits.
        out: An empty folder.
        canvas: Web address of a page's canvas, for IIIF; "" for made-up ones.
        image: Web address of a page's picture; "" for none.

    Returns:
        What each file is -> its path.
    """
    paths = {hit.document: hit.path for hit in found}

    @lru_cache(maxsize=4)
    def page(document: str, number: int) -> np.ndarray:
        return page_of(paths[document], number).pixels

    def crop(hit: Hit) -> np.ndarray:
        x0, y0, x1, y1 = hit.box
        return page(hit.document, hit.page)[y0:y1, x0:x1]

    def size(document: str, number: int) -> tuple[int, int]:
        height, width = page(document, number).shape
        return width, height

    files = {
        "table": formats.write_csv(out / "hits.csv", found),
        "json": formats.write_json(out / "hits.json", found, query.text),
    }
    sizes = _sizes(found, size)
    there = [hit for hit in found if _within(hit, sizes[hit.document, hit.page])]
    if there:
        address = {"canvas": canvas} if canvas else {}
        place = out / "hits.iiif.json"
        files["iiif"] = formats.write_iiif(place, there, query.text, lambda *page: sizes[page], image=image, **address)
    if len(there) < len(found):
        log.warning("%d of %d hits are on pages that are gone or have changed", len(found) - len(there), len(found))
    sheet = gathered(query.pixels, found, crop, page, query.text)
    files["picture"] = write(sheet, out / "contact.png")
    files["page"] = write(sheet, out / "contact.html")
    return {name: str(path) for name, path in files.items()}


def _sizes(found: Sequence[Hit], size: Callable[[str, int], tuple[int, int]]) -> dict[tuple[str, int], tuple[int, int]]:
    """(document, page) -> (width, height), (0, 0) where it cannot be read."""
    sizes = {}
    for place in dict.fromkeys((hit.document, hit.page) for hit in found):
        try:
            sizes[place] = size(*place)
        except DataError:
            sizes[place] = (0, 0)
    return sizes


def _within(hit: Hit, size: tuple[int, int]) -> bool:
    return hit.box[2] <= size[0] and hit.box[3] <= size[1]


def result(query: Query, found: Sequence[Hit], files: dict[str, str]) -> dict[str, Any]:
    """What `--json` prints."""
    return {**formats.as_json(found, query.text), "files": files}
