"""MACCS keys: 166 questions about a molecule's structure (Durant et al., J. Chem. Inf. Comput. Sci. 42, 2002)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rdkit import DataStructs, rdBase
from rdkit.Chem import rdMolDescriptors

from gankit.support import Jobs
from gankit_aae_molecules.chemistry.standard import molecule
from gankit_aae_molecules.chemistry.workers import mapped
from gankit_aae_molecules.library.tanimoto import BITS


def fingerprint(smiles: str) -> np.ndarray:
    """The keys of one molecule.

    Args:
        smiles: As `standard.molecule` takes it.

    Returns:
        uint8 `[166]` of 0 and 1; element i is key i + 1. RDKit's bit 0, which is never set, is left out.

    Raises:
        BadMolecule: It cannot be used.
    """
    bits = np.zeros(BITS + 1, np.uint8)
    found = molecule(smiles)
    with rdBase.BlockLogs():
        DataStructs.ConvertToNumpyArray(rdMolDescriptors.GetMACCSKeysFingerprint(found), bits)
    return bits[1:]


def fingerprints(smiles: Sequence[str], jobs: Jobs | None = None) -> np.ndarray:
    """The keys of many molecules, uint8 `[n, 166]`.

    Args:
        smiles: Each as in `fingerprint`.
        jobs: Where they are worked out; None for several processes if there are a few thousand molecules.

    Raises:
        BadMolecule: One cannot be used.
    """
    rows = mapped(fingerprint, smiles, jobs)
    return np.stack(rows) if rows else np.zeros((0, BITS), np.uint8)
