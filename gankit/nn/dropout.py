"""Dropout that draws by the example."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gankit.engine import random
from gankit.engine.example_key import ExampleKey, example_key


@keras.saving.register_keras_serializable("gankit")
class Dropout(keras.layers.Layer):
    """Dropout (Srivastava et al. 2014) whose masks are hashes of the run's seed, the example and the layer.

    Keras' own layer draws the same masks on every replica, and its generator is one more thing to restore. Here an
    example meets its mask whatever the devices, and after a resume. Within a step it is the same mask at each call of
    the network, as with noise of one name; calls on several batches at once (real and fake, stacked) draw for each.

    It works with `training=True` alone. Outside of a training an example's key is its row in the batch, so that the
    same batch gives the same result (pix2pix keeps dropout on when it is used, as its only noise).

    Args:
        rate: Share of the values that are set to 0, in [0, 1); the others grow by 1 / (1 - rate).
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: The rate is not in [0, 1), or the layer's batch is no multiple of the step's.

    Examples:
        >>> layer = Dropout(0.5)
        >>> once, again = (layer(tf.ones((2, 8)), training=True) for _ in range(2))
        >>> bool(tf.reduce_all(once == again)), sorted(set(once.numpy().ravel().tolist()))
        (True, [0.0, 2.0])
    """

    def __init__(self, rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"the rate of Dropout is {rate}, and must be in [0, 1)")
        self.rate = rate
        self.place = 0  # in its network; the engine says

    def call(self, inputs: Any, training: bool = False) -> Any:
        """`[batch, ...]` -> the same shape."""
        if not training or not self.rate:
            return inputs
        batch, *shape = inputs.shape
        key = example_key() or ExampleKey(tf.range(batch, dtype=tf.int64), 0, "")
        count = key.index.shape[0]
        if batch % count:
            raise ValueError(f"Dropout sees {batch} rows in a step of {count} examples: no multiple")
        draws = random.uniform(key.index, key.seed, f"dropout {self.place} of {key.network}", (batch // count, *shape))
        kept = tf.reshape(tf.experimental.numpy.swapaxes(draws, 0, 1), (batch, *shape)) >= self.rate
        return tf.where(kept, inputs / (1 - self.rate), tf.zeros_like(inputs))

    def compute_output_shape(self, shape: Any) -> Any:
        """The inputs' own."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """What makes the layer again."""
        return {**super().get_config(), "rate": self.rate}
