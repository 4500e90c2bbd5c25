"""Parts of a table that share no compound, or no scaffold, to train and to test with."""

from __future__ import annotations

from typing import Literal

import numpy as np
from rdkit import rdBase
from rdkit.Chem.Scaffolds import MurckoScaffold

from gankit.errors import DataError, UsageError
from gankit_aae_molecules.chemistry.standard import molecule
from gankit_aae_molecules.tables.responses import Compounds


def scaffold(smiles: str) -> str:
    """The rings of a molecule and what links them (Bemis and Murcko, J. Med. Chem. 39, 1996), as canonical SMILES.

    Returns:
        Without stereochemistry; "" for a molecule without rings.

    Raises:
        BadMolecule: It cannot be used.
    """
    with rdBase.BlockLogs():
        return MurckoScaffold.MurckoScaffoldSmiles(mol=molecule(smiles))


def split(
    compounds: Compounds, by: Literal["compound", "scaffold"] = "scaffold", test: float = 0.2, seed: int = 0
) -> np.ndarray:
    """Which compounds are held out.

    Groups that must stay together are shuffled by the seed, then taken until the wanted share of the compounds is held
    out. A group that would exceed the share by more than half of it is passed over, or the molecules without rings,
    one group of hundreds, could become most of the held-out part. What is chosen depends on the compounds, not on
    their order.

    Args:
        compounds: Those without an InChIKey are told apart by their fingerprints.
        by: Whether compounds (first block of the InChIKey) or Murcko scaffolds stay together; in the second case
            compounds do too.
        test: Share of the compounds that is held out, between 0 and 1.
        seed: Of the shuffle.

    Returns:
        bool `[n]`, True where a compound is held out; `split(...)[responses.compound]` is that of the rows.

    Raises:
        DataError: There are fewer than two groups.
        UsageError: The share, or what the split is by, is not possible.
    """
    if not 0 < test < 1:
        raise UsageError(f"a held-out share of {test} is not between 0 and 1", "0.2 is usual")
    names = groups(compounds, by)
    members: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        members.setdefault(name, []).append(i)
    if len(members) < 2:
        what = "compound" if by == "compound" else "scaffold"
        raise DataError(
            f"all {len(names)} compounds have one {what}, so none can be held out",
            "give more cell lines or another table" if by == "compound" else "split by compound",
        )
    wanted, chosen = test * len(names), []
    order = sorted(members)
    for place in np.random.default_rng(seed).permutation(len(order)):
        group = members[order[place]]
        if len(chosen) + len(group) <= max(1.5 * wanted, 1):
            chosen += group
        if len(chosen) >= wanted:
            break
    if not chosen:  # a few large groups: the smallest is the nearest to what is wanted
        chosen = members[min(order, key=lambda name: len(members[name]))]
    held_out = np.zeros(len(names), bool)
    held_out[chosen] = True
    return held_out


def groups(compounds: Compounds, by: Literal["compound", "scaffold"]) -> list[str]:
    """What each compound must stay together with, as one word.

    Raises:
        UsageError: Scaffolds are asked of compounds that have no SMILES, or of something else.
    """
    blocks = [
        key[:14] or bits.tobytes().hex() for key, bits in zip(compounds.inchikey, compounds.fingerprint, strict=True)
    ]
    if by == "compound":
        return blocks
    if by != "scaffold":
        raise UsageError(f"a split by {by!r} is not known", "known: compound, scaffold")
    if not all(compounds.smiles):
        raise UsageError("compounds without SMILES have no scaffolds", "split by compound")
    first: dict[str, str] = {}  # of a block: two forms of one compound may not part
    for block, smiles in sorted(zip(blocks, compounds.smiles, strict=True)):
        if block not in first:
            first[block] = scaffold(smiles)
    return [first[block] for block in blocks]
