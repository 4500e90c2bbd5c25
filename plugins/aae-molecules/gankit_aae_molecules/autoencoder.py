"""Trained networks as functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import expit

from gankit_aae_molecules.response import Response

BATCH = 4096


@dataclass(frozen=True)
class Autoencoder:
    """A trained encoder and decoder with their scales.

    Attributes:
        networks: `encoder` and `decoder`.
        facts: Of the data that they were trained on.
    """

    networks: Mapping[str, Any]
    facts: Mapping[str, Any]

    @cached_property
    def response(self) -> Response:
        """What the GI neuron stands for."""
        return Response(**self.facts["response"])

    @property
    def latent(self) -> int:
        """Normal neurons."""
        return int(self.facts["latent"])

    def encode(self, bits: np.ndarray, concentration: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Normal neurons `[n, latent]` and the GI neuron `[n]` of fingerprints `[n, 166]` at `[n, 1]` doses."""
        normal, gi = self._called("encoder", bits, concentration)
        return normal, gi[:, 0]

    def decode(self, normal: np.ndarray, gi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bit probabilities `[n, 166]` and standardised log concentrations `[n, 1]`."""
        logits, concentration = self._called("decoder", normal, np.asarray(gi).reshape(-1, 1))
        low, high = self.facts["dose"]["low"], self.facts["dose"]["high"]
        return expit(logits), np.clip(concentration, low, high)

    def predict(self, bits: np.ndarray, concentration: np.ndarray) -> np.ndarray:
        """Responses `[n]`."""
        return self.response.value(self.encode(bits, concentration)[1])

    def generate(self, value: float, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """`decode` of normal noise at one response."""
        normal = np.random.default_rng(seed).normal(size=(count, self.latent))
        return self.decode(normal, np.full(count, self.response.neuron(value)))

    def standardised(self, log_conc: Any) -> np.ndarray:
        """log10 of mol/l -> what the encoder takes, `[n, 1]`; 0 where the concentration is no input."""
        dose = self.facts["dose"]
        found = (np.asarray(log_conc, np.float64).reshape(-1, 1) - dose["mean"]) / dose["deviation"]
        return found if self.response.dosed else np.zeros_like(found)

    def log_conc(self, dose: np.ndarray) -> np.ndarray:
        """The inverse of `standardised`, `[n]`; NaN where the concentration is no input."""
        facts = self.facts["dose"]
        found = np.asarray(dose, np.float64).ravel() * facts["deviation"] + facts["mean"]
        return found if self.response.dosed else np.full_like(found, np.nan)

    def _called(self, network: str, *inputs: np.ndarray) -> list[np.ndarray]:
        inputs = tuple(np.asarray(x, np.float32) for x in inputs)
        pieces = [
            self.networks[network]([x[i : i + BATCH] for x in inputs], training=False)
            for i in range(0, len(inputs[0]), BATCH)
        ]
        return [np.concatenate([np.asarray(piece[k], np.float32) for piece in pieces]) for k in range(2)]
