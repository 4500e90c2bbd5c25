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
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from pydantic import field_validator

from gankit.datasets import download
from gankit.datasets.cards import Download, Problem, Size
from gankit.datasets.unpack import SUFFIXES, Limits, Unpacked, unpack
from gankit.errors import DataError, Offline
from gankit.support.places import home, offline
from gankit.support.progress import Bar
from gankit.support.values import human

log = logging.getLogger("gankit")


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


class Store:
    """The folder of one dataset.

    Args:
        name: The dataset's.
        terms: Its licence, told before anything is fetched.
        downloads: The sub-folder of what is downloaded; "" is the folder itself.
    """

    def __init__(self, name: str, terms: str, downloads: str = "downloads") -> None:
        self.name, self.terms = name, terms
        self.folder = home() / "datasets" / name
        self.downloads = self.folder / downloads

    def archive_path(self, archive: Download) -> Path:
        """Where the archive lies, or would lie."""
        return self.downloads / archive.file

    def unpacked_path(self, archive: Archive) -> Path:
        """The folder of what was in it."""
        return self.folder / archive.stem

    def record(self, archive: Archive) -> dict[str, Unpacked] | None:
        """The files that were unpacked, by their names in the archive; None if it has not been unpacked wholly."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            read = json.loads(self._record_path(archive).read_text("utf-8"))
            if read["sha256"] == archive.sha256:
                return {name: Unpacked(**file) for name, file in read["files"].items()}
        return None

    def to_fetch(self, archives: Sequence[Archive]) -> int:
        """Bytes that would have to be downloaded, judged by names and sizes only."""
        lacking = (archive for archive in archives if self.record(archive) is None)
        return self.remaining([a for a in lacking if download.length(self.archive_path(a)) != a.bytes])

    def fetch(self, archives: Sequence[Archive], *, verify: bool = False) -> None:
        """Sees to it that archives are unpacked, downloading those that are missing.

        Args:
            archives: Of this dataset.
            verify: Compare the hash of every file, not only its size.

        Raises:
            DataError: An archive is wrong or cannot be had, or the disk is full.
            Offline: Something is missing and cannot be downloaded.
        """
        if not verify and all(self._whole(archive) for archive in archives):
            return
        with self._locked():
            # Once more: another process may have fetched them while this one waited.
            wanted = [archive for archive in archives if not self._whole(archive, verify)]
            absent = [archive for archive in wanted if not self._downloaded(archive)]
            if absent:
                self._announce(absent)
            self._check_space(wanted, absent)
            for archive in wanted:
                if archive in absent:
                    self._download(archive, absent)
                self._unpack(archive)

    def obtain(self, files: Sequence[Download], *, replace: bool = False) -> None:
        """Downloads those of some files that are missing, and leaves them as they are.

        Args:
            files: Of this dataset.
            replace: Download in the place of files that are not the right ones, too.

        Raises:
            DataError: A file is wrong or cannot be had, or the disk is full.
            Offline: Something is missing and cannot be downloaded.
        """
        with self._locked():
            damaged = [file for file in files if replace and self.archive_path(file).exists() and self._wrong(file)]
            absent = [file for file in files if file in damaged or not self._downloaded(file)]
            if absent:
                self._announce(absent)
            self._check_space([], absent)
            for file in absent:
                self._download(file, absent)

    def remaining(self, absent: Sequence[Download]) -> int:
        """Bytes of downloads that have not arrived."""
        return sum(a.bytes - min(a.bytes, download.length(download.part_of(self.archive_path(a)))) for a in absent)

    def problems(self, archives: Sequence[Archive]) -> list[Problem]:
        """What is missing or damaged, by the hash of every file.

        An archive is looked at where it still is; it need not be.
        """
        found = []
        for archive in archives:
            path, record = self.archive_path(archive), self.record(archive)
            if path.exists() and (reason := self._wrong(archive)):
                found.append(Problem(path, reason))
            elif record is None:
                found.append(Problem(path, "not unpacked" if path.exists() else "not fetched"))
            if record is not None:
                found += self._damaged(archive, record)
        return found

    def _whole(self, archive: Archive, verify: bool = False) -> bool:
        """Whether an archive is unpacked, by the sizes of its files, or by their hashes."""
        record = self.record(archive)
        if record is None:
            return False
        if verify:
            bad = self._damaged(archive, record)
        else:
            folder = self.unpacked_path(archive)
            bad = [
                Problem(folder / name, "") for name, f in record.items() if download.length(folder / name) != f.bytes
            ]
        if bad:
            log.warning("%d files of %s are missing or damaged, such as %s", len(bad), self.name, bad[0].path)
        return not bad

    def _damaged(self, archive: Archive, record: Mapping[str, Unpacked]) -> list[Problem]:
        found, folder = [], self.unpacked_path(archive)
        with Bar(f"checking {archive.stem}", sum(file.bytes for file in record.values()), unit="bytes") as bar:
            for name, file in record.items():
                path = folder / name
                try:
                    if path.stat().st_size != file.bytes:
                        found.append(Problem(path, f"{path.stat().st_size:,} bytes instead of {file.bytes:,}"))
                    elif download.sha256_of(path, bar) != file.sha256:
                        found.append(Problem(path, "another sha256 than when it was unpacked"))
                except OSError as error:
                    found.append(Problem(path, "missing" if isinstance(error, FileNotFoundError) else str(error)))
        return found

    def _download(self, archive: Download, absent: Sequence[Download]) -> None:
        """Fetches one of those that are absent, in whose order this is called."""
        path, hint = self.archive_path(archive), self._by_hand(absent[absent.index(archive) :])
        download.download(archive.address, path, size=archive.bytes, sha256=archive.sha256, hint=hint)
        log.info("fetched %s", path)

    def _downloaded(self, archive: Download) -> bool:
        """Whether the archive is there; one that is not the right one is the user's to judge, perhaps put in place."""
        path = self.archive_path(archive)
        if not path.exists():
            return False
        if reason := self._wrong(archive):
            raise DataError(
                f"{path} is not the file that the card of {self.name!r} describes: {reason}",
                "delete it, so that it is fetched again, or put the right file there",
            )
        return True

    def _wrong(self, archive: Download) -> str:
        """Why the archive is not what the card describes; "" if it is."""
        path = self.archive_path(archive)
        if (size := download.length(path)) != archive.bytes:
            return f"{size:,} bytes instead of {archive.bytes:,}"
        with Bar(f"checking {archive.file}", archive.bytes, unit="bytes") as bar:
            found = download.sha256_of(path, bar)
        return "" if found == archive.sha256 else f"its sha256 is {found} and not {archive.sha256}"

    def _unpack(self, archive: Archive) -> None:
        path, final, record = self.archive_path(archive), self.unpacked_path(archive), self._record_path(archive)
        partial, old, draft = (self.folder / f".{archive.stem}.{what}" for what in ("partial", "old", "record"))
        limits = Limits()
        if archive.unpacked_bytes is not None:
            limits = Limits(total_bytes=archive.unpacked_bytes)
        try:
            for left in (partial, old):  # by a killed process; the lock is ours
                shutil.rmtree(left, ignore_errors=True)
            partial.mkdir()
            with Bar(f"unpacking {archive.file}", archive.unpacked_bytes or archive.bytes, unit="bytes") as bar:
                files = unpack(path, partial, limits, bar)
            if hasattr(os, "sync"):
                os.sync()  # once, rather than for each of perhaps 100,000 files
            record.unlink(missing_ok=True)
            if final.exists():
                os.replace(final, old)
            os.replace(partial, final)
            found = {name: asdict(file) for name, file in files.items()}
            text = json.dumps({"archive": archive.file, "sha256": archive.sha256, "files": found}, indent=1)
            draft.write_text(text, "utf-8")
            os.replace(draft, record)
        except OSError as error:
            raise DataError(f"cannot unpack {path}: {error}", "is the disk full?") from error
        finally:
            for left in (partial, old):
                shutil.rmtree(left, ignore_errors=True)
        log.info("unpacked %d files into %s", len(files), final)

    def _record_path(self, archive: Archive) -> Path:
        return self.folder / f"{archive.stem}.unpacked.json"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Holds the folder, waiting for another process that does."""
        try:
            self.downloads.mkdir(parents=True, exist_ok=True)
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

    def _announce(self, absent: Sequence[Download]) -> None:
        """Says what is going to be fetched.

        Raises:
            Offline: It may not.
        """
        size = human(self.remaining(absent))
        if offline():
            names = ", ".join(archive.file for archive in absent)
            raise Offline(
                f"the dataset {self.name!r} lacks {names} ({size}), and --offline forbids to fetch anything",
                self._by_hand(absent),
            )
        hosts = ", ".join(sorted({urlsplit(archive.address).hostname or "" for archive in absent}))
        log.info("%s: fetching %s from %s into %s", self.name, size, hosts, self.downloads)
        log.info("terms: %s", " ".join(self.terms.split()))

    def _by_hand(self, absent: Sequence[Download]) -> str:
        """What to do without a network, or where the server has gone."""
        lines = [f"  {archive.file} ({human(archive.bytes)}) from {archive.address}" for archive in absent]
        return "\n".join([f"put by hand into {self.downloads}, and run the command again:", *lines])

    def _check_space(self, wanted: Sequence[Archive], absent: Sequence[Download]) -> None:
        needed = self.remaining(absent) + sum(archive.unpacked_bytes or archive.bytes for archive in wanted)
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise DataError(
                f"the dataset {self.name!r} needs {human(needed)} in {self.folder}, and {human(free)} are free",
                "free some space, or set GANKIT_HOME to a folder on another disk",
            )
