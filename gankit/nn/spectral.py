"""Layers whose kernel is divided by its largest singular value (Miyato et al. 2018, algorithm 1).

The kernel that is trained stays as it is: only what the layer computes with is divided. A phase that trains another
network through it hence leaves it alone, but for the vector of the power iteration, which such a call merely improves.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class _Spectral:
    """The power iteration; mixed into a Keras layer that has a kernel whose last axis is its outputs."""

    def add_weight(self, *args: Any, **kwargs: Any) -> Any:
        """As Keras has it, but never rounded to a policy's lower precision: the iteration needs every digit."""
        return super().add_weight(*args, **{**kwargs, "autocast": False})  # type: ignore[misc]

    def build(self, shape: tuple[Any, ...]) -> None:
        """Makes the kernel and the vector."""
        super().build(shape)  # type: ignore[misc]
        self.direction = self.add_weight(
            shape=(self.kernel.shape[-1],),  # type: ignore[attr-defined]
            initializer=keras.initializers.RandomNormal(),
            trainable=False,
            # All replicas compute the same.
            aggregation="only_first_replica",
            name="direction",
        )

    def normalised(self, training: bool) -> tf.Tensor:
        """The kernel over its largest singular value, as of one more step of the power iteration in training.

        The singular vectors are constants to the gradient (section 2.1 of the paper).
        """
        kernel = tf.convert_to_tensor(self.kernel)  # type: ignore[attr-defined]
        matrix = tf.reshape(kernel, (-1, kernel.shape[-1]))
        direction = tf.convert_to_tensor(self.direction)[:, None]
        constant = tf.stop_gradient(matrix)
        left = tf.math.l2_normalize(constant @ direction, epsilon=1e-24)
        right = tf.math.l2_normalize(tf.transpose(constant) @ left, epsilon=1e-24)
        if training:
            self.direction.assign(right[:, 0])
        return kernel / (tf.transpose(left) @ matrix @ right)[0, 0]

    def save_own_variables(self, store: Any) -> None:
        """What Keras saves, and the vector, of which it does not know."""
        super().save_own_variables(store)  # type: ignore[misc]
        store["direction"] = self.direction

    def load_own_variables(self, store: Any) -> None:
        """The counterpart."""
        super().load_own_variables(store)  # type: ignore[misc]
        self.direction.assign(store["direction"])


@keras.saving.register_keras_serializable("gankit")
class SpectralDense(_Spectral, keras.layers.Dense):
    """`keras.layers.Dense` with a spectrally normalised kernel; the same arguments.

    Examples:
        >>> SpectralDense(4)(tf.zeros((2, 3))).shape
        TensorShape([2, 4])
    """

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """`Dense.call`."""
        y = tf.tensordot(x, tf.cast(self.normalised(training), x.dtype), 1)
        return self.activation(y + tf.cast(self.bias, x.dtype) if self.use_bias else y)


@keras.saving.register_keras_serializable("gankit")
class SpectralConv2D(_Spectral, keras.layers.Conv2D):
    """`keras.layers.Conv2D` with a spectrally normalised kernel; the same arguments, channels last.

    Normalised is the kernel as a matrix from patches to outputs, as in the paper.

    Examples:
        >>> SpectralConv2D(4, 3)(tf.zeros((2, 8, 8, 3))).shape
        TensorShape([2, 6, 6, 4])
    """

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """`Conv2D.call`."""
        y = keras.ops.conv(
            x,
            tf.cast(self.normalised(training), x.dtype),
            strides=self.strides,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
        )
        return self.activation(y + tf.cast(self.bias, x.dtype) if self.use_bias else y)
