"""Sliced Wasserstein distance of image patches, at every level of a Laplacian pyramid."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from gankit.errors import DataError
from gankit.metrics.samples import pieces
from gankit.metrics.score import Score
from gankit.metrics.wasserstein import along_directions, mean_score

PATCH = 7  # pixels a side of a patch, and
SMALLEST = 16  # of the pyramid's last level, in the paper


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

    Examples:
        >>> x = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 1), np.uint8)
        >>> sorted(patch_wasserstein(x, x, patches=64))
        [16]
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
        distances = along_directions(sets[0], sets[1], directions, seed)
        scores[-(-height >> level)] = mean_score("patch_wasserstein", distances, protocol, seed)
    return scores


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
