"""Numbers as price files write them: blanks, thousands, decimal commas, currency signs, 1.2M."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from gankit.errors import DataError

_MISSING = {"", "null", "none", "nan", "n/a", "na", "#n/a", ".", "-", "--", "nat", "<na>"}  # "." is FRED's
_SCALES = {"K": 1e3, "M": 1e6, "B": 1e9}
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.I)
_GROUPED = re.compile(r"[-+]?\d{1,3}([.,])\d{3}(\1\d{3})*")


def decimal_mark(cells: Iterable[str], separator: str, file: str) -> str:
    """Which of "." and "," starts the decimals, by the cells that can mean one thing only.

    Args:
        cells: All numbers of a file.
        separator: Of the file. In one that is not separated by commas, an undecided comma starts decimals.
        file: Its name, for the error.

    Raises:
        DataError: Some cells can only be read with one mark, and others with the other.
    """
    proof: dict[str, str] = {}
    undecided = False
    for cell in {cell for cell in cells if "," in cell or cell.count(".") > 1}:
        text = re.sub(r"[^\d.,]", "", cell)
        grouped = _GROUPED.fullmatch(text)
        if "," in text and "." in text:
            proof[max(",.", key=text.rfind)] = cell
        elif grouped and text.count(grouped[1]) > 1:
            proof["." if grouped[1] == "," else ","] = cell
        elif grouped:
            undecided = True
        elif text.count(",") == 1:
            proof[","] = cell
    if len(proof) == 2:
        raise DataError(
            f"{file} mixes decimal points and decimal commas: {proof['.']!r} and {proof[',']!r}", "write one of the two"
        )
    return next(iter(proof), "," if undecided and separator != "," else ".")


def numbers(cells: Sequence[str], decimal: str) -> tuple[np.ndarray, list[int]]:
    """Reads a column.

    Args:
        cells: `[n]`.
        decimal: From `decimal_mark`.

    Returns:
        float64 `[n]`, NaN where there is none, and the places of cells that are neither a number nor blank.
    """
    values = np.empty(len(cells))
    bad = []
    known: dict[str, float | None] = {}
    for i, cell in enumerate(cells):
        try:
            values[i] = float(cell)
            if np.isfinite(values[i]) and "_" not in cell and decimal == ".":
                continue
        except ValueError:
            pass
        if cell not in known:
            known[cell] = _number(cell, decimal)
        value = known[cell]
        values[i] = np.nan if value is None else value
        if value is None:
            bad.append(i)
    return values, bad


def _number(cell: str, decimal: str) -> float | None:
    """One cell; None if it is no number."""
    text = cell.strip().lower()
    if text in _MISSING:
        return float("nan")
    text = re.sub(r"[\s\u00a0\u202f'’$€£¥]", "", text)
    text = text.replace("," if decimal == "." else ".", "").replace(decimal, ".")
    scale = _SCALES.get(text[-1:].upper(), 1.0)
    text = text[:-1] if scale > 1 else text
    return float(text) * scale if _NUMBER.fullmatch(text) else None
