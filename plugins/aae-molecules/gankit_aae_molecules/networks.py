"""Encoder, decoder and discriminator of the two papers (Kadurin et al. 2017, Oncotarget 8 and Mol. Pharm. 14)."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from gankit_aae_molecules.library.tanimoto import BITS


def encoder(latent: int, hidden: Sequence[int], activation: str) -> keras.Model:
    """Fingerprint and concentration -> the normal neurons and the GI neuron.

    Args:
        latent: Normal neurons.
        hidden: Units of the hidden layers, each with batch normalisation.
        activation: Of the hidden units.

    Returns:
        `[batch, 166]` bits and `[batch, 1]` standardised log concentration -> `[batch, latent]` and `[batch, 1]`.
    """
    bits, concentration = layers.Input((BITS,), name="bits"), layers.Input((1,), name="concentration")
    x = _hidden(layers.Concatenate()([bits, concentration]), hidden, activation)
    heads = [_linear(latent, "latent")(x), _linear(1, "gi")(x)]
    return keras.Model([bits, concentration], heads, name="encoder")


def variational_encoder(latent: int, hidden: Sequence[int], activation: str) -> keras.Model:
    """That of a variational autoencoder of the same size: means and log variances, `[batch, latent + 1]` each."""
    bits, concentration = layers.Input((BITS,), name="bits"), layers.Input((1,), name="concentration")
    x = _hidden(layers.Concatenate()([bits, concentration]), hidden, activation)
    heads = [_linear(latent + 1, "mean")(x), _linear(latent + 1, "log_variance")(x)]
    return keras.Model([bits, concentration], heads, name="vae_encoder")


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


def _hidden(x: keras.KerasTensor, hidden: Sequence[int], activation: str) -> keras.KerasTensor:
    for units in hidden:
        x = layers.Activation(activation)(
            layers.BatchNormalization(momentum=0.95, synchronized=True)(layers.Dense(units, use_bias=False)(x))
        )
    return x


def _linear(units: int, name: str) -> layers.Layer:
    return layers.Dense(units, name=name, dtype=keras.config.floatx())
