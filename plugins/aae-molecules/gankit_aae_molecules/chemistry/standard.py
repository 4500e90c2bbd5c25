"""SMILES -> one standard form of each compound: without its salt's other ions, with its InChIKey.

Charges and tautomers are left as they are written. The first block of the InChIKey, by which compounds are merged,
ignores both stereochemistry and whether an acid or a base is written as its ion; it joins some tautomers, not all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize

from gankit_aae_molecules.chemistry.workers import mapped

MOST_CHARACTERS = 4000  # of a SMILES
MOST_ATOMS = 300  # without hydrogen: polymers and proteins are no candidates, and patterns take long on them
# What the ions of usual salts are made of: to lose them loses nothing.
_HARMLESS = frozenset(("H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I", "Li", "Na", "K", "Mg", "Ca", "Si", "B"))
MOST_SECONDS = 5  # that InChI may think about one molecule


class BadMolecule(ValueError):
    """A SMILES that cannot be used; the message says why."""


@dataclass(frozen=True)
class Standard:
    """One compound.

    Attributes:
        smiles: RDKit's canonical SMILES of the largest organic fragment.
        inchikey: Of the same, 27 characters.
    """

    smiles: str
    inchikey: str

    @property
    def block(self) -> str:
        """What is the same for all forms of one compound: the first block of the InChIKey, 14 characters."""
        return self.inchikey[:14]


def molecule(text: str) -> Any:
    """The `Mol` of a SMILES without salts.

    Args:
        text: A SMILES; quotes around it, and what follows it after white space (the extensions of CXSMILES, a name),
            are ignored.

    Raises:
        BadMolecule: It is empty, too long or no SMILES, or has more than `MOST_ATOMS` atoms.
    """
    words = _words(text)
    if not words:
        raise BadMolecule("empty")
    if len(words[0]) > MOST_CHARACTERS:
        raise BadMolecule(f"longer than {MOST_CHARACTERS} characters")
    with rdBase.BlockLogs():
        # RDKit reads up to what it does not know, an accent say, and tells no one.
        found = Chem.MolFromSmiles(words[0]) if words[0].isascii() and words[0].isprintable() else None
        if found is None:
            raise BadMolecule("no valid SMILES")
        if "." in words[0]:
            found = _chooser().choose(found)
    if not 0 < found.GetNumAtoms() <= MOST_ATOMS:
        raise BadMolecule(f"{found.GetNumAtoms()} atoms, and not 1 to {MOST_ATOMS}")
    return found


def _words(text: str) -> list[str]:
    """A SMILES and what follows it, without quotes around them."""
    return text.strip().strip("\"'").split()


def standardise(text: str) -> Standard:
    """The standard form of a SMILES.

    Raises:
        BadMolecule: As `molecule`, or there is no InChI for it (unspecified atoms, dative bonds).
    """
    found = molecule(text)
    with rdBase.BlockLogs():
        key = Chem.MolToInchiKey(found, f"-W{MOST_SECONDS}")
        if not key:
            raise BadMolecule("no InChI")
        return Standard(Chem.MolToSmiles(found), key)


def remark(text: str, standard: Standard) -> str:
    """What is lost of a SMILES in its standard form, "" if nothing that matters: a metal, or all carbon."""
    with rdBase.BlockLogs():
        kept, whole = (Chem.MolFromSmiles(smiles) for smiles in (standard.smiles, _words(text)[0]))
    if not any(atom.GetAtomicNum() == 6 for atom in kept.GetAtoms()):
        return "no carbon"
    lost = {a.GetSymbol() for a in whole.GetAtoms()} - {a.GetSymbol() for a in kept.GetAtoms()} - _HARMLESS
    return f"without its {', '.join(sorted(lost))}" if lost else ""


def standardise_all(texts: Sequence[str]) -> list[Standard | str]:
    """`standardise` of many, see `workers.mapped`; in place of an error, the reason."""
    return mapped(_standard_or_reason, texts)


def _standard_or_reason(text: str) -> Standard | str:
    try:
        return standardise(text)
    except BadMolecule as error:
        return str(error)


@cache
def _chooser() -> Any:
    return rdMolStandardize.LargestFragmentChooser(preferOrganic=True)
