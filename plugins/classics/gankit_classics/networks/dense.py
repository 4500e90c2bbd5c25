"""Dense networks, and the layers that all discriminators share."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from gankit.nn import MinibatchDiscrimination, MinibatchStandardDeviation, SpectralDense

FEATURES = "features"  # the layer of a discriminator that says what it has learned about an example


def dense(inputs: int, outputs: int, width: int, depth: int, *, name: str) -> keras.Model:
    """A multi-layer perceptron with rectified units, `[batch, inputs]` -> `[batch, outputs]`, linear."""
    x = first = layers.Input((inputs,))
    for _ in range(depth):
        x = layers.ReLU()(layers.Dense(width)(x))
    return keras.Model(first, layers.Dense(outputs, dtype=keras.config.floatx())(x), name=name)


def finished(network: keras.Model, groups: Sequence[int], bounded: bool) -> keras.Model:
    """A network whose outputs end as data do.

    Args:
        network: `[batch, n]`, linear.
        groups: The last outputs are probabilities, in groups of these sizes.
        bounded: All others lie in [-1, 1].
    """
    x, floatx = network.output, keras.config.floatx()
    place = x.shape[-1] - sum(groups)
    parts = [layers.Activation("tanh" if bounded else "linear", dtype=floatx)(x[:, :place])] if place else []
    for size in groups:
        parts.append(layers.Softmax(dtype=floatx)(x[:, place : place + size]))
        place += size
    return keras.Model(
        network.input, layers.Concatenate(dtype=floatx)(parts) if groups else parts[0], name=network.name
    )


def dense_discriminator(inputs: int, width: int, depth: int, *, spectral: bool, batch_layer: str) -> keras.Model:
    """A multi-layer perceptron with leaky units, `[batch, inputs]` -> `[batch, 1]`."""
    layer = SpectralDense if spectral else layers.Dense
    x = first = layers.Input((inputs,))
    for i in range(depth):
        x = layers.LeakyReLU(0.2, name=FEATURES if i == depth - 1 else None)(layer(width)(x))
    x = seen_together(x, batch_layer)
    return keras.Model(first, layer(1, dtype=keras.config.floatx())(x), name="discriminator")


def seen_together(x: keras.KerasTensor, batch_layer: str) -> keras.KerasTensor:
    """`[batch, n]` with what a layer sees in the whole batch: "deviation", "discrimination" or "none"."""
    if batch_layer == "deviation":
        return MinibatchStandardDeviation()(x)
    return MinibatchDiscrimination()(x) if batch_layer == "discrimination" else x


def with_features(network: keras.Model) -> keras.Model:
    """The same network with two outputs: its own, and its features."""
    return keras.Model(network.input, [network.output, network.get_layer(FEATURES).output], name=network.name)


def noisy_classifier(
    shape: tuple[int, int, int], widths: Sequence[int], outputs: int, deviation: float, *, name: str
) -> keras.Model:
    """A multi-layer perceptron with Gaussian noise on its hidden units (Salimans et al. 2016, section 6.1).

    The noise is given from outside, for layers that draw their own would draw the same on every replica.

    Args:
        shape: Of a picture.
        widths: Units of the hidden layers.
        outputs: Numbers out, linear.
        deviation: Of the noise.
        name: Of the network.

    Returns:
        Pictures `[batch, height, width, channels]` and N(0, 1) noise `[batch, sum(widths)]`, or zeros in use ->
        `[batch, outputs]`, and as features the last hidden units before their noise, `[batch, widths[-1]]`.
    """
    picture, noise = layers.Input(shape, name="picture"), layers.Input((sum(widths),), name="noise")
    x, place = layers.Flatten()(picture), 0
    for width in widths:
        features = layers.ReLU()(layers.Dense(width, kernel_initializer="he_normal")(x))
        scaled = layers.Rescaling(deviation)(noise[:, place : place + width])
        x, place = layers.Add()([features, scaled]), place + width
    logits = layers.Dense(outputs, dtype=keras.config.floatx())(x)
    return keras.Model([picture, noise], [logits, features], name=name)
