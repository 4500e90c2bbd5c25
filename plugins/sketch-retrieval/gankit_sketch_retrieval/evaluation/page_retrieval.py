"""How well marks are found on unsegmented pages: every known mark is a query in turn.

Its own box leaves the truth, and hits on it are ignored. The others are ranked, those that overlap a better one are
dropped, and a hit is right if its IoU with a box of the query's class, not matched by a better hit, is at least 0.5.
Average precision is the sum of the precision at each right hit over the number of boxes to find: one that is never
hit counts as 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gankit_sketch_retrieval.evaluation.retrieval import Scores, likeness
from gankit_sketch_retrieval.pages.boxes import DISTINCT, best_first, iou, neighbours

OVERLAP = 0.5  # of a right hit
CHUNK = 64  # queries whose scores are held at once

Score = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Places:
    """Boxes on several pages.

    Attributes:
        pages: `[n]`: of each box, numbers or names.
        boxes: `[n, 4]`, `x0, y0, x1, y1` in pixels.
    """

    pages: np.ndarray
    boxes: np.ndarray


def by_dot(queries: np.ndarray, gallery: np.ndarray) -> Score:
    """Scores by the dot product of queries, `[n, d]`, or `[n, r, d]` with r views of each, and of proposals, `[m, d]`.

    The largest over a query's views counts. Of rows of queries `[k]` there come `[k, m]` float32.
    """
    gallery, views = np.asarray(gallery, np.float32), np.asarray(queries, np.float32)
    views = views[:, None] if views.ndim == 2 else views
    return lambda rows: likeness(views[rows], gallery)


def proposal_recall(truth: Places, proposals: Places, overlap: float = OVERLAP) -> float:
    """Share of known boxes that some proposal on their page covers with an IoU of at least `overlap`; 0 without any."""
    covered = {row for row, _, _ in _matches(truth, proposals, overlap)}
    return len(covered) / max(len(truth.boxes), 1)


def spotting(
    score: Score, truth: Places, labels: Any, proposals: Places, *, distinct: float = DISTINCT, depth: int = 0
) -> Scores:
    """Every known mark is searched for on all pages.

    Args:
        score: Rows of `truth`, `[k]` -> scores of all proposals, `[k, m]`; higher is better.
        truth: Known boxes, each a query.
        labels: `[n]`; "" for boxes of which nothing is known: they count in the recall alone.
        proposals: Boxes proposed, in the order of the scores' columns.
        distinct: IoU above which of two hits only the better one counts, and above which a hit is on the query itself.
        depth: Only the best so many proposals of each query are ranked, before overlapping ones are dropped; 0 for all.
            With some thousand pages' figures hardly change, and are never too high.

    Raises:
        ValueError: Lengths differ, or no label occurs twice.
    """
    if not len(truth.boxes) == len(truth.pages) == len(labels):
        raise ValueError(f"{len(labels)} labels for {len(truth.boxes)} boxes")
    classes, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)[1:]
    wanted = np.where(np.asarray(labels) == "", 0, counts[classes] - 1)
    if not (wanted > 0).any():
        raise ValueError("no label occurs twice")
    near = _near(proposals, distinct)
    itself: dict[int, list[int]] = {}
    for row, column, _ in _matches(truth, proposals, distinct):
        itself.setdefault(row, []).append(column)
    covers: dict[int, list[int]] = {}
    for row, column, _ in sorted(_matches(truth, proposals, OVERLAP), key=lambda match: -match[2]):
        covers.setdefault(column, []).append(row)
    precision, first = np.full(len(labels), np.nan), np.zeros(len(labels))
    rows = np.flatnonzero(wanted > 0)
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        for query, scores in zip(some.tolist(), score(some), strict=True):
            scores = scores.astype(np.float32)
            scores[itself.get(query, [])] = -np.inf
            order = _ranked(scores, depth)
            right = _right(best_first(near, order), covers, classes, query)
            ranks = np.flatnonzero(right) + 1
            precision[query] = (np.arange(1, len(ranks) + 1) / ranks).sum() / wanted[query]
            first[query] = bool(len(right) and right[0])
    figures = {"map": float(precision[rows].mean()), "p1": float(first[rows].mean())}
    figures["recall"] = proposal_recall(truth, proposals)
    return Scores(figures, len(rows), len(labels) - len(rows), precision)


def _ranked(scores: np.ndarray, depth: int) -> np.ndarray:
    """Rows by descending score, without those of minus infinity."""
    rows = np.flatnonzero(np.isfinite(scores))
    if 0 < depth < len(rows):
        rows = rows[np.argpartition(-scores[rows], depth - 1)[:depth]]
        rows.sort()
    return rows[np.argsort(-scores[rows], kind="stable")]


def _right(hits: np.ndarray, covers: dict[int, list[int]], classes: np.ndarray, query: int) -> np.ndarray:
    """Which hits are right, `[hits]` bool."""
    right = np.zeros(len(hits), bool)
    matched = {query}
    for rank, hit in enumerate(hits.tolist()):
        for row in covers.get(hit, ()):
            if classes[row] == classes[query] and row not in matched:
                matched.add(row)
                right[rank] = True
                break
    return right


def _matches(truth: Places, proposals: Places, overlap: float) -> list[tuple[int, int, float]]:
    """Known box, proposal, IoU: of all pairs on the same page that overlap enough."""
    found = []
    for page in np.unique(truth.pages):
        rows, columns = np.flatnonzero(truth.pages == page), np.flatnonzero(proposals.pages == page)
        overlaps = iou(truth.boxes[rows], proposals.boxes[columns])
        for i, j in zip(*np.nonzero(overlaps >= overlap), strict=True):
            found.append((int(rows[i]), int(columns[j]), float(overlaps[i, j])))
    return found


def _near(places: Places, threshold: float) -> list[np.ndarray]:
    """Of each box the rows of those on the same page that overlap it by more than a threshold."""
    found: list[np.ndarray] = [np.zeros(0, np.int64)] * len(places.boxes)
    for page in np.unique(places.pages):
        rows = np.flatnonzero(places.pages == page)
        for row, near in zip(rows.tolist(), neighbours(places.boxes[rows], threshold), strict=True):
            found[row] = rows[near]
    return found
