"""The networks: sketch-GAN layer for layer, its thin companion, and a stronger discriminator.

A network that reads marks (a discriminator, BiGAN's encoder) returns what it says of them and the activations of its
layers, from which features are made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from gankit.nn import SpectralConv2D, SpectralDense
from gankit_sketch_retrieval.marks.normalisation import SIDE


@dataclass(frozen=True)
class Shape:
    """The convolutions of a discriminator and the transposed ones of the generator that mirrors it.

    Attributes:
        discriminator: Filters, kernel side and stride of each convolution.
        generator: The same of each transposed convolution, after a dense layer that makes `first` channels of 4 x 4.
        first: Channels there.
        normal: Batch normalisation, after every convolution of the discriminator but the first.
        code: Units of a dense layer between the convolutions and the logit; 0 for none.
    """

    discriminator: tuple[tuple[int, int, int], ...]
    generator: tuple[tuple[int, int, int], ...]
    first: int
    normal: bool
    code: int = 0


def shape(kind: str, width: int) -> Shape:
    """The shape of a network by name; `width` is that of mark-gan's first layer."""
    small = {
        # Creswell & Bharath 2016, table 1
        "sketch-gan": (((8, 9, 1), *3 * [(16, 5, 2)]), ((16, 3, 2), *3 * [(16, 5, 2)], (1, 9, 1))),
        # the same depth with small filters, and half as many
        "thin-gan": (((4, 3, 1), *3 * [(8, 3, 2)]), (*4 * [(8, 3, 2)], (1, 3, 1))),
    }
    if kind in small:
        return Shape(*small[kind], first=8, normal=True)
    return Shape(
        ((width, 5, 2), (2 * width, 3, 2), (4 * width, 3, 2), (4 * width, 3, 2)),
        ((2 * width, 3, 2), (width, 3, 2), (width // 2, 5, 2), (width // 4, 5, 2), (1, 5, 1)),
        first=2 * width,
        normal=False,
        code=8 * width,
    )


def reader(found: Shape, outputs: int = 1, *, spectral: bool = False, beside: int = 0, name: str) -> keras.Model:
    """Marks `[batch, 64, 64, 1]` in [0, 1] -> `[batch, outputs]`, linear, and each layer's activation.

    Args:
        found: From `shape`.
        outputs: 1 for a discriminator's logit.
        spectral: Spectral normalisation in place of that of the batch.
        beside: Numbers that are judged together with the mark, a second input (BiGAN's discriminator).
        name: Of the network.
    """
    convolution: Callable[..., Any] = SpectralConv2D if spectral else layers.Conv2D
    dense: Callable[..., Any] = SpectralDense if spectral else layers.Dense
    x = first = layers.Input((SIDE, SIDE, 1))
    inputs: Any = first
    activations = []
    for i, (filters, side, stride) in enumerate(found.discriminator):
        normal = found.normal and not spectral and i > 0
        x = convolution(filters, side, strides=stride, padding="same", use_bias=not normal)(x)
        if normal:
            x = layers.BatchNormalization(synchronized=True)(x)
        x = layers.LeakyReLU(0.2)(x)
        activations.append(x)
    x = layers.Flatten()(x)
    if beside:
        other = layers.Input((beside,))
        inputs = [first, other]
        both = layers.Concatenate()([x, layers.LeakyReLU(0.2)(dense(4 * beside)(other))])
        x = layers.LeakyReLU(0.2)(dense(found.code or 128)(both))
    elif found.code:
        x = layers.LeakyReLU(0.2)(dense(found.code)(x))
        activations.append(x)
    said = dense(outputs, dtype=keras.config.floatx())(x)
    return keras.Model(inputs, [said, *activations], name=name)


def generator(found: Shape, latent: int) -> keras.Model:
    """Noise `[batch, latent]` -> marks `[batch, 64, 64, 1]` in [0, 1]."""
    x = first = layers.Input((latent,))
    x = layers.Reshape((4, 4, found.first))(layers.Dense(16 * found.first)(x))
    *inner, (filters, side, stride) = found.generator
    for count, kernel, step in inner:
        x = layers.Conv2DTranspose(count, kernel, strides=step, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(synchronized=True)(x))
    x = layers.Conv2DTranspose(filters, side, strides=stride, padding="same")(x)
    return keras.Model(first, layers.Activation("sigmoid", dtype=keras.config.floatx())(x), name="generator")


def head(read: keras.Model, outputs: int = 128) -> keras.Model:
    """A reader's last activation -> coordinates in which a mark drawn anew is near itself, and far from others."""
    first = layers.Input(read.outputs[-1].shape[1:])
    placed = layers.Dense(outputs, dtype=keras.config.floatx())(layers.Flatten()(first))
    return keras.Model(first, placed, name="head")
