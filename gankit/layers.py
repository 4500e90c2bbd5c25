"""Layers that Keras lacks. Each says what it computes and where it comes from."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gankit.data.resize import upscale


@keras.saving.register_keras_serializable("gankit")
class PixelShuffle(keras.layers.Layer):
    """Rearranges channels into space (Shi et al. 2016, "sub-pixel convolution", equation 4).

    `[batch, h, w, c * scale^2]` -> `[batch, h * scale, w * scale, c]`; the same in training and inference.

    Args:
        scale: Factor, at least 1.
    """

    def __init__(self, scale: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Rearranges."""
        return tf.nn.depth_to_space(x, self.scale) if self.scale > 1 else x

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The shape after rearranging."""
        batch, height, width, channels = shape
        s = self.scale
        return batch, height and height * s, width and width * s, channels // s**2

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable("gankit")
class BicubicUpscale(keras.layers.Layer):
    """MATLAB-compatible bicubic enlargement by an integer factor (`gankit.data.resize.upscale`).

    `[batch, h, w, c]` -> `[batch, h * scale, w * scale, c]` of any size; no weights; the same in training and
    inference.

    Args:
        scale: Factor, at least 1.
    """

    def __init__(self, scale: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Enlarges."""
        return upscale(x, self.scale)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """The enlarged shape."""
        batch, height, width, channels = shape
        return batch, height and height * self.scale, width and width * self.scale, channels

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "scale": self.scale}
