"""Photographs that do not fit into memory: decoded once into a file, out of which every later run reads its crops.

    $GANKIT_HOME/prepared/
        <key>/pixels         8-bit RGB or grey, photograph after photograph, row after row; nothing else
        <key>/index.json     sizes and hashes of the images in it, and where they came from
        <key>.part/          one that is being made, or whose making was killed: the next attempt goes on with it
        <key>.lock           held by the process that makes it

The key is a hash of the photographs' bytes, of the sizes at which they enter, and of how they come to these. Names and
times don't matter: a moved or copied data set is found again, and a changed picture never, whatever its time says. The
bytes are read for that at every start, which costs a small part of decoding them.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from pydantic import TypeAdapter

from gankit.errors import DataError
from gankit.images.decoding import Copy, Plan, Sizes, changed
from gankit.images.images import read_each
from gankit.images.pixels import Pixels, pixels_sha256
from gankit.support.files import fsync, sha256, write_json
from gankit.support.places import home
from gankit.support.progress import Bar
from gankit.support.stored import read_stored
from gankit.support.values import human

log = logging.getLogger("gankit")

FORMAT = 1  # to be raised when the file or the arithmetic of reductions changes


def load_pixels(files: Sequence[Path], sizes: Sizes, cache_mb: float) -> Pixels:
    """Decodes photographs into memory if they fit there, else into a file that later runs find.

    Args:
        files: The photographs.
        sizes: What each becomes: `Reductions` of itself, of which crops are cut, or pictures of one size by a `Fit`.
        cache_mb: Largest memory for their pixels, in MB.

    Returns:
        The same pixels and hashes either way.

    Raises:
        DataError: Photographs cannot be read or are too small, or the disk has no room for the file.

    Examples:
        >>> load_pixels(list_images(Path("photos")), Reductions(), cache_mb=1000)  # doctest: +SKIP
    """
    plan = Plan.of(files, sizes)
    if plan.nbytes <= 1e6 * cache_mb:
        return plan.in_memory()
    return _Prepared(plan, cache_mb).open_or_make()


Stored = list[tuple[int, int, str]]  # height, width and hash, as of `Copy`
_LINE = TypeAdapter(tuple[int, Stored])  # number of a photograph, and its copies


@dataclass(frozen=True)
class _Photograph:
    images: Stored


@dataclass(frozen=True)
class _Index:
    """What index.json says."""

    format: int
    key: str
    mtime_ns: int
    photographs: list[_Photograph]


class _Prepared:
    """The file of one plan."""

    def __init__(self, plan: Plan, cache_mb: float) -> None:
        self.plan = plan
        self.sources = _hashed(plan.files)
        key = repr((FORMAT, [*zip(self.sources, plan.shapes, strict=True)])) + plan.sizes.rule
        self.key = hashlib.sha256(key.encode()).hexdigest()[:32]
        self.folder = home() / "prepared" / self.key
        self.part = self.folder.with_name(f"{self.key}.part")
        self.why = f"the photographs take {human(plan.nbytes)} decoded, more than cache_mb {cache_mb:,g}"
        self.hint = (
            f"free some space there, set GANKIT_HOME to a folder on another disk, ask for smaller pictures, or, given "
            f"that much memory, a cache_mb of {plan.nbytes // 10**6 + 1}"
        )

    def open_or_make(self) -> Pixels:
        try:
            if (found := self._open()) is None:
                self.folder.parent.mkdir(parents=True, exist_ok=True)
                with self._locked():
                    if (found := self._open()) is None:  # another process may have made it meanwhile
                        self._make()
                        found = self._open()
        except OSError as error:
            reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
            raise DataError(f"cannot prepare the photographs in {self.folder.parent}: {reason}", self.hint) from error
        if found is None:
            raise DataError(f"{self.folder} cannot be read back", "check the disk")
        log.info("%s: reading them from %s", self.why, self.folder)
        return found

    # -- reading -----------------------------------------------------------------------------------------------------

    def _open(self) -> Pixels | None:
        """The finished file; None if there is none, or a damaged one."""
        path = self.folder / "pixels"
        try:
            status = path.stat()
            (self.folder / "index.json").stat()  # none is no damage
            index = read_stored(self.folder / "index.json", _Index, "")
            copies = [[Copy(*copy) for copy in photograph.images] for photograph in index.photographs]
            if (index.format, index.key, status.st_size) != (FORMAT, self.key, self.plan.nbytes):
                raise ValueError("it belongs to other photographs")
            shapes = [[sorted(copy[:2]) for copy in photograph] for photograph in copies]
            if shapes != [[sorted(shape) for shape in photograph] for photograph in self.plan.shapes]:
                raise ValueError("its pictures have other sizes")
            if status.st_mtime_ns != index.mtime_ns:  # written to, or only copied
                if len(self._intact(path, enumerate(copies))) < len(self.plan.files):
                    raise ValueError("its pixels have changed")
                os.utime(path, ns=(status.st_atime_ns, index.mtime_ns))
            return self.plan.pixels(copies, path)
        except FileNotFoundError:
            return None
        except (ValueError, OverflowError, DataError) as error:
            log.warning("%s is damaged (%s) and will be made again", self.folder, error)
            return None

    def _intact(self, path: Path, photographs: Iterable[tuple[int, list[Copy]]]) -> dict[int, list[Copy]]:
        """Those photographs whose pixels in a file have their hashes."""
        pixels = np.memmap(path, np.uint8, "r", shape=(self.plan.offsets[-1], self.plan.sizes.channels))

        def check(item: tuple[int, list[Copy]]) -> bool:
            number, copies = item
            offset = self.plan.offsets[number]
            for height, width, digest in copies:
                if pixels_sha256(pixels[offset : offset + height * width]) != digest:
                    return False
                offset += height * width
            return offset == self.plan.offsets[number + 1]

        items = list(photographs)
        return {item[0]: item[1] for item, intact in zip(items, read_each(items, check), strict=True) if intact}

    # -- making ------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Holds the lock; the operating system lets go when the process ends, however it ends."""
        lock = FileLock(self.folder.with_name(f"{self.key}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("another process is preparing these photographs; waiting for it")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _make(self) -> None:
        """Decodes what an earlier attempt has not, and puts the whole in its place."""
        _sweep(self.folder.parent, self.part)
        path, journal = self.part / "pixels", self.part / "done.jsonl"
        self._allocate(path)
        copies = self._intact(path, _read_journal(journal, len(self.plan.files)).items())
        if copies:
            log.info("going on after %d of %d photographs", len(copies), len(self.plan.files))
        with journal.open("a", encoding="utf-8") as file:

            def store(offset: int, image: np.ndarray) -> None:
                with path.open("r+b") as pixels:
                    pixels.seek(self.plan.sizes.channels * offset)
                    pixels.write(image.data)

            def decode(number: int) -> list[Copy]:
                found = self.plan.decode(number, store)
                if _source_sha256(self.plan.files[number]) != self.sources[number]:
                    raise changed(self.plan.files[number])
                return found

            def done(number: int, found: list[Copy]) -> None:
                copies[number] = found
                file.write("\n" + json.dumps([number, found]))  # the last line may have been cut short
                file.flush()

            missing = [number for number in range(len(self.plan.files)) if number not in copies]
            try:
                self.plan.decode_all(missing, decode, done)
            except DataError:
                shutil.rmtree(self.part)  # once the pictures are mended, the key will be another one
                raise
        self._finish(path, copies)
        journal.unlink()
        if self.folder.exists():
            shutil.rmtree(self.folder)  # it is damaged
        os.replace(self.part, self.folder)

    def _allocate(self, path: Path) -> None:
        """Takes the room on the disk before the work begins."""
        folder = self.folder.parent
        held = path.stat().st_blocks * 512 if path.exists() and os.name == "posix" else 0
        free, needed = shutil.disk_usage(folder).free, self.plan.nbytes - held
        where = f"{human(self.plan.nbytes)} of disk in {folder}, which has {human(free)} free"
        if needed > free:
            raise DataError(f"{self.why}; prepared, they need {where}", self.hint)
        log.info("%s: preparing them, once; that takes %s", self.why, where)
        self.part.mkdir(exist_ok=True)
        with path.open("ab") as file:
            file.truncate(self.plan.nbytes)
            if hasattr(os, "posix_fallocate"):
                try:
                    os.posix_fallocate(file.fileno(), 0, self.plan.nbytes)
                except OSError as error:
                    if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # the file system cannot do that
                        shutil.rmtree(self.part)
                        raise

    def _finish(self, path: Path, copies: dict[int, list[Copy]]) -> None:
        """Makes the pixels durable, and after them their index."""
        fsync(path)
        photographs = [
            {"source": str(source), "sha256": digest, "images": copies[number]}
            for number, (source, digest) in enumerate(zip(self.plan.files, self.sources, strict=True))
        ]
        index = {"format": FORMAT, "key": self.key, "mtime_ns": path.stat().st_mtime_ns, "photographs": photographs}
        fsync(write_json(self.part / "index.json", index))


def _hashed(files: Sequence[Path]) -> list[str]:
    """SHA-256 of each file."""
    sizes = iter([path.stat().st_size for path in files])
    with Bar(f"checking {len(files)} photographs", sum(path.stat().st_size for path in files), unit="bytes") as bar:
        return read_each(files, _source_sha256, lambda _: bar(next(sizes)))


def _source_sha256(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}", "check the path") from error


def _sweep(folder: Path, mine: Path) -> None:
    """Removes what other attempts left unfinished, and no process is at: it takes as much room as a whole one."""
    for part in set(folder.glob("*.part")) - {mine}:
        with contextlib.suppress(Timeout), FileLock(part.with_suffix(".lock"), timeout=0):
            shutil.rmtree(part)


def _read_journal(journal: Path, count: int) -> dict[int, list[Copy]]:
    """What an earlier attempt stored of `count` photographs; lines that a crash cut short are left out."""
    found = {}
    for line in journal.read_text("utf-8", "replace").splitlines() if journal.exists() else ():
        with contextlib.suppress(ValueError):
            number, copies = _LINE.validate_json(line, strict=True)
            if number in range(count):
                found[number] = [Copy(*copy) for copy in copies]
    return found
