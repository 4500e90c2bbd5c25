"""Datasets that installed Python packages bring along: cards of the layout `python-package`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from gankit.datasets.cards import Card, Problem, Sha256, Size, SplitName
from gankit.datasets.download import wrong
from gankit.errors import DataError


class CardFile(BaseModel):
    """One file of a dataset that a package brings.

    Attributes:
        package: The importable package that brings the file.
        path: Its path inside the package, with forward slashes.
        sha256: Hexadecimal.
        bytes: Its size.
        split: What it is for.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    package: str
    path: str
    sha256: Sha256
    bytes: Size
    split: SplitName

    def located(self) -> Path | None:
        """Where it lies; None if the package is not installed. The package is not imported."""
        try:
            spec = importlib.util.find_spec(self.package)
        except (ImportError, ValueError):
            return None
        folders = list(spec.submodule_search_locations or ()) if spec else []
        return Path(folders[0], self.path) if folders else None


class PackageCard(Card):
    """A dataset that lies in installed packages."""

    layout: Literal["python-package"]
    files: tuple[CardFile, ...]

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.bytes for file in self.files)

    @property
    def state(self) -> str:
        """Whether the packages are installed."""
        missing = sorted({file.package for file in self.files if file.located() is None})
        return f"needs {' and '.join(missing)}" if missing else "installed"

    @property
    def split_names(self) -> list[str]:
        """Those of its files."""
        return list(dict.fromkeys(file.split for file in self.files))

    def fetch(self, *, verify: bool = False) -> None:
        """Only pip can; looks whether all is there."""
        for split in self.split_names:
            self.paths(split)

    def paths(self, split: str) -> list[Path]:
        """The files of a split in the order of the card, each verified against its hash."""
        found = []
        for file in self.files:
            if file.split != split:
                continue
            path = file.located()
            if path is None:
                raise DataError(
                    f"the dataset {self.name!r} needs the package {file.package!r}",
                    "install again the distribution that brings the card, gankit-datasets for those of gankit",
                )
            if wrong(path, file.bytes, file.sha256):
                raise DataError(
                    f"{path} is not the file that the card of {self.name!r} describes",
                    f"another version of {file.package} is installed: use constraints.txt, or name a folder of yours",
                )
            found.append(path)
        return found

    def problems(self) -> list[Problem]:
        """Files that are missing or of another version of their package."""
        found = []
        for file in self.files:
            path = file.located()
            if reason := "missing" if path is None else wrong(path, file.bytes, file.sha256):
                found.append(Problem(path or Path(file.package, file.path), reason))
        return found
