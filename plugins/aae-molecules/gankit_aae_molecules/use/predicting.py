"""Responses of molecules that a user brings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from gankit.errors import DataError, UsageError
from gankit_aae_molecules.chemistry.maccs import fingerprints
from gankit_aae_molecules.chemistry.standard import Standard, remark, standardise_all
from gankit_aae_molecules.library.records import records
from gankit_aae_molecules.use.trained import Trained

UNLIKE = "unlike the training compounds"
LOOKS = 32  # encodings with hidden bits
ROUNDING = 1e-4  # of a standardised log concentration that was kept as float32


def molecules(path: Path) -> tuple[list[str], list[Standard], list[str], list[str]]:
    """Names and structures of a file, what cannot be used, and of each structure what its standard form has lost.

    Raises:
        DataError: The file cannot be read, or has no usable molecule.
    """
    if not path.is_file():
        raise DataError(
            f"{path} is a folder" if path.is_dir() else f"there is no file {path}",
            "give lines of a SMILES and a name, or a table with a SMILES column",
        )
    found = list(records(path))
    standards = standardise_all([record.smiles for record in found])
    bad = [
        f"{printable(record.name)}: {printable(record.smiles)}: {why}"
        for record, why in zip(found, standards, strict=True)
        if isinstance(why, str)
    ]
    usable = [
        (record.name, standard, remark(record.smiles, standard))
        for record, standard in zip(found, standards, strict=True)
        if isinstance(standard, Standard)
    ]
    if not usable:
        said = f"; the first is {bad[0]!r}" if bad else ""
        raise DataError(f"{path.name} has no usable molecule{said}", "give lines of a SMILES and a name")
    names, structures, remarks = zip(*usable, strict=True)
    return list(names), list(structures), bad, list(remarks)


def printable(text: str) -> str:
    """The beginning of a text that may hold anything."""
    return "".join(mark if mark.isprintable() else "?" for mark in text[:60])


def predicted(trained: Trained, path: Path, conc: float | None) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of predictions, and what was left out.

    Args:
        trained: The run.
        path: SMILES.
        conc: Concentration in uM; None for the middle of the training doses.

    Raises:
        DataError: Nothing can be read.
        UsageError: The concentration was never seen in training, or the run knows none.
    """
    model, dose = trained.model, _dose(trained, conc)
    names, standards, bad, remarks = molecules(path)
    bits = fingerprints([standard.smiles for standard in standards])
    at = np.full((len(bits), 1), dose)
    response, spread = model.predict(bits, at), _spread(trained, bits, at)
    alike, nearest = trained.nearest(bits)
    at_log, half = trained.log_conc(at), _half_width(trained)
    known = trained.names
    rows = []
    for i, (name, standard) in enumerate(zip(names, standards, strict=True)):
        rows.append(
            {
                "name": name,
                "smiles": standard.smiles,
                "inchikey": standard.inchikey,
                "response": round(float(response[i]), 4),
                **({"log_conc": round(float(at_log[i]), 4)} if model.response.dosed else {}),
                "spread": round(float(spread[i]), 4),
                "low_90": None if half is None else round(float(response[i]) - half, 4),
                "high_90": None if half is None else round(float(response[i]) + half, 4),
                "nearest_training": known[int(nearest[i])],
                "similarity": round(float(alike[i]), 4),
                "in_training": standard.block in trained.blocks if trained.blocks else None,
                "warning": "; ".join(filter(None, [remarks[i], "" if alike[i] >= trained.applicable_from else UNLIKE])),
            }
        )
    return rows, bad


def _dose(trained: Trained, conc: float | None) -> float:
    facts, response = trained.facts["dose"], trained.model.response
    if conc is None:
        return 0.0
    if not response.dosed:
        raise UsageError("this run knows no concentrations", f"leave --conc out: it predicts {response.unit}")
    if conc <= 0:
        raise UsageError(f"{conc:g} uM is no concentration", "give one above 0")
    dose = float(trained.model.standardised(np.log10(conc * 1e-6))[0, 0])
    if not facts["low"] - ROUNDING <= dose <= facts["high"] + ROUNDING:
        low, high = (10 ** (facts[edge] * facts["deviation"] + facts["mean"] + 6) for edge in ("low", "high"))
        raise UsageError(f"{conc:g} uM was never seen in training", f"this run knows {low:.3g} to {high:.3g} uM")
    return float(np.clip(dose, facts["low"], facts["high"]))


def _spread(trained: Trained, bits: np.ndarray, dose: np.ndarray) -> np.ndarray:
    """Deviation of the response over encodings with hidden bits, as in training: Monte Carlo dropout (Gal 2016)."""
    share, rng = trained.loaded.recipe.config.dropout, np.random.default_rng(0)
    if not share:
        return np.zeros(len(bits))
    # One pattern for all molecules, so that a figure does not hang on what else is in the file.
    hidden = [(rng.random((1, bits.shape[1])) >= share) / (1 - share) for _ in range(LOOKS)]
    looks = [trained.model.predict(bits * pattern, dose) for pattern in hidden]
    return np.std(looks, axis=0)


def _half_width(trained: Trained) -> float | None:
    """Half the range that held nine tenths of the held-out responses; None before the evaluation, and for labels."""
    path = trained.loaded.run.path / "evaluation.json"
    if not path.is_file():
        return None
    found = json.loads(path.read_text("utf-8"))["protocol"].get("gi", {}).get("nine_tenths_within")
    return None if found is None else float(found)
