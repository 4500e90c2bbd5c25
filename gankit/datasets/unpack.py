"""Unpacking archives that nobody has looked at: zip and tar, plain files and folders only.

Refused are names that lead out of the folder or mean different files on different systems, links, devices, encrypted
members, and archives that grow beyond their limits, as they are read: neither a wrong size in a header nor a bomb fills
the disk.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import lzma
import re
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from gankit.datasets.download import Advance, silent
from gankit.errors import DataError
from gankit.support.limits import MEMBER_LIST_BYTES, MEMBERS

CHUNK = 1 << 20
MEMBER = b"PK\1\2"  # how each member begins in a zip archive's list
MAX_NAME = 1000  # characters
HEADS = b"LKxXg"  # types of tar's members that only hold a long name or attributes of the next one
PEEKED = 1 << 26  # bytes of a tar archive that are looked at before it is unpacked
SPARE = 1 << 20  # bytes of tar headers and padding allowed beside what members need
DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
)
SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True)
class Limits:
    """How large an archive may become.

    Attributes:
        members: Files and folders.
        total_bytes: Of all files; if None, `ratio` decides.
        ratio: Of all files' bytes to the archive's; photographs have about 1, text tables 10.
    """

    members: int = MEMBERS
    total_bytes: int | None = None
    ratio: float = 100.0

    def bytes_of(self, archive: Path) -> int:
        """Most bytes that the files of an archive may have."""
        return int(self.ratio * archive.stat().st_size) if self.total_bytes is None else self.total_bytes


@dataclass(frozen=True)
class Unpacked:
    """A file that was unpacked.

    Attributes:
        bytes: Its size.
        sha256: Hexadecimal.
    """

    bytes: int
    sha256: str


def unpack(archive: Path, folder: Path, limits: Limits = Limits(), advance: Advance = silent) -> dict[str, Unpacked]:
    """Unpacks an archive whose name ends with one of `SUFFIXES` into an empty folder.

    Nothing is ever written outside of the folder. What it holds after an error is to be thrown away.

    Returns:
        The files by their names in the archive, with forward slashes.

    Raises:
        DataError: The archive is damaged or holds something that is not unpacked; says what.
        OSError: A file cannot be written.
    """
    gate = _Gate(archive, folder, limits, advance)
    try:
        (_unzip if archive.name.lower().endswith(".zip") else _untar)(archive, gate)
    except DAMAGED as error:
        raise gate.refusal(f"it is damaged or of an unknown kind ({error})") from error
    return gate.files


class _Gate:
    """What every member has to pass, and the files that did."""

    def __init__(self, archive: Path, folder: Path, limits: Limits, advance: Advance) -> None:
        self.archive, self.folder, self.limits, self.advance = archive, folder, limits, advance
        self.allowed = limits.bytes_of(archive)
        self.members = self.bytes = 0
        self.files: dict[str, Unpacked] = {}
        self._spelling: dict[str, tuple[str, bool]] = {}  # name without case -> name, whether it is a file

    def refusal(self, reason: str) -> DataError:
        """The error for this archive."""
        return DataError(f"{self.archive} is refused: {reason}", "nothing of it was unpacked; ask the card's author")

    def too_many(self) -> DataError:
        """The error for more members than are unpacked."""
        return self.refusal(f"it has more than {self.limits.members:,} members")

    def admit(self, name: str, size: int, *, is_file: bool) -> str:
        """The member's name without a final slash, if it may be written.

        Raises:
            DataError: It may not.
        """
        self.members, self.bytes = self.members + 1, self.bytes + size
        if self.members > self.limits.members:
            raise self.too_many()
        if self.bytes > self.allowed:
            raise self.refusal(f"its files have more than {self.allowed:,} bytes")
        bare = name.rstrip("/") if not is_file else name
        parts = bare.split("/")
        if parts[0] == "." and len(parts) > 1:  # what `tar c .` writes
            parts = parts[1:]
        if not is_file and parts == ["."]:
            return "."
        wrong = any(part in ("", ".", "..") for part in parts) or len(name) > MAX_NAME
        if wrong or re.search(r"[\\:\x00-\x1f\x7f\ud800-\udfff]", name):
            raise self.refusal(f"the name {name[:100]!r} of a member leads elsewhere or has special characters")
        for depth in range(1, len(parts) + 1):
            path, is_leaf = "/".join(parts[:depth]), is_file and depth == len(parts)
            key = unicodedata.normalize("NFC", path).casefold()
            before = self._spelling.setdefault(key, (path, is_leaf))
            if before != (path, is_leaf):
                raise self.refusal(f"its members {before[0]!r} and {path!r} have one name on some systems")
            if is_leaf and path in self.files:
                raise self.refusal(f"it has two members {path!r}")
        path = "/".join(parts)
        if is_file:
            self.files[path] = Unpacked(size, "")
        return path

    def write(self, path: str, size: int, source: IO[bytes]) -> None:
        """Writes an admitted file; it has to have the size that its header says."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, written = hashlib.sha256(), 0
        with target.open("xb") as file:
            while piece := source.read(CHUNK):
                written += len(piece)
                if written > size:
                    break
                file.write(piece)
                digest.update(piece)
                self.advance(len(piece))
        if written != size:
            raise self.refusal(f"the member {path!r} has another size than its header says")
        self.files[path] = Unpacked(size, digest.hexdigest())


class _Listed:
    """What zipfile reads from.

    zipfile takes the whole list of members in, with a kilobyte of memory for each, before there is a member to judge.
    It reads the list in one piece, in which every member has the signature: so they are counted in an instant.
    """

    def __init__(self, file: IO[bytes], gate: _Gate) -> None:
        self.file, self.gate = file, gate
        self.tell, self.seekable = file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        if size > MEMBER_LIST_BYTES:
            raise self.gate.refusal("its list of members is too large")
        piece = self.file.read(size)
        if piece.startswith(MEMBER) and piece.count(MEMBER) > self.gate.limits.members:
            raise self.gate.too_many()
        return piece

    def seek(self, place: int, whence: int = 0) -> int:
        """Goes to a place, which the list of members may put before the beginning."""
        try:
            return self.file.seek(place, whence)
        except OSError as error:
            raise zipfile.BadZipFile(str(error)) from error


def _unzip(archive: Path, gate: _Gate) -> None:
    with archive.open("rb") as file, zipfile.ZipFile(cast(IO[bytes], _Listed(file, gate))) as zipped:
        names = {}
        for member in zipped.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.flag_bits & 1:
                raise gate.refusal(f"the member {member.filename!r} is encrypted")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise gate.refusal(f"the member {member.filename!r} is compressed by a method other than deflate")
            is_file = not member.orig_filename.endswith("/")
            if kind not in (0, stat.S_IFREG if is_file else stat.S_IFDIR):
                raise gate.refusal(f"the member {member.filename!r} is a link or a device")
            # The name as it is stored: `filename` ends at a zero byte.
            path = gate.admit(member.orig_filename, member.file_size, is_file=is_file)
            if is_file:
                names[path] = member
        for path, member in names.items():
            with zipped.open(member) as source:
                gate.write(path, member.file_size, source)


def _untar(archive: Path, gate: _Gate) -> None:
    with contextlib.suppress(OSError, *DAMAGED):  # what is damaged is told below
        _peek(archive, gate)
    with ExitStack() as stack:
        counted: Any = _Counted(stack.enter_context(_decompressed(archive)), gate)
        # As a stream: a list of members first would decompress everything twice.
        tar = stack.enter_context(tarfile.open(fileobj=counted, mode="r|"))
        for member in tar:
            plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
            if not (plain or member.isdir()):
                raise gate.refusal(f"the member {member.name!r} is a link, a device or a sparse file")
            path = gate.admit(member.name, member.size, is_file=not member.isdir())
            if not member.isdir():
                source = tar.extractfile(member)
                assert source is not None  # it is a regular file
                gate.write(path, member.size, source)
        while counted.read(CHUNK):  # up to the checksum, which lies behind the padding
            pass


def _peek(archive: Path, gate: _Gate) -> None:
    """Refuses countless tiny members before the first is written; `tarfile` counts larger ones as they come."""
    left, count = PEEKED, 0
    with _decompressed(archive) as file:
        while left > 0 and any(block := file.read(tarfile.BLOCKSIZE)):
            size = int(block[124:136].strip(b" \0") or b"0", 8)  # of 8 GB and more it is no octal number: a ValueError
            count += block[156:157] not in HEADS
            if count > gate.limits.members:
                raise gate.too_many()
            padded = -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
            left -= tarfile.BLOCKSIZE + padded
            if left > 0:
                file.seek(padded, 1)


def _decompressed(archive: Path) -> Any:
    with archive.open("rb") as file:
        magic = file.read(6)
    for start, module in ((b"\x1f\x8b", gzip), (b"BZh", bz2), (b"\xfd7zXZ\x00", lzma)):
        if magic.startswith(start):
            return module.open(archive, "rb")
    return archive.open("rb")


class _Counted:
    """What tarfile reads from.

    Long names and attributes are read before there is a member to judge, so that the bytes read are bounded by what the
    members so far account for.
    """

    def __init__(self, file: IO[bytes], gate: _Gate) -> None:
        self.file, self.gate, self.count = file, gate, 0

    def read(self, size: int) -> bytes:
        """The next bytes."""
        try:
            piece = self.file.read(size)
        except OSError as error:  # gzip's and bz2's word for damage
            raise tarfile.ReadError(str(error)) from error
        self.count += len(piece)
        if self.count > self.gate.bytes + 4096 * self.gate.members + SPARE:
            raise self.gate.refusal("its headers are too large")
        return piece
