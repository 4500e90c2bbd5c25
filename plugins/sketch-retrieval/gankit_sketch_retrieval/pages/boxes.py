"""Boxes on a page, `[n, 4]`, x0, y0, x1, y1 with exclusive ends: how far they overlap, the best of those that do."""

from __future__ import annotations

import numpy as np

DISTINCT = 0.3  # IoU above which two hits are one

CHUNK = 64  # boxes compared at once


def area(boxes: np.ndarray) -> np.ndarray:
    """Pixels in each box, `[n]` float64; 0 for an empty one."""
    sides = np.maximum(np.asarray(boxes, np.float64)[:, 2:] - np.asarray(boxes, np.float64)[:, :2], 0)
    return sides[:, 0] * sides[:, 1]


def shared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pixels that lie in both boxes of each pair, `[n, m]` float64."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    wide = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    high = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    return np.maximum(wide, 0) * np.maximum(high, 0)


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of each pair, `[n, m]` float64 in [0, 1]; 0 for two empty boxes.

    Examples:
        >>> iou(np.array([[0, 0, 4, 4]]), np.array([[0, 0, 4, 2], [4, 0, 8, 4]])).tolist()
        [[0.5, 0.0]]
    """
    both = shared(a, b)
    return both / np.maximum(area(a)[:, None] + area(b)[None] - both, 1e-9)


def neighbours(boxes: np.ndarray, threshold: float) -> list[np.ndarray]:
    """For each box the rows of those whose intersection over union exceeds a threshold, itself among them."""
    boxes = np.asarray(boxes)
    found: list[np.ndarray] = [np.zeros(0, np.int64)] * len(boxes)
    order = np.argsort(boxes[:, 1], kind="stable")
    for rows in np.split(order, range(CHUNK, len(order), CHUNK)):
        # Sorted by their upper edges, a chunk's boxes can only meet those of its own band of the page.
        band = np.flatnonzero(
            (boxes[:, 1] < boxes[rows, 3].max(initial=0)) & (boxes[:, 3] > boxes[rows, 1].min(initial=0))
        )
        near = iou(boxes[rows], boxes[band]) > threshold
        for row, hits in zip(rows.tolist(), near, strict=True):
            found[row] = np.union1d(band[hits], row)
    return found


def best_first(near: list[np.ndarray], order: np.ndarray) -> np.ndarray:
    """Greedy choice: each row in turn, unless a row chosen before is its neighbour.

    Args:
        near: Of all rows, as `neighbours` gives them.
        order: Rows, best first; those left out are never chosen.

    Returns:
        The rows chosen, best first, int64.
    """
    alive = np.ones(len(near), bool)
    kept = []
    for row in np.asarray(order).tolist():
        if alive[row]:
            kept.append(row)
            alive[near[row]] = False
    return np.array(kept, np.int64)
