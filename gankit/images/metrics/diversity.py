"""Diversity: how alike two random samples are (MS-SSIM), and how many samples there are twice.

Odena et al., "Conditional image synthesis with auxiliary classifier GANs" (2017), section 4.2, take the mean MS-SSIM of
random pairs of a class's samples. The lower, the more diverse, but it tells nothing by itself: noise is diverse. Set it
beside the figure of real images, which it should be near to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import ndimage

from gankit.errors import DataError
from gankit.metrics.distances import TIE, nearest
from gankit.metrics.samples import checked, draw_subsets, standard_error
from gankit.metrics.score import Score

# Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image quality assessment" (2003), finest scale first.
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_RADIUS = 5  # the window is 11 x 11, with sigma 1.5
_PIXELS = 2**20  # values that ms_ssim holds at a time, a few times over


def scales_for(height: int, width: int) -> int:
    """Scales at which the window of 11 x 11 fits into the image: 5 from 161 pixels a side, 2 for 28 x 28.

    Raises:
        DataError: It fits at none.
    """
    side, scales = min(height, width), 0
    while side > 2 * _RADIUS and scales < len(WEIGHTS):
        side, scales = (side + 1) // 2, scales + 1
    if not scales:
        raise DataError(f"MS-SSIM needs images of at least 11 x 11 pixels, not {width} x {height}", "enlarge them")
    return scales


def ms_ssim(a: np.ndarray, b: np.ndarray, peak: float = 255.0) -> np.ndarray:
    """Multi-scale structural similarity of Wang et al. (2003), eq. 7.

    Contrast and structure count at every scale, luminance at the coarsest. Each scale is the mean of 2 x 2 pixels of
    the one before (an odd edge is repeated), negative similarities are cut off at 0, and a colour image has the mean of
    its channels: all as `tf.image.ssim_multiscale` has it. Smaller images than the paper's have fewer scales
    (`scales_for`), whose weights are then divided by their sum.

    Args:
        a: `[n, height, width, channels]`, uint8 or float.
        b: The same shape.
        peak: Largest value a pixel can have.

    Returns:
        `[n]` float64, 0 to 1; 1 where two images are equal.

    Raises:
        DataError: The shapes differ or have no four axes, or the images are smaller than 11 pixels.

    Examples:
        >>> x = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 1))
        >>> round(float(ms_ssim(x, x)[0]), 6)
        1.0
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.ndim != 4:
        raise DataError(
            f"MS-SSIM needs two [n, height, width, channels] of one shape, not {list(a.shape)} and {list(b.shape)}",
            "resize one set to the size of the other",
        )
    scales = scales_for(*a.shape[1:3])
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    step = max(1, _PIXELS // max(1, a[0].size)) if len(a) else 1
    parts = [slice(start, start + step) for start in range(0, len(a), step)]
    values = [_ms_ssim(a[part].astype(np.float64), b[part].astype(np.float64), weights, peak) for part in parts]
    return np.concatenate([np.empty(0), *values])


def ms_ssim_diversity(images: np.ndarray, *, pairs: int = 1000, seed: int = 0, peak: float = 255.0) -> Score:
    """Mean MS-SSIM of random pairs; see the module's docstring.

    Args:
        images: `[n, height, width, channels]`, uint8 or float, of one class if the model has classes.
        pairs: Their number. They share no image as long as the images last.
        seed: Of the pairs.
        peak: Largest value a pixel can have.

    Returns:
        `ms_ssim`, 0 to 1: 1 where all samples are the same. The protocol names the number of scales. The error is a
        standard error.

    Raises:
        DataError: Fewer than two images, smaller ones than 11 pixels, another shape, or values that are not finite or
            outside 0..peak.
        ValueError: No pairs.

    Examples:
        >>> x = np.random.default_rng(0).integers(0, 255, (8, 32, 32, 1)).astype(np.uint8)
        >>> ms_ssim_diversity(x, pairs=10).value < 0.5
        True
    """
    if pairs < 1:
        raise ValueError(f"at least one pair is needed, not {pairs}")
    images = np.asarray(images)
    if images.ndim != 4 or len(images) < 2:
        raise DataError(
            f"pairs need at least two images, [n, height, width, channels], not {list(images.shape)}",
            "give more samples",
        )
    scales = scales_for(*images.shape[1:3])
    low, high = float(images.min()), float(images.max())
    if not (low >= 0 and high <= peak):  # NaN is neither
        raise DataError(
            f"the images' values lie in {low:g}..{high:g}, not in 0..{peak:g}", "rescale them, or give another peak"
        )
    drawn = np.array(list(draw_subsets(len(images), 2, pairs, np.random.default_rng(seed))))
    step = max(1, _PIXELS // images[0].size)
    values = np.concatenate(
        [ms_ssim(images[part[:, 0]], images[part[:, 1]], peak) for part in np.split(drawn, range(step, pairs, step))]
    )
    height, width, channels = images.shape[1:]
    protocol = {
        "size": f"{width} x {height} x {channels}",
        "fake": len(images),
        "pairs": pairs,
        "seed": seed,
        "peak": peak,
        "scales": scales,
        "error": "standard error over pairs",
    }
    return Score("ms_ssim", float(values.mean()), standard_error(values, len(images) // 2), protocol)


def duplicate_rate(samples: Any, *, features: str | Mapping[str, Any], tolerance: float = 0.0) -> Score:
    """Share of samples that have a twin among the others.

    Args:
        samples: `[n, width]`: features, or the pixels themselves.
        features: What the vectors are.
        tolerance: Largest Euclidean distance of twins, in units of the vectors. At 0 twins must be equal (to the seven
            digits that float32 keeps).

    Returns:
        `duplicate_rate`, 0 to 1, lower is better: 1 where the generator has collapsed.

    Raises:
        DataError: Fewer than two samples, another shape, or values that are not finite.
        ValueError: A negative tolerance.

    Examples:
        >>> duplicate_rate(np.array([[0.0], [0.0], [5.0]]), features="the numbers themselves").value > 0
        True
    """
    if not tolerance >= 0:
        raise ValueError(f"a tolerance is not negative, as {tolerance} is")
    samples = checked(samples, "samples", least=2)
    twins = nearest(samples, samples, same=True)[:, 0] <= tolerance * (1 + TIE)
    protocol = {"features": features, "width": samples.shape[1], "fake": len(samples), "tolerance": float(tolerance)}
    return Score("duplicate_rate", float(twins.mean()), None, protocol, "lower")


def _ms_ssim(a: np.ndarray, b: np.ndarray, weights: np.ndarray, peak: float) -> np.ndarray:
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    product = np.ones((len(a), a.shape[3]))
    for scale, weight in enumerate(weights):
        mean_a, mean_b = _smooth(a), _smooth(b)
        variances = _smooth(a * a) - mean_a**2 + _smooth(b * b) - mean_b**2
        covariance = _smooth(a * b) - mean_a * mean_b
        similarity = (2 * covariance + c2) / (variances + c2)
        if scale == len(weights) - 1:
            similarity *= (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
        product *= np.maximum(similarity.mean(axis=(1, 2)), 0) ** weight
        a, b = _halve(a), _halve(b)
    return product.mean(axis=1)


def _smooth(x: np.ndarray) -> np.ndarray:
    """Local means of `[n, h, w, c]` where the window lies inside."""
    window = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / 1.5) ** 2)
    window /= window.sum()
    inner = slice(_RADIUS, -_RADIUS)
    rows = ndimage.correlate1d(x, window, axis=1, mode="constant")[:, inner]
    return ndimage.correlate1d(rows, window, axis=2, mode="constant")[:, :, inner]


def _halve(x: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels of `[n, h, w, c]`."""
    n, height, width, channels = x.shape
    x = np.pad(x, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return x.reshape(n, (height + 1) // 2, 2, (width + 1) // 2, 2, channels).mean(axis=(2, 4))
