"""NIQE: how far an image's local statistics lie from those of good photographs, without an original to compare with.

Mittal, Soundararajan, Bovik, "Making a 'completely blind' image quality analyzer" (IEEE Signal Processing Letters
20(3), 2013). Eighteen parameters of distributions are fitted to every block of 96 x 96 pixels, and again to the block
at half the resolution. The figure is the distance between the Gaussian of these 36-vectors over the image's blocks and
one that the authors fitted to 125 undistorted photographs.

Where the paper is silent, the authors' release decides:

- colour becomes 8-bit grey by MATLAB's `rgb2gray`. Super-resolution papers score luma 16..235 instead, with `scale`
  pixels of border removed (the PIRM 2018 challenge): `niqe(luma(image), border=scale)`. The two differ by up to 6 % an
  image: never compare one with the other;
- rows and columns that fill no block are cut off at the bottom and the right before anything is computed;
- borders repeat the edge pixel, and neighbours wrap around within a block;
- where a distribution has no negative or no positive values (saturated areas), its shape is the least of the table and
  its widths are left out of the mean; the covariance leaves out the whole block.

In flat areas the coefficients are 0 plus rounding noise, and NIQE asks for their signs: from one filter in double
precision to another the figure of a picture with saturated areas moves by up to 3 %. Here they are exactly 0. NIQE is
noisy for small images, too: below some ten blocks, compare means over many.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from scipy import ndimage, special

from gankit.images.metrics.image_quality import shave
from gankit.images.resize import imresize, to_uint8

BLOCK = 96  # pixels a side; the model of good photographs holds for this size alone
_PRISTINE = Path(__file__).with_name("niqe_pristine.npz")
_SHAPES = np.arange(200, 10001) / 1000.0  # candidates for the shape parameter, as in the authors' release
# E|x|^2 / E[x^2] of a generalised Gaussian of each shape; it rises with the shape, so that the best fit is a bisection.
_RATIOS = special.gamma(2 / _SHAPES) ** 2 / (special.gamma(1 / _SHAPES) * special.gamma(3 / _SHAPES))
_BETWEEN = (_RATIOS[1:] + _RATIOS[:-1]) / 2
# MATLAB's rgb2gray. The usual .299, .587, .114 round a pixel in a hundred otherwise, which moves NIQE by up to .3 %.
_GREY = np.array([0.2989360212937754, 0.5870430744511212, 0.11402090425510325])
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # horizontal, vertical, the two diagonals


def niqe(image: np.ndarray, border: int = 0) -> float:
    """Naturalness image quality evaluator; see the module's docstring.

    Args:
        image: `[h, w, 3]`, or grey (or luma) as `[h, w]` or `[h, w, 1]`, taken as it is; uint8, or float in 0..255,
            which is clipped and rounded to 8 bits.
        border: Pixels to remove at every side first.

    Returns:
        At least 0, lower is better: about 2 to 5 for photographs, above 6 for blurred or noisy ones.

    Raises:
        ValueError: Another shape, values that are not finite, or fewer than two blocks of 96 x 96 pixels whose contents
            vary: a covariance needs two.

    Examples:
        >>> niqe(luma(photograph))  # doctest: +SKIP
        3.2
    """
    grey = shave(_grey(image), border)
    height, width = (size // BLOCK * BLOCK for size in grey.shape)
    if height * width < 2 * BLOCK**2:
        raise ValueError(
            f"NIQE needs at least two blocks of {BLOCK} x {BLOCK} pixels, such as {2 * BLOCK} x {BLOCK},"
            f" not {grey.shape[1]} x {grey.shape[0]}"
        )
    grey = grey[:height, :width]
    half = imresize(grey, height // 2, width // 2)
    features = np.concatenate([_features(mscn(grey), BLOCK), _features(mscn(half), BLOCK // 2)], axis=1)
    complete = features[np.isfinite(features).all(axis=1)]
    if len(complete) < 2:
        raise ValueError(f"NIQE needs at least two blocks that are not flat, and found {len(complete)}")
    mean, covariance = _pristine()
    away = np.nanmean(features, axis=0) - mean
    pooled = (covariance + np.cov(complete, rowvar=False)) / 2
    return float(np.sqrt(away @ np.linalg.pinv(pooled) @ away))  # eq. 10


def mscn(grey: np.ndarray) -> np.ndarray:
    """Mean-subtracted, contrast-normalised coefficients (eqs. 1 to 3): each pixel against its surroundings.

    Args:
        grey: `[h, w]` float64 in 0..255.

    Returns:
        The same shape: (pixel - local mean) / (local deviation + 1), in a Gaussian window of 7 x 7 and sigma 7/6.
    """

    def smooth(x: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(x, 7 / 6, radius=3, mode="nearest")

    mean = smooth(grey)
    deviation = np.sqrt(np.abs(smooth(grey * grey) - mean * mean))
    difference = grey - mean
    difference[np.abs(difference) < 1e-9] = 0  # rounding noise; see the module's docstring
    return difference / (deviation + 1)


def fit_aggd(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Asymmetric generalised Gaussians (eq. 7) by matching moments (Lasmar, Stitou, Berthoumieu, 2009).

    Args:
        x: `[n, samples]` float64, one distribution a row.

    Returns:
        shape: `[n]` in .2..10 in steps of .001; 2 for a Gaussian, 1 for a Laplacian.
        left: `[n]`, the width beta of the negative side; NaN where no value is negative.
        right: `[n]` likewise of the positive side.
    """
    squares, negative, positive = x * x, x < 0, x > 0
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 where a side is empty
        left = np.sqrt(np.einsum("ij,ij->i", squares, negative) / negative.sum(axis=1))
        right = np.sqrt(np.einsum("ij,ij->i", squares, positive) / positive.sum(axis=1))
        skew = left / right
        ratio = np.abs(x).mean(axis=1) ** 2 / squares.mean(axis=1)
        ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    at = np.where(np.isnan(ratio), 0, np.searchsorted(_BETWEEN, ratio))
    shape = _SHAPES[at]
    width = np.sqrt(special.gamma(1 / shape) / special.gamma(3 / shape))
    return shape, left * width, right * width


def _features(coefficients: np.ndarray, side: int) -> np.ndarray:
    """`[h, w]` -> `[blocks, 18]`, band by band: a large photograph's neighbours at once would take much memory."""
    bands = np.split(coefficients, len(coefficients) // side)
    return np.concatenate([_band_features(band.reshape(side, -1, side).transpose(1, 0, 2)) for band in bands])


def _band_features(blocks: np.ndarray) -> np.ndarray:
    """`[n, side, side]` -> `[n, 18]`: shape and width of the coefficients, then four figures a neighbour (eq. 8)."""
    shape, left, right = fit_aggd(blocks.reshape(len(blocks), -1))
    columns = [shape, (left + right) / 2]
    for shift in _NEIGHBOURS:
        products = blocks * np.roll(blocks, shift, axis=(1, 2))
        shape, left, right = fit_aggd(products.reshape(len(blocks), -1))
        mean = (right - left) * special.gamma(2 / shape) / special.gamma(1 / shape)
        columns += [shape, mean, left, right]
    return np.stack(columns, axis=1)


def _grey(image: np.ndarray) -> np.ndarray:
    """`[h, w]` float64 of whole numbers in 0..255."""
    image = np.asarray(image)
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3)):
        raise ValueError(f"NIQE needs [h, w, 3] or a grey [h, w], not {image.shape}")
    if not np.isfinite(image).all():
        raise ValueError("NIQE needs finite values")
    pixels = (image if image.dtype == np.uint8 else to_uint8(image)).astype(np.float64)
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[2] == 1:
        return pixels[:, :, 0]
    return np.floor(pixels @ _GREY + 0.5)


@cache
def _pristine() -> tuple[np.ndarray, np.ndarray]:
    """Mean `[36]` and covariance `[36, 36]` over the authors' photographs (niqe_pristine.LICENSE.txt)."""
    with np.load(_PRISTINE, allow_pickle=False) as file:
        return file["mean"], file["covariance"]
