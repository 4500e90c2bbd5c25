"""Sliced Wasserstein distance: of feature vectors, and of image patches at every level of a Laplacian pyramid.

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
from scipy import ndimage

from gankit.errors import DataError
from gankit.metrics.samples import checked_pair, pieces
from gankit.metrics.score import Score

PATCH = 7  # pixels a side of a patch, and
SMALLEST = 16  # of the pyramid's last level, in the paper
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
    """
    real, fake = checked_pair(real, fake)
    distances = _along_directions(real, fake, directions, seed)
    protocol = {"features": features, "width": real.shape[1], "real": len(real), "fake": len(fake)}
    return _score("sliced_wasserstein", distances, protocol, seed)


def patch_wasserstein(
    real: np.ndarray,
    fake: np.ndarray,
    *,
    patches: int = 2**19,
    directions: int = 512,
    seed: int = 0,
) -> dict[int, Score]:
    """Sliced Wasserstein distance of image patches, level by level: coarse structure apart from fine detail.

    Karras et al., "Progressive growing of GANs" (2018), section 5: patches of 7 x 7 pixels at random places of every
    level of a Laplacian pyramid, from the full resolution down to 16 x 16; each channel of a level is brought to mean 0
    and deviation 1 in each set. Papers print 1,000 times the figure, of 16,384 images with 128 patches each (2^21).

    Args:
        real: `[n, height, width, channels]`, uint8 or float, at least 16 pixels a side.
        fake: `[m, height, width, channels]`, of the same size.
        patches: Patches of a set and level at most, the same number from each image and no more than 128. They set
            the memory: 588 bytes each for colour images, in either set.
        directions: Number of directions.
        seed: Of the directions and of the places.

    Returns:
        `patch_wasserstein` by the level's height in pixels, finest first; lower is better.

    Raises:
        DataError: Another shape, images smaller than 16 pixels, different sizes, values that are not finite, or a level
            without any contrast.
        ValueError: Fewer patches than images, or no directions.
    """
    real, fake = np.asarray(real), np.asarray(fake)
    if real.ndim != 4 or fake.ndim != 4 or real.shape[1:] != fake.shape[1:] or not real.size or not fake.size:
        raise DataError(
            f"images must be [n, height, width, channels] of one size, not {list(real.shape)} and {list(fake.shape)}",
            "resize one set to the size of the other",
        )
    height, width, channels = real.shape[1:]
    if min(height, width) < SMALLEST:
        raise DataError(f"images must have at least {SMALLEST} pixels a side, not {width} x {height}", "enlarge them")
    most = max(len(real), len(fake))
    if patches < most:
        raise ValueError(f"{patches} patches of {most} images leave some images out")
    each = min(128, patches // most)
    levels = 1 + int(math.log2(min(height, width) / SMALLEST))
    scores = {}
    for level in range(levels):
        sets = []
        for i, images in enumerate((real, fake)):
            rng = np.random.default_rng([seed, level, i])
            sets.append(_normalised(_patches(images, level, level == levels - 1, each, rng), channels))
        protocol = {
            "size": f"{width} x {height} x {channels}",
            "level": level,
            "levels": levels,
            "real": len(real),
            "fake": len(fake),
            "patches_an_image": each,
        }
        distances = _along_directions(sets[0], sets[1], directions, seed)
        scores[-(-height >> level)] = _score("patch_wasserstein", distances, protocol, seed)
    return scores


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


def pyramid_down(images: np.ndarray) -> np.ndarray:
    """Halves images by the binomial filter (Burt and Adelson, 1983), mirrored at the borders without the edge pixel.

    Args:
        images: `[n, height, width, channels]` float.

    Returns:
        `[n, ceil(height / 2), ceil(width / 2), channels]`.
    """
    return _binomial(images, 1)[:, ::2, ::2]


def pyramid_up(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Doubles images by zeros in between and the same filter.

    Args:
        images: `[n, ceil(height / 2), ceil(width / 2), channels]` float.
        height: Of the result.
        width: Of the result.

    Returns:
        `[n, height, width, channels]`.
    """
    spread = np.zeros((len(images), height, width, images.shape[3]), images.dtype)
    spread[:, ::2, ::2] = images
    return _binomial(spread, 2)


def _binomial(images: np.ndarray, gain: int) -> np.ndarray:
    """`gain` an axis: 2 makes up for the zeros between the pixels."""
    window = gain * np.array([1, 4, 6, 4, 1]) / 16
    return ndimage.correlate1d(ndimage.correlate1d(images, window, 1, mode="mirror"), window, 2, mode="mirror")


def _patches(images: np.ndarray, level: int, last: bool, each: int, rng: np.random.Generator) -> np.ndarray:
    """`[n x each, 7 x 7 x channels]` float32 of one level of the pyramid; the last level is what is left over."""
    channels = images.shape[3]
    out = np.empty((len(images), each, PATCH, PATCH, channels), np.float32)
    for part in pieces(len(images), max(math.prod(images.shape[1:]), each * out[0, 0].size)):
        x = images[part].astype(np.float64)
        if not np.isfinite(x).all():
            raise DataError("the images hold values that are not finite", "look for NaN in the samples")
        for _ in range(level):
            x = pyramid_down(x)
        if not last:
            x = x - pyramid_up(pyramid_down(x), *x.shape[1:3])
        windows = np.lib.stride_tricks.sliding_window_view(x, (PATCH, PATCH), axis=(1, 2))
        # Row by row of the batch, so that the places of an image don't depend on how the images are cut into pieces.
        at = rng.random((len(x), 2, each))
        rows, columns = ((at[:, axis] * windows.shape[1 + axis]).astype(np.int64) for axis in (0, 1))
        chosen = windows[np.arange(len(x))[:, None], rows, columns]  # [n, each, channels, 7, 7]
        out[part] = np.moveaxis(chosen, 2, 4)
    return out.reshape(-1, PATCH * PATCH * channels)


def _normalised(patches: np.ndarray, channels: int) -> np.ndarray:
    """In place: mean 0 and deviation 1 of every channel, over all patches and places."""
    values = patches.reshape(-1, channels)
    values -= values.mean(axis=0, dtype=np.float64).astype(values.dtype)
    deviation = np.sqrt(np.einsum("ij,ij->j", values, values, dtype=np.float64) / len(values))
    if not deviation.all():
        raise DataError("a level of the images has no contrast at all", "look at the samples: they are flat")
    values /= deviation.astype(values.dtype)
    return patches


def _along_directions(real: np.ndarray, fake: np.ndarray, directions: int, seed: int) -> np.ndarray:
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


def _score(metric: str, distances: np.ndarray, protocol: dict[str, Any], seed: int) -> Score:
    count = len(distances)
    error = None if count < 2 else float(distances.std(ddof=1) / math.sqrt(count))
    protocol |= {"p": 1, "directions": count, "seed": seed, "error": "standard error over directions"}
    return Score(metric, float(distances.mean()), error, protocol, "lower")
