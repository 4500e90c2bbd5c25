"""Whether what is asked of the GI neuron comes back from the fingerprints that are generated."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from gankit import Evaluation
from gankit_aae_molecules.autoencoder import Autoencoder
from gankit_aae_molecules.data import Rows
from gankit_aae_molecules.evaluation.effect import Predictor

REQUESTS = 5


def requests(train: Rows, labelled: bool) -> np.ndarray:
    """Responses to ask for, rising: across the middle nine tenths of the training rows; of labels, probabilities.

    Of labels from the training rows' share of actives to nine in ten, or to nine times their odds if that is more.
    """
    if labelled:
        share = float(train.response.mean())
        usual = np.log(share / (1 - share))
        odds = np.linspace(usual, max(np.log(9.0), usual + np.log(9.0)), REQUESTS)
        return 1 / (1 + np.exp(-odds))
    return np.linspace(*np.quantile(train.response, [0.05, 0.95]), REQUESTS)


def read_back(model: Autoencoder, asked: np.ndarray, count: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Fingerprints for the same noise at each request.

    Returns:
        uint8 `[requests, count, 166]` (bits above one half) and concentrations `[requests, count, 1]`.
    """
    made = [model.generate(value, count, seed) for value in asked]
    return np.stack([p > 0.5 for p, _ in made]).astype(np.uint8), np.stack([dose for _, dose in made])


def evaluate(model: Autoencoder, train: Rows, forest: Predictor, count: int) -> Evaluation:
    """Spearman's rho of requested against read-back responses, by the encoder and by a forest that never saw it.

    `control_monotone` is the share of noise vectors for which each higher request is read back as no lower.
    """
    asked = requests(train, model.response.labelled)
    bits, dose = read_back(model, asked, count)
    flat_bits, flat_dose = bits.reshape(-1, bits.shape[2]), dose.reshape(-1, 1)
    ours = model.predict(flat_bits, flat_dose).reshape(len(asked), count)
    theirs = forest(flat_bits, flat_dose)
    wanted = np.repeat(asked, count)
    return Evaluation(
        {
            "control_rho": rho(wanted, ours.ravel()),
            "control_monotone": float((np.diff(ours, axis=0) >= -1e-6).all(axis=0).mean()),
            "control_forest_rho": rho(wanted, theirs),
        },
        {},
        {"control": {"requests": [round(float(value), 4) for value in asked], "generated_for_each": count}},
        dict.fromkeys(("control_rho", "control_monotone", "control_forest_rho"), "higher"),
    )


def rho(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's; 0 where one side is constant."""
    return float(spearmanr(a, b).statistic) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0.0
