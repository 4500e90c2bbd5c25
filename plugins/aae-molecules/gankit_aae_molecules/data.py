"""From the options to data: a table read and split by compound, and structures without responses."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gankit import ArraySource, Data
from gankit.errors import DataError, UsageError, did_you_mean
from gankit_aae_molecules import shipped, tables
from gankit_aae_molecules.config import AAEConfig
from gankit_aae_molecules.library import tanimoto
from gankit_aae_molecules.response import Response, values
from gankit_aae_molecules.sources import ResponseSource
from gankit_aae_molecules.tables.responses import Compounds, Responses
from gankit_aae_molecules.training_set import remembered

log = logging.getLogger("gankit")

FEW = 50  # training compounds, of which no network learns what structure does
SCAFFOLDS_FROM = 200  # compounds; of fewer, most have a scaffold of their own


@dataclass(frozen=True)
class Rows:
    """Some rows of a table, as the networks see them and as a person does.

    Attributes:
        compounds: Of the whole table.
        compound: int32 `[n]`, index into them.
        concentration: float32 `[n, 1]`, standardised; 0 where it is no input.
        response: float64 `[n]`: percent growth, pGI50, or labels.
    """

    compounds: Compounds
    compound: np.ndarray
    concentration: np.ndarray
    response: np.ndarray

    def __len__(self) -> int:
        return len(self.response)

    @property
    def fingerprint(self) -> np.ndarray:
        """uint8 `[n, 166]`."""
        return self.compounds.fingerprint[self.compound]

    @property
    def present(self) -> np.ndarray:
        """The compounds that occur, int `[m]`."""
        return np.unique(self.compound)


def open_data(config: AAEConfig) -> Data:
    """Reads what the options name.

    Returns:
        Sources `molecules` (field `molecule`) and `responses`; held out are `train` and `test` (`Rows`) and `table`
        (`Responses`); the facts rebuild networks and scales.

    Raises:
        DataError: A file cannot be used, or too little is left of it.
        UsageError: A compound or cell line is not there.
    """
    table = read(config)
    held_out, by = split(config, table.compounds, table.summary.merged)
    of_row = held_out[table.compound]
    for part, rows in (("train on", ~of_row), ("test with", of_row)):
        if not rows.any():
            raise DataError(f"no response is left to {part}", "choose another --test, --split or --held-out")
    response = values(table.kind, table.gi, table.log_conc)
    if np.ptp(response[~of_row]) == 0 and table.kind != "active":
        raise DataError(f"all responses to train on are {response[~of_row][0]:g}", "is it the right column?")
    if table.kind == "active" and len(set(response[~of_row].tolist())) < 2:
        raise DataError("all labels to train on are the same", "choose another --test, --split-seed or --held-out")
    scale = Response.fitted(table.kind, response[~of_row])
    dose = {"mean": 0.0, "deviation": 1.0, "low": 0.0, "high": 0.0}
    if scale.dosed:
        dose = _dose(table.log_conc[~of_row])
    concentration = (table.log_conc if scale.dosed else np.zeros_like(table.log_conc))[:, None]
    concentration = ((concentration - dose["mean"]) / dose["deviation"]).astype(np.float32)

    def part(rows: np.ndarray) -> Rows:
        return Rows(table.compounds, table.compound[rows], concentration[rows], response[rows].astype(np.float64))

    train, test = part(~of_row), part(of_row)
    if len(train.present) < FEW:
        log.warning(
            "the response is learned from %d compounds: enough for the effect of dose, too few for that of structure",
            len(train.present),
        )
    wanted = train.response if scale.labelled else scale.neuron(train.response)
    known, unseen = structures(config, table.compounds.fingerprint[~held_out], table.compounds.fingerprint[held_out])
    facts = {
        "file": table.summary.file, "response": asdict(scale), "dose": dose, "split": by,
        "compounds": {"train": len(train.present), "test": len(test.present)},
        "rows": {"train": len(train), "test": len(test)}, "structures": {"train": len(known), "test": len(unseen)},
        "cell_lines": len(table.cell_lines), "training": remembered(table.compounds, train.present), **config.shape,
    }  # fmt: skip
    sources = {
        "molecules": ArraySource(molecule=known),
        "responses": ResponseSource(
            table.compounds.fingerprint, train.compound, train.concentration, wanted[:, None].astype(np.float32)
        ),
    }
    seen = {"structures": known, "unseen": unseen}
    return Data(sources, {"train": train, "test": test, "table": table, **seen}, facts)


def read(config: AAEConfig) -> Responses:
    """The table that the options name, or the worked example."""
    options = {"cell_line": config.cell_line, "pool": config.pool, "columns": config.columns}
    if config.fingerprints is not None:
        return tables.read(config.fingerprints, smiles_table=config.smiles_table, **options)
    log.warning("%s; give --fingerprints FILE for your own", shipped.TITLE)
    with tempfile.TemporaryDirectory() as folder:
        return tables.read(shipped.series(Path(folder)), smiles_table=config.smiles_table, **options)


def split(config: AAEConfig, compounds: Compounds, merged: Sequence[Sequence[str]] = ()) -> tuple[np.ndarray, str]:
    """Which compounds are held out, bool `[n]`, and by what.

    Args:
        config: Its options.
        compounds: The distinct ones.
        merged: Names that mean one compound, the one it has among `compounds` first.

    Raises:
        UsageError: A compound that is named is not there.
    """
    from gankit_aae_molecules.chemistry import scaffolds

    if config.held_out:
        held_out = np.zeros(len(compounds), bool)
        held_out[_named(config.held_out, compounds.name, merged)] = True
        return held_out, "name"
    by = config.split
    if by == "auto":
        by = "scaffold" if len(compounds) >= SCAFFOLDS_FROM and all(compounds.smiles) else "compound"
    return scaffolds.split(compounds, by, config.test, config.split_seed), by


def _named(text: str, names: Sequence[str], merged: Sequence[Sequence[str]]) -> list[int]:
    """Places of compounds by name: one name, or several between semicolons, or between commas."""
    places: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        places.setdefault(name.casefold(), []).append(i)
    for first, *others in merged:
        for other in others:
            places.setdefault(other.casefold(), []).extend(places[first.casefold()])
    if text.strip().casefold() in places:
        return places[text.strip().casefold()]
    found = []
    for name in filter(None, map(str.strip, text.split(";" if ";" in text else ","))):
        if name.casefold() not in places:
            raise UsageError(
                f"no compound is called {name!r}",
                did_you_mean(name, [*names, *(other for group in merged for other in group[1:])]),
            )
        found += places[name.casefold()]
    return found


def structures(config: AAEConfig, train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fingerprints to learn structures from, and others to test that with, uint8 `[n, 166]` each.

    The compounds of the table, and the structures of a file, of which the same share is held out. None of the file's is
    learned from that a held-out compound has; a held-out compound whose fingerprint a training compound has, too, is no
    test of reconstruction.
    """
    if config.molecules == "none":
        return train, _others(test, train)
    path = shipped.structures() if config.molecules == "builtin" else Path(config.molecules)
    from gankit_aae_molecules.library.packed import open_library

    found = np.unique(tanimoto.unpack(open_library(path).words), axis=0)
    chosen = np.random.default_rng(config.split_seed).random(len(found)) < config.test
    unseen = np.concatenate([found[chosen & ~_among(found, train)], _others(test, train)])
    return np.concatenate([found[~_among(found, unseen)], train]), unseen


def _others(test: np.ndarray, train: np.ndarray) -> np.ndarray:
    """The fingerprints of `test` that are not in `train`; all, if none is left."""
    kept = ~_among(test, train)
    return test[kept] if kept.any() else test


def _among(bits: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which fingerprints are some of the others, bool `[n]`."""
    known = {row.tobytes() for row in others}
    return np.array([row.tobytes() in known for row in bits], bool)


def _dose(log_conc: np.ndarray) -> dict[str, Any]:
    mean, deviation = float(log_conc.mean()), max(float(log_conc.std()), 0.1)
    low, high = ((float(edge) - mean) / deviation for edge in (log_conc.min(), log_conc.max()))
    return {"mean": mean, "deviation": deviation, "low": low, "high": high}
