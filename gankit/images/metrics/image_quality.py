"""PSNR and two kinds of SSIM, by the protocol of the super-resolution papers.

The figures of Ledig et al. (2017) for bicubic x4, which anyone can compute, fix the details of the protocol:

- the scores are of BT.601 luma, not rounded, of images with 8 bits a channel. An original stored with one channel (one
  in Set14) is scored by its grey values 0..255, not by luma 16..235, which would add 1.3 dB to that image and 0.1 dB to
  the mean; another that is grey to the eye but stored with three channels is scored by luma like any other;
- `scale` pixels are removed at every border *before* anything is computed, so daala's window, which scales with the
  height, sees the cropped height;
- their SSIM is that of Xiph's daala tools (`ssim_daala`), down to its window of 8-bit weights; most other papers mean
  Wang's (`ssim_wang`). The two differ by .01 to .05: never compare one with the other.

So computed, bicubic gives 28.43 / 26.00 / 25.96 dB and daala's SSIM .8211 / .7486 / .6941 on Set5 / Set14 / BSD100,
where the paper prints 28.43 / 25.99 / 25.94 and .8211 / .7486 / .6935.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from gankit.images.resize import to_uint8

_C1 = (0.01 * 255) ** 2  # both SSIMs: K1 = .01, K2 = .03, L = 255
_C2 = (0.03 * 255) ** 2


def luma(rgb: np.ndarray) -> np.ndarray:
    """Luma of ITU-R BT.601 with MATLAB's coefficients (`rgb2ycbcr`), without its rounding.

    Args:
        rgb: `[h, w, 3]`, or grey as `[h, w]` or `[h, w, 1]`; uint8, or float in 0..255.

    Returns:
        `[h, w]` float64, 16 for black to 235 for white.

    Raises:
        ValueError: Another shape.

    Examples:
        >>> luma(np.full((1, 1, 3), 255, np.uint8)).round().item()
        235.0
    """
    rgb = np.asarray(rgb, np.float64)
    grey = rgb[..., None] if rgb.ndim == 2 else rgb
    if grey.ndim != 3 or grey.shape[2] not in (1, 3):
        raise ValueError(f"luma needs [h, w, 3] or a grey [h, w], not {rgb.shape}")
    if grey.shape[2] == 1:
        return 16.0 + grey[..., 0] * (219.0 / 255.0)
    return 16.0 + grey @ (np.array([65.481, 128.553, 24.966]) / 255.0)


def psnr(a: np.ndarray, b: np.ndarray, peak: float = 255.0) -> float:
    """Peak signal-to-noise ratio, 10 log10(peak^2 / mean squared difference).

    Args:
        a: Any shape, any dtype (differences are taken in float64).
        b: The same shape.
        peak: Largest value a pixel can have.

    Returns:
        Decibels; infinity where the two are equal.

    Raises:
        ValueError: The shapes differ.

    Examples:
        >>> round(psnr(np.zeros((4, 4)), np.full((4, 4), 25.5)), 2)
        20.0
    """
    a, b = _pair(a, b)
    error = float(np.mean((a - b) ** 2))
    return math.inf if error == 0 else 10.0 * math.log10(peak**2 / error)


def ssim_wang(a: np.ndarray, b: np.ndarray) -> float:
    """Structural similarity of Wang et al. (2004), as in the authors' `ssim_index.m`.

    Gaussian window of 11 x 11 and sigma 1.5, population moments, mean over the pixels whose window lies inside; without
    the automatic downsampling that a later version of their code does.

    Args:
        a: `[h, w]` in 0..255, both sides at least 11.
        b: The same shape.

    Returns:
        At most 1, which equal images have.

    Raises:
        ValueError: The shapes differ, or a side is below 11.

    Examples:
        >>> x = np.random.default_rng(0).uniform(0, 255, (16, 16))
        >>> round(ssim_wang(x, x), 6)
        1.0
    """
    a, b = _pair(a, b)
    if a.ndim != 2 or min(a.shape) < 11:
        raise ValueError(f"Wang's SSIM needs a grey image of at least 11 x 11 pixels, not {a.shape}")
    window = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window /= window.sum()
    return float(_similarity(a, b, lambda x: _smooth(x, window)[5:-5, 5:-5]).mean())


def ssim_daala(a: np.ndarray, b: np.ndarray) -> float:
    """Structural similarity as Xiph's daala tool `dump_ssim` computes it (raw, luma, square pixels).

    The window grows with the picture, sigma = 1.5 h / 256, and its weights are multiples of 1/256, cut where they would
    round to 0. At the borders the window is cut off and renormalised, and a pixel counts by the weight that is left.

    Args:
        a: `[h, w]` in 0..255.
        b: The same shape.

    Returns:
        At most 1, which equal images have.

    Raises:
        ValueError: The shapes differ, or an axis is missing.

    Examples:
        >>> x = np.random.default_rng(0).uniform(0, 255, (16, 16))
        >>> round(ssim_daala(x, x), 6)
        1.0
    """
    a, b = _pair(a, b)
    if a.ndim != 2 or not a.size:
        raise ValueError(f"daala's SSIM needs a grey image, not {a.shape}")
    window = _daala_window(1.5 / 256 * a.shape[0], min(a.shape))
    weight = _smooth(np.ones_like(a), window)
    return float(np.average(_similarity(a, b, lambda x: _smooth(x, window) / weight), weights=weight))


def shave(image: np.ndarray, border: int) -> np.ndarray:
    """Removes a border.

    Args:
        image: `[h, w, ...]`.
        border: Pixels to remove at each of the four sides.

    Returns:
        `[h - 2 border, w - 2 border, ...]`, a view.

    Raises:
        ValueError: Nothing would be left, or the border is negative.
    """
    height, width = image.shape[:2]
    if border < 0 or 2 * border >= min(height, width):
        raise ValueError(f"cannot remove {border} pixels at every side of {width} x {height}")
    return image[border : height - border, border : width - border]


def super_resolution_scores(truth: np.ndarray, output: np.ndarray, scale: int) -> dict[str, float]:
    """Scores an enlarged image against the original as Ledig et al. (2017) do; see the module's docstring.

    Args:
        truth: `[h, w, 3]` or grey `[h, w]` (see the module's docstring: the two score differently), uint8 or float
            in 0..255.
        output: The same height and width, one channel or three. Floats are clipped and rounded to 8 bits, as a file
            would hold them.
        scale: Factor of the enlargement and width of the border removed.

    Returns:
        `psnr_y` in dB, `ssim_wang`, `ssim_daala`.

    Raises:
        ValueError: The sizes differ, or the image is smaller than 11 pixels without its border.

    Examples:
        >>> truth = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
        >>> sorted(super_resolution_scores(truth, truth, 4))  # doctest: +SKIP
    """
    truth, output = to_uint8(truth), to_uint8(output)
    a, b = (shave(luma(image), scale) for image in (truth, output))
    if truth.ndim == 2:
        a, b = ((image - 16.0) * (255.0 / 219.0) for image in (a, b))  # luma of grey, back on the grey scale
    return {"psnr_y": psnr(a, b), "ssim_wang": ssim_wang(a, b), "ssim_daala": ssim_daala(a, b)}


def _pair(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both in float64; a broadcast would hide a mistake, so shapes must agree."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"images of different shapes: {a.shape} and {b.shape}")
    return a, b


def _smooth(x: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Separable filter of `[h, w]` with zeros outside."""
    rows = ndimage.correlate1d(x, window, axis=0, mode="constant")
    return ndimage.correlate1d(rows, window, axis=1, mode="constant")


def _similarity(a: np.ndarray, b: np.ndarray, local_mean: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The map of local similarities, Wang et al. (2004), eq. 13."""
    mean_a, mean_b = local_mean(a), local_mean(b)
    variances = local_mean(a * a) - mean_a**2 + local_mean(b * b) - mean_b**2
    covariance = local_mean(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    return luminance * (2 * covariance + _C2) / (variances + _C2)


def _daala_window(sigma: float, limit: int) -> np.ndarray:
    """Gaussian in units of 1/256: as long as its last weight rounds to 1, below `limit`; the middle gets the rest."""
    last = math.sqrt(math.pi / 2) * sigma / 256  # exp(-r^2 / 2 sigma^2) at the radius r where the weight is 1/2 unit
    radius = 0 if last >= 1 else min(int(sigma * math.sqrt(-2 * math.log(last))), limit - 1)
    at = np.arange(1, radius + 1)
    side = np.floor(256 / (math.sqrt(2 * math.pi) * sigma) * np.exp(-0.5 * (at / sigma) ** 2) + 0.5)
    return np.concatenate([side[::-1], [256 - 2 * side.sum()], side])
