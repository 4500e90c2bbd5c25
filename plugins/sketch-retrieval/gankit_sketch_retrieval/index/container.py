"""One file for named arrays and facts, in which a single wrong bit is noticed, and which is never seen half-written.

    64 bytes    magic, format, length of the header, length of the body (each 8 bytes), SHA-256 of all the rest
    header      JSON: `facts`, and of every array its dtype, its shape and its place in the body
    body        the arrays, each at a multiple of 64 bytes, so that they can be used where they are mapped

The digest is a tree: SHA-256 over the beginning, the header, and the SHA-256 of every 16 MiB of the body. Threads hash
the blocks; a gigabyte takes about 0.3 s on two cores that have SHA instructions, and about 1.5 s on old ones.
"""

from __future__ import annotations

import glob
import hashlib
import json
import math
import os
import re
import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from pydantic import ValidationError

from gankit import DataError
from gankit.support import whole

MAGIC, FORMAT = b"GKMARKS\n", 1
ALIGNED, BLOCK = 64, 1 << 24
MOST_AXES = 8
REPAIR = "restore it from a copy, or delete it and make it again"
_NUMBERS = re.compile(r"[<>|][biuf][1248]")  # dtypes; objects would be addresses
_BEGINNING = struct.Struct("<8sQQQ32s")  # the digest last: it covers what is before it


def write(path: Path, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Writes a file whole or not at all, and durably.

    Only one process may write to a path at a time: what others left beside it is taken to be of killed ones.

    Args:
        path: Replaced if it exists.
        facts: What JSON can hold.
        arrays: Of numbers, in any shape.

    Returns:
        The digest, 32 bytes.

    Raises:
        GankitError: The disk is full.
        UsageError: It cannot be written there.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        # "marks.index.2" is another index, whose file of this kind ends in ".2.4711.tmp".
        if left.name.removeprefix(f".{path.name}.").removesuffix(".tmp").isdigit():
            left.unlink(missing_ok=True)
    with whole(path, durable=True) as aside, aside.open("w+b") as file:
        return _fill(file, facts, {name: np.asarray(array, order="C") for name, array in arrays.items()})


def read(path: Path, mapped: bool = True) -> tuple[dict[str, Any], dict[str, np.ndarray], bytes]:
    """Facts, arrays (read-only) and digest of a file, verified to the last bit.

    Args:
        path: The file.
        mapped: Leave the arrays in the file, from where the operating system fetches them; else read them now.

    Raises:
        DataError: It is no such file, or a newer, a shortened or a damaged one.
    """
    try:
        with path.open("rb") as file:  # opened once: another process may put a new one in its place at any time
            magic, version, header_bytes, body_bytes, digest = _begun(file)
            if magic != MAGIC:
                raise DataError(f"{path} is not an index of marks", "'gankit sketch-retrieval index' makes one")
            if version != FORMAT:
                found = f"{path} has format {version}; this version reads format {FORMAT}"
                raise DataError(found, "update gankit-sketch-retrieval" if version > FORMAT else REPAIR)
            file.seek(0)
            every = np.asarray(np.memmap(file, np.uint8, "r")) if mapped else np.fromfile(file, np.uint8)
    except OSError as error:
        raise _unreadable(path, error) from error
    every.flags.writeable = False
    body = _BEGINNING.size + header_bytes
    if len(every) != body + body_bytes:
        raise DataError(f"{path} has {len(every):,} bytes instead of {body + body_bytes:,}", REPAIR)
    if _digest(every[: _BEGINNING.size - 32], every[_BEGINNING.size : body], every[body:]) != digest:
        raise DataError(f"{path} is damaged: its contents do not fit its checksum", REPAIR)
    try:
        facts, places = _header(every[_BEGINNING.size : body].tobytes(), body_bytes)
        arrays = {
            name: every[body + start : body + stop].view(dtype).reshape(shape)
            for name, (dtype, shape, start, stop) in places.items()
        }
    except (ValueError, OverflowError, RecursionError) as error:  # NumPy has limits of its own for axes without values
        raise damaged(path, error) from error
    return facts, arrays, digest


def _header(text: bytes, room: int) -> tuple[dict[str, Any], dict[str, tuple[np.dtype, list[int], int, int]]]:
    """Facts, and the dtype, shape, start and end of every array, which lie in `room` bytes.

    A checksum tells damage, but not who wrote the file: nothing of this is believed.

    Raises:
        ValueError: It is no such header.
    """
    header = json.loads(text)
    if not isinstance(header, dict) or not all(isinstance(header.get(key), dict) for key in ("facts", "arrays")):
        raise ValueError("its header has no facts or no arrays")
    found = {}
    for name, place in header["arrays"].items():
        match place:
            case [str(dtype), list(shape), start] if _NUMBERS.fullmatch(dtype) and len(shape) <= MOST_AXES:
                sizes = [*shape, start]
            case _:
                raise ValueError(f"the array {name!r} of its header is no array of numbers")
        if not all(type(size) is int and size >= 0 for size in sizes):
            raise ValueError(f"the array {name!r} of its header has a size that is no number")
        # In Python's integers, which do not wrap around.
        stop = start + np.dtype(dtype).itemsize * math.prod(shape)
        if stop > room:
            raise ValueError(f"the array {name!r} of its header reaches beyond the file")
        found[name] = (np.dtype(dtype), shape, start, stop)
    return header["facts"], found


def damaged(path: Path, error: Exception) -> DataError:
    """What to tell people of a file whose contents are not what they should be."""
    said = str(error)
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        said = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return DataError(f"{path} is damaged: {said}", REPAIR)


def digest_of(path: Path) -> bytes | None:
    """The digest that a file names, unverified; None if it is not of this kind.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            magic, *_, digest = _begun(file)
    except OSError as error:
        raise _unreadable(path, error) from error
    return digest if magic == MAGIC else None


def _begun(file: BinaryIO) -> tuple[bytes, int, int, int, bytes]:
    return _BEGINNING.unpack(file.read(_BEGINNING.size).ljust(_BEGINNING.size, b"\0"))


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"cannot read {path}: {error.strerror or error}", "check the path")


def _fill(file: BinaryIO, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    places, stop = {}, 0
    for name, array in arrays.items():
        places[name] = [array.dtype.str, array.shape, stop]
        stop += array.nbytes + -array.nbytes % ALIGNED
    header = json.dumps({"facts": facts, "arrays": places}).encode()
    header += b" " * (-(_BEGINNING.size + len(header)) % ALIGNED)
    begun = _BEGINNING.pack(MAGIC, FORMAT, len(header), stop, bytes(32))
    file.write(begun + header)
    for array in arrays.values():
        file.write(array.reshape(-1).view(np.uint8).data)
        file.write(bytes(-array.nbytes % ALIGNED))
    file.flush()
    every = np.memmap(file, np.uint8, "r")
    digest = _digest(begun[:-32], header, every[len(begun) + len(header) :])
    file.seek(len(begun) - 32)
    file.write(digest)
    return digest


def _digest(begun: Any, header: Any, body: np.ndarray) -> bytes:
    """SHA-256 over the beginning, the header and the SHA-256 of every block; hashlib lets threads run side by side."""
    total = hashlib.sha256(begun)
    total.update(header)
    blocks = [body[start : start + BLOCK] for start in range(0, len(body), BLOCK)]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        for block in threads.map(lambda block: hashlib.sha256(block).digest(), blocks):
            total.update(block)
    return total.digest()
