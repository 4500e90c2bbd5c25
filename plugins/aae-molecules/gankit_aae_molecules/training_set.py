"""The compounds that a run was trained on, as it remembers them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from gankit_aae_molecules.library import tanimoto
from gankit_aae_molecules.tables.responses import Compounds

CHECKED = 2000  # compounds that tell how far apart known ones are


class TrainingSet:
    """Training compounds, read from a run's facts; the table that they come from is not needed.

    Args:
        facts: Of the data, with `training` as `remembered` gives it.

    Attributes:
        names: Of the compounds.
        smiles: Of the compounds; "" where only fingerprints are known.
        blocks: First blocks of their InChIKeys.
        words: Their fingerprints, uint64 `[3, n]`.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        found = facts["training"]
        self.names, self.smiles = list(found["name"]), list(found["smiles"])
        self.blocks = frozenset(key[:14] for key in found["inchikey"] if key)
        rows = np.frombuffer(bytes.fromhex("".join(found["bits"])), "<u8").reshape(-1, tanimoto.WORDS)
        self.words = np.ascontiguousarray(rows.T)

    def nearest(self, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Similarity to the nearest training compound and its place in `names`, for each of `[n, 166]` bits."""
        return tanimoto.nearest(tanimoto.pack(bits), self.words)

    @cached_property
    def applicable_from(self) -> float:
        """Similarity to another training compound that all but one in twenty of them reach."""
        n = self.words.shape[1]
        if n < 2:
            return 1.0
        counts, best = tanimoto.ones(self.words), []
        for row in np.random.default_rng(0).permutation(n)[:CHECKED]:
            alike = tanimoto.similarities(self.words[:, row], self.words, counts)
            alike[row] = -1
            best.append(float(alike.max()))
        return float(np.quantile(best, 0.05))


def remembered(compounds: Compounds, rows: np.ndarray) -> dict[str, list[str]]:
    """What a run keeps of its training compounds, as JSON.

    Args:
        compounds: Of the table.
        rows: Those that are trained on, integers.

    Returns:
        `name`, `smiles`, `inchikey`, and `bits`: the three words of each fingerprint, little-endian, as hexadecimal.
    """
    words = np.ascontiguousarray(tanimoto.pack(compounds.fingerprint[rows]).T).astype("<u8")
    return {
        "name": [compounds.name[i] for i in rows],
        "smiles": [compounds.smiles[i] for i in rows],
        "inchikey": [compounds.inchikey[i] for i in rows],
        "bits": [row.tobytes().hex() for row in words],
    }
