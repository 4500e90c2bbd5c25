"""Datasets to download: cards of the layout `archives`, and which files of the archives belong to which split."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gankit.datasets.cards import Download, Problem, Size, SplitName
from gankit.datasets.download import length, wrong
from gankit.datasets.store import StoredCard
from gankit.datasets.unpack import SUFFIXES, Limits, Unpacked, unpack
from gankit.errors import DataError
from gankit.support.files import write_json
from gankit.support.progress import Bar
from gankit.support.stored import read_stored

log = logging.getLogger("gankit")


@dataclass(frozen=True)
class _Record:
    """What is stored of an unpacked archive.

    Attributes:
        sha256: Of the archive.
        files: Name in it -> what it is.
    """

    sha256: str
    files: dict[str, Unpacked]


class Archive(Download):
    """One archive to download.

    Attributes:
        unpacked_bytes: The most that its files may have together, if known.
    """

    unpacked_bytes: Size | None = None

    @field_validator("file")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        if not value.endswith(SUFFIXES):
            raise ValueError(f"the name of an archive ends with one of {' '.join(SUFFIXES)}")
        return value

    @property
    def stem(self) -> str:
        """The name without its suffix: the folder that it is unpacked into."""
        return self.file.removesuffix(next(suffix for suffix in SUFFIXES if self.file.endswith(suffix)))


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


class ArchiveCard(StoredCard):
    """A dataset of archives, which are unpacked."""

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
    def bytes(self) -> int:
        """Of all archives."""
        return sum(archive.bytes for archive in self.archives)

    @property
    def state(self) -> str:
        """Whether all is downloaded and unpacked."""
        packed = [archive for archive in self.archives if self._record(archive) is None]
        return self.to_fetch(packed) or ("to unpack" if packed else "fetched")

    def fetch(self, *, verify: bool = False) -> None:
        """Downloads and unpacks whatever is missing; a damaged archive that is not needed any more is removed."""
        self._fetch(self.archives, verify=verify)

    def paths(self, split: str) -> list[Path]:
        """The files of a split by name, present with their sizes; downloads only the archive that holds them."""
        part = self.split(split)
        archive = next(archive for archive in self.archives if archive.file == part.archive)
        self._fetch([archive])
        names = [name for name in sorted(self._record(archive) or ()) if fnmatchcase(name, part.files)]
        if not names or len(names) != (part.count or len(names)):
            raise DataError(
                f"{archive.file} has {len(names)} files like {part.files!r}, and the card of {self.name!r} speaks of "
                f"{part.count or 'some'}",
                "the card is wrong: tell its author",
            )
        return [self.folder / archive.stem / name for name in names]

    def problems(self) -> list[Problem]:
        """Files that are missing or damaged. An archive is looked at where it still is; it need not be."""
        found = []
        for archive in self.archives:
            path, record = self.download_path(archive), self._record(archive)
            if path.exists() and (reason := self.wrong(archive)):
                found.append(Problem(path, reason))
            elif record is None:
                found.append(Problem(path, "not unpacked" if path.exists() else "not fetched"))
            if record is not None:
                found += self._damaged(archive, record)
        return found

    def _fetch(self, archives: Sequence[Archive], *, verify: bool = False) -> None:
        """Sees to it that archives are unpacked, downloading those that are missing."""
        if not verify and all(self._whole(archive) for archive in archives):
            return
        with self.locked():
            # Once more: another process may have fetched them while this one waited.
            wanted = [archive for archive in archives if not self._whole(archive, verify)]
            damaged = [a for a in archives if verify and self.download_path(a).exists() and self.wrong(a)]
            for archive in damaged:
                if archive not in wanted:
                    log.warning("removing %s, which is damaged and not needed any more", self.download_path(archive))
                    self.download_path(archive).unlink()
            absent = [archive for archive in wanted if archive in damaged or not self.downloaded(archive)]
            self.announce(absent, sum(archive.unpacked_bytes or archive.bytes for archive in wanted))
            for archive in wanted:
                if archive in absent:
                    self.download(archive, absent)
                self._unpack(archive)

    def _record_path(self, archive: Archive) -> Path:
        return self.folder / f"{archive.stem}.unpacked.json"

    def _record(self, archive: Archive) -> dict[str, Unpacked] | None:
        """The files that were unpacked, by their names in the archive; None if it has not been unpacked wholly."""
        path = self._record_path(archive)
        if not path.is_file():
            return None
        try:
            read = read_stored(path, _Record, "")
        except DataError as error:
            log.warning("%s; %s is unpacked again", error.message, archive.file)
            return None
        # What is read must lie in the folder, whoever wrote the record.
        safe = all(file.bytes >= 0 and {"", ".", ".."}.isdisjoint(name.split("/")) for name, file in read.files.items())
        return read.files if safe and read.sha256 == archive.sha256 else None

    def _whole(self, archive: Archive, verify: bool = False) -> bool:
        """Whether an archive is unpacked, by the sizes of its files, or by their hashes."""
        record, folder = self._record(archive), self.folder / archive.stem
        if record is None:
            return False
        if verify:
            bad = [problem.path for problem in self._damaged(archive, record)]
        else:
            bad = [folder / name for name, file in record.items() if length(folder / name) != file.bytes]
        if bad:
            log.warning("%d files of %s are missing or damaged, such as %s", len(bad), self.name, bad[0])
        return not bad

    def _damaged(self, archive: Archive, record: Mapping[str, Unpacked]) -> list[Problem]:
        found, folder = [], self.folder / archive.stem
        with Bar(f"checking {archive.stem}", sum(file.bytes for file in record.values()), unit="bytes") as bar:
            for name, file in record.items():
                if reason := wrong(folder / name, file.bytes, file.sha256, bar):
                    found.append(Problem(folder / name, reason))
        return found

    def _unpack(self, archive: Archive) -> None:
        path, final, record = self.download_path(archive), self.folder / archive.stem, self._record_path(archive)
        partial, old = (self.folder / f".{archive.stem}.{what}" for what in ("partial", "old"))
        try:
            for left in (partial, old):  # by a killed process; the lock is ours
                shutil.rmtree(left, ignore_errors=True)
            partial.mkdir()
            with Bar(f"unpacking {archive.file}", archive.unpacked_bytes or archive.bytes, unit="bytes") as bar:
                files = unpack(path, partial, Limits(total_bytes=archive.unpacked_bytes), bar)
            if hasattr(os, "sync"):
                os.sync()  # once, rather than for each of perhaps 100,000 files
            record.unlink(missing_ok=True)
            if final.exists():
                os.replace(final, old)
            os.replace(partial, final)
            found = {name: asdict(file) for name, file in files.items()}
            write_json(record, {"archive": archive.file, "sha256": archive.sha256, "files": found})
        except OSError as error:
            raise DataError(f"cannot unpack {path}: {error}", "is the disk full?") from error
        finally:
            for left in (partial, old):
                shutil.rmtree(left, ignore_errors=True)
        log.info("unpacked %d files into %s", len(files), final)
