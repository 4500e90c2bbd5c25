"""The generator and the discriminator.

The generator reads sessions one after the other with an LSTM, and after each says how noise becomes the next return:

    return = scale * exp(a) * (b + d sinh((asinh(z) + c) / d) - d sinh(c / d)),    z ~ N(0, 1)

where a, b, c and d depend on what was read: volatility beside the scale, median, skewness and weight of the tails. It
is the sinh-arcsinh transformation (Jones & Pewsey 2009, "Sinh-arcsinh distributions"), increasing in z, so quantiles of
the noise are quantiles of the return: one day's distribution needs no sampling. Longer paths feed each simulated return
back into what is read.

The discriminator is the perceptron of Zhang et al. (2019), 72, 100 and 10 units, over a window and what follows it.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from gankit_stock_gan.model.memory import FIGURES
from gankit_stock_gan.model.noise import SHAPES

JUDGE = (72, 100, 10)


@keras.saving.register_keras_serializable("gankit_stock_gan")
class Days(keras.Model):
    """Reads sessions, and says after each how noise becomes the next return.

    Args:
        units: Of the LSTM.
        hidden: Of the layer behind it.
    """

    def __init__(self, units: int, hidden: int, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.hidden_units = units, hidden
        self.cell = layers.LSTMCell(units)
        self.hidden = layers.Dense(hidden, activation="tanh")
        # Zero at first: Gaussian returns at the scale.
        self.shape_of = layers.Dense(SHAPES, kernel_initializer="zeros")

    def build(self, input_shape: Any) -> None:
        """Makes the weights."""
        self.cell.build((None, FIGURES))
        self.hidden.build((None, self.units + FIGURES))
        self.shape_of.build((None, self.hidden_units))
        self.built = True

    def call(self, x: Any, training: bool = False) -> Any:
        """One session read.

        Args:
            x: `[batch, FIGURES + 2 units]`: what is seen of the session, and the LSTM's state before it.
            training: Not used.

        Returns:
            `[batch, SHAPES + 2 units]`: the shape of the next return's distribution, and the state after the session.
        """
        seen, state = x[:, :FIGURES], [x[:, FIGURES : FIGURES + self.units], x[:, FIGURES + self.units :]]
        output, state = self.cell(seen, state)
        shape = self.shape_of(self.hidden(tf.concat([output, seen], -1)))
        return tf.concat([shape, *state], -1)

    def get_config(self) -> dict[str, Any]:
        """For Keras' files."""
        return {**super().get_config(), "units": self.units, "hidden": self.hidden_units}


def days(units: int, hidden: int, name: str) -> Days:
    """A network that reads sessions, built."""
    network = Days(units, hidden, name=name)
    network.build(None)
    return network


def discriminator(width: int) -> keras.Model:
    """`[batch, width]` scaled returns -> `[batch, 1]` logits, positive for real ones."""
    inputs = layers.Input((width,), name="returns")
    x = inputs
    for units in JUDGE:
        x = layers.LeakyReLU(0.2)(layers.Dense(units)(x))
    return keras.Model(inputs, layers.Dense(1, dtype=keras.config.floatx())(x), name="discriminator")
