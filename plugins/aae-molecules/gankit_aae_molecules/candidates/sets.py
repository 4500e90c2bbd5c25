"""Figures of a set of molecules as a whole, beside a random draw of the library of the same size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gankit_aae_molecules.candidates import chemnet
from gankit_aae_molecules.chemistry.maccs import fingerprints
from gankit_aae_molecules.chemistry.scaffolds import scaffold
from gankit_aae_molecules.chemistry.standard import Standard, standardise_all
from gankit_aae_molecules.library import tanimoto
from gankit_aae_molecules.library.packed import Library
from gankit_aae_molecules.training_set import TrainingSet

REFERENCE = 1000  # training compounds that the Fréchet ChemNet distance is taken to


def figures(smiles: Sequence[str], training: TrainingSet) -> dict[str, float]:
    """Figures of the output set of generate-then-screen (Polykovskiy et al., MOSES, 2020, section 4.1).

    Args:
        smiles: Standardised.
        training: The training compounds.

    Returns:
        `molecules`; `unique`, share of distinct compounds; `novel`, share that is not in the training set, if
        its structures are known; `diversity`, 1 - mean Tanimoto similarity over pairs; `nearest_similarity`, mean
        similarity to the nearest training compound; `scaffolds`, share of distinct Murcko scaffolds; `fcd`, the
        Fréchet ChemNet distance to training compounds, if the weights are on this machine.
    """
    standards = [found for found in standardise_all(smiles) if isinstance(found, Standard)]
    if not standards:
        return {"molecules": 0.0}
    blocks = [standard.block for standard in standards]
    usable = [standard.smiles for standard in standards]
    own = tanimoto.pack(fingerprints(usable))
    counts, n = tanimoto.ones(own), own.shape[1]
    pairs = sum(float(tanimoto.similarities(query, own, counts).sum()) for query in own.T) - n
    return {
        "molecules": float(n),
        "unique": len(set(blocks)) / n,
        **({"novel": float(np.mean([block not in training.blocks for block in blocks]))} if training.blocks else {}),
        "diversity": 1 - pairs / (n * (n - 1)) if n > 1 else float("nan"),
        "nearest_similarity": float(np.mean(tanimoto.nearest(own, training.words)[0])),
        "scaffolds": len({scaffold(text) for text in usable}) / n,
        **_fcd(smiles, training),
    }


def _fcd(smiles: Sequence[str], training: TrainingSet) -> dict[str, float]:
    known = [text for text in training.smiles if text]
    if chemnet.weights() is None or min(len(known), len(smiles)) < 2:
        return {}
    chosen = np.random.default_rng(0).permutation(len(known))[:REFERENCE]
    return {"fcd": chemnet.distance(list(smiles), [known[i] for i in chosen])}


def random_molecules(library: Library, count: int, seed: int = 0) -> list[str]:
    """Standardised SMILES of random molecules of a library, without replacement."""
    rows = np.random.default_rng(seed).choice(library.n, min(count, library.n), replace=False)
    found = standardise_all([library.record(int(row)).smiles for row in rows])
    return [standard.smiles for standard in found if isinstance(standard, Standard)]
