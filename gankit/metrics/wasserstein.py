"""Sliced Wasserstein distance of feature vectors.

The 1-Wasserstein distance of two samples on a line is the area between their quantile functions, so sorting gives it
exactly. In more dimensions the mean over random directions takes its place (Rabin et al., "Wasserstein barycenter and
its application to texture mixing", 2011). Like FID, it is above 0 for two samples of one distribution, and falls with
their number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gankit.metrics.samples import checked_pair, pieces
from gankit.metrics.score import Score

_VALUES = 2**23  # projected values of either set at a time


def sliced_wasserstein(
    real: Any,
    fake: Any,
    *,
    features: str | Mapping[str, Any],
    directions: int = 512,
    seed: int = 0,
) -> Score:
    """Mean 1-Wasserstein distance of two sets of vectors along random directions.

    Args:
        real: `[n, width]`, any real dtype.
        fake: `[m, width]`; `n` and `m` may differ.
        features: What the features are: the network, the hash of its weights, how images were resized.
        directions: Number of directions, evenly spread over the sphere.
        seed: Of the directions.

    Returns:
        `sliced_wasserstein`, at least 0, in units of the features, lower is better. The error is the standard error
        for the choice of directions alone, not for that of samples.

    Raises:
        DataError: No samples, different widths, or values that are not finite.
        ValueError: No directions.

    Examples:
        >>> x = np.random.default_rng(0).normal(size=(50, 2))
        >>> sliced_wasserstein(x, x, features="the numbers themselves").value
        0.0
    """
    real, fake = checked_pair(real, fake)
    distances = along_directions(real, fake, directions, seed)
    protocol = {"features": features, "width": real.shape[1], "real": len(real), "fake": len(fake)}
    return mean_score("sliced_wasserstein", distances, protocol, seed)


def wasserstein_columns(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """1-Wasserstein distance of each column's two samples, exactly.

    Args:
        a: `[n, columns]` float.
        b: `[m, columns]`.

    Returns:
        `[columns]` float64.
    """
    n, m = len(a), len(b)
    a, b = np.sort(a, axis=0), np.sort(b, axis=0)
    if n == m:
        return np.abs(a - b).mean(axis=0)
    # Both quantile functions are steps, at i / n and j / m. Counted in units of 1 / (n m) no two are confused.
    steps = np.union1d(np.arange(1, n + 1, dtype=np.int64) * m, np.arange(1, m + 1, dtype=np.int64) * n)
    length = np.diff(steps, prepend=0) / (n * m)
    return length @ np.abs(a[(steps - 1) // m] - b[(steps - 1) // n])


def along_directions(real: np.ndarray, fake: np.ndarray, directions: int, seed: int) -> np.ndarray:
    """`[directions]` float64, some directions at a time."""
    if directions < 1:
        raise ValueError(f"at least one direction is needed, not {directions}")
    unit = np.random.default_rng(seed).normal(size=(directions, real.shape[1]))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    step = max(1, _VALUES // (len(real) + len(fake)))
    parts = [unit[start : start + step].T for start in range(0, directions, step)]
    return np.concatenate([wasserstein_columns(_project(real, part), _project(fake, part)) for part in parts])


def _project(x: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """`[n, width]` and `[width, directions]` -> `[n, directions]` float64."""
    return np.concatenate([x[rows].astype(np.float64) @ unit for rows in pieces(*x.shape)])


def mean_score(metric: str, distances: np.ndarray, protocol: dict[str, Any], seed: int) -> Score:
    """The mean over directions, and its standard error."""
    count = len(distances)
    error = None if count < 2 else float(distances.std(ddof=1) / math.sqrt(count))
    protocol |= {"p": 1, "directions": count, "seed": seed, "error": "standard error over directions"}
    return Score(metric, float(distances.mean()), error, protocol, "lower")
