"""Pictures into marks for an index: a small picture is one mark, a large one a page with many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gankit_sketch_retrieval.marks.ink import ink
from gankit_sketch_retrieval.marks.normalise import LEVEL, SIDE, normalised
from gankit_sketch_retrieval.pages.ink import RIM, PageInk, cut, read_ink
from gankit_sketch_retrieval.pages.proposals import propose
from gankit_sketch_retrieval.pages.reading import Page

MARKS, PAGES, AUTO = "marks", "pages", "auto"
SMALL = 400  # pixels of the longer side: more is a page
LIMIT = 4000  # proposals of a page

Cutting = Callable[[Page], tuple[np.ndarray, np.ndarray]]
"""Page -> boxes `[n, 4]` int32 and marks `[n, 64, 64]` uint8."""


def cutting(kind: str, stretch: float, limit: int = LIMIT) -> Cutting:
    """How pictures become marks.

    Args:
        kind: `MARKS` takes every picture as one mark, `PAGES` as a page, `AUTO` by its size.
        stretch: Of the normalisation.
        limit: Proposals of a page.
    """

    def one(page: Page) -> tuple[np.ndarray, np.ndarray]:
        strokes = ink(page.pixels)
        rows, columns = np.flatnonzero((strokes > LEVEL).any(1)), np.flatnonzero((strokes > LEVEL).any(0))
        if not len(rows):
            return np.zeros((0, 4), np.int32), np.zeros((0, SIDE, SIDE), np.uint8)
        box = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        return np.array([box], np.int32), normalised(strokes, stretch)[None]

    def many(page: Page) -> tuple[np.ndarray, np.ndarray]:
        seen = read_ink(page.pixels)
        boxes = propose(seen, limit=limit)
        marks = marks_in(seen, boxes, stretch)
        inked = marks.any((1, 2))
        return boxes[inked].astype(np.int32), marks[inked]

    def by_size(page: Page) -> tuple[np.ndarray, np.ndarray]:
        return (one if max(page.pixels.shape) <= SMALL else many)(page)

    return {MARKS: one, PAGES: many, AUTO: by_size}[kind]


def marks_in(page: PageInk, boxes: np.ndarray, stretch: float) -> np.ndarray:
    """The marks in some boxes of a page, with the rims of their strokes, which a tight box cuts off.

    Args:
        page: Its ink.
        boxes: `[n, 4]` integers.
        stretch: Of the normalisation.

    Returns:
        `[n, 64, 64]` uint8, normalised.
    """
    wider = np.asarray(boxes).reshape(-1, 4) + np.array([-RIM, -RIM, RIM, RIM])
    return np.array([normalised(part, stretch) for part in cut(page, wider)], np.uint8).reshape(-1, SIDE, SIDE)
