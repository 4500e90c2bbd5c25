"""Fréchet inception distance: how far two Gaussians lie apart that are fitted to real and to generated features.

Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium" (2017), eq. 6:

    d^2 = |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))

The published figures are d squared, and so is ours. It falls by several points from 5,000 to 50,000 samples of
Inception's features: counts are part of the protocol. Fewer samples than features leave the covariances singular, which
is computed rightly here, but such a figure says more of the counts than of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import linalg

from gankit.errors import DataError
from gankit.metrics.moments import Moments
from gankit.metrics.score import Score


def fid(real: Moments, fake: Moments, *, features: str | Mapping[str, Any]) -> Score:
    """Squared Fréchet distance of two sets of features; see the module's docstring.

    Args:
        real: Moments of the real samples' features.
        fake: Of the generated ones'.
        features: What the features are: the network, the hash of its weights, how images were resized.

    Returns:
        `fid`, at least 0, lower is better.

    Raises:
        DataError: Fewer than two samples in a set, or sets of different widths.

    Examples:
        >>> real = Moments()
        >>> real.update(np.random.default_rng(0).normal(size=(100, 2)))
        >>> fid(real, real, features="the numbers themselves").value < 1e-6
        True
    """
    covariances = real.covariance(), fake.covariance()
    value = frechet_distance(real.mean, covariances[0], fake.mean, covariances[1])
    protocol = {"features": features, "width": len(covariances[0]), "real": real.n, "fake": fake.n}
    return Score("fid", value, None, protocol, "lower")


def frechet_distance(mean_a: Any, covariance_a: Any, mean_b: Any, covariance_b: Any) -> float:
    """Squared Fréchet (2-Wasserstein) distance of two Gaussians (Dowson and Landau, 1982).

    With C_a = A A' and C_b = B B', the trace of (C_a C_b)^(1/2) is the sum of the singular values of A'B. A and B come
    from symmetric eigenvalues, of which those that are 0 but for rounding are left out. The root of the product itself
    is complex or fails where a covariance is singular.

    Args:
        mean_a: `[width]`.
        covariance_a: `[width, width]`, symmetric, no negative eigenvalue.
        mean_b: `[width]`.
        covariance_b: As `covariance_a`.

    Returns:
        At least 0.

    Raises:
        DataError: The shapes don't fit, a value is not finite, or a matrix is no covariance.

    Examples:
        >>> frechet_distance([0.0], [[1.0]], [3.0], [[4.0]])
        10.0
    """
    means = [np.asarray(mean, np.float64) for mean in (mean_a, mean_b)]
    covariances = [np.asarray(covariance, np.float64) for covariance in (covariance_a, covariance_b)]
    width = means[0].size
    if any(mean.shape != (width,) for mean in means) or any(c.shape != (width, width) for c in covariances):
        shapes = ", ".join(str(list(x.shape)) for x in (*means, *covariances))
        raise DataError(
            f"means and covariances of different widths: {shapes}",
            "take both sets of features from the same layer of the same network",
        )
    if not all(np.isfinite(x).all() for x in (*means, *covariances)):
        raise DataError("a mean or a covariance is not finite", "look for NaN in the features")
    roots = [_root(covariance) for covariance in covariances]
    common = np.linalg.svd(roots[0].T @ roots[1], compute_uv=False).sum()
    away = means[0] - means[1]
    traces = sum(float(np.square(root).sum()) for root in roots)
    return max(0.0, float(away @ away + traces - 2 * common))


def _root(covariance: np.ndarray) -> np.ndarray:
    """`[width, rank]`, whose product with its transpose is the covariance."""
    if not np.allclose(covariance, covariance.T, rtol=1e-5, atol=1e-8 * np.abs(covariance).max(initial=0)):
        raise DataError("a covariance is not symmetric", "compute it with Moments")
    values, vectors = linalg.eigh((covariance + covariance.T) / 2)
    rounding = len(values) * np.finfo(np.float64).eps * np.abs(values).max(initial=0)
    if values.min(initial=0) < -1e4 * rounding:
        raise DataError("a covariance has negative eigenvalues", "compute it with Moments")
    kept = values > rounding
    return vectors[:, kept] * np.sqrt(values[kept])
