"""The idx files of MNIST and its successors: unsigned bytes behind a small header, plain or compressed by gzip.

The format is that of the MNIST database's page (Y. LeCun, C. Cortes, C. Burges): two zero bytes, the type of the values
(8 for unsigned bytes), the number of dimensions, each dimension as a big-endian 32-bit integer, and the values with the
last dimension running fastest.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from gankit.errors import DataError

UNSIGNED_BYTE = 8
MAX_DIMENSIONS = 4
MAX_BYTES = 1 << 32  # of values; a header of eight bytes can claim any number
CHUNK = 1 << 20
HINT = "the file is damaged, or no idx file: fetch it again"


def read_idx(path: Path) -> np.ndarray:
    """Reads an idx file of unsigned bytes.

    Memory grows with what the file really holds and never beyond what its header announces, so that neither a wrong
    header nor a compressed file that expands without end can fill it.

    Args:
        path: The file; whether it is compressed is seen from its first bytes.

    Returns:
        uint8, with the dimensions of the header; at least one value.

    Raises:
        DataError: The file is missing, cannot be decompressed, holds another type, ends early, or goes on after its
            last value.
    """
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not compressed:
                return _read(raw, path)
            with gzip.GzipFile(fileobj=raw) as file:
                return _read(file, path)
    except FileNotFoundError as error:
        raise DataError(f"no such file: {path}", "check the path") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read {path}: {error}", HINT) from error


def _read(file: IO[bytes] | gzip.GzipFile, path: Path) -> np.ndarray:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0":
        raise DataError(f"{path} is no idx file: it begins with {head.hex() or 'nothing'}", HINT)
    kind, count = head[2], head[3]
    if kind != UNSIGNED_BYTE:
        raise DataError(f"{path} holds values of the idx type {kind}", "only unsigned bytes, type 8, are read")
    if not 1 <= count <= MAX_DIMENSIONS:
        raise DataError(f"{path} says that it has {count} dimensions", f"at most {MAX_DIMENSIONS} are read")
    sizes = file.read(4 * count)
    if len(sizes) < 4 * count:
        raise DataError(f"{path} ends within its header", HINT)
    shape = struct.unpack(f">{count}I", sizes)
    size = math.prod(shape)
    said = f"{' x '.join(f'{n:,}' for n in shape)} values"
    if not 0 < size <= MAX_BYTES:
        raise DataError(f"{path} says that it has {said}", f"between 1 and {MAX_BYTES:,} are read")
    values = bytearray()
    while len(values) < size:
        piece = file.read(min(CHUNK, size - len(values)))
        if not piece:
            raise DataError(f"{path} says that it has {said}, and ends after {len(values):,}", HINT)
        values += piece
    if file.read(1):
        raise DataError(f"{path} says that it has {said}, and goes on after them", HINT)
    return np.frombuffer(values, np.uint8).reshape(shape)
