"""Which marks lie where on pages: truth from a CSV file with a box and a label on every row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from gankit import DataError
from gankit.support import TextTable

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
        path: A text table.
        kind: Only rows with this value in the column `kind`; "" for all.

    Raises:
        DataError: The file cannot be read, lacks a column, a row is no box, or no label occurs twice.
    """
    table = TextTable(path, hint=HINT)
    label = next((name for name in LABELS if name in table.names), "")
    missing = [name for name in ("page", *SIDES) if name not in table.names] + ([] if label else ["label"])
    missing += ["kind"] if kind and "kind" not in table.names else []
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}", HINT)
    every = (
        (line, dict(zip_longest(table.names, cells[: len(table.names)], fillvalue=""))) for line, cells in table.rows()
    )
    rows = [(line, row) for line, row in every if not kind or row["kind"] == kind]
    if not rows:
        raise DataError(f"{path} has no rows" + (f" of kind {kind!r}" if kind else ""), HINT)
    boxes = [_box(path, line, row) for line, row in rows]
    counts = Counter(row[label] for _, row in rows if row[label])
    if not counts or max(counts.values()) < 2:
        raise DataError(f"no {label} occurs twice in {path}", "every mark is looked for by another of its label")
    return Truth(
        np.array([row["page"] for _, row in rows]),
        np.array(boxes, np.int32),
        np.array([row[label] for _, row in rows]),
    )


def _box(path: Path, line: int, row: dict[str, str]) -> list[int]:
    try:
        x0, y0, x1, y1 = (int(row[name]) for name in SIDES)
    except ValueError:
        raise DataError(f"line {line} of {path} has a side that is no whole number", HINT) from None
    if x1 <= x0 or y1 <= y0:
        raise DataError(f"line {line} of {path} is an empty box: {x0},{y0},{x1},{y1}", "x1 and y1 are exclusive ends")
    return [x0, y0, x1, y1]
