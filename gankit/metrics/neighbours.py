"""Precision and recall, density and coverage: fidelity and variety apart, by balls around the samples.

Every sample is the centre of a ball that reaches to its k-th nearest neighbour in its own set.

- Precision is the share of generated samples inside the balls of real ones, recall the share of real samples inside the
  balls of generated ones (Kynkäänniemi et al., "Improved precision and recall metric", 2019, eqs. 1 and 2; k = 3).
- Density counts the real balls around each generated sample, over k; it may exceed 1. Coverage is the share of real
  balls with a generated sample in them (Naeem et al., "Reliable fidelity and diversity metrics", 2020; k = 5). An
  outlier among the real samples has a large ball, which lifts precision, but these two less.

Balls are closed here, as in the first paper. The second's code leaves out their surface, which changes nothing unless
distances are equal: samples that copy the real set have a density of 1 + 1/k here and of 1 there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gankit.metrics.distances import TIE, distance_blocks, nearest
from gankit.metrics.samples import checked_pair
from gankit.metrics.score import Score


def neighbour_scores(
    real: Any,
    fake: Any,
    *,
    features: str | Mapping[str, Any],
    k: int = 3,
    density_k: int = 5,
) -> dict[str, Score]:
    """All four figures in one pass; see the module's docstring.

    Time grows with the square of the counts: 2,048 features of 50,000 samples take minutes. Memory doesn't. For
    streams, keep a part of each with `gankit.metrics.samples.Reservoir`.

    Args:
        real: `[n, width]`, any real dtype.
        fake: `[m, width]`. Take as many as real ones, for recall and coverage depend on the counts.
        features: What the features are: the network, the hash of its weights, how images were resized.
        k: Neighbours for precision and recall.
        density_k: Neighbours for density and coverage.

    Returns:
        `precision`, `recall`, `density`, `coverage`; higher is better. Equal distributions don't reach 1: see
        `expected_coverage`.

    Raises:
        DataError: Not more samples than neighbours, different widths, or values that are not finite.
        ValueError: A number of neighbours below 1.

    Examples:
        >>> x = np.random.default_rng(0).normal(size=(50, 2))
        >>> neighbour_scores(x, x, features="the numbers themselves")["recall"].value
        1.0
    """
    if min(k, density_k) < 1:
        raise ValueError(f"balls need at least one neighbour, not {min(k, density_k)}")
    real, fake = checked_pair(real, fake, least=max(k, density_k) + 1)
    to_real = np.square(nearest(real, real, max(k, density_k), same=True)) * (1 + TIE)
    real_ball, wide_ball = to_real[:, k - 1], to_real[:, density_k - 1]
    fake_ball = np.square(nearest(fake, fake, k, same=True)[:, k - 1]) * (1 + TIE)
    precise, recalled, covered = (np.zeros(len(x), bool) for x in (fake, real, real))
    inside = 0
    for f, r, squares in distance_blocks(fake, real):
        precise[f] |= (squares <= real_ball[r]).any(axis=1)
        recalled[r] |= (squares <= fake_ball[f, None]).any(axis=0)
        wide = squares <= wide_ball[r]
        covered[r] |= wide.any(axis=0)
        inside += int(np.count_nonzero(wide))
    values = {
        "precision": (precise.mean(), k),
        "recall": (recalled.mean(), k),
        "density": (inside / (density_k * len(fake)), density_k),
        "coverage": (covered.mean(), density_k),
    }
    protocol = {"features": features, "width": real.shape[1], "real": len(real), "fake": len(fake)}
    return {name: Score(name, value, None, protocol | {"k": used}, "higher") for name, (value, used) in values.items()}


def expected_coverage(real: int, fake: int, k: int = 5) -> float:
    """Coverage that samples of the real distribution itself have on average (Naeem et al. 2020, lemma 2).

    Args:
        real: Number of real samples.
        fake: Number of generated samples.
        k: Neighbours.

    Returns:
        Below 1: about 1 - 2^-k for equal counts. It doesn't depend on the distribution.

    Raises:
        ValueError: Not more real samples than neighbours, no generated ones, or no neighbours.
    """
    if not 1 <= k < real or fake < 1:
        raise ValueError(f"no coverage of {real} real by {fake} generated samples with {k} neighbours")
    at = np.arange(1, k + 1)
    return float(1 - np.prod((real - at) / (real + fake - at)))
