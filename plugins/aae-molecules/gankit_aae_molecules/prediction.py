"""Responses of molecules that a user brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gankit.errors import DataError, UsageError
from gankit.runs import LoadedRun
from gankit.support import finite, read_stored
from gankit_aae_molecules.autoencoder import Autoencoder
from gankit_aae_molecules.chemistry.maccs import fingerprints
from gankit_aae_molecules.molecules import Molecule
from gankit_aae_molecules.training_set import TrainingSet

UNLIKE = "unlike the training compounds"
PATTERNS = 32  # of hidden bits
ROUNDING = 1e-4  # of a standardised log concentration that was kept as float32


@dataclass(frozen=True)
class _Response:
    nine_tenths_within: float | None = None


@dataclass(frozen=True)
class _Protocol:
    gi: _Response = _Response()


@dataclass(frozen=True)
class _Evaluation:
    """The part of evaluation.json that predictions need."""

    protocol: _Protocol


def predict(loaded: LoadedRun, molecules: Sequence[Molecule], conc: float | None) -> list[dict[str, Any]]:
    """Rows of predictions.

    Args:
        loaded: The run.
        molecules: What to predict.
        conc: Concentration in uM; None for the middle of the training doses.

    Raises:
        UsageError: The concentration was never seen in training, or the run knows none.
    """
    model, training = Autoencoder(loaded.networks, loaded.facts), TrainingSet(loaded.facts)
    bits = fingerprints([molecule.standard.smiles for molecule in molecules])
    at = np.full((len(bits), 1), standard_dose(model, conc))
    response, spread = model.predict(bits, at), _spread(model, loaded.recipe.config.dropout, bits, at)
    alike, nearest = training.nearest(bits)
    log_conc, half = model.log_conc(at), _half_width(loaded)
    rows = []
    for i, (name, standard, lost) in enumerate(molecules):
        unlike = "" if alike[i] >= training.applicable_from else UNLIKE
        rows.append(
            {
                "name": name,
                "smiles": standard.smiles,
                "inchikey": standard.inchikey,
                "response": round(float(response[i]), 4),
                **({"log_conc": round(float(log_conc[i]), 4)} if model.response.dosed else {}),
                "spread": round(float(spread[i]), 4),
                "low_90": None if half is None else round(float(response[i]) - half, 4),
                "high_90": None if half is None else round(float(response[i]) + half, 4),
                "nearest_training": training.names[nearest[i]],
                "similarity": round(float(alike[i]), 4),
                "in_training": standard.block in training.blocks if training.blocks else None,
                "warning": "; ".join(filter(None, [lost, unlike])),
            }
        )
    return rows


def standard_dose(model: Autoencoder, conc: float | None) -> float:
    """A concentration in uM as the encoder takes it; 0, the middle of the training doses, for None.

    Raises:
        UsageError: It was never seen in training, or the model knows no concentrations.
    """
    facts, response = model.facts["dose"], model.response
    if conc is None:
        return 0.0
    if not response.dosed:
        raise UsageError("this run knows no concentrations", f"leave --conc out: it predicts {response.unit}")
    if conc <= 0:
        raise UsageError(f"{conc:g} uM is no concentration", "give one above 0")
    dose = float(model.standardised(np.log10(conc * 1e-6))[0, 0])
    if not facts["low"] - ROUNDING <= dose <= facts["high"] + ROUNDING:
        low, high = 10 ** (model.log_conc(np.array([facts["low"], facts["high"]])) + 6)
        raise UsageError(f"{conc:g} uM was never seen in training", f"this run knows {low:.3g} to {high:.3g} uM")
    return float(np.clip(dose, facts["low"], facts["high"]))


def _spread(model: Autoencoder, share: float, bits: np.ndarray, dose: np.ndarray) -> np.ndarray:
    """Deviation of the response over encodings with hidden bits, as in training: Monte Carlo dropout (Gal 2016)."""
    rng = np.random.default_rng(0)
    if not share:
        return np.zeros(len(bits))
    # One pattern for all molecules, so that a figure does not hang on what else is in the file.
    hidden = [(rng.random((1, bits.shape[1])) >= share) / (1 - share) for _ in range(PATTERNS)]
    return np.std([model.predict(bits * pattern, dose) for pattern in hidden], axis=0)


def _half_width(loaded: LoadedRun) -> float | None:
    """Half the range that held nine tenths of the held-out responses; None before the evaluation, and for labels."""
    path = loaded.run.path / "evaluation.json"
    if not path.is_file():
        return None
    within = read_stored(path, _Evaluation, "'gankit evaluate' makes it again").protocol.gi.nine_tenths_within
    if within is not None and not (finite(within) and within >= 0):
        raise DataError(f"{path} is damaged: nine_tenths_within is {within}", "'gankit evaluate' makes it again")
    return within
