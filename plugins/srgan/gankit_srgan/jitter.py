"""Random shifts before the feature network."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gankit import Turn

MARGIN = 8  # pixels that are lost to the shift


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
