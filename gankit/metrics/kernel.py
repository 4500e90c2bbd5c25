"""Kernel inception distance: the squared maximum mean discrepancy of two sets of features, without bias.

Bińkowski et al., "Demystifying MMD GANs" (2018), section 4: the kernel is (x.y / width + 1)^3 and the estimate has no
bias, so that it is 0 on average for equal distributions, whatever the counts, and often negative. The figure is the
mean over random subsets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gankit.errors import DataError
from gankit.metrics.samples import checked_pair, draw_subsets, pieces, standard_error
from gankit.metrics.score import Score


def kid(
    real: Any,
    fake: Any,
    *,
    features: str | Mapping[str, Any],
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> Score:
    """Kernel inception distance; see the module's docstring.

    For streams, keep a part of each with `gankit.metrics.samples.Reservoir`.

    Args:
        real: `[n, width]`, any real dtype.
        fake: `[m, width]`.
        features: What the features are: the network, the hash of its weights, how images were resized.
        subsets: Their number. 100 of 1,000 samples are usual.
        subset_size: Samples of either set in a subset, at least 2.
        seed: Of the subsets. They are disjoint as long as the samples last.

    Returns:
        `kid`, lower is better; not multiplied by 1,000, as some tables are. The error is a standard error: the
        deviation of the subsets over the root of their number, or of the number of disjoint ones if that is less
        (torch-fidelity prints the deviation itself). None where no two are disjoint.

    Raises:
        DataError: Fewer than `subset_size` samples, different widths, or values that are not finite.
        ValueError: `subsets` or `subset_size` is too small.

    Examples:
        >>> x = np.random.default_rng(0).normal(size=(50, 2))
        >>> kid(x, x, features="the numbers themselves", subset_size=20).better
        'lower'
    """
    if subsets < 1 or subset_size < 2:
        raise ValueError(f"KID needs a subset and two samples in it, not {subsets} of {subset_size}")
    real, fake = checked_pair(real, fake, least=2)
    fewest = min(len(real), len(fake))
    if fewest < subset_size:
        raise DataError(
            f"KID in subsets of {subset_size} needs as many samples, and there are {fewest}",
            f"give more samples, or subset_size={fewest}, which is another protocol",
        )
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2)]
    draws = [draw_subsets(len(x), subset_size, subsets, rng) for x, rng in zip((real, fake), streams, strict=True)]
    values = np.array([polynomial_mmd2(real[a], fake[b]) for a, b in zip(*draws, strict=True)])
    protocol = {
        "features": features,
        "width": real.shape[1],
        "real": len(real),
        "fake": len(fake),
        "kernel": "(x.y / width + 1)^3",
        "subsets": subsets,
        "subset_size": subset_size,
        "seed": seed,
        "error": "standard error over subsets",
    }
    return Score("kid", float(values.mean()), standard_error(values, fewest // subset_size), protocol, "lower")


def polynomial_mmd2(x: Any, y: Any) -> float:
    """Unbiased estimate of the squared MMD with the kernel (x.y / width + 1)^3.

    Args:
        x: `[n, width]`, at least two samples.
        y: `[m, width]`, at least two.

    Returns:
        Negative values are possible.

    Raises:
        DataError: Too few samples, different widths, or values that are not finite.

    Examples:
        >>> round(polynomial_mmd2([[0.0], [0.0]], [[1.0], [1.0]]), 3)
        7.0
    """
    x, y = checked_pair(x, y, least=2)
    n, m = len(x), len(y)
    same = (_kernel_sum(x, x) - _own(x)) / (n * (n - 1)) + (_kernel_sum(y, y) - _own(y)) / (m * (m - 1))
    return float(same - 2 * _kernel_sum(x, y) / (n * m))


def _kernel_sum(x: np.ndarray, y: np.ndarray) -> float:
    """Sum of the kernel over all pairs, block by block."""
    width = x.shape[1]
    total = 0.0
    for rows in pieces(len(x), width):
        part = x[rows].astype(np.float64)
        for columns in pieces(len(y), width):
            base = part @ y[columns].astype(np.float64).T
            base /= width
            base += 1
            total += float((base * base * base).sum())
    return total


def _own(x: np.ndarray) -> float:
    """Sum of the kernel of each sample with itself."""
    width = x.shape[1]
    squares = (np.square(x[rows].astype(np.float64)).sum(axis=1) for rows in pieces(len(x), width))
    return float(sum(((square / width + 1) ** 3).sum() for square in squares))
