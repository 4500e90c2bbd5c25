"""The distance of textures: what a patch is made of, wherever in the patch it lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gankit.nn import per_example

PATCH = 16  # pixels a side, as in the paper


def texture_distance(ours: Sequence[Any], truth: Sequence[Any], side: int) -> tf.Tensor:
    """Mean squared difference of the Gram matrices of patches (Sajjadi et al. 2017, EnhanceNet, equation 8).

    Args:
        ours: Maps of a feature network, `[batch, side / stride, side / stride, channels]` each.
        truth: Those of the truth.
        side: Of the pictures, in pixels; what a patch lacks at the far edges is left out.

    Returns:
        `[batch]`, the sum over those maps of which a patch has at least 2 x 2 places.

    Examples:
        >>> maps = [tf.random.normal((2, 16, 16, 8))]
        >>> texture_distance(maps, maps, side=32).numpy().tolist()
        [0.0, 0.0]
    """
    total = tf.zeros(tf.shape(ours[0])[:1], ours[0].dtype)
    for found, wanted in zip(ours, truth, strict=True):
        cells = PATCH * found.shape[1] // side  # of the map, a side of a patch
        if cells >= 2:
            total = total + per_example((_grams(found, cells) - _grams(wanted, cells)) ** 2)
    return total


def _grams(maps: tf.Tensor, cells: int) -> tf.Tensor:
    """`[batch, patches, channels, channels]`: mean products of channels."""
    channels, patches = maps.shape[-1], maps.shape[1] // cells
    maps = maps[:, : patches * cells, : patches * cells]
    split = tf.reshape(maps, (-1, patches, cells, patches, cells, channels))
    split = tf.reshape(tf.transpose(split, (0, 1, 3, 2, 4, 5)), (-1, patches**2, cells**2, channels))
    return tf.matmul(split, split, transpose_a=True) / cells**2
