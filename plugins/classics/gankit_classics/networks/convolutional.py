"""The strided convolutions of DCGAN."""

from __future__ import annotations

import keras
from keras import layers

from gankit.nn import SpectralConv2D, SpectralDense
from gankit_classics.networks.dense import FEATURES, seen_together


def initial() -> keras.initializers.Initializer:
    """N(0, 0.02), as in DCGAN (Radford et al. 2015, section 4)."""
    return keras.initializers.RandomNormal(0.0, 0.02)


def doublings(side: int) -> tuple[int, int]:
    """The side at which a generator begins, at least 4, and how often it doubles."""
    count = 0
    while side % 2 == 0 and side >= 8:
        side, count = side // 2, count + 1
    return side, count


def generator(inputs: int, side: int, channels: int, width: int) -> keras.Model:
    """DCGAN's generator: a dense layer, then transposed convolutions of stride 2, batch-normalised but for the last.

    Args:
        inputs: Numbers of noise, and of whatever conditions it.
        side: Of the pictures.
        channels: Of the pictures.
        width: Channels of the last hidden layer; each layer before it has twice as many.

    Returns:
        `[batch, inputs]` -> `[batch, side, side, channels]` in [-1, 1].
    """
    start, count = doublings(side)
    noise = layers.Input((inputs,), name="noise")
    top = width * 2 ** (count - 1)
    x = layers.Dense(start * start * top, use_bias=False, kernel_initializer=initial())(noise)
    x = layers.Reshape((start, start, top))(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9, synchronized=True)(x))
    for i in reversed(range(1, count)):
        x = layers.Conv2DTranspose(
            width * 2 ** (i - 1), 4, 2, padding="same", use_bias=False, kernel_initializer=initial()
        )(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9, synchronized=True)(x))
    x = layers.Conv2DTranspose(
        channels, 4, 2, padding="same", kernel_initializer=initial(), dtype=keras.config.floatx()
    )(x)
    return keras.Model(noise, layers.Activation("tanh", dtype=keras.config.floatx())(x), name="generator")


def discriminator(
    side: int,
    channels: int,
    width: int,
    *,
    norm: str = "batch",
    batch_layer: str = "none",
    outputs: int = 1,
    classes: int = 0,
    projection: bool = False,
    constraint: keras.constraints.Constraint | None = None,
) -> keras.Model:
    """DCGAN's discriminator: convolutions of stride 2 without pooling, leaky units.

    Args:
        side: Of the pictures.
        channels: Of the pictures.
        width: Channels of the first convolution; each later one has twice as many.
        norm: "batch" (but for the first convolution), "spectral" or "none".
        batch_layer: "deviation" or "discrimination" before the last layer, or "none".
        outputs: Numbers out, linear.
        classes: Labels `[batch, classes]` are a second input, spread over the picture as channels.
        projection: Instead, the label's product with the features is added to the output (Miyato and Koyama 2018,
            equation 3), so that no layer can pass it over.
        constraint: On all kernels and biases.

    Returns:
        `[batch, side, side, channels]` -> `[batch, outputs]`; the flattened last convolution is the features.
    """
    kept = {"kernel_constraint": constraint, "bias_constraint": constraint} if constraint else {}
    convolution = SpectralConv2D if norm == "spectral" else layers.Conv2D
    picture = layers.Input((side, side, channels), name="picture")
    given, x = [picture], picture
    if classes:
        label = layers.Input((classes,), name="label")
        given = [picture, label]
    if classes and not projection:
        spread = layers.UpSampling2D(side)(layers.Reshape((1, 1, classes))(label))
        x = layers.Concatenate()([picture, spread])
    for i in range(doublings(side)[1]):
        normalised = norm == "batch" and i > 0
        x = convolution(
            width * 2**i, 4, 2, padding="same", use_bias=not normalised, kernel_initializer=initial(),
            **(kept if not normalised else {"kernel_constraint": constraint} if constraint else {}),
        )(x)  # fmt: skip
        if normalised:
            x = layers.BatchNormalization(momentum=0.9, synchronized=True)(x)
        x = layers.LeakyReLU(0.2)(x)
    x = features = layers.Flatten(name=FEATURES)(x)
    x = seen_together(x, batch_layer)
    last = SpectralDense if norm == "spectral" else layers.Dense
    x = last(outputs, kernel_initializer=initial(), dtype=keras.config.floatx(), **kept)(x)
    if classes and projection:
        meant = last(features.shape[-1], use_bias=False, kernel_initializer=initial(), **kept)(label)
        x = layers.Add(dtype=keras.config.floatx())([x, layers.Dot(1, dtype=keras.config.floatx())([features, meant])])
    return keras.Model(given if classes else picture, x, name="discriminator")
