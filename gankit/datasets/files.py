"""Datasets of a few plain files: cards of the layout `files`, for what is downloaded and needs no unpacking."""

from __future__ import annotations

import gzip
import hashlib
import logging
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gankit.datasets.cards import Download, Problem, Sha256, SplitName
from gankit.datasets.download import Advance, silent
from gankit.datasets.store import StoredCard

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

    def wrong(self, path: Path, advance: Advance = silent) -> str:
        """As of any file; compressed anew, a file is right by its content."""
        reason = super().wrong(path, advance)
        if not reason or self.content_sha256 is None:
            return reason
        try:
            with gzip.open(path) as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, EOFError, zlib.error) as error:
            return str(error)
        return "" if content == self.content_sha256 else "another content"


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


class FilesCard(StoredCard):
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
    downloads: ClassVar[str] = ""

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
    def bytes(self) -> int:
        """Of all files as they are downloaded."""
        return sum(file.bytes for file in self.files)

    @property
    def state(self) -> str:
        """Whether all files are there, in a folder of the system or downloaded."""
        missing = [file for file in self.files if not any(Path(folder, file.file).is_file() for folder in self.folders)]
        return (self.to_fetch(missing) or "fetched") if missing else "installed"

    def fetch(self, *, verify: bool = False) -> None:
        """Downloads whatever is missing; files are compared with their hashes in any case."""
        self._located(self.files, replace=verify)

    def paths(self, split: str) -> list[Path]:
        """The file of pictures of a split, then that of its labels; each is verified, and downloaded if missing."""
        return self._located([file for name in self.split(split).names for file in self.files if file.file == name])

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
            with self.locked():
                damaged = [f for f in lacking if replace and self.download_path(f).exists() and self.wrong(f)]
                absent = [file for file in lacking if file in damaged or not self.downloaded(file)]
                self.announce(absent)
                for file in absent:
                    self.download(file, absent)
        return found

    def _look(self, file: PlainFile) -> tuple[Path | None, list[Problem]]:
        """The first right one of the places where a file may lie, and what is wrong with those before it."""
        bad: list[Problem] = []
        for folder in (*map(Path, self.folders), self.folder):
            path = folder / file.file
            if path.is_file():
                if not (reason := file.wrong(path)):
                    return path, bad
                bad.append(Problem(path, reason))
        return None, bad
