"""What a search has found: places on pages, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gankit_sketch_retrieval.index.store import Entry, Index
from gankit_sketch_retrieval.pages.boxes import DISTINCT, iou

COLUMNS = ("document", "page", "x0", "y0", "x1", "y1", "score", "rank")
MORE = 8  # rows asked for, for each hit that is wanted: most proposals of a page overlap others


@dataclass(frozen=True)
class Hit:
    """One place that looks like the query.

    Attributes:
        rank: From 1, the best.
        score: Similarity to the query, a cosine in [-1, 1].
        document: The file's name as it was given when it was indexed, with `/` between folders.
        page: Number of the page in the document, from 1.
        box: (x0, y0, x1, y1) in pixels of the page as scanned, from the top left; x1 and y1 are exclusive.
        path: The file itself.
    """

    rank: int
    score: float
    document: str
    page: int
    box: tuple[int, int, int, int]
    path: Path

    @property
    def row(self) -> dict[str, Any]:
        """As a table and as JSON have it: the values of `COLUMNS`, the score with six decimals.

        Examples:
            >>> Hit(1, 0.12345678, "a.png", 1, (0, 0, 9, 9), Path("a.png")).row["score"]
            0.123457
        """
        where = (writable(self.document), int(self.page), *map(int, self.box))
        return dict(zip(COLUMNS, (*where, round(float(self.score), 6), int(self.rank)), strict=True))


def best_hits(index: Index, vectors: np.ndarray, k: int) -> list[Hit]:
    """The k best places, of which no two overlap.

    Args:
        index: Where to search.
        vectors: `[rotations, dim]` of a query.
        k: How many at most.
    """
    asked = MORE * k
    while True:
        scores, rows = index.search(vectors, asked)
        found = distinct([index.entry(int(row)) for row in rows], k)
        if len(found) == k or len(rows) < asked:
            break
        asked *= 4
    paths, numbers = index.documents.paths, index.documents.numbers
    return [
        Hit(rank, float(scores[i]), at.document, at.page, at.box, Path(paths[numbers[at.document]] or at.document))
        for rank, (i, at) in enumerate(found, 1)
    ]


def distinct(entries: Sequence[Entry], k: int) -> list[tuple[int, Entry]]:
    """The first k that overlap none before them on their page, with their places in the list.

    Examples:
        >>> there, same, other = (Entry("a.png", 1, (x, 0, x + 10, 10)) for x in (0, 1, 20))
        >>> [place for place, _ in distinct([there, same, other], 2)]
        [0, 2]
    """
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


def by_page(hits: Sequence[Hit]) -> Mapping[tuple[str, int], list[Hit]]:
    """The hits of each (document, page), in the order of their first hits."""
    groups: dict[tuple[str, int], list[Hit]] = {}
    for hit in hits:
        groups.setdefault((hit.document, hit.page), []).append(hit)
    return groups


def writable(name: str) -> str:
    """A name that can be written as UTF-8: bytes that are not become question marks."""
    return name.encode("utf-8", "replace").decode("utf-8")
