"""Data that packages on this machine ship; of them the worked example, to run the recipe before one has data.

Contrib/FreeWilson of RDKit has a series of the ChEMBL document CHEMBL2321810 with measured activities (1,017 compounds,
pActivity), Data/NCI the first 5,000 structures of the NCI's open database. The series is not of oncology.
"""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from gankit.errors import DataError

TITLE = "worked example, not oncology: activities of the series CHEMBL2321810, which ships with RDKit"


def structures() -> Path:
    """The NCI's structures, SMILES."""
    from rdkit import RDConfig

    return _found(Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi", "give --molecules FILE, or --molecules none")


def series(folder: Path) -> Path:
    """The series as one table of SMILES and pIC50, written to a folder."""
    from rdkit import RDConfig

    shipped = Path(RDConfig.RDContribDir) / "FreeWilson" / "data"
    smiles = _found(shipped / "CHEMBL2321810.smi", "give --fingerprints FILE")
    activities = _found(shipped / "CHEMBL2321810_act.csv", "give --fingerprints FILE")
    structure = dict(reversed(line.split()[:2]) for line in smiles.read_text("utf-8").splitlines() if line.strip())
    rows = (line.split(",") for line in activities.read_text("utf-8").splitlines()[1:] if line.strip())
    out = folder / "CHEMBL2321810.csv"
    lines = [f"{name},{structure[name]},{activity}" for name, activity in rows if name in structure]
    out.write_text("\n".join(["name,smiles,pic50", *lines]) + "\n", "utf-8")
    return out


def file_of(package: str, *parts: str) -> Path | None:
    """A file that a package ships; None if it is not there. The package is not imported."""
    found = importlib.util.find_spec(package)
    folders = list(found.submodule_search_locations or ()) if found else []
    path = Path(folders[0], *parts) if folders else None
    return path if path is not None and path.is_file() else None


def csv_rows(package: str, name: str) -> Iterator[dict[str, str]]:
    """The rows of a table that lies in a package of this plugin."""
    return csv.DictReader(resources.files(package).joinpath(name).read_text("utf-8").splitlines())


def _found(path: Path, hint: str) -> Path:
    if not path.is_file():
        raise DataError(f"this RDKit ships without {path.name}", hint)
    return path
