"""Bicubic resizing that agrees with MATLAB's `imresize`, in NumPy and in TensorFlow.

Published super-resolution figures rest on low-resolution images made by MATLAB. Its bicubic filter differs from those
of Pillow, OpenCV and TensorFlow: Keys' cubic with a = -0.5 (Keys, "Cubic convolution interpolation for digital image
processing", 1981), stretched by the scale when shrinking (antialiasing), weights normalised to sum 1, the image
mirrored with its edge pixel repeated. (Older releases of MATLAB repeated the edge pixel alone. They made the usual
low-resolution Set5, Set14 and BSD100 files, which differ from ours in the outer two pixels and nowhere else.)

Resizing is separable and linear, so everything here follows from one matrix an axis, `resize_matrix`.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    import tensorflow as tf


_BLOCK = 2**20  # values that imresize holds in float64 at a time


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys' kernel (1981, eq. 15) with a = -0.5: interpolating, support [-2, 2]."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


@lru_cache(maxsize=64)
def _sparse_matrix(size_in: int, size_out: int, scale: float | None = None) -> sparse.csr_matrix:
    """`resize_matrix` as it is computed: a handful of taps a row, so that whole photographs resize fast."""
    if size_in < 1 or size_out < 1:
        raise ValueError(f"cannot resize {size_in} to {size_out} pixels: both sizes must be at least 1")
    scale = size_out / size_in if scale is None else float(scale)
    if not 0 < scale < math.inf:
        raise ValueError(f"scale must be positive and finite, not {scale}")
    stretch = min(scale, 1.0)  # < 1 widens the kernel: the low-pass that keeps a shrunken image free of aliasing
    support = 4.0 / stretch
    center = (np.arange(size_out) + 0.5) / scale - 0.5  # of each output pixel, in input pixels
    first = np.floor(center - support / 2).astype(np.int64)
    taps = first[:, None] + np.arange(math.ceil(support) + 2)
    weights = _cubic(stretch * (center[:, None] - taps))
    weights /= weights.sum(axis=1, keepdims=True)
    mirrored = taps % (2 * size_in)  # ... c b a | a b c | c b a ..., of period twice the size
    mirrored = np.minimum(mirrored, 2 * size_in - 1 - mirrored)
    rows = np.broadcast_to(np.arange(size_out)[:, None], taps.shape)
    matrix = sparse.coo_matrix((weights.ravel(), (rows.ravel(), mirrored.ravel())), (size_out, size_in)).tocsr()
    matrix.eliminate_zeros()
    return matrix


@lru_cache(maxsize=64)
def resize_matrix(size_in: int, size_out: int, scale: float | None = None) -> np.ndarray:
    """The matrix that resizes one axis.

    Args:
        size_in: Pixels before.
        size_out: Pixels after.
        scale: Ratio of the pixel grids; `size_out / size_in` if None. MATLAB's `imresize(image, 0.25)` takes 0.25 even
            where the size isn't divisible by 4 (and rounds the size up).

    Returns:
        `[size_out, size_in]` float64, rows sum to 1. Cached, hence read-only.

    Raises:
        ValueError: A size below 1, or a scale that is not positive and finite.
    """
    matrix = _sparse_matrix(size_in, size_out, scale).toarray()
    matrix.setflags(write=False)
    return matrix


def to_uint8(x: np.ndarray) -> np.ndarray:
    """Float grey levels -> 8 bits, as MATLAB converts.

    Args:
        x: Any shape, any range; meant as 0..255.

    Returns:
        The same shape, uint8: clipped, rounded half up (NumPy's own rounding goes half to even).

    Examples:
        >>> to_uint8(np.array([-3.0, 1.6, 300.0])).tolist()
        [0, 2, 255]
    """
    return np.floor(np.clip(x, 0, 255) + 0.5).astype(np.uint8)


def imresize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes one image as MATLAB's `imresize(image, [height width])` does.

    Args:
        image: `[h, w]` or `[h, w, channels]`, uint8 or float of any range.
        height: Rows of the result.
        width: Columns of the result.

    Returns:
        `[height, width(, channels)]`. uint8 stays uint8, rounded and clipped after each axis like MATLAB's; floats keep
        their dtype and may overshoot the range of the input.

    Raises:
        ValueError: Another number of axes, a size below 1.
        TypeError: Another dtype.

    Examples:
        >>> imresize(np.full((4, 4, 3), 100.0), 2, 2).shape
        (2, 2, 3)
    """
    if image.ndim not in (2, 3):
        raise ValueError(f"an image has 2 or 3 axes, not {image.ndim}")
    if image.dtype != np.uint8 and not np.issubdtype(image.dtype, np.floating):
        raise TypeError(f"an image is uint8 or float, not {image.dtype}")
    # The axis that shrinks most goes first, rows before columns: in uint8, MATLAB's order shows in the last bit.
    for axis, size in sorted(enumerate((height, width)), key=lambda pair: pair[1] / image.shape[pair[0]]):
        image = _resize_axis(image, axis, size)
    return np.ascontiguousarray(image)


def _resize_axis(image: np.ndarray, axis: int, size: int) -> np.ndarray:
    """One axis of `imresize`, in blocks of columns: a photograph in float64 at once would take 8 times its memory."""
    matrix = _sparse_matrix(image.shape[axis], size)
    moved = np.moveaxis(image, axis, 0)
    flat = moved.reshape(len(moved), -1)
    out = np.empty((size, flat.shape[1]), image.dtype)
    step = max(1, _BLOCK // len(flat))
    for start in range(0, flat.shape[1], step):
        block = matrix @ flat[:, start : start + step].astype(np.float64)
        out[:, start : start + step] = to_uint8(block) if image.dtype == np.uint8 else block
    return np.moveaxis(out.reshape(size, *moved.shape[1:]), 0, axis)


def downscale(batch: tf.Tensor, scale: int) -> tf.Tensor:
    """Shrinks a batch by an integer factor; equals `imresize` of floats.

    Args:
        batch: `[batch, h, w, channels]` float of any range; all but the batch static, h and w
            divisible by `scale`.
        scale: Factor, at least 1.

    Returns:
        `[batch, h / scale, w / scale, channels]` of the same dtype, unclipped.

    Raises:
        ValueError: A size is unknown or not divisible by `scale`.

    Examples:
        >>> import tensorflow as tf
        >>> downscale(tf.zeros((1, 8, 8, 3)), 4).shape
        TensorShape([1, 2, 2, 3])
    """
    import tensorflow as tf

    batch = tf.convert_to_tensor(batch)
    height, width, channels = batch.shape[1:]
    if scale < 1 or not all((height, width, channels)) or height % scale or width % scale:
        raise ValueError(f"downscale by {scale} needs static sizes divisible by it, not {batch.shape}")
    rows = tf.constant(resize_matrix(height, height // scale), batch.dtype)
    columns = tf.constant(resize_matrix(width, width // scale), batch.dtype)
    # As an einsum, too, the first product would transpose the whole batch before and after: 3 times slower.
    low = tf.matmul(rows, tf.reshape(batch, (-1, height, width * channels)))
    return tf.einsum("xw,bywc->byxc", columns, tf.reshape(low, (-1, height // scale, width, channels)))


def upscale(batch: tf.Tensor, scale: int) -> tf.Tensor:
    """Enlarges a batch by an integer factor; equals `imresize` of floats. Differentiable.

    An output pixel sees the 5 x 5 input pixels around its own, with weights that depend only on its phase: one
    convolution to `scale`^2 phases and a pixel shuffle, whatever the size of the image.

    Args:
        batch: `[batch, h, w, channels]` float of any range; h, w >= 1 may be dynamic, channels is static (and small:
            the convolution spends channels^2).
        scale: Factor, at least 1.

    Returns:
        `[batch, h * scale, w * scale, channels]` of the same dtype, unclipped.

    Raises:
        ValueError: The number of channels is unknown, or `scale` is below 1.

    Examples:
        >>> import tensorflow as tf
        >>> upscale(tf.zeros((1, 2, 2, 3)), 4).shape
        TensorShape([1, 8, 8, 3])
    """
    import tensorflow as tf

    batch = tf.convert_to_tensor(batch)
    channels = batch.shape[-1]
    if scale < 1 or channels is None:
        raise ValueError(f"upscale by {scale} needs a factor >= 1 and a static number of channels, not {batch.shape}")
    # The middle pixel of five has all its taps inside, so its rows of the matrix hold the weights of every phase.
    phases = resize_matrix(5, 5 * scale)[2 * scale : 3 * scale]
    kernel = np.einsum("yi,xj,cd->ijcyxd", phases, phases, np.eye(channels)).reshape(5, 5, channels, -1)
    # Mirror by two; tf.pad refuses it for sides of 1, where the "second" row is the first one again.
    top, bottom = batch[:, :2], batch[:, -2:]
    tall = tf.concat([top[:, -1:], top[:, :1], batch, bottom[:, -1:], bottom[:, :1]], axis=1)
    left, right = tall[:, :, :2], tall[:, :, -2:]
    padded = tf.concat([left[:, :, -1:], left[:, :, :1], tall, right[:, :, -1:], right[:, :, :1]], axis=2)
    shuffled = tf.nn.conv2d(padded, tf.constant(kernel, batch.dtype), 1, "VALID")
    return tf.nn.depth_to_space(shuffled, scale) if scale > 1 else shuffled
