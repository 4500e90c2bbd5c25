"""Molecules that a user brings."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from gankit.errors import DataError
from gankit_aae_molecules.chemistry.standard import Standard, remark, standardise_all
from gankit_aae_molecules.library.records import records


class Molecule(NamedTuple):
    """A molecule that can be used.

    Attributes:
        name: As the file has it.
        standard: Its structure.
        lost: What the standard form has lost, in words; "" for nothing that matters.
    """

    name: str
    standard: Standard
    lost: str


def read_molecules(path: Path) -> tuple[list[Molecule], list[str]]:
    """The molecules of a file, and in words what cannot be used.

    Raises:
        DataError: The file cannot be read, or has no usable molecule.
    """
    if not path.is_file():
        raise DataError(
            f"{path} is a folder" if path.is_dir() else f"there is no file {path}",
            "give lines of a SMILES and a name, or a table with a SMILES column",
        )
    found, bad = list(records(path)), []
    usable = []
    for record, standard in zip(found, standardise_all([record.smiles for record in found]), strict=True):
        if isinstance(standard, Standard):
            usable.append(Molecule(record.name, standard, remark(record.smiles, standard)))
        else:
            bad.append(f"{_printable(record.name)}: {_printable(record.smiles)}: {standard}")
    if not usable:
        said = f"; the first is {bad[0]!r}" if bad else ""
        raise DataError(f"{path.name} has no usable molecule{said}", "give lines of a SMILES and a name")
    return usable, bad


def _printable(text: str) -> str:
    """The beginning of a text that may hold anything."""
    return "".join(mark if mark.isprintable() else "?" for mark in text[:60])
