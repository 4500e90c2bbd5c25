"""LAPGAN's networks: dense ones for the coarsest level, convolutional ones for what each doubling adds."""

from __future__ import annotations

import keras
from keras import layers

from gankit_classics.networks.convolutional import initial


def coarsest_generator(latent: int, side: int, channels: int, units: int) -> keras.Model:
    """`[batch, latent]` -> `[batch, side, side, channels]` in [-1, 1], by two hidden layers."""
    noise = layers.Input((latent,), name="noise")
    x = noise
    for _ in range(2):
        x = layers.ReLU()(
            layers.BatchNormalization(momentum=0.9, synchronized=True)(layers.Dense(units, use_bias=False)(x))
        )
    x = layers.Dense(side * side * channels, activation="tanh", dtype=keras.config.floatx())(x)
    return keras.Model(noise, layers.Reshape((side, side, channels), dtype=keras.config.floatx())(x), name="generator")


def coarsest_discriminator(side: int, channels: int, units: int) -> keras.Model:
    """`[batch, side, side, channels]` -> `[batch, 1]`, by two hidden layers."""
    picture = layers.Input((side, side, channels), name="picture")
    x = layers.Flatten()(picture)
    for _ in range(2):
        x = layers.LeakyReLU(0.2)(layers.Dense(units)(x))
    return keras.Model(picture, layers.Dense(1, dtype=keras.config.floatx())(x), name="discriminator")


def residual_generator(side: int, channels: int, width: int) -> keras.Model:
    """A plane of noise and an enlarged picture -> the residual to add, all of one size; linear.

    The paper's has three convolutions at full size; half of the size in between sees further, at a third of the cost.
    """
    plane = layers.Input((side, side, 1), name="noise")
    guide = layers.Input((side, side, channels), name="guide")
    x = given = layers.Concatenate()([plane, guide])
    for layer in (
        layers.Conv2D(2 * width, 4, 2, padding="same", use_bias=False, kernel_initializer=initial()),
        layers.Conv2D(2 * width, 3, padding="same", use_bias=False, kernel_initializer=initial()),
        layers.Conv2DTranspose(width, 4, 2, padding="same", use_bias=False, kernel_initializer=initial()),
    ):
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9, synchronized=True)(layer(x)))
    x = layers.Concatenate()([x, given])
    floatx = keras.config.floatx()
    residual = layers.Conv2D(channels, 3, padding="same", kernel_initializer=initial(), dtype=floatx)(x)
    return keras.Model([plane, guide], residual, name="generator")


def pair_discriminator(side: int, channels: int, width: int) -> keras.Model:
    """A picture and the enlarged picture that it was made from -> `[batch, 1]`.

    It is shown their difference beside the guide: the detail that the generator is to find.
    """
    picture = layers.Input((side, side, channels), name="picture")
    guide = layers.Input((side, side, channels), name="guide")
    x = layers.Concatenate()([layers.Subtract()([picture, guide]), guide])
    for i in range(2):
        x = layers.LeakyReLU(0.2)(layers.Conv2D(width * 2**i, 5, 2, padding="same", kernel_initializer="he_normal")(x))
    x = layers.Dense(1, kernel_initializer=initial(), dtype=keras.config.floatx())(layers.Flatten()(x))
    return keras.Model([picture, guide], x, name="discriminator")
