"""Names and numbers of compounds -> SMILES -> distinct compounds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gankit.errors import DataError
from gankit.support import write_csv
from gankit_aae_molecules.shipped import csv_rows
from gankit_aae_molecules.tables.columns import ID_KINDS, guess, plain
from gankit_aae_molecules.tables.pieces import PiecewiseTable
from gankit_aae_molecules.tables.points import Identity
from gankit_aae_molecules.tables.responses import Compounds, Summary


class Unresolved(DataError):
    """No compound of a table has a usable structure; the table is of no use, so the exit code is that of usage."""

    exit_code = 2


class SmilesTable:
    """SMILES by name or number: the drugs of CCLE, and before them a user's own table.

    Args:
        path: A table with a column of SMILES and at least one of names or numbers (NSC, DRUG_ID, name, synonyms, id).

    Raises:
        DataError: It cannot be read, or lacks such columns.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._own: dict[tuple[str, str], str] = {}
        self._ours: dict[tuple[str, str], str] = {}
        if path is not None:
            self._add_file(path)
        for row in csv_rows(__package__, "ccle_drugs.csv"):
            for name in (row["name"], *row["synonyms"].split(";")):
                _add(self._ours, "name", name, row["smiles"])

    def _add_file(self, path: Path) -> None:
        table = PiecewiseTable(path)
        smiles = guess(table.columns).get("smiles", [])
        kinds = {name: ID_KINDS[plain(name)] for name in table.columns if plain(name) in ID_KINDS}
        if not smiles or not kinds:
            raise DataError(
                f"{path.name} is no table of SMILES; its columns are {', '.join(map(repr, table.columns[:20]))}",
                "it needs a column 'smiles' and one of 'name', 'NSC', 'DRUG_ID' or 'id'",
            )
        for piece in table.pieces():
            for name, kind in kinds.items():
                for value, text in zip(piece[name], piece[smiles[0].name], strict=True):
                    for part in re.split(r"[;|]|,\s", value) if kind == "synonyms" else [value]:
                        _add(self._own, kind, part, text)

    def of(self, identity: Identity) -> str:
        """The SMILES of a compound: the file's own, else by any of its numbers, else by its name; "" if unknown."""
        if identity.smiles:
            return identity.smiles
        numbers = [(kind, value) for kind, value in identity.ids.items() if kind != "name"]
        names = [identity.ids.get("name", ""), identity.name]
        # A synonym comes last: it may be the proper name of another compound.
        keys = [(known, value) for kind, value in numbers for known in (kind, "any")]
        keys += [(known, name) for known in ("name", "any", "synonyms") for name in names]
        for table in (self._own, self._ours):
            for kind, value in keys:
                if smiles := table.get((kind, _key(kind, value))):
                    return smiles
        return ""


def _add(table: dict[tuple[str, str], str], kind: str, value: str, smiles: str) -> None:
    """The first SMILES of a name counts."""
    key = _key(kind, value)
    if key and smiles.strip():
        table.setdefault((kind, key), smiles.strip())


def _key(kind: str, value: str) -> str:
    """What equal names have in common: 752 for NSC-752 and 752.0; small letters and digits of a name."""
    text = value.strip().casefold()
    if kind not in ("name", "synonyms"):
        number = re.sub(r"^(nsc|gdsc|drug)?[-_: ]*0*(\d+)(\.0)?$", r"\2", text)
        return number if kind != "any" or number.isdigit() else plain(text)
    return re.sub(r"[^\w]|_", "", text)


def resolve(identities: Sequence[Identity], table: SmilesTable, summary: Summary) -> tuple[Compounds, np.ndarray]:
    """Standard structures and fingerprints; compounds of one structure (stereochemistry aside) become one.

    Args:
        identities: As the file tells them apart.
        table: For those without SMILES.
        summary: Is told what is merged, unresolved and bad.

    Returns:
        The distinct compounds, and int32 `[identities]`: the number of each, or -1.

    Raises:
        Unresolved: There is none.
    """
    from gankit_aae_molecules.chemistry.maccs import fingerprints
    from gankit_aae_molecules.chemistry.standard import Standard, standardise_all

    with_bits = [i for i, identity in enumerate(identities) if identity.bits is not None]
    texts = ["" if identity.bits is not None else table.of(identity) for identity in identities]
    with_smiles = [i for i, text in enumerate(texts) if text]
    summary.named = len(identities)
    summary.unresolved = [
        identity.name for identity, text in zip(identities, texts, strict=True) if not text and identity.bits is None
    ]
    standards: dict[int, Standard] = {}
    for i, found in zip(with_smiles, standardise_all([texts[i] for i in with_smiles]), strict=True):
        if isinstance(found, Standard):
            standards[i] = found
        else:
            summary.bad_smiles.append((identities[i].name, texts[i][:200], found))
    if not standards and not with_bits:
        raise _nothing(identities, summary)
    codes = np.full(len(identities), -1, np.int32)
    groups: dict[str, list[int]] = {}
    for i in sorted([*standards, *with_bits]):
        bits = identities[i].bits
        groups.setdefault(standards[i].block if bits is None else bits.tobytes().hex(), []).append(i)
    for number, members in enumerate(groups.values()):
        codes[members] = number
    first = [members[0] for members in groups.values()]
    summary.merged = [
        list(dict.fromkeys(identities[i].name for i in members)) for members in groups.values() if len(members) > 1
    ]
    smiles = [standards[i].smiles if i in standards else "" for i in first]
    keys = iter(fingerprints([text for text in smiles if text]))
    rows = [next(keys) if text else identities[i].bits for i, text in zip(first, smiles, strict=True)]
    inchikeys = [standards[i].inchikey if i in standards else "" for i in first]
    return Compounds([identities[i].name for i in first], smiles, inchikeys, np.stack(rows).astype(np.uint8)), codes


def _nothing(identities: Sequence[Identity], summary: Summary) -> Unresolved:
    if summary.bad_smiles:
        name, text, reason = summary.bad_smiles[0]
        return Unresolved(
            f"none of the {len(identities)} compounds of {summary.file} has a usable SMILES",
            f"the first is {name}: {text[:60]!r}, {reason}",
        )
    names = ", ".join(summary.unresolved[:5])
    return Unresolved(
        f"the structure of none of the {len(identities)} compounds of {summary.file} is known: {names}",
        "give --smiles-table (of data check: --set smiles_table=FILE), a table with their names or numbers and SMILES",
    )


def write_unresolved(summary: Summary, path: Path) -> Path:
    """Writes a table of what has no usable SMILES, to be filled in and given back as `--smiles-table`.

    Args:
        summary: Of a reading.
        path: CSV file with the columns name, smiles and why; replaced if it exists.
    """
    lost = [(name, "", "no SMILES") for name in summary.unresolved] + summary.bad_smiles
    columns = ("name", "smiles", "why")
    write_csv(path, [dict(zip(columns, row, strict=True)) for row in lost], columns)
    return path
