"""Libraries by name: what packages on this machine ship."""

from __future__ import annotations

from pathlib import Path

from gankit.errors import DataError
from gankit.support import Jobs
from gankit_aae_molecules import shipped
from gankit_aae_molecules.library.packed import EVERY_PROCESSOR, Library, open_library

MOSES = {"moses-train": "train.csv.gz", "moses-test": "test.csv.gz"}


def find(name: str, jobs: Jobs = EVERY_PROCESSOR) -> Library:
    """A library by name or file.

    Args:
        name: "builtin" (the NCI's first 5,000 structures, which ship with RDKit), "moses-train" or "moses-test" (of the
            package molsets, if it is installed: ZINC's clean leads, 1.58 and 0.18 million), or a file of SMILES.
        jobs: Where it is packed, if that has not been done.

    Raises:
        DataError: There is no such file, or the package is not installed.
    """
    if name == "builtin":
        return open_library(shipped.structures(), name="NCI 5K", jobs=jobs)
    if name in MOSES:
        path = shipped.file_of("moses", "dataset", "data", MOSES[name])
        if path is None:
            raise DataError(f"{name} is not on this machine", "pip install --no-deps molsets")
        return open_library(path, name=name, jobs=jobs)
    if not Path(name).is_file():
        raise DataError(f"there is no library {name}", f"give a file of SMILES, or builtin, {', '.join(MOSES)}")
    return open_library(name, jobs=jobs)
