"""Files of molecules, a record at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gankit.errors import DataError
from gankit.support import text_lines
from gankit_aae_molecules.tables.pieces import PiecewiseTable

NAMES = ("name", "id", "identifier", "compound", "pert_iname", "nsc", "chembl_id", "drug_name", "title")


class Record(NamedTuple):
    """One molecule of a file.

    Attributes:
        smiles: As it is written.
        name: Name or number; the number of the record if it has neither.
    """

    smiles: str
    name: str


def records(path: Path) -> Iterator[Record]:
    """The molecules of a file.

    Args:
        path: Lines of a SMILES and a name between white space (.smi, .ism, .txt), or a table with a column of SMILES;
            also compressed by gzip.

    Raises:
        DataError: A table has no column of SMILES, or the file is damaged.
    """
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    return _table(path) if suffix in (".csv", ".tsv") else _lines(path)


def _lines(path: Path) -> Iterator[Record]:
    number = 0
    for line in text_lines(path, hint="give lines of a SMILES and a name"):
        words = line.split(maxsplit=1)
        if not words or (number == 0 and words[0].lower() == "smiles"):
            continue
        number += 1
        yield Record(words[0], words[1].strip().replace("\t", " ") if len(words) > 1 else str(number))


def _table(path: Path) -> Iterator[Record]:
    table = PiecewiseTable(path)
    by_name = {name.lower(): name for name in table.columns}
    smiles = next((by_name[name] for name in ("smiles", "canonical_smiles", "smi") if name in by_name), None)
    if smiles is None:
        listed = ", ".join(table.columns[:10])
        raise DataError(f"{path.name} has no column of SMILES, but {listed}", "call the column smiles")
    name = next((by_name[name] for name in NAMES if name in by_name), None)
    pairs = ((piece[smiles], piece[name] if name else [""] * len(piece[smiles])) for piece in table.pieces())
    rows = itertools.chain.from_iterable(zip(*pair, strict=True) for pair in pairs)
    for number, (text, called) in enumerate(rows, 1):
        yield Record(text, " ".join(called.split()) or str(number))
