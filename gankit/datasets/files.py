"""Datasets of a few plain files: cards of the layout `files`, for what is downloaded and needs no unpacking."""

from __future__ import annotations

import gzip
import hashlib
import logging
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gankit.datasets.cards import Card, Download, Problem, Sha256, SplitName
from gankit.datasets.download import length, sha256_of
from gankit.datasets.store import Store
from gankit.errors import DataError
from gankit.support.values import human

log = logging.getLogger("gankit")


def _absolute(folder: str) -> str:
    # A path of another system's kind is allowed: such a folder merely does not exist here.
    if not (folder.startswith("/") or Path(folder).is_absolute()):
        raise ValueError(f"{folder!r} is no absolute path")
    return folder


class PlainFile(Download):
    """One file to download, which needs no unpacking.

    Attributes:
        content_sha256: Of what is in it, if it is compressed by gzip. A file that was compressed anew has another
            size and another hash, and is still the right one.
    """

    content_sha256: Sha256 | None = None

    def wrong(self, path: Path) -> str:
        """Why a file is not the one that the card describes; "" if it is."""
        try:
            if length(path) == self.bytes and sha256_of(path) == self.sha256:
                return ""
            if self.content_sha256 is None:
                return f"its sha256 is not {self.sha256}"
            return "" if _content_sha256(path) == self.content_sha256 else "another content"
        except (OSError, EOFError, zlib.error) as error:
            return str(error)


class FileSplit(BaseModel):
    """Which files make up a split.

    Attributes:
        images: Name of the file of pictures.
        labels: Name of the file of labels, if there is one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: str
    labels: str | None = None

    @property
    def names(self) -> list[str]:
        """In the order of the attributes."""
        return [self.images] if self.labels is None else [self.images, self.labels]


class FilesCard(Card):
    """A dataset of plain files.

    Attributes:
        files: To download, unless they lie in one of the folders.
        folders: Absolute paths where a package of the system may have put them under the same names.
        splits: Which files belong to which split.
    """

    layout: Literal["files"]
    files: Annotated[tuple[PlainFile, ...], Field(min_length=1)]
    folders: tuple[Annotated[str, AfterValidator(_absolute)], ...] = ()
    splits: Mapping[SplitName, FileSplit]

    @model_validator(mode="after")
    def _consistent(self) -> FilesCard:
        names = [file.file for file in self.files]
        if len({name.lower() for name in names}) < len(names):
            raise ValueError("two files have one name")
        if taken := [name for name in names if name.endswith((".part", ".part.json"))]:
            raise ValueError(f"{taken[0]} is what an unfinished download is called")
        unknown = {name for split in self.splits.values() for name in split.names} - set(names)
        if unknown:
            raise ValueError(f"splits name files that are not listed: {', '.join(sorted(unknown))}")
        return self

    @property
    def folder(self) -> Path:
        """$GANKIT_HOME/datasets/<name>."""
        return self.store.folder

    @property
    def store(self) -> Store:
        """Its files on disk."""
        return Store(self.name, self.licence, downloads="")

    @property
    def bytes(self) -> int:
        """Of all files as they are downloaded."""
        return sum(file.bytes for file in self.files)

    @property
    def state(self) -> str:
        """Whether all files are there, in a folder of the system or downloaded."""
        outside = [file for file in self.files if not any(path.is_file() for path in self._outside(file))]
        if not outside:
            return "installed"
        remaining = self.store.remaining([f for f in outside if length(self.folder / f.file) != f.bytes])
        return f"to fetch: {human(remaining)}" if remaining else "fetched"

    @property
    def split_names(self) -> list[str]:
        """As in the card."""
        return list(self.splits)

    def fetch(self, *, verify: bool = False) -> None:
        """Downloads whatever is missing; files are compared with their hashes in any case."""
        self._located(self.files, replace=verify)

    def paths(self, split: str) -> list[Path]:
        """The file of pictures of a split, then that of its labels; each is verified, and downloaded if missing."""
        part = next((part for name, part in self.splits.items() if name == split), None)
        if part is None:
            raise DataError(f"the dataset {self.name!r} has no split {split!r}", f"it has {' and '.join(self.splits)}")
        return self._located([file for name in part.names for file in self.files if file.file == name])

    def problems(self) -> list[Problem]:
        """Files that are missing, and damaged ones without a whole one elsewhere."""
        found = []
        for file in self.files:
            path, bad = self._look(file)
            if path is None:
                found += bad or [Problem(self.folder / file.file, "not fetched")]
        return found

    def _located(self, files: Sequence[PlainFile], *, replace: bool = False) -> list[Path]:
        """Where files lie, after downloading those that are nowhere; `replace` removes damaged downloads first."""
        found, lacking = [], []
        for file in files:
            path, bad = self._look(file)
            if path is None:
                lacking.append(file)
                for problem in bad:
                    log.warning("%s is not the file that the card describes: %s", problem.path, problem.what)
            found.append(path or self.folder / file.file)
        if lacking:
            self.store.obtain(lacking, replace=replace)
        return found

    def _look(self, file: PlainFile) -> tuple[Path | None, list[Problem]]:
        """The first right one of the places where a file may lie, and what is wrong with those before it."""
        bad: list[Problem] = []
        for path in (*self._outside(file), self.folder / file.file):
            if path.is_file():
                if not (reason := file.wrong(path)):
                    return path, bad
                bad.append(Problem(path, reason))
        return None, bad

    def _outside(self, file: PlainFile) -> Iterator[Path]:
        return (Path(folder, file.file) for folder in self.folders)


def _content_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of what gzip compressed into a file."""
    digest = hashlib.sha256()
    with gzip.open(path) as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
