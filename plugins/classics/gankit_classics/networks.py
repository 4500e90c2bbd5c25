"""Networks of the classics: dense ones, and the strided convolutions of DCGAN."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from gankit.nn import MinibatchDiscrimination, MinibatchStandardDeviation, SpectralConv2D, SpectralDense

FEATURES = "features"  # the layer of a discriminator that says what it has learned about an example


def initial() -> keras.initializers.Initializer:
    """N(0, 0.02), as in DCGAN (Radford et al. 2015, section 4)."""
    return keras.initializers.RandomNormal(0.0, 0.02)


def doublings(side: int) -> tuple[int, int]:
    """The side at which a generator begins, at least 4, and how often it doubles."""
    count = 0
    while side % 2 == 0 and side >= 8:
        side, count = side // 2, count + 1
    return side, count


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


def with_features(network: keras.Model) -> keras.Model:
    """The same network with two outputs: its own, and its features."""
    return keras.Model(network.input, [network.output, network.get_layer(FEATURES).output], name=network.name)
