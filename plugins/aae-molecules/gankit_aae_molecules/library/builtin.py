"""Libraries by name: what packages on this machine ship."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from gankit.errors import DataError
from gankit_aae_molecules import example
from gankit_aae_molecules.library.packed import Library, open_library

MOSES = {"moses-train": "train.csv.gz", "moses-test": "test.csv.gz"}
NAMES = ("builtin", *MOSES)


def find(name: str, workers: int | None = None) -> Library:
    """A library by name or file.

    Args:
        name: "builtin" (the NCI's first 5,000 structures, which ship with RDKit), "moses-train" or "moses-test" (of the
            package molsets, if it is installed: ZINC's clean leads, 1.58 and 0.18 million), or a file of SMILES.
        workers: Processes that pack it.

    Raises:
        DataError: There is no such file, or the package is not installed.
    """
    if name == "builtin":
        return open_library(example.structures(), name="NCI 5K", workers=workers)
    if name in MOSES:
        return open_library(_moses(name), name=name, workers=workers)
    if not Path(name).is_file():
        raise DataError(f"there is no library {name}", f"give a file of SMILES, or one of {', '.join(NAMES)}")
    return open_library(name, workers=workers)


def _moses(name: str) -> Path:
    found = importlib.util.find_spec("moses")
    folders = list(found.submodule_search_locations or ()) if found else []
    path = Path(folders[0]) / "dataset" / "data" / MOSES[name] if folders else None
    if path is None or not path.is_file():
        raise DataError(f"{name} is not on this machine", "pip install --no-deps molsets")
    return path
