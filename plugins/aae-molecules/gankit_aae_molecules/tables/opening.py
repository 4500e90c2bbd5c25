"""Text tables, a piece at a time: compressed or not, with any usual separator, encoding and quoting."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from gankit.errors import DataError
from gankit_aae_molecules.tables.responses import Dropped

PIECE = 50_000  # rows at a time
LONGEST = 1 << 20  # characters of the line of names
SEPARATORS = ",;\t"
CSV_HINT = "give a text table (CSV or TSV, also .gz) with a line of column names"

Piece = dict[str, np.ndarray]  # column -> [rows] strings (object)


class Table:
    """A file with a line of column names.

    Args:
        path: CSV or TSV, UTF-8 (also with a mark), UTF-16 with a mark, or Latin-1; by its content, whatever its name.

    Raises:
        DataError: It cannot be opened, is no text, is empty, or its first line has no end.

    Attributes:
        columns: Names; the second of two equal ones gets ".1". A first column of row names without a name is "".
        separator: One of `SEPARATORS`.
        first: The fields of the first row; empty if there is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.rows = 0
        self.ragged = Dropped()
        with self._text() as file:
            head = self._head(file)
            self.separator = max(SEPARATORS, key=lambda mark: len(next(csv.reader([head], delimiter=mark), [])))
            names = [name.strip() for name in next(csv.reader([head], delimiter=self.separator, skipinitialspace=True))]
            self.first = next((row for row in self._reader(file) if any(row)), [])
        if any(not character.isprintable() for name in names for character in name):
            raise DataError(f"{self.path.name} is no text table: its first line is not readable", CSV_HINT)
        if len(self.first) == len(names) + 1 and self.first[-1]:
            names.insert(0, "")  # as R's write.table names its columns
        self.columns = _distinct(names)

    def pieces(self) -> Iterator[Piece]:
        """The rows, in pieces of up to `PIECE`; `rows` counts them, `ragged` those that don't fit the columns.

        Raises:
            DataError: The file is damaged.
        """
        self.rows, self.ragged = 0, Dropped()
        width = len(self.columns)
        with self._text() as file:
            self._head(file)
            reader = self._reader(file)
            while rows := list(itertools.islice(reader, PIECE)):
                whole = []
                for row in rows:
                    if len(row) != width:
                        row = self._fitted(row, width)
                    if any(row):
                        whole.append(row)
                self.rows += len(whole)
                if whole:
                    filled = np.empty((len(whole), width), object)
                    filled[:] = whole
                    yield {name: filled[:, i] for i, name in enumerate(self.columns)}

    def _fitted(self, row: list[str], width: int) -> list[str]:
        """A row of the right width; empty if there is too much in it."""
        if len(row) < width:
            return row + [""] * (width - len(row))
        if not any(row[width:]):
            return row[:width]
        self.ragged.count += 1
        self.rows += 1
        if len(self.ragged.examples) < 3:
            self.ragged.examples.append(f"{len(row)} fields: {self.separator.join(row)[:60]}")
        return []

    def _reader(self, file: io.TextIOBase) -> Iterator[list[str]]:
        return csv.reader(file, delimiter=self.separator, skipinitialspace=True, strict=True)

    def _head(self, file: io.TextIOBase) -> str:
        """The first line that is not blank."""
        for _ in range(100):
            line = file.readline(LONGEST)
            if not line:
                raise DataError(f"{self.path.name} is empty", CSV_HINT)
            if len(line) == LONGEST:
                raise DataError(f"the first line of {self.path.name} is longer than {LONGEST:,} characters", CSV_HINT)
            if line.strip(" \t\r\n,;"):
                return line.rstrip("\r\n")
        raise DataError(f"{self.path.name} starts with a hundred blank lines", CSV_HINT)

    @contextmanager
    def _text(self) -> Iterator[io.TextIOBase]:
        """The file as text; whatever goes wrong while it is read becomes a `DataError`."""
        try:
            with open(self.path, "rb") as file:
                start = file.read(4)
                file.seek(0)
                if start[:2] == b"\x1f\x8b":
                    with gzip.open(file) as unpacked:
                        yield self._decoded(unpacked)
                else:
                    yield self._decoded(file)
        except FileNotFoundError as error:
            raise DataError(f"there is no file {self.path}", "is its name right, and the folder?") from error
        except IsADirectoryError as error:
            raise DataError(f"{self.path} is a folder", CSV_HINT) from error
        except (OSError, EOFError, zlib.error, csv.Error, UnicodeError) as error:
            raise DataError(f"{self.path} cannot be read: {error}", "the file may be damaged or cut short") from error

    def _decoded(self, file: io.BufferedIOBase) -> io.TextIOBase:
        start = file.read(1 << 16)
        file.seek(0)
        if start[:4] == b"PK\x03\x04" or start[:4] == b"\xd0\xcf\x11\xe0":
            raise DataError(f"{self.path.name} is a workbook or an archive, not a text table", "save it as CSV")
        if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return io.TextIOWrapper(file, "utf-16", newline="")
        if b"\0" in start:
            raise DataError(f"{self.path.name} is no text table: it holds binary data", CSV_HINT)
        return io.TextIOWrapper(file, "utf-8-sig", errors="gankit-latin-1", newline="")


def _latin_1(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are not UTF-8, as the older encoding has them: of a file that mixes both, each is read rightly."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("gankit-latin-1", _latin_1)


def _distinct(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for name in names:
        count = seen.get(name, 0)
        seen[name] = count + 1
        found.append(f"{name}.{count}" if count else name)
    return found
