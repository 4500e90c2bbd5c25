"""A text table as rows of cells: plain or packed by gzip, with any usual separator and encoding."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

from gankit.errors import DataError

HINT = "give a CSV file with a line of column names, such as Date,Open,High,Low,Close,Volume"
EXPORT = "export the prices as CSV and give that file"

_SEPARATORS = ",;\t|"
_FOREIGN = {
    b"PK\x03\x04": "a workbook or an archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a Parquet file",
    b"ARROW1": "a Feather file",
    b"\x89HDF": "an HDF5 file",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
}


@dataclass(frozen=True)
class Table:
    """The cells of a file.

    Attributes:
        file: Its name.
        rows: Every row that is not blank, the line of names included; all of one width, cells without outer blanks.
        lines: The line of the file on which each row ends, from 1.
        separator: Between the cells.
    """

    file: str
    rows: list[list[str]]
    lines: list[int]
    separator: str


def table(path: Path) -> Table:
    """Opens a text table.

    Args:
        path: UTF-8 (also with a mark), UTF-16 with a mark, or Latin-1; by its content, whatever its name.

    Raises:
        DataError: It cannot be opened, is damaged, is no text, is empty, or a row is wider than the line of names.
    """
    text = _text(path)
    if not text.strip(" \t\r\n,;|"):
        raise DataError(f"{path.name} is empty", HINT)
    head = next(line for line in text.splitlines() if line.strip(" \t,;|"))
    if head.lstrip().lower().startswith(("<!doctype", "<html", "<?xml")):
        raise DataError(f"{path.name} is a web page, not a table", "download it again; the address may want a login")
    separator = max(_SEPARATORS, key=lambda mark: len(next(csv.reader([head], delimiter=mark), [])))
    rows, lines = [], []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append(cells)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"{path.name} cannot be read as a table: {error}", HINT) from error
    width = len(rows[0])
    for i, row in enumerate(rows):
        if any(row[width:]):
            raise DataError(
                f"line {lines[i]} of {path.name} has {len(row)} fields, and the first line has {width}",
                "mend that line; a number with a comma in it must stand in quotes",
            )
        rows[i] = row[:width] + [""] * (width - len(row))
    return Table(path.name, rows, lines, separator)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except FileNotFoundError as error:
        raise DataError(f"there is no file {path}", "is its name right? sp500 and nasdaq need no file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}", "the file may be damaged or cut short") from error
    for magic, kind in _FOREIGN.items():
        if content.startswith(magic):
            raise DataError(f"{path.name} is {kind}, not a text table", EXPORT)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        raise DataError(f"{path.name} holds binary data, not a text table", EXPORT)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
