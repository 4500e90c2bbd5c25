"""How well features find the other marks of a query's class: mAP, P@1 and P@10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FIRST = 10  # of P@10
CHUNK = 256  # queries at a time


@dataclass(frozen=True)
class Scores:
    """What retrieval reached.

    Attributes:
        figures: Name -> mean over the queries that have something to find, in [0, 1]. `map`: mean average precision.
            `p1`: share of queries whose first hit is relevant. `p10`: share of relevant marks among the first ten hits.
            It always divides by ten, so that a query with r < 10 relevant marks reaches r / 10 at most: compare it only
            within one data set. On pages `recall` in its place: share of all known boxes that some proposal covers with
            an IoU of at least 0.5.
        queries: How many queries counted.
        left_out: How many did not, for nothing in their gallery is relevant.
        average_precision: Of each query, `[n]` float64; NaN for those left out.
    """

    figures: dict[str, float]
    queries: int
    left_out: int
    average_precision: np.ndarray

    @property
    def map(self) -> float:
        """Mean average precision."""
        return self.figures["map"]

    @property
    def p1(self) -> float:
        """Share of queries whose first hit is relevant."""
        return self.figures["p1"]


def scores(
    queries: np.ndarray,
    gallery: np.ndarray,
    query_labels: Any,
    gallery_labels: Any,
    *,
    same: bool,
    itself: Any = None,
    groups: Any = None,
    gallery_groups: Any = None,
) -> Scores:
    """Ranks the gallery by dot product for each query, and compares with the labels.

    Average precision is the mean, over the relevant marks, of the precision at the rank of each; nothing is
    interpolated. Of equal scores the one that comes first in the gallery ranks first.

    Args:
        queries: Unit vectors, `[n, d]`, or `[n, r, d]` if each query has r views (rotations, say): its score for a mark
            is then the largest of the r.
        gallery: Unit vectors, `[m, d]`.
        query_labels: `[n]`.
        gallery_labels: `[m]`, of the same kind.
        same: Query i is gallery mark i, perhaps transformed: it never finds itself (leave-one-out).
        itself: `[n]`: which gallery mark each query is, if they are not all of them in order; it never finds that one.
        groups: `[n]`: a query does not see gallery marks of its own group, such as glyphs of the same font.
        gallery_groups: `[m]`; with `same`, `groups` by default.

    Raises:
        ValueError: Lengths differ, a feature is not finite, or no query has anything to find.
    """
    queries, gallery = np.asarray(queries, np.float32), np.asarray(gallery, np.float32)
    views = queries[:, None] if queries.ndim == 2 else queries
    classes, members = _numbered(query_labels, gallery_labels)
    own, theirs = _numbered(groups, groups if same and gallery_groups is None else gallery_groups)
    for what, found, wanted in (
        ("query labels", classes, views),
        ("gallery labels", members, gallery),
        ("query groups", own, views if groups is not None else own),
        ("gallery groups", theirs, gallery if groups is not None else theirs),
        ("gallery marks", gallery, views if same else gallery),
    ):
        if len(found) != len(wanted):
            raise ValueError(f"{len(found)} {what} for {len(wanted)}")
    if not (np.isfinite(views).all() and np.isfinite(gallery).all()):
        raise ValueError("a feature is not finite")
    found = [np.zeros((0, 3))]
    for start in range(0, len(views), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(views)))
        scored = likeness(views[rows], gallery)
        hidden = own[rows, None] == theirs if groups is not None else np.zeros(scored.shape, bool)
        if itself is not None:
            hidden[np.arange(len(rows)), np.asarray(itself)[rows]] = True
        elif same:
            hidden[np.arange(len(rows)), rows] = True
        found.append(_measured(scored, classes[rows, None] == members, hidden))
    table = np.concatenate(found)
    counted = ~np.isnan(table[:, 0])
    if not counted.any():
        raise ValueError("no query has another mark of its class to find")
    mean = table[counted].mean(0)
    figures = dict(zip(("map", "p1", "p10"), mean.tolist(), strict=True))
    return Scores(figures, int(counted.sum()), int((~counted).sum()), table[:, 0])


def _numbered(first: Any, second: Any) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays of labels as integers, equal where the labels are."""
    if first is None or second is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    first, second = np.asarray(first), np.asarray(second)
    numbers = np.unique(np.concatenate([first, second]), return_inverse=True)[1]
    return numbers[: len(first)], numbers[len(first) :]


def likeness(views: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """The best dot product over a query's views: `[n, r, d]` and `[m, d]` -> `[n, m]`."""
    best = views[:, 0] @ gallery.T
    for view in range(1, views.shape[1]):
        np.maximum(best, views[:, view] @ gallery.T, out=best)
    return best


def _measured(scored: np.ndarray, relevant: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Average precision, P@1 and P@10 of each row, `[n, 3]`; NaN where nothing is relevant."""
    relevant = relevant & ~hidden
    order = np.argsort(np.where(hidden, np.inf, -scored), axis=1, kind="stable")
    hits = np.take_along_axis(relevant, order, 1)
    total = hits.sum(1)
    precision = np.cumsum(hits, 1) / np.arange(1, hits.shape[1] + 1)
    with np.errstate(invalid="ignore"):
        average = (precision * hits).sum(1) / total
    rows = np.stack([average, hits[:, 0], hits[:, :FIRST].sum(1) / FIRST], 1)
    rows[total == 0] = np.nan
    return rows
