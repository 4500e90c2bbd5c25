"""Which marks lie where on pages: truth from a CSV file with a box and a label on every row."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gankit.errors import DataError

SIDES = ("x0", "y0", "x1", "y1")
LABELS = ("label", "word", "text")
HINT = "the columns are page,x0,y0,x1,y1,label (or word, or text, for label), and kind if there are several"


@dataclass(frozen=True)
class Truth:
    """Boxes of known marks.

    Attributes:
        pages: `[n]` strings: the page of each box, as the file names it.
        boxes: `[n, 4]` int32, `x0, y0, x1, y1` in pixels, ends exclusive.
        labels: `[n]` strings; "" where nothing is known.
    """

    pages: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray


def read_truth(path: Path, kind: str = "") -> Truth:
    """Reads `page,x0,y0,x1,y1,label`; other columns are ignored.

    Args:
        path: A CSV file in UTF-8.
        kind: Only rows with this value in the column `kind`; "" for all.

    Raises:
        DataError: The file cannot be read, lacks a column, a row is no box, or no label occurs twice.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            rows = [(reader.line_num, row) for row in reader if not kind or row.get("kind") == kind]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as CSV: {error}", HINT) from error
    label = next((name for name in LABELS if name in columns), "")
    missing = [name for name in ("page", *SIDES) if name not in columns]
    if missing or not label:
        raise DataError(f"{path} has no column {', '.join([*missing, *([] if label else ['label'])])}", HINT)
    if kind and "kind" not in columns:
        raise DataError(f"{path} has no column kind", HINT)
    if not rows:
        raise DataError(f"{path} has no rows" + (f" of kind {kind!r}" if kind else ""), HINT)
    boxes = [_box(path, line, row) for line, row in rows]
    counts = Counter(row[label] for _, row in rows if row[label])
    if not counts or max(counts.values()) < 2:
        raise DataError(f"no {label} occurs twice in {path}", "every mark is looked for by another of its label")
    return Truth(
        np.array([row["page"] for _, row in rows]),
        np.array(boxes, np.int32),
        np.array([row[label] or "" for _, row in rows]),
    )


def _box(path: Path, line: int, row: dict[str, str]) -> list[int]:
    try:
        x0, y0, x1, y1 = (int(row[name]) for name in SIDES)
    except (TypeError, ValueError):
        raise DataError(f"line {line} of {path} has a side that is no whole number", HINT) from None
    if x1 <= x0 or y1 <= y0:
        raise DataError(f"line {line} of {path} is an empty box: {x0},{y0},{x1},{y1}", "x1 and y1 are exclusive ends")
    return [x0, y0, x1, y1]
