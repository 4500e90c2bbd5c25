"""Blurs of each picture of a batch by a kernel of its own."""

from __future__ import annotations

import math

import tensorflow as tf

REACH = 12  # pixels that a kernel reaches to each side


def _grid(dtype: str) -> tuple[tf.Tensor, tf.Tensor]:
    axis = tf.range(-REACH, REACH + 1, dtype=dtype)
    return axis[None, :, None], axis[None, None, :]


def gaussian(sigma: tf.Tensor, across: tf.Tensor, angle: tf.Tensor) -> tf.Tensor:
    """Gaussian kernels of two widths.

    Args:
        sigma: `[batch]` float: standard deviation along the kernel's axis, in pixels.
        across: `[batch]`: that across it.
        angle: `[batch]`: of the axis, in radians.

    Returns:
        `[batch, 2 REACH + 1, 2 REACH + 1]`, sums of 1.
    """
    y, x = _grid(sigma.dtype.name)
    sigma, across, angle = (value[:, None, None] for value in (sigma, across, angle))
    along, beside = x * tf.cos(angle) + y * tf.sin(angle), y * tf.cos(angle) - x * tf.sin(angle)
    return _summing_to_one(tf.exp(-0.5 * ((along / sigma) ** 2 + (beside / across) ** 2)))


def moffat(sigma: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """Moffat's profile (1969): the blur of a star by the air, with wings that a Gaussian lacks.

    Args:
        sigma: `[batch]` float: that of the Gaussian with the same full width at half maximum, in pixels.
        beta: `[batch]`: exponent, above 1; 3 to 5 for real seeing.

    Returns:
        As `gaussian`.
    """
    y, x = _grid(sigma.dtype.name)
    half_width = sigma * math.sqrt(2 * math.log(2))
    core = (half_width / tf.sqrt(2.0 ** (1 / beta) - 1))[:, None, None]
    return _summing_to_one((1 + (x**2 + y**2) / core**2) ** -beta[:, None, None])


def sinc(cutoff: tf.Tensor) -> tf.Tensor:
    """Ideal low-pass filters, which leave ringing beside edges (Wang et al. 2021, Real-ESRGAN, equation 6).

    Args:
        cutoff: `[batch]` float: highest frequency that passes, in radians a pixel, up to pi.

    Returns:
        As `gaussian`.
    """
    y, x = _grid(cutoff.dtype.name)
    radius = tf.sqrt(x**2 + y**2)
    cutoff = cutoff[:, None, None]
    middle = radius < 0.5
    far = tf.where(middle, tf.ones_like(radius), radius)
    kernel = cutoff * tf.math.special.bessel_j1(cutoff * far) / (2 * math.pi * far)
    # A round window: a kernel that is cut off at once would darken and brighten whole surfaces.
    window = tf.cos(0.5 * math.pi * tf.minimum(radius / (REACH + 1), 1.0)) ** 2
    return _summing_to_one(window * tf.where(middle, cutoff**2 / (4 * math.pi), kernel))


def convolved(pictures: tf.Tensor, kernels: tf.Tensor) -> tf.Tensor:
    """Each picture with its kernel; the picture is mirrored at its edges.

    Args:
        pictures: `[batch, side, side, channels]` float.
        kernels: `[batch, 2 REACH + 1, 2 REACH + 1]`, symmetric about their middle.

    Returns:
        The shape of `pictures`.
    """
    side = pictures.shape[1]
    places = tf.range(-REACH, side + REACH) % (2 * side)
    places = tf.minimum(places, 2 * side - 1 - places)  # more than once, where the picture is smaller than the kernel
    wide = tf.gather(tf.gather(pictures, places, axis=1), places, axis=2)
    # The kernel comes round again at the end, into what is cut off; fast transforms like multiples of 16.
    size = (side + 2 * REACH + 15) // 16 * 16
    spectrum = tf.signal.rfft2d(tf.transpose(wide, (0, 3, 1, 2)), [size, size])
    product = spectrum * tf.signal.rfft2d(kernels, [size, size])[:, None]
    found = tf.signal.irfft2d(product, [size, size])[:, :, 2 * REACH : 2 * REACH + side, 2 * REACH : 2 * REACH + side]
    return tf.transpose(found, (0, 2, 3, 1))


def _summing_to_one(kernel: tf.Tensor) -> tf.Tensor:
    return kernel / tf.reduce_sum(kernel, axis=(1, 2), keepdims=True)
