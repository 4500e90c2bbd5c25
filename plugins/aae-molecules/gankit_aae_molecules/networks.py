"""Encoder, decoder and discriminator of the two papers (Kadurin et al. 2017, Oncotarget 8 and Mol. Pharm. 14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
from keras import layers

from gankit_aae_molecules.library.tanimoto import BITS


def encoder(hidden: Sequence[int], activation: str, heads: Mapping[str, int], name: str = "encoder") -> keras.Model:
    """Fingerprint and concentration -> linear neurons.

    Args:
        hidden: Units of the hidden layers, each with batch normalisation.
        activation: Of the hidden units.
        heads: Names and sizes of the groups of neurons that come out: `latent` and `gi`, or those of a variational
            autoencoder.
        name: Of the network.

    Returns:
        `[batch, 166]` bits and `[batch, 1]` standardised log concentration -> `[batch, size]` of each head.
    """
    bits, concentration = layers.Input((BITS,), name="bits"), layers.Input((1,), name="concentration")
    x = layers.Concatenate()([bits, concentration])
    for units in hidden:
        x = layers.Dense(units, use_bias=False)(x)
        x = layers.Activation(activation)(layers.BatchNormalization(momentum=0.95, synchronized=True)(x))
    return keras.Model([bits, concentration], [_linear(units, head)(x) for head, units in heads.items()], name=name)


def decoder(latent: int, hidden: Sequence[int], activation: str, name: str = "decoder") -> keras.Model:
    """The normal neurons and the GI neuron -> logits of the bits and the concentration.

    Args:
        latent: Normal neurons.
        hidden: Units of the hidden layers.
        activation: Of the hidden units.
        name: Of the network.

    Returns:
        `[batch, latent]` and `[batch, 1]` -> `[batch, 166]` logits and `[batch, 1]` standardised log concentration.
    """
    normal, gi = layers.Input((latent,), name="latent"), layers.Input((1,), name="gi")
    x = layers.Concatenate()([normal, gi])
    for units in hidden:  # without batch normalisation, as in the papers: what is asked is not what was encoded
        x = layers.Dense(units, activation=activation)(x)
    return keras.Model([normal, gi], [_linear(BITS, "bits")(x), _linear(1, "concentration")(x)], name=name)


def discriminator(latent: int, hidden: Sequence[int]) -> keras.Model:
    """Normal neurons `[batch, latent]` -> the logit `[batch, 1]` of being drawn from N(0, I)."""
    x = first = layers.Input((latent,))
    for units in hidden:
        x = layers.LeakyReLU(0.1)(layers.Dense(units)(x))
    return keras.Model(first, _linear(1, "judgement")(x), name="discriminator")


def _linear(units: int, name: str) -> layers.Layer:
    return layers.Dense(units, name=name, dtype=keras.config.floatx())
