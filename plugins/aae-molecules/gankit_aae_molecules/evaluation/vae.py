"""The variational autoencoder that is trained beside: druGAN's claim is that it reconstructs worse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit

from gankit import Evaluation
from gankit_aae_molecules.evaluation.latent import normality
from gankit_aae_molecules.evaluation.reconstruction import likeness, nats

NAME = "VAE"


def evaluate(networks: Mapping[str, Any], latent: int, truth: np.ndarray) -> Evaluation:
    """Its figures on held-out structures `[n, 166]`, as a baseline.

    It is rebuilt from the means; whether its latent neurons are normal is asked of samples of the posterior.
    """
    bits, dose = truth.astype(np.float32), np.zeros((len(truth), 1), np.float32)
    mean, log_variance = (np.asarray(x) for x in networks["vae_encoder"]([bits, dose], training=False))
    logits = np.asarray(networks["vae_decoder"]([mean[:, :latent], mean[:, latent:]], training=False)[0])
    probabilities = expit(logits)
    sampled = mean + np.exp(log_variance / 2) * np.random.default_rng(6).normal(size=mean.shape)
    figures = {**likeness(truth, probabilities > 0.5), "nats": nats(truth, probabilities), **normality(sampled)}
    return Evaluation({}, {NAME: figures}, {"vae": {"neurons": latent + 1, "rebuilt_from": "means"}})
