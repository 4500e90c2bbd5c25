"""Downloaded datasets on disk.

    $GANKIT_HOME/datasets/<name>/
        downloads/DIV2K_valid_HR.zip        as it came, or as somebody put it there; not needed once it is unpacked
        DIV2K_valid_HR/                     what was in it
        DIV2K_valid_HR.unpacked.json        written last: the archive's hash, and size and hash of each file
        train-labels-idx1-ubyte.gz          a file that needs no unpacking lies beside all this
        .lock                               held while a process fetches

A folder without its record is what an interrupted process left behind, and is made anew.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from gankit.datasets import download
from gankit.datasets.cards import Card, Download, SplitName
from gankit.errors import DataError, Offline
from gankit.support.places import home, offline
from gankit.support.progress import Bar
from gankit.support.values import human

log = logging.getLogger("gankit")


class StoredCard(Card):
    """A dataset that is downloaded into a folder of its own.

    Attributes:
        splits: Split -> what belongs to it.
        downloads: The sub-folder of what is downloaded; "" is the folder itself.
    """

    splits: Mapping[SplitName, Any]
    downloads: ClassVar[str] = "downloads"

    @property
    def folder(self) -> Path:
        """$GANKIT_HOME/datasets/<name>."""
        return home() / "datasets" / self.name

    @property
    def split_names(self) -> list[str]:
        """As in the card."""
        return list(self.splits)

    def split(self, wanted: str) -> Any:
        """What belongs to a split.

        Raises:
            DataError: There is no such split.
        """
        for name, part in self.splits.items():
            if name == wanted:
                return part
        raise DataError(f"the dataset {self.name!r} has no split {wanted!r}", f"it has {' and '.join(self.splits)}")

    def download_path(self, file: Download) -> Path:
        """Where a file lies, or would lie, as it is downloaded."""
        return self.folder / self.downloads / file.file

    def remaining(self, files: Sequence[Download]) -> int:
        """Bytes of downloads that are to be made or completed."""
        return sum(f.bytes - min(f.bytes, download.length(download.part_of(self.download_path(f)))) for f in files)

    def to_fetch(self, files: Sequence[Download]) -> str:
        """The bytes of some files that are not there, judged by names and sizes only; "" if all are."""
        absent = [file for file in files if download.length(self.download_path(file)) != file.bytes]
        return f"to fetch: {human(remaining)}" if (remaining := self.remaining(absent)) else ""

    def download(self, file: Download, absent: Sequence[Download]) -> None:
        """Fetches one of those that are absent, in whose order this is called."""
        path, hint = self.download_path(file), self._by_hand(absent[absent.index(file) :])
        download.download(file.address, path, size=file.bytes, sha256=file.sha256, hint=hint)
        log.info("fetched %s", path)

    def downloaded(self, file: Download) -> bool:
        """Whether a file is there; one that is not the right one is the user's to judge, perhaps put in place."""
        path = self.download_path(file)
        if not path.exists():
            return False
        if reason := self.wrong(file):
            raise DataError(
                f"{path} is not the file that the card of {self.name!r} describes: {reason}",
                "delete it, so that it is fetched again, or put the right file there",
            )
        return True

    def wrong(self, file: Download) -> str:
        """Why a downloaded file is not what the card describes; "" if it is."""
        with Bar(f"checking {file.file}", file.bytes, unit="bytes") as bar:
            return file.wrong(self.download_path(file), bar)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder, waiting for another process that does."""
        try:
            (self.folder / self.downloads).mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / ".lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                log.info("another process is fetching %s; waiting for it", self.name)
                lock.acquire()
        except OSError as error:
            raise DataError(
                f"cannot write to {self.folder}: {error}", "set GANKIT_HOME to a folder of yours"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def announce(self, absent: Sequence[Download], unpacked: int = 0) -> None:
        """Says what is going to be fetched.

        Raises:
            Offline: It may not.
            DataError: The disk is too small for it and for so many bytes that are unpacked.
        """
        remaining = self.remaining(absent)
        if absent:
            size = human(remaining)
            if offline():
                names = ", ".join(file.file for file in absent)
                raise Offline(
                    f"the dataset {self.name!r} lacks {names} ({size}), and --offline forbids to fetch anything",
                    self._by_hand(absent),
                )
            hosts = ", ".join(sorted({urlsplit(file.address).hostname or "" for file in absent}))
            log.info("%s: fetching %s from %s into %s", self.name, size, hosts, self.folder / self.downloads)
            log.info("terms: %s", " ".join(self.licence.split()))
        needed, free = remaining + unpacked, shutil.disk_usage(self.folder).free
        if needed > free:
            raise DataError(
                f"the dataset {self.name!r} needs {human(needed)} in {self.folder}, and {human(free)} are free",
                "free some space, or set GANKIT_HOME to a folder on another disk",
            )

    def _by_hand(self, absent: Sequence[Download]) -> str:
        """What to do without a network, or where the server has gone."""
        lines = [f"  {file.file} ({human(file.bytes)}) from {file.address}" for file in absent]
        return "\n".join([f"put by hand into {self.folder / self.downloads}, and run the command again:", *lines])
