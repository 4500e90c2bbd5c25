"""Against lattices: what keeps a perceptual loss from rewarding patterns that repeat with the low-resolution grid."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gankit import Turn
from gankit.nn import per_example

MARGIN = 8  # pixels that are lost to the shift
CELLS = 4  # low-resolution pixels a side over which a lattice is measured


def jittered(turn: Turn, *images: Any) -> list[tf.Tensor]:
    """The same randomly placed window of each image, another one for each example.

    A feature network reads the image with strides of 2 to 16 pixels. Were its grid always aligned with that of the
    low-resolution pixels, the generator would learn a grid that this network overlooks and an eye does not.

    Args:
        turn: Gives the noise.
        *images: Each `[batch, side, side, channels]`.

    Returns:
        Each `[batch, side - MARGIN, side - MARGIN, channels]`; differentiable.
    """
    side = images[0].shape[1] - MARGIN
    start = tf.cast(turn.uniform("jitter", 2) * (MARGIN + 1), tf.int32)
    rows, columns = (start[:, i, None] + tf.range(side)[None] for i in (0, 1))
    return [tf.gather(tf.gather(x, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1) for x in images]


def lattice(output: Any, truth: Any, scale: int) -> tf.Tensor:
    """How much of the error repeats with the low-resolution grid.

    In windows of `CELLS` x `CELLS` low-resolution pixels, the error is averaged over the cells at each of the
    `scale`^2 places within a cell. Photographs know nothing of the grid, so what is left there, apart from the window's
    mean, is a lattice (and noise that falls with the number of cells).

    Args:
        output: `[batch, side, side, channels]`.
        truth: The same shape; `side` is divisible by `CELLS * scale`.
        scale: Factor of the enlargement.

    Returns:
        `[batch]`: mean absolute amplitude.
    """
    channels, windows = output.shape[3], output.shape[1] // (CELLS * scale)
    error = tf.reshape(output - truth, (-1, windows, CELLS, scale, windows, CELLS, scale, channels))
    places = tf.reduce_mean(error, axis=(2, 5))
    return per_example(tf.abs(places - tf.reduce_mean(places, axis=(2, 4), keepdims=True)))
