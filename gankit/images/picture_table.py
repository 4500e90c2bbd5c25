"""Pictures beside a table that says what they show."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gankit.errors import DataError, UsageError, did_you_mean
from gankit.images.fitting import Fit, How
from gankit.images.folders import divide, folder_of, listed, pictures_of
from gankit.images.prepared import load_pixels
from gankit.images.sources import PictureSource
from gankit.recipe import Data
from gankit.support.tables import TextTable

log = logging.getLogger("gankit")

TABLES = (".csv", ".tsv", ".txt", ".gz")


def open_picture_table(
    folder: str | Path,
    table: str | Path | None = None,
    *,
    size: int | tuple[int, int],
    labels: Sequence[str] = (),
    numbers: Sequence[str] = (),
    file: str = "",
    fit: How = "crop",
    channels: int = 3,
    unmatched: Literal["error", "leave"] = "leave",
    held_out: float = 0.1,
    cache_mb: float = 2000,
) -> Data:
    """Opens a folder of pictures with a table of what each of them shows.

    A row names its picture as the folder has it, `cats/a.jpg`, or without the extension, or without the sub-folders
    where no other picture has the name. How many rows have no picture and how many pictures no row is said, with names.

    Args:
        folder: The pictures, in sub-folders too.
        table: A text table (CSV or TSV, also .gz) with a line of column names; None takes the only one in the folder.
        size: Side of square pictures, or (height, width), in pixels.
        labels: Columns of classes: each becomes a field of its name, `[batch]` int64, the place of the class in
            `facts["classes"][column]`.
        numbers: Columns of numbers: each becomes a field of its name, `[batch]` floatx.
        file: The column of file names; "" takes the one that names most pictures.
        fit: "crop" resizes the middle, "squeeze" the whole picture, "middle" cuts the middle out without resizing.
        channels: 1 for grey, 3 for RGB.
        unmatched: "leave" leaves out rows without a picture and pictures without a row; else they are an error.
        held_out: Part of the pictures (of each class of the first of `labels`) that is held out, spread over the names;
            1 opens nothing to train on, for `Recipe.test_data`, and 0 nothing to test with.
        cache_mb: Most memory for the pictures, in MB; beyond it they are decoded once into a file.

    Returns:
        `Data.train["pictures"]` and `Data.held_out["pictures"]`, both sources with the field "image",
        `[batch, height, width, channels]` floatx in [-1, 1], and the fields of the columns; and in `Data.facts` "size",
        "channels" and "classes".

    Raises:
        DataError: There is no such file, picture or column, a value is missing or no number, or two rows name one
            picture.
        UsageError: No column is asked for, or an option is out of range.

    Examples:
        >>> data = open_picture_table("faces", "faces.csv", size=64, numbers=["age"])  # doctest: +SKIP
        >>> data.train["pictures"].gather([0], [0], 0)["age"]  # doctest: +SKIP
        <tf.Tensor: shape=(1,), dtype=float32, numpy=array([34.], dtype=float32)>
    """
    how, place = Fit(size, fit, channels), folder_of(folder)
    read = TextTable(_table(place) if table is None else Path(table).expanduser())
    wanted = _columns(read, labels, numbers, file)
    rows, lines = [], []
    for line, cells in read.rows():
        rows.append(cells + [""] * (len(read.names) - len(cells)))
        lines.append(line)
    pictures = {path.relative_to(place).as_posix(): path for path in pictures_of(place)}
    known = _names(pictures)
    column = read.names.index(file) if file else _file_column(read, rows, known)
    found: dict[Path, int] = {}
    missing = []
    for number, cells in enumerate(rows):
        name = cells[column].replace("\\", "/").removeprefix("./")
        path = known.get(name) or known.get(name.rsplit("/", 1)[-1])
        if path is None:
            missing.append(cells[column])
        elif path in found:
            what = f"lines {lines[found[path]]} and {lines[number]} of {read.path.name} name one picture: {name}"
            raise DataError(what, "leave one of them out")
        else:
            found[path] = number
    _tell(read, missing, [name for name, path in pictures.items() if path not in found], len(rows), unmatched)
    if not found:
        raise DataError(
            f"no row of {read.path.name} names a picture of {place}: {listed(missing)}",
            "file='COLUMN' says which column holds the names of the files",
        )
    files = sorted(found)
    fields: dict[str, np.ndarray] = {}
    classes: dict[str, list[str]] = {}
    for name, place_of in wanted.items():
        cells_of = [(rows[found[path]][place_of], lines[found[path]]) for path in files]
        if name in labels:
            classes[name], fields[name] = _classes(read, name, cells_of)
        else:
            fields[name] = _numbers(read, name, cells_of)
    first = fields[labels[0]].tolist() if labels else ()
    parts: list[dict[str, Any]] = []
    for chosen in divide(range(len(files)), held_out, first):
        array = load_pixels([files[row] for row in chosen], how, cache_mb).array() if chosen else None
        some: dict[str, Any] = {name: values[chosen] for name, values in fields.items()}
        parts.append({} if array is None else {"pictures": PictureSource(array, **some)})
    return Data(parts[0], parts[1], {"size": list(how.shape), "channels": channels, "classes": classes})


def _table(folder: Path) -> Path:
    """The only table in a folder."""
    found = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in TABLES and path.is_file()]
    if len(found) != 1:
        what = f"{folder} has {len(found)} tables: {listed([path.name for path in found])}" if found else None
        raise DataError(what or f"{folder} has no table", "name the file with the columns")
    return found[0]


def _columns(table: TextTable, labels: Sequence[str], numbers: Sequence[str], file: str) -> dict[str, int]:
    """The places of the columns that become fields."""
    names = [*labels, *numbers]
    if not names or len(set(names)) < len(names) or {"image", "index"} & set(names):
        raise UsageError(
            f"columns to learn from: {', '.join(names) or 'none'}",
            f"give labels or numbers some of {', '.join(table.names)}, each once; 'image' and 'index' are taken",
        )
    for name in [*names, *([file] if file else [])]:
        if table.names.count(name) != 1:
            count = "no column" if name not in table.names else f"{table.names.count(name)} columns"
            raise DataError(f"{table.path.name} has {count} {name!r}", did_you_mean(name, table.names))
    return {name: table.names.index(name) for name in names}


def _names(pictures: Mapping[str, Path]) -> dict[str, Path]:
    """What a table may call each picture; a name that several have stands for none."""
    found: dict[str, Path | None] = {}
    for name, path in pictures.items():
        for alias in {name, name.rsplit(".", 1)[0], path.name, path.stem} - {name}:
            found[alias] = None if alias in found else path
    return {name: path for name, path in found.items() if path is not None} | dict(pictures)


def _file_column(table: TextTable, rows: Sequence[Sequence[str]], known: Mapping[str, Path]) -> int:
    """The column that names most pictures, the first of those that name as many."""
    counts = [0] * len(table.names)
    for cells in rows:
        for column in range(len(table.names)):
            name = cells[column].replace("\\", "/").removeprefix("./")
            counts[column] += name in known or name.rsplit("/", 1)[-1] in known
    if not any(counts):
        raise DataError(
            f"no column of {table.path.name} names pictures of the folder: {', '.join(table.names)}",
            f"names are written as in the folder, {listed(list(known)[:2])} say",
        )
    return int(np.argmax(counts))


def _tell(table: TextTable, missing: Sequence[str], rest: Sequence[str], count: int, unmatched: str) -> None:
    """Says which rows have no picture, and which pictures have no row."""
    said = []
    if missing:
        said.append(f"{len(missing):,} of {count:,} rows of {table.path.name} have no picture: {listed(missing)}")
    if rest:
        said.append(f"{len(rest):,} pictures have no row: {listed(rest)}")
    if said and unmatched == "error":
        raise DataError("; ".join(said), "complete them, or unmatched='leave' leaves them out")
    if said:
        log.warning("left out: %s", "; ".join(said))


def _classes(table: TextTable, name: str, cells: Sequence[tuple[str, int]]) -> tuple[list[str], np.ndarray]:
    """The classes of a column, whole numbers by their value and others by the alphabet; and each row's."""
    if empty := [str(line) for cell, line in cells if not cell]:
        what = f"{len(empty):,} rows of {table.path.name} have no {name!r}: line {listed(empty)}"
        raise DataError(what, "fill it in, or leave these rows out")
    known = {cell for cell, _ in cells}
    names = sorted(known, key=int) if all(cell.isdecimal() for cell in known) else sorted(known)
    place = {cell: number for number, cell in enumerate(names)}
    return names, np.array([place[cell] for cell, _ in cells], np.int64)


def _numbers(table: TextTable, name: str, cells: Sequence[tuple[str, int]]) -> np.ndarray:
    """The numbers of a column."""
    values, wrong = [], []
    for cell, line in cells:
        try:
            values.append(float(cell))
            good = math.isfinite(values[-1])
        except ValueError:
            good = False
        if not good:
            wrong.append(f"line {line}: {cell!r}")
    if wrong:
        what = f"{len(wrong):,} rows of {table.path.name} have no number in {name!r}: {listed(wrong)}"
        raise DataError(what, "write numbers with a decimal point, or name the column in labels")
    return np.array(values)
