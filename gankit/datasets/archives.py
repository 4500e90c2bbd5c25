"""Datasets to download: cards of the layout `archives`, and which files of the archives belong to which split."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gankit.datasets.cards import Card, Problem, Size, SplitName
from gankit.datasets.store import Archive, Store
from gankit.errors import DataError
from gankit.support.values import human


class Split(BaseModel):
    """Which files of an archive belong to a split.

    Attributes:
        archive: The archive's name.
        files: A pattern of names in the archive, "images/*.png"; `*` stands for slashes too, and case counts.
        count: How many there are, if the dataset's authors say it.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    archive: str
    files: str
    count: Size | None = None


class ArchiveCard(Card):
    """A dataset that is downloaded."""

    layout: Literal["archives"]
    archives: Annotated[tuple[Archive, ...], Field(min_length=1)]
    splits: Mapping[SplitName, Split]

    @model_validator(mode="after")
    def _consistent(self) -> ArchiveCard:
        folders = [archive.stem.lower() for archive in self.archives]
        if len({*folders, "downloads"}) <= len(folders):
            raise ValueError("two archives have one name, or one is called downloads")
        unknown = {split.archive for split in self.splits.values()} - {archive.file for archive in self.archives}
        if unknown:
            raise ValueError(f"splits name archives that are not listed: {', '.join(sorted(unknown))}")
        return self

    @property
    def folder(self) -> Path:
        """$GANKIT_HOME/datasets/<name>."""
        return self.store.folder

    @property
    def store(self) -> Store:
        """Its files on disk."""
        return Store(self.name, self.licence)

    @property
    def bytes(self) -> int:
        """Of all archives."""
        return sum(archive.bytes for archive in self.archives)

    @property
    def state(self) -> str:
        """Whether all is downloaded and unpacked."""
        store = self.store
        if remaining := store.to_fetch(self.archives):
            return f"to fetch: {human(remaining)}"
        return "fetched" if all(store.record(archive) is not None for archive in self.archives) else "to unpack"

    @property
    def split_names(self) -> list[str]:
        """As in the card."""
        return list(self.splits)

    def fetch(self, *, verify: bool = False) -> None:
        """Downloads and unpacks whatever is missing."""
        self.store.fetch(self.archives, verify=verify)

    def paths(self, split: str) -> list[Path]:
        """The files of a split by name, present with their sizes; downloads only the archive that holds them."""
        part, store = next((part for name, part in self.splits.items() if name == split), None), self.store
        if part is None:
            raise DataError(f"the dataset {self.name!r} has no split {split!r}", f"it has {' and '.join(self.splits)}")
        archive = next(archive for archive in self.archives if archive.file == part.archive)
        store.fetch([archive])
        names = [name for name in sorted(store.record(archive) or ()) if fnmatchcase(name, part.files)]
        if not names or len(names) != (part.count or len(names)):
            raise DataError(
                f"{archive.file} has {len(names)} files like {part.files!r}, and the card of {self.name!r} speaks of "
                f"{part.count or 'some'}",
                "the card is wrong: tell its author",
            )
        return [store.unpacked_path(archive) / name for name in names]

    def problems(self) -> list[Problem]:
        """Files that are missing or damaged."""
        return self.store.problems(self.archives)
