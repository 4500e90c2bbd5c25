"""labels.csv: what is known of the pictures in a folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np

from gankit import DataError
from gankit.support import TextTable

FILE = "labels.csv"
REQUIRED = ("path", "label")
HINT = "its first line must be path,label (further columns may follow); paths are relative to its folder"


def read_labels(folder: Path, names: list[str]) -> dict[str, np.ndarray]:
    """The columns of a folder's labels.csv, in the order of its pictures.

    Columns are parted by commas, semicolons or tabs, whichever the first line has.

    Args:
        folder: With or without a labels.csv.
        names: The pictures in it, POSIX paths relative to the folder.

    Returns:
        Column -> `[n]` strings, "" for pictures that the file does not name; "label" among them, "path" not. A
        label may be empty. Empty without a file.

    Raises:
        DataError: The file is no table, has no such columns or a line with too few or too many fields, names a
            file that is not there, or contradicts itself.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    columns, rows = _rows(path)
    places = {name: place for place, name in enumerate(names)}
    table: dict[int, dict[str, str]] = {}
    missing = []
    for line, row in rows:
        name = PurePosixPath(row["path"].replace("\\", "/")).as_posix()
        if name not in places:
            missing.append(f"{row['path']} (line {line})")
        elif table.setdefault(places[name], row)["label"] != row["label"]:
            raise DataError(f"{path} gives {name} two labels, the second in line {line}", "keep one of them")
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        hint = f"put the pictures there, or take out the lines; {HINT}"
        raise DataError(f"{path} names {missing[0]}{more}, which is no picture in the folder", hint)
    return {
        column: np.array([table[place][column] if place in table else "" for place in range(len(names))])
        for column in columns
        if column != "path"
    }


def _rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The names of the columns, and each row with the number of its line."""
    table = TextTable(path, hint=HINT, separators=",;\t")
    columns = [name.lower() for name in table.names]
    absent = [name for name in REQUIRED if name not in columns]
    if absent:
        raise DataError(f"{path} has no column {' and no column '.join(absent)} in its first line", HINT)
    if len(set(columns)) < len(columns):
        raise DataError(f"{path} has two columns of one name", HINT)
    rows = []
    for number, cells in table.rows():
        if len(cells) != len(columns):
            raise DataError(f"{path} has {len(cells)} fields in line {number}, not {len(columns)}", HINT)
        row = dict(zip(columns, cells, strict=True))
        if not row["path"]:
            raise DataError(f"{path} has no path in line {number}", HINT)
        rows.append((number, row))
    return columns, rows
