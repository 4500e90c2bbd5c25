"""Layers that enlarge pictures."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gankit.images.resize import upscale


class _Enlarging(keras.layers.Layer):
    """A layer without weights that enlarges by an integer factor."""

    def __init__(self, scale: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def _sizes(self, *sizes: int | None) -> list[int | None]:
        return [size and size * self.scale for size in sizes]

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable("gankit")
class PixelShuffle(_Enlarging):
    """Rearranges channels into space (Shi et al. 2016, "sub-pixel convolution", equation 4).

    `[batch, h, w, c * scale^2]` -> `[batch, h * scale, w * scale, c]`; the same in training and inference.

    Args:
        scale: Factor, at least 1.

    Examples:
        >>> PixelShuffle(2)(keras.ops.zeros((1, 4, 4, 12))).shape
        TensorShape([1, 8, 8, 3])
    """

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Rearranges."""
        return tf.nn.depth_to_space(x, self.scale) if self.scale > 1 else x

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The shape after rearranging."""
        batch, height, width, channels = shape
        return batch, *self._sizes(height, width), channels // self.scale**2


@keras.saving.register_keras_serializable("gankit")
class BicubicUpscale(_Enlarging):
    """MATLAB-compatible bicubic enlargement by an integer factor (`gankit.images.resize.upscale`).

    `[batch, h, w, c]` -> `[batch, h * scale, w * scale, c]` of any size; no weights; the same in training and
    inference.

    Args:
        scale: Factor, at least 1.

    Examples:
        >>> BicubicUpscale(2)(keras.ops.zeros((1, 4, 4, 3))).shape
        TensorShape([1, 8, 8, 3])
    """

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Enlarges."""
        return upscale(x, self.scale)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The enlarged shape."""
        batch, height, width, channels = shape
        return batch, *self._sizes(height, width), channels
