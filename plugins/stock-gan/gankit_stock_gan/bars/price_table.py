"""The cells of a file of prices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gankit.errors import DataError
from gankit.support import TextTable

HINT = "give a CSV file with a line of column names, such as Date,Open,High,Low,Close,Volume"


@dataclass(frozen=True)
class PriceTable:
    """The cells of a file.

    Attributes:
        file: Its name.
        rows: Every row that is not blank, the line of names included; all of one width, cells without outer blanks.
        lines: The line of the file on which each row ends, from 1; 0 for the line of names.
        separator: Between the cells.
    """

    file: str
    rows: list[list[str]]
    lines: list[int]
    separator: str

    @classmethod
    def read(cls, path: Path) -> PriceTable:
        """Reads a text table, whatever its name.

        Raises:
            DataError: It cannot be read, is no text table, or a row is wider than the line of names.
        """
        if not path.exists():
            raise DataError(f"there is no file {path}", "is its name right? sp500 and nasdaq need no file")
        table = TextTable(path, hint=HINT)
        width, rows, lines = len(table.names), [table.names], [0]
        for line, cells in table.rows():
            if any(cells[width:]):
                raise DataError(
                    f"line {line} of {path.name} has {len(cells)} fields, and the first line has {width}",
                    "mend that line; a number with a comma in it must stand in quotes",
                )
            rows.append(cells[:width] + [""] * (width - len(cells)))
            lines.append(line)
        return cls(path.name, rows, lines, table.separator)
