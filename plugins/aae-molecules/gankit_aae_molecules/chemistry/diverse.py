"""A few molecules that are as different as can be."""

from __future__ import annotations

import numpy as np
from rdkit.SimDivFilters import rdSimDivPickers

from gankit_aae_molecules.library import tanimoto


def pick(fingerprints: np.ndarray, count: int) -> np.ndarray:
    """MaxMin picks (Ashton et al., Quant. Struct.-Act. Relat. 21, 2002), beginning with the first molecule.

    Args:
        fingerprints: uint8 `[n, 166]`, the best first.
        count: How many to pick, at most n.

    Returns:
        int64 `[count]`, rows in the order in which they were picked.
    """
    n, words = len(fingerprints), tanimoto.pack(fingerprints)
    if count >= n:
        return np.arange(n)
    counts, rows = tanimoto.ones(words), {}

    def distance(i: int, j: int) -> float:
        if j not in rows:
            rows[j] = 1 - tanimoto.similarities(words[:, j], words, counts)
        return float(rows[j][i])

    chosen = rdSimDivPickers.MaxMinPicker().LazyPick(distance, n, count, [0], seed=0)
    return np.array(list(chosen), np.int64)
