"""The networks of Zhang et al. (2019): an LSTM that predicts, a multi-layer perceptron that judges."""

from __future__ import annotations

import keras
from keras import layers

from gankit_stock_gan.model.networks import SLOPE, perceptron
from gankit_stock_gan.paper.factors import FACTORS


def generator(window: int, units: int, output: str, target: str, name: str = "generator") -> keras.Model:
    """A window -> the day after it, both in z-scores of the window.

    The mask is dropout's: training draws it, and in use it is all ones. As an input it follows the run's own random
    numbers, where Keras' dropout draws the same ones on every replica.

    Args:
        window: Days.
        units: Of the LSTM.
        output: "leaky_relu" or "linear".
        target: "window", or "change" to add the output to the window's last day.
        name: Of the network.

    Returns:
        `[batch, window, 7]` z-scores and `[batch, units]` factors of the LSTM's output -> `[batch, 7]` z-scores.
    """
    past, mask = layers.Input((window, len(FACTORS)), name="past"), layers.Input((units,), name="mask")
    x = layers.Multiply()([layers.LSTM(units, unroll=window <= 10)(past), mask])
    x = layers.Dense(len(FACTORS), dtype=keras.config.floatx())(x)
    if output == "leaky_relu":
        x = layers.LeakyReLU(SLOPE, dtype=keras.config.floatx())(x)
    if target == "change":
        x = layers.Add(dtype=keras.config.floatx())([x, past[:, -1]])
    return keras.Model([past, mask], x, name=name)


def discriminator(window: int) -> keras.Model:
    """A window and the day after it -> the logit of that day being real.

    Args:
        window: Days.

    Returns:
        `[batch, window, 7]` and `[batch, 7]` z-scores -> `[batch, 1]`; its sigmoid is the paper's output.
    """
    past, ahead = layers.Input((window, len(FACTORS)), name="past"), layers.Input((len(FACTORS),), name="next")
    x = perceptron(layers.Concatenate()([layers.Flatten()(past), ahead]))
    x = layers.Dense(1, dtype=keras.config.floatx(), name="judgement")(x)
    return keras.Model([past, ahead], x, name="discriminator")
