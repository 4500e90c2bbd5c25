"""What an index holds of every mark, as columns, and of every document it was found in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from gankit import DataError
from gankit.support import sha256

_COLUMNS = ("owners", "pages", "boxes", "vectors")


@dataclass(frozen=True)
class Document:
    """A file, and how to tell that it has not changed.

    Attributes:
        name: How results name it.
        path: Where it was when it was read; "" if it never was a file.
        size: In bytes.
        mtime_ns: When it was last written.
        sha256: Of its contents, in hex.
    """

    name: str
    path: str = ""
    size: int = 0
    mtime_ns: int = 0
    sha256: str = "00" * 32


def identified(name: str, path: Path, *earlier: Document | None) -> Document:
    """A document as it is now; it is hashed only if place, size or time differ from what is known of it.

    Args:
        name: How results name it.
        path: The file.
        earlier: What is known of it from earlier.

    Raises:
        OSError: The file cannot be read.
    """
    path = path.absolute()
    state = path.stat()
    for known in earlier:
        if known and (known.path, known.size, known.mtime_ns) == (str(path), state.st_size, state.st_mtime_ns):
            return known
    return Document(name, str(path), state.st_size, state.st_mtime_ns, sha256(path))


@dataclass(frozen=True, eq=False)
class Documents(Sequence[Document]):
    """Documents as columns: a million of them load in a fraction of a second.

    Attributes:
        names: Each once.
        paths: As of `Document`.
        states: `[n, 2]` int64: size and time.
        digests: `[n, 32]` uint8.
    """

    names: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    states: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    digests: np.ndarray = field(default_factory=lambda: np.zeros((0, 32), np.uint8))

    @classmethod
    def of(cls, documents: Iterable[Document]) -> Documents:
        """From single ones."""
        listed = list(documents)
        return cls(
            [document.name for document in listed],
            [document.path for document in listed],
            np.array([(document.size, document.mtime_ns) for document in listed], np.int64).reshape(-1, 2),
            np.frombuffer(bytes.fromhex("".join(document.sha256 for document in listed)), np.uint8).reshape(-1, 32),
        )

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, number: int) -> Document:  # type: ignore[override]
        size, mtime_ns = self.states[number].tolist()
        return Document(self.names[number], self.paths[number], size, mtime_ns, self.digests[number].tobytes().hex())

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each name."""
        return {name: number for number, name in enumerate(self.names)}

    def named(self, name: str) -> Document | None:
        """The one with a name, or None."""
        return self[self.numbers[name]] if name in self.numbers else None

    def select(self, numbers: np.ndarray) -> Documents:
        """Those with some numbers, in that order."""
        names, paths = ([column[number] for number in numbers] for column in (self.names, self.paths))
        return Documents(names, paths, self.states[numbers], self.digests[numbers])

    def arrays(self) -> dict[str, np.ndarray]:
        """As arrays of numbers; names as UTF-8 parted by NUL, which no file name contains."""
        texts = {"names": self.names, "paths": self.paths}
        packed = {
            key: np.frombuffer("\0".join(text).encode("utf-8", "surrogateescape"), np.uint8)
            for key, text in texts.items()
        }
        return {**packed, "states": self.states, "digests": self.digests}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Documents:
        """The inverse of `arrays`.

        Raises:
            ValueError: They do not fit each other.
        """
        _needed(arrays, ("names", "paths", "states", "digests"))
        states, digests = arrays["states"], arrays["digests"]
        n = len(states) if states.ndim else 0
        for name, column, dtype, shape in (("states", states, "int64", (n, 2)), ("digests", digests, "uint8", (n, 32))):
            if column.shape != shape or column.dtype != dtype:
                raise ValueError(f"{name}: {column.dtype} {column.shape} instead of {dtype} {shape}")
        names, paths = (
            arrays[key].tobytes().decode("utf-8", "surrogateescape").split("\0") if n else []
            for key in ("names", "paths")
        )
        if len(names) != n or len(paths) != n or len(set(names)) != n:
            raise ValueError(f"names: there is not one of its own for each of {n:,} documents")
        return cls(names, paths, states, digests)


@dataclass(frozen=True, eq=False)
class Rows:
    """Marks as columns; a document may have none.

    Attributes:
        documents: They come from; n of them.
        owners: `[rows]` int32 in [0, n): the document of each mark.
        pages: `[rows]` int32, the first is 1.
        boxes: `[rows, 4]` int32: x0, y0, x1, y1 in pixels of the page, the last two exclusive.
        vectors: `[rows, dim]` float32, of unit length. They are not halved to 16 bits: as they are they can be compared
            where they are mapped, without a copy or a conversion, and 512 bytes a mark are little beside the scans.

    Raises:
        ValueError: The columns do not fit each other.
        DataError: A vector is not finite.
    """

    documents: Documents
    owners: np.ndarray
    pages: np.ndarray
    boxes: np.ndarray
    vectors: np.ndarray

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2:
            raise ValueError(f"vectors: {self.vectors.shape} instead of one row for each mark")
        n, dim = self.vectors.shape
        for name, dtype, shape in zip(
            _COLUMNS, ("int32",) * 3 + ("float32",), ((n,), (n,), (n, 4), (n, dim)), strict=True
        ):
            column = getattr(self, name)
            if column.shape != shape or column.dtype != dtype:
                raise ValueError(f"{name}: {column.dtype} {column.shape} instead of {dtype} {shape}")
        if n and (self.owners.min() < 0 or self.owners.max() >= len(self.documents)):
            raise ValueError("owners: there is no such document")

    @classmethod
    def of(cls, documents: Iterable[Document], owners: object, pages: object, boxes: object, vectors: object) -> Rows:
        """From whatever NumPy takes.

        Raises:
            ValueError: The columns do not fit each other.
            DataError: A vector is not finite.
        """
        vectors = np.ascontiguousarray(vectors, np.float32)
        if not np.isfinite(vectors).all():
            raise DataError("a mark's vector is not finite", "the trained run is broken; choose another one")
        columns = (np.asarray(column, np.int32) for column in (owners, pages))
        return cls(Documents.of(documents), *columns, np.asarray(boxes, np.int32).reshape(-1, 4), vectors)

    @classmethod
    def none(cls, dim: int) -> Rows:
        """No marks of no documents."""
        return cls.of((), (), (), (), np.empty((0, dim)))

    def __len__(self) -> int:
        return len(self.owners)

    def joined(self, others: Sequence[Rows]) -> Rows:
        """These, then those of others, whose documents are others."""
        every = [self, *others]
        tables = [rows.documents for rows in every]
        starts = np.cumsum([0, *map(len, tables)])
        documents = Documents(
            [name for table in tables for name in table.names],
            [path for table in tables for path in table.paths],
            np.concatenate([table.states for table in tables]),
            np.concatenate([table.digests for table in tables]),
        )
        owners = [rows.owners + np.int32(start) for rows, start in zip(every, starts[:-1], strict=True)]
        rest = (np.concatenate([getattr(rows, name) for rows in every]) for name in ("pages", "boxes", "vectors"))
        return Rows(documents, np.concatenate(owners), *rest)

    def only(self, numbers: np.ndarray) -> tuple[Rows, np.ndarray]:
        """Those of some documents, and where they were.

        Args:
            numbers: `[m]` of documents, rising.

        Returns:
            The rows, which keep their order, and their numbers here, int64.
        """
        new = np.full(len(self.documents), -1, np.int32)
        new[numbers] = np.arange(len(numbers))
        kept = np.flatnonzero(new[self.owners] >= 0)
        columns = (self.pages[kept], self.boxes[kept], self.vectors[kept])
        return Rows(self.documents.select(numbers), new[self.owners[kept]], *columns), kept

    def arrays(self) -> dict[str, np.ndarray]:
        """All columns."""
        return {**self.documents.arrays(), **{name: getattr(self, name) for name in _COLUMNS}}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Rows:
        """The inverse of `arrays`.

        Raises:
            ValueError: They do not fit each other.
        """
        _needed(arrays, _COLUMNS)
        return cls(Documents.from_arrays(arrays), *(arrays[name] for name in _COLUMNS))


def _needed(arrays: Mapping[str, np.ndarray], names: Sequence[str]) -> None:
    if missing := [name for name in names if name not in arrays]:
        raise ValueError(f"{missing[0]}: there is no such array")
