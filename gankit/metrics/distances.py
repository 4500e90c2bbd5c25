"""Euclidean distances between two sets of vectors, block by block: 50,000 x 50,000 of them would take 20 GB."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gankit.metrics.samples import pieces

# |x|^2 + |y|^2 - 2 x.y keeps no digit of a square below this share of |x|^2 + |y|^2, in float64 and for widths up to
# some 10^5. Such vectors agree to 3e-7 of their length, about as near as float32 tells two apart: they count as equal.
_ROUNDING = 1e-13
# Distances that agree to this share tie: equal ones, rounded in two blocks, differ by less. Discrete data have many.
TIE = 1e-9


def distance_blocks(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Squared distances.

    Args:
        a: `[n, width]`, any real dtype.
        b: `[m, width]`.

    Yields:
        Rows of `a`, rows of `b`, and their squared distances, `[rows, columns]` float64. Vectors that are equal but
        for rounding are at exactly 0. Where `a` and `b` have the same length, both are cut alike.
    """
    width = b.shape[1]
    # A common offset, large against the distances, would cost their digits.
    centre = sum(b[part].sum(axis=0, dtype=np.float64) for part in pieces(len(b), width)) / len(b)
    for rows in pieces(len(a), width):
        x = a[rows] - centre
        x_length = np.einsum("ij,ij->i", x, x)[:, None]
        for columns in pieces(len(b), width):
            y = b[columns] - centre
            lengths = x_length + np.einsum("ij,ij->i", y, y)
            squares = x @ y.T
            squares *= -2
            squares += lengths
            lengths *= _ROUNDING
            squares[squares <= lengths] = 0
            yield rows, columns, squares


def nearest(a: np.ndarray, b: np.ndarray, k: int = 1, *, same: bool = False) -> np.ndarray:
    """Distances to the `k` nearest neighbours.

    Args:
        a: `[n, width]`.
        b: `[m, width]`, where the neighbours are sought; more than `k` of them.
        k: Neighbours.
        same: `a` and `b` are the same set, in which no vector is its own neighbour (but an equal one is).

    Returns:
        `[n, k]` float64, ascending.
    """
    best = np.full((len(a), k), np.inf)
    for rows, columns, squares in distance_blocks(a, b):
        if same and rows == columns:
            np.fill_diagonal(squares, np.inf)
        if k == 1:  # by far the most frequent, and much cheaper
            best[rows] = np.minimum(best[rows], squares.min(axis=1, keepdims=True))
        else:
            candidates = np.concatenate([best[rows], squares], axis=1)
            best[rows] = np.partition(candidates, k - 1, axis=1)[:, :k]
    best.sort(axis=1)
    return np.sqrt(best)
