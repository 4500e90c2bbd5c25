"""What a search has found: places on pages, best first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
