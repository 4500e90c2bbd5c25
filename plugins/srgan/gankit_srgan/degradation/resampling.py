"""Resizing of each picture of a batch to a size of its own, by a filter of its own."""

from __future__ import annotations

import tensorflow as tf

FILTERS = ("area", "bilinear", "bicubic")


def resampling_matrix(
    size_in: tf.Tensor, size_out: tf.Tensor, canvas_in: int, canvas_out: int, kind: tf.Tensor, dtype: str
) -> tf.Tensor:
    """The matrices that resize an axis, antialiased where it shrinks.

    Pictures of several sizes share a canvas: each fills its beginning, and its last pixel is repeated to the end.

    Args:
        size_in: `[batch]` int32: pixels before.
        size_out: `[batch]` int32: pixels after.
        canvas_in: Pixels of the axis before, at least `size_in`.
        canvas_out: Pixels of the axis after, at least `size_out`.
        kind: `[batch]` int32: number of one of `FILTERS`; "bicubic" is Keys' with a = -0.5, as MATLAB's.
        dtype: Float type of the result.

    Returns:
        `[batch, canvas_out, canvas_in]`; rows sum to 1. Past its edge a picture is not continued: the weights of the
        pixels that it has are scaled up.
    """
    before, after = tf.cast(size_in, dtype)[:, None, None], tf.cast(size_out, dtype)[:, None, None]
    scale = after / before
    stretch = tf.minimum(scale, 1.0)  # below 1 it widens the kernel
    place = tf.minimum(tf.range(canvas_out, dtype=dtype)[None, :, None], after - 1)
    pixel = tf.range(canvas_in, dtype=dtype)[None, None, :]
    far = tf.abs((place + 0.5) / scale - 0.5 - pixel)
    x = stretch * far
    # How much of a pixel lies within the area that an output pixel covers.
    area = tf.clip_by_value(0.5 / stretch + 0.5 - far, 0.0, 1.0)
    bilinear = tf.maximum(1.0 - x, 0.0)
    near, rest = (1.5 * x - 2.5) * x**2 + 1.0, ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    bicubic = tf.where(x <= 1, near, tf.where(x <= 2, rest, tf.zeros_like(x)))
    kind = kind[:, None, None]
    weights = tf.where(kind == 0, area, tf.where(kind == 1, bilinear, bicubic))
    weights = tf.where(pixel < before, weights, tf.zeros_like(weights))
    return weights / tf.reduce_sum(weights, axis=2, keepdims=True)


def resample(pictures: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Resizes both axes of square pictures.

    Args:
        pictures: `[batch, side, side, channels]` float.
        matrix: `[batch, new side, side]` of `resampling_matrix`.

    Returns:
        `[batch, new side, new side, channels]`.
    """
    side, channels = pictures.shape[2:]
    rows = tf.matmul(matrix, tf.reshape(pictures, (-1, side, side * channels)))
    new = matrix.shape[1]
    turned = tf.reshape(
        tf.transpose(tf.reshape(rows, (-1, new, side, channels)), (0, 2, 1, 3)), (-1, side, new * channels)
    )
    columns = tf.reshape(tf.matmul(matrix, turned), (-1, new, new, channels))
    return tf.transpose(columns, (0, 2, 1, 3))
