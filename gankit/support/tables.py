"""Text, a line or a row at a time: packed by gzip or not, in any usual encoding, with any separator and quoting.

The file's content decides, not its name. Lines, rows and columns are bounded, so that no file fills the memory.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gankit.errors import DataError
from gankit.support.limits import COLUMNS, LACKING_CELLS, ROW_CHARACTERS

SEPARATORS = ",;\t|"
HINT = "give a text table (CSV or TSV, also .gz) with a line of column names"

_FOREIGN = {
    b"PK\x03\x04": "a workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a Parquet file",
    b"ARROW1": "a Feather file",
    b"\x89HDF": "an HDF5 file",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "a database",
}
_PAGE = ("<!doctype", "<html", "<?xml")


class TextTable:
    r"""A file with a line of column names.

    Args:
        path: UTF-8 (also with a mark), UTF-16 with a mark, or Latin-1; plain or packed by gzip.
        hint: What people are told where the file is no such table.
        separators: Those that the line of names is tried with.

    Attributes:
        path: As given.
        names: The cells of the first line that is not blank, without outer blanks.
        separator: The one that gives the line of names most cells.

    Raises:
        DataError: There is no such file, it is damaged, empty or no text, or its line of names is too long or too wide.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "prices.csv"
        >>> _ = path.write_text("date;close\n2026-01-02;10,5\n")
        >>> table = TextTable(path)
        >>> table.names, list(table.rows())
        (['date', 'close'], [(2, ['2026-01-02', '10,5'])])
    """

    def __init__(self, path: Path, *, hint: str = HINT, separators: str = SEPARATORS) -> None:
        self.path, self._hint = Path(path), hint
        with _opened(self.path, hint) as file:
            head = self._head(file)
            self.separator = max(separators, key=lambda mark: _parts(head, mark))
            self.names = [cell.strip() for cell in next(self._reader(iter([head])))]
        if len(self.names) > COLUMNS:
            raise DataError(f"{self.path.name} has {len(self.names):,} columns, more than {COLUMNS:,}", hint)
        if any(not character.isprintable() for name in self.names for character in name):
            raise DataError(f"{self.path.name} is no text table: its first line is not readable", hint)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows below the line of names that are not blank.

        Yields:
            The line of the file on which the row ends, from 1, and its cells, without outer blanks. A row may have
            more or fewer cells than there are names.

        Raises:
            DataError: The file is damaged, a row is too long, or the rows have hardly any of the columns.
        """
        with _opened(self.path, self._hint) as file:
            self._head(file)
            before, taken = self._above, 0

            def lines() -> Iterator[str]:
                nonlocal taken
                for line in self._lines(file):
                    taken += len(line)  # a cell in quotes may have many lines
                    if taken > ROW_CHARACTERS:
                        raise _too_long(self.path, "row", self._hint)
                    yield line

            reader = self._reader(lines())
            there = lacking = 0
            for row in reader:
                taken = 0
                cells = [cell.strip() for cell in row]
                if any(cells):
                    there, lacking = there + len(cells), lacking + max(0, len(self.names) - len(cells))
                    if lacking > LACKING_CELLS + 10 * there:
                        short = f"the rows of {self.path.name} lack nearly all of its {len(self.names):,} columns"
                        raise DataError(short, self._hint)
                    yield before + reader.line_num, cells

    def _reader(self, lines: Iterator[str]) -> Any:
        return csv.reader(lines, delimiter=self.separator, skipinitialspace=True, strict=True)

    def _lines(self, file: io.TextIOBase) -> Iterator[str]:
        return _bounded(file, self.path, self._hint)

    def _head(self, file: io.TextIOBase) -> str:
        """The first line that is not blank."""
        for number, line in enumerate(self._lines(file), 1):
            self._above = number
            if line.strip(" \t\r\n" + SEPARATORS):
                if line.lstrip().lower().startswith(_PAGE):
                    raise DataError(
                        f"{self.path.name} is a web page, not a table",
                        "download it again; the address may want a login",
                    )
                return line.rstrip("\r\n")
        raise DataError(f"{self.path.name} is empty", self._hint)


def text_lines(path: Path, *, hint: str = "") -> Iterator[str]:
    r"""The lines of a text, read as a `TextTable` is.

    Args:
        path: The file.
        hint: What people are told where it is no text, or a line is too long.

    Raises:
        DataError: There is no such file, it is damaged or no text, or a line is too long.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "some.smi"
        >>> _ = path.write_text("CCO ethanol\nC methane\n")
        >>> list(text_lines(path))
        ['CCO ethanol\n', 'C methane\n']
    """
    with _opened(path, hint) as file:
        yield from _bounded(file, path, hint)


def _parts(head: str, mark: str) -> int:
    """How many cells a separator makes of a line; none if that leaves one that is too long for the module csv."""
    try:
        return len(next(csv.reader([head], delimiter=mark), []))
    except csv.Error:
        return 0


def _bounded(file: io.TextIOBase, path: Path, hint: str) -> Iterator[str]:
    while line := file.readline(ROW_CHARACTERS):
        if len(line) == ROW_CHARACTERS:
            raise _too_long(path, "line", hint)
        yield line


def _too_long(path: Path, what: str, hint: str) -> DataError:
    return DataError(f"a {what} of {path.name} is longer than {ROW_CHARACTERS:,} characters", hint)


@contextmanager
def _opened(path: Path, hint: str) -> Iterator[io.TextIOBase]:
    """The file as text; whatever goes wrong while it is read becomes a `DataError`."""
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if packed:
                with gzip.open(file) as unpacked:
                    yield _decoded(unpacked, path, hint)
            else:
                yield _decoded(file, path, hint)
    except FileNotFoundError as error:
        raise DataError(f"there is no file {path}", "is its name right, and the folder?") from error
    except IsADirectoryError as error:
        raise DataError(f"{path} is a folder", hint) from error
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeError) as error:
        raise DataError(f"{path} cannot be read: {error}", "the file may be damaged or cut short") from error


def _decoded(file: io.BufferedReader | gzip.GzipFile, path: Path, hint: str) -> io.TextIOBase:
    start = file.read(1 << 16)
    file.seek(0)
    for magic, kind in _FOREIGN.items():
        if start.startswith(magic):
            raise DataError(f"{path.name} is {kind}, not a text table", "save or export it as CSV")
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return io.TextIOWrapper(file, "utf-16", newline="")
    if b"\0" in start:
        raise DataError(f"{path.name} holds binary data, not a text table", hint)
    return io.TextIOWrapper(file, "utf-8-sig", errors="gankit-latin-1", newline="")


def _latin_1(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are not UTF-8, as the older encoding has them: of a file that mixes both, each is read rightly."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("gankit-latin-1", _latin_1)
