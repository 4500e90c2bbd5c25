"""Layers through which a discriminator sees the other examples of its batch, and so a collapsed generator.

The batch is that of all replicas. In inference they do the same: what they add depends on the batch that they are
given.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gankit.engine.replicas import gather, global_mean


@keras.saving.register_keras_serializable("gankit")
class MinibatchStandardDeviation(keras.layers.Layer):
    """Adds one channel: how much the examples of the batch differ (Karras et al. 2018, section 3).

    `[batch, ..., c]` -> `[batch, ..., c + 1]`. The standard deviation over the batch is taken of each feature at each
    place, and its mean over all features and places is repeated everywhere.

    Args:
        epsilon: Added to variances.

    Examples:
        >>> MinibatchStandardDeviation()(tf.zeros((4, 8, 8, 3))).shape
        TensorShape([4, 8, 8, 4])
    """

    def __init__(self, epsilon: float = 1e-8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Adds the channel."""
        variance = global_mean(tf.square(x - global_mean(x)))
        deviation = tf.reduce_mean(tf.sqrt(variance + self.epsilon))
        return tf.concat([x, tf.zeros_like(x[..., :1]) + deviation], axis=-1)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """One channel more."""
        return *shape[:-1], shape[-1] + 1

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("gankit")
class MinibatchDiscrimination(keras.layers.Layer):
    """Adds features that say how close the other examples of the batch are (Salimans et al. 2016, section 3.2).

    `[batch, features]` -> `[batch, features + kernels]`: with M = x T, rows of `width` numbers for each kernel, the
    mean over the other examples j of exp(-|M_i - M_j|_1). The paper has the sum, which grows with the batch: a network
    that was trained with small batches would judge large ones by other features.

    Args:
        kernels: Features to add.
        width: Numbers in a row.

    Examples:
        >>> MinibatchDiscrimination(kernels=5)(tf.zeros((4, 16))).shape
        TensorShape([4, 21])
    """

    def __init__(self, kernels: int = 50, width: int = 5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernels, self.width = kernels, width

    def build(self, shape: tuple[Any, ...]) -> None:
        """Makes the tensor T."""
        self.tensor = self.add_weight(
            shape=(shape[-1], self.kernels * self.width), initializer="glorot_uniform", name="tensor"
        )

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Adds the features."""
        rows = tf.reshape(x @ tf.cast(self.tensor, x.dtype), (-1, self.kernels, self.width))
        everyone, _ = gather(rows)
        distances = tf.reduce_sum(tf.abs(rows[:, None] - everyone[None]), axis=3)
        others = tf.maximum(tf.cast(tf.shape(everyone)[0] - 1, x.dtype), 1)
        # Every example is at distance 0 from itself, which adds the constant 1.
        return tf.concat([x, (tf.reduce_sum(tf.exp(-distances), axis=1) - 1) / others], axis=1)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """`kernels` features more."""
        return *shape[:-1], shape[-1] + self.kernels

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "kernels": self.kernels, "width": self.width}
