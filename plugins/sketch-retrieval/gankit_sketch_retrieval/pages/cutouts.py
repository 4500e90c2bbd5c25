"""Pictures into marks for an index: each is one mark, or a page with many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gankit_sketch_retrieval.marks.ink import ink
from gankit_sketch_retrieval.marks.normalisation import SIDE, ink_box, normalised
from gankit_sketch_retrieval.pages.files import Page
from gankit_sketch_retrieval.pages.ink import RIM, PageInk, cut, read_ink
from gankit_sketch_retrieval.pages.proposals import propose

MARKS, PAGES, AUTO = "marks", "pages", "auto"
SMALL = 400  # pixels of the longer side of what is a mark, however many strokes it has
FEW, LARGE = 12, 0.3  # strokes apart, and the largest one's share of a side, of what is a mark, however large it is
LIMIT = 4000  # proposals of a page

Cut = Callable[[Page], tuple[np.ndarray, np.ndarray]]
"""Page -> boxes `[n, 4]` int32 and marks `[n, 64, 64]` uint8."""


def cutter(kind: str, stretch: float, limit: int = LIMIT) -> Cut:
    """How pictures become marks.

    Args:
        kind: `MARKS` takes every picture as one mark, `PAGES` as a page, `AUTO` as `page_ink` says.
        stretch: Of the normalisation.
        limit: Proposals of a page.
    """

    def cut_out(page: Page) -> tuple[np.ndarray, np.ndarray]:
        seen = page_ink(page.pixels, kind)
        if seen is not None:
            boxes = propose(seen, limit=limit)
            marks = marks_in(seen, boxes, stretch)
            inked = marks.any((1, 2))
            return boxes[inked].astype(np.int32), marks[inked]
        strokes = ink(page.pixels)
        if (box := ink_box(strokes)) is None:
            return np.zeros((0, 4), np.int32), np.zeros((0, SIDE, SIDE), np.uint8)
        return np.array([box], np.int32), normalised(strokes, stretch)[None]

    return cut_out


def page_ink(pixels: np.ndarray, kind: str) -> PageInk | None:
    """The ink of a page; None if the picture is one mark: it is small, or has little more than one large drawing on it.

    Args:
        pixels: `[h, w]` uint8, grey.
        kind: As of `cutter`.
    """
    if kind == MARKS or (kind == AUTO and max(pixels.shape) <= SMALL):
        return None
    seen = read_ink(pixels)
    if kind == PAGES or not 0 < len(seen.boxes) < FEW:
        return seen
    largest = (seen.boxes[:, 2:] - seen.boxes[:, :2]).max()
    return None if largest >= LARGE * max(pixels.shape) else seen


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
