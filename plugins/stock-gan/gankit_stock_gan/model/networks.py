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
from keras import layers

from gankit_stock_gan.model.memory import FIGURES
from gankit_stock_gan.model.noise import SHAPES

PERCEPTRON = (72, 100, 10)
SLOPE = 0.2  # of the leaky rectifiers below 0; the paper gives none


def days(units: int, hidden: int, name: str) -> keras.Model:
    """A network that reads one session, and says how noise becomes the next return.

    Args:
        units: Of the LSTM.
        hidden: Of the layer behind it.
        name: Of the network.

    Returns:
        `[batch, FIGURES + 2 units]`, what is seen of the session and the LSTM's state before it ->
        `[batch, SHAPES + 2 units]`, the shape of the next return's distribution and the state after the session.
    """
    inputs = layers.Input((FIGURES + 2 * units,), name="session")
    seen, output, carry = inputs[:, :FIGURES], inputs[:, FIGURES : FIGURES + units], inputs[:, FIGURES + units :]
    output, state = layers.LSTMCell(units)(seen, [output, carry])
    behind = layers.Dense(hidden, activation="tanh")(layers.Concatenate()([output, seen]))
    # Zero at first: Gaussian returns at the scale.
    shape = layers.Dense(SHAPES, kernel_initializer="zeros")(behind)
    return keras.Model(inputs, layers.Concatenate()([shape, *state]), name=name)


def discriminator(width: int) -> keras.Model:
    """`[batch, width]` scaled returns -> `[batch, 1]` logits, positive for real ones."""
    inputs = layers.Input((width,), name="returns")
    x = perceptron(inputs)  # before the last layer: the order in which layers are made decides their first weights
    return keras.Model(inputs, layers.Dense(1, dtype=keras.config.floatx())(x), name="discriminator")


def perceptron(x: Any) -> Any:
    """The hidden layers of the discriminator."""
    for units in PERCEPTRON:
        x = layers.LeakyReLU(SLOPE)(layers.Dense(units)(x))
    return x
