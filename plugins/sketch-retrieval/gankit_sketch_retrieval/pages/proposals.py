"""Boxes on an unsegmented page that may hold a mark: a letter, a word, a drawing of several strokes.

Four families, each from what the page itself shows. Components; their clusters at all distances (single linkage:
dots join their letters, strokes their drawing); runs of neighbours along a line of writing whose inner gaps are not
wider than those around them (words); parts of components, cut where few strokes cross (letters that touch, words
that lines above tie together). All sizes are relative to the height of the page's writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gankit_sketch_retrieval.pages.boxes import best_first, neighbours
from gankit_sketch_retrieval.pages.ink import PageInk

SAME = 0.85  # overlap above which two proposals are one
MARGIN = 0.2  # around words of connected letters, in heights of the writing
CONNECTED = 1.25  # usual width over height: 0.6 to 0.9 in print, 1.6 to 1.9 in a clerk's hand
# What is too small or too large, in heights of the writing.
SPECK = 0.15  # side of the square whose area the smallest component must have
LEAST = 0.2  # longer side of the smallest proposal
HIGH, WIDE = 5.0, 14.0  # of the highest and of the widest proposal
APART = 1.6  # the widest gap within a proposal


@dataclass(frozen=True)
class Pieces:
    """Components, those that reach over several lines of writing cut between them.

    Attributes:
        boxes: `[n, 4]`.
        zones: `[n]`: the line that each lies on; 0 for none.
        owners: `[n]`: the component's label.
    """

    boxes: np.ndarray
    zones: np.ndarray
    owners: np.ndarray


def propose(
    page: PageInk,
    *,
    clusters: bool = True,
    runs: bool = True,
    parts: bool = True,
    limit: int = 4000,
    margin: float | None = None,
) -> np.ndarray:
    """Boxes that may hold a mark.

    Args:
        page: As of `read_ink`.
        clusters: Groups of components at all distances.
        runs: Neighbours on a line of writing.
        parts: Parts of components, cut where few strokes cross.
        limit: How many at most; components come first, then clusters, parts, and runs, the clearest ones first.
        margin: Room around the ink, in heights of the page's writing; None for 0.2 where letters are mostly connected,
            as people draw words' boxes with room, and 0 otherwise.

    Returns:
        `[n, 4]` int32, `x0, y0, x1, y1` in pixels of the scan, ends exclusive; no two overlap by more than 0.85.
    """
    usable = _usable(page, limit)
    if not usable.any():
        return np.zeros((0, 4), np.int32)
    boxes = page.boxes[usable]
    pieces = _pieces(page, usable)
    families = [boxes, pieces.boxes]
    if clusters:
        families.append(_clusters(boxes, page.height * APART))
    if parts:
        families.append(_parts(page, pieces))
    if runs:
        families.append(_runs(pieces, page.height))
    found = np.concatenate(families)
    found = found[np.sort(np.unique(found, axis=0, return_index=True)[1])]
    high, wide = found[:, 3] - found[:, 1], found[:, 2] - found[:, 0]
    fits = (high <= HIGH * page.height) & (wide <= WIDE * page.height)
    found = found[fits & (np.maximum(high, wide) >= LEAST * page.height)]
    found = found[best_first(neighbours(found, SAME), np.arange(len(found)))[:limit]]
    if margin is None:
        margin = MARGIN if connected(page, usable) else 0.0
    room = round(margin * page.height)
    bottom, right = page.labels.shape
    return np.clip(found + np.array([-room, -room, room, room]), 0, [right, bottom, right, bottom]).astype(np.int32)


def connected(page: PageInk, usable: np.ndarray) -> bool:
    """Whether letters are mostly connected: half of the ink lies in components clearly wider than writing is high.

    Args:
        page: As of `read_ink`.
        usable: `[n]` bool: which components count, at least one.
    """
    wide, areas = page.boxes[usable, 2] - page.boxes[usable, 0], page.areas[usable]
    order = np.argsort(wide, kind="stable")
    total = np.cumsum(areas[order])
    return bool(wide[order][np.searchsorted(total, total[-1] / 2)] > CONNECTED * page.height)


def lines(page: PageInk, usable: np.ndarray) -> np.ndarray:
    """Which line of writing each pixel is nearest to, `[h, w]` int32 from 1; 0 far away from all.

    Ridges of the ink smeared along the writing (Manmatha, Rothfeder: A scale space approach for automatically
    segmenting words from historical handwritten documents, PAMI 27, 2005, section 4), so that columns, curved lines
    and pages askew need no further care.

    Args:
        page: As of `read_ink`.
        usable: `[n]` bool: which components count.
    """
    from scipy import ndimage

    step = max(1, int(page.height / 8))
    mask = np.concatenate([[False], usable])[page.labels].astype(np.float32)
    small = ndimage.uniform_filter(mask, step)[step // 2 :: step, step // 2 :: step]
    height = page.height / step
    along, across = 2.0 * height, 0.35 * height
    curve = ndimage.gaussian_filter(small, (across, along), order=(2, 0))
    level = ndimage.gaussian_filter(small, (across, along))
    ridges, _ = ndimage.label((curve < 0) & (level > 0.15 * np.percentile(level, 95)))
    nearest = ndimage.distance_transform_edt(ridges == 0, return_indices=True)
    far = nearest[0] > 2 * height
    zones = np.where(far, 0, ridges[tuple(nearest[1])]).astype(np.int32)
    rows = np.minimum(np.arange(page.labels.shape[0]) // step, zones.shape[0] - 1)
    columns = np.minimum(np.arange(page.labels.shape[1]) // step, zones.shape[1] - 1)
    return zones[rows][:, columns]


def _usable(page: PageInk, limit: int) -> np.ndarray:
    """Components that are neither specks nor frames, rules and the scanner's lid; the largest ones, if too many."""
    high, wide = page.boxes[:, 3] - page.boxes[:, 1], page.boxes[:, 2] - page.boxes[:, 0]
    rule = (np.maximum(high, wide) > 6 * page.height) & (np.minimum(high, wide) < 0.5 * page.height)
    fits = (high <= 2 * HIGH * page.height) & (wide <= 2 * WIDE * page.height) & ~rule
    fits &= page.areas >= (SPECK * page.height) ** 2
    if fits.sum() > limit:
        rows = np.flatnonzero(fits)
        fits[rows[np.argsort(-page.areas[rows], kind="stable")[limit:]]] = False
    return fits


def _pieces(page: PageInk, usable: np.ndarray) -> Pieces:
    """Components assigned to lines; high ones fall apart into their pieces on each."""
    zones = lines(page, usable)
    y, x = np.nonzero(np.concatenate([[False], usable])[page.labels])
    owners, zones = page.labels[y, x].astype(np.int64), zones[y, x].astype(np.int64)
    names, index, counts = np.unique(owners * 65536 + zones, return_inverse=True, return_counts=True)
    boxes = _around(index, len(names), x, y)
    owner, zone = names // 65536, names % 65536
    # Each component's largest share takes those too low to be writing of their own; low components stay whole.
    order = np.lexsort([counts, owner])
    last = np.append(owner[order][1:] != owner[order][:-1], True)
    major = dict(zip(owner[order][last].tolist(), order[last].tolist(), strict=True))
    whole = page.boxes[owner - 1]
    low = (boxes[:, 3] - boxes[:, 1] < 0.4 * page.height) | (whole[:, 3] - whole[:, 1] < 1.6 * page.height)
    target = np.array(
        [major[name] if slight else row for row, (name, slight) in enumerate(zip(owner, low, strict=True))]
    )
    kept, merged = np.unique(target[index], return_inverse=True)
    return Pieces(_around(merged, len(kept), x, y), zone[kept], owner[kept])


def _around(index: np.ndarray, n: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The box of each group of pixels, `[n, 4]`."""
    out = np.empty((n, 4), np.int64)
    out[:, :2], out[:, 2:] = np.iinfo(np.int64).max, 0
    np.minimum.at(out[:, 0], index, x)
    np.minimum.at(out[:, 1], index, y)
    np.maximum.at(out[:, 2], index, x + 1)
    np.maximum.at(out[:, 3], index, y + 1)
    return out


def _hull(boxes: np.ndarray) -> list[int]:
    return [*boxes[:, :2].min(0).tolist(), *boxes[:, 2:].max(0).tolist()]


def _clusters(boxes: np.ndarray, apart: float) -> np.ndarray:
    """The box of every node of the single-linkage tree over gaps between boxes, up to the widest gap."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    rows, columns, gaps = (np.concatenate(part) for part in zip(*_gaps(boxes, apart), strict=True))
    # 0 would mean no edge.
    tree = minimum_spanning_tree(coo_array((gaps + 1e-3, (rows, columns)), shape=(len(boxes), len(boxes)))).tocoo()
    parent = np.arange(len(boxes))
    hulls = boxes.astype(np.int64).copy()
    found = []

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    order = np.argsort(tree.data, kind="stable")
    for a, b in zip(tree.row[order].tolist(), tree.col[order].tolist(), strict=True):
        a, b = root(a), root(b)
        parent[b] = a
        hulls[a] = _hull(hulls[[a, b]])
        found.append(hulls[a].copy())
    return np.array(found, np.int64).reshape(-1, 4)


def _gaps(boxes: np.ndarray, apart: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pairs of boxes not farther apart, and how far they are."""
    boxes = boxes.astype(np.float32)
    for start in range(0, len(boxes), 256):
        some = boxes[start : start + 256]
        aside = np.maximum(some[:, None, :2] - boxes[None, :, 2:], boxes[None, :, :2] - some[:, None, 2:])
        gap = np.hypot(*np.moveaxis(np.maximum(aside, 0), -1, 0))
        rows, columns = np.nonzero(gap <= apart)
        keep = rows + start < columns
        yield rows[keep] + start, columns[keep], gap[rows[keep], columns[keep]]


def _runs(pieces: Pieces, height: float) -> np.ndarray:
    """Neighbours on a line whose inner gaps are not clearly wider than the gaps beside them, the clearest first."""
    found, unclear = [], []
    for zone in np.unique(pieces.zones[pieces.zones > 0]):
        atoms = _stacked(pieces.boxes[pieces.zones == zone])
        gaps = np.concatenate([[np.inf], np.maximum(atoms[1:, 0] - atoms[:-1, 2], 0), [np.inf]])
        for first in range(len(atoms)):
            inner = 0.0
            for last in range(first, len(atoms)):
                inner = max(inner, gaps[last] if last > first else 0)
                if inner > APART * height or atoms[last, 2] - atoms[first, 0] > WIDE * height:
                    break
                outer = min(gaps[first], gaps[last + 1])
                if inner <= 1.2 * outer + 0.1 * height:
                    found.append(_hull(atoms[first : last + 1]))
                    unclear.append((inner + 0.1 * height) / (outer + 0.1 * height))
    return np.array(found, np.int64).reshape(-1, 4)[np.argsort(unclear, kind="stable")]


def _stacked(boxes: np.ndarray) -> np.ndarray:
    """Boxes from left to right, those one above another (by half of the narrower one) joined."""
    joined: list[list[int]] = []
    for box in boxes[np.argsort(boxes[:, 0], kind="stable")].tolist():
        if joined:
            before = joined[-1]
            narrower = min(box[2] - box[0], before[2] - before[0])
            if before[2] - box[0] > 0.5 * narrower:
                joined[-1] = _hull(np.array([before, box]))
                continue
        joined.append(box)
    return np.array(joined)


def _parts(page: PageInk, pieces: Pieces) -> np.ndarray:
    """Up to three neighbouring parts of each wide piece between columns that few strokes cross."""
    from scipy.ndimage import gaussian_filter1d

    found = []
    wide = pieces.boxes[:, 2] - pieces.boxes[:, 0]
    for row in np.flatnonzero(wide > 0.8 * page.height):
        x0, y0, x1, y1 = pieces.boxes[row].tolist()
        inked = page.labels[y0:y1, x0:x1] == pieces.owners[row]
        profile = gaussian_filter1d(inked.sum(0).astype(float), 0.06 * page.height)
        low = (profile[1:-1] < profile[:-2]) & (profile[1:-1] <= profile[2:]) & (profile[1:-1] < 0.7 * profile.mean())
        ends = [0, *(np.flatnonzero(low) + 1).tolist(), x1 - x0]
        for first in range(len(ends) - 1):
            for last in range(first + 1, min(first + 4, len(ends))):
                a, b = ends[first], ends[last]
                if b - a < x1 - x0 and 0.2 * page.height <= b - a <= 2.5 * page.height:
                    rows = np.flatnonzero(inked[:, a:b].any(1))
                    found.append([x0 + a, y0 + rows[0], x0 + b, y0 + rows[-1] + 1])
    return np.array(found, np.int64).reshape(-1, 4)
