"""Text tables, a row at a time: packed by gzip or not, with any usual separator, encoding and quoting.

The file's content decides, not its name. Lines and columns are bounded, so that no file fills the memory.
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

LONGEST = 1 << 20  # characters of a line
WIDEST = 100_000  # columns
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
        with self._opened() as file:
            head = self._head(file)
            self.separator = max(separators, key=lambda mark: len(next(csv.reader([head], delimiter=mark), [])))
            self.names = [cell.strip() for cell in next(self._reader(iter([head])))]
        if len(self.names) > WIDEST:
            raise DataError(f"{self.path.name} has {len(self.names):,} columns, more than {WIDEST:,}", hint)
        if any(not character.isprintable() for name in self.names for character in name):
            raise DataError(f"{self.path.name} is no text table: its first line is not readable", hint)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows below the line of names that are not blank.

        Yields:
            The line of the file on which the row ends, from 1, and its cells, without outer blanks. A row may have
            more or fewer cells than there are names.

        Raises:
            DataError: The file is damaged, or a line is too long.
        """
        with self._opened() as file:
            self._head(file)
            before, reader = self._above, self._reader(self._lines(file))
            for row in reader:
                cells = [cell.strip() for cell in row]
                if any(cells):
                    yield before + reader.line_num, cells

    def _reader(self, lines: Iterator[str]) -> Any:
        return csv.reader(lines, delimiter=self.separator, skipinitialspace=True, strict=True)

    def _lines(self, file: io.TextIOBase) -> Iterator[str]:
        while line := file.readline(LONGEST):
            if len(line) == LONGEST:
                raise DataError(f"a line of {self.path.name} is longer than {LONGEST:,} characters", self._hint)
            yield line

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

    @contextmanager
    def _opened(self) -> Iterator[io.TextIOBase]:
        """The file as text; whatever goes wrong while it is read becomes a `DataError`."""
        try:
            with open(self.path, "rb") as file:
                packed = file.read(2) == b"\x1f\x8b"
                file.seek(0)
                if packed:
                    with gzip.open(file) as unpacked:
                        yield self._decoded(unpacked)
                else:
                    yield self._decoded(file)
        except FileNotFoundError as error:
            raise DataError(f"there is no file {self.path}", "is its name right, and the folder?") from error
        except IsADirectoryError as error:
            raise DataError(f"{self.path} is a folder", self._hint) from error
        except (OSError, EOFError, zlib.error, csv.Error, UnicodeError) as error:
            raise DataError(f"{self.path} cannot be read: {error}", "the file may be damaged or cut short") from error

    def _decoded(self, file: io.BufferedReader | gzip.GzipFile) -> io.TextIOBase:
        start = file.read(1 << 16)
        file.seek(0)
        for magic, kind in _FOREIGN.items():
            if start.startswith(magic):
                raise DataError(f"{self.path.name} is {kind}, not a text table", "save or export it as CSV")
        if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return io.TextIOWrapper(file, "utf-16", newline="")
        if b"\0" in start:
            raise DataError(f"{self.path.name} holds binary data, not a text table", self._hint)
        return io.TextIOWrapper(file, "utf-8-sig", errors="gankit-latin-1", newline="")


def _latin_1(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are not UTF-8, as the older encoding has them: of a file that mixes both, each is read rightly."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("gankit-latin-1", _latin_1)
