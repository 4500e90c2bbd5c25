"""Dates as price files write them; a time of day and a time zone are cut off, which leaves the local date.

`1/4/1999` is the fourth of January to Americans and the first of April to others. A day above 12 in any row decides;
failing that, the reading under which the rows are in order; failing that, the one with clearly the evener spacing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from gankit.errors import DataError

HINT = "write dates as YYYY-MM-DD"

_NAMES = "janfebmaraprmayjunjulaugsepoctnovdec"
_MONTHS = {_NAMES[i : i + 3]: i // 3 + 1 for i in range(0, 36, 3)}
_TIME = re.compile(r"(.*?)(?:(?:T|\s+)(\d{1,2}:\d{2}.*|\d{6}))?")
_YEAR_FIRST = re.compile(r"(\d{4})([-/. ]?)(\d{2})\2(\d{2})|(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})")
_NAMED = re.compile(r"(?:(\d{1,2})[-\s]+([a-z]{3})[a-z]*|([a-z]{3})[a-z]*\.?\s+(\d{1,2}),?)\.?,?[-\s]+(\d{4}|\d{2})")


def looks_dated(cell: str) -> bool:
    """Whether a cell is a date beyond doubt: bare digits may be a number."""
    return not cell.isdigit() and _parts(_split(cell)[0]) is not None


def dates(cells: Sequence[str], first: Sequence[int], where: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Reads a column of dates.

    Args:
        cells: `[n]`.
        first: The rows of one instrument, which ought to be in order.
        where: `[n]` words that name each row, for errors.

    Returns:
        datetime64[D] `[n]`, and the times of day as written, strings `[n]` (object), "" where there is none.

    Raises:
        DataError: A cell is no date, or day and month cannot be told apart.
    """
    known = {cell: (_parts(day), time) for cell in set(cells) for day, time in [_split(cell)]}
    parts = []
    for i, cell in enumerate(cells):
        found = known[cell][0]
        if found is None:
            raise DataError(f"{where[i]} has no date that can be read: {cell!r}", HINT)
        parts.append(found)
    times = np.array([known[cell][1] for cell in cells] + [None], object)[:-1]
    year, a, b = np.array([part[:3] for part in parts]).T
    open_question = np.array([part[3] for part in parts])
    day_first = open_question & _day_first(year, a, b, open_question, list(first), cells)
    month, day = np.where(day_first, b, a), np.where(day_first, a, b)
    found = _joined(year, month, day)
    wrong = (month < 1) | (month > 12) | (found.astype("datetime64[M]") != _joined(year, month, 1)) | (day < 1)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise DataError(f"{where[i]} has a date that does not exist: {cells[i]!r}", HINT)
    return found, times


def _split(cell: str) -> tuple[str, str]:
    """Date, and time of day with its zone."""
    found = _TIME.fullmatch(cell.strip())
    return (found[1].strip(), found[2] or "") if found else (cell, "")


def _parts(text: str) -> tuple[int, int, int, bool] | None:
    """Year and two numbers, and whether these may be day and month in either order (else month and day)."""
    if found := _YEAR_FIRST.fullmatch(text):
        if found[1]:
            return int(found[1]), int(found[3]), int(found[4]), False
        return int(found[5]), int(found[6]), int(found[7] or 1), False
    if found := _YEAR_LAST.fullmatch(text):
        return _year(found[3]), int(found[1]), int(found[2]), True
    if (found := _NAMED.fullmatch(text.lower())) and (month := _MONTHS.get(found[2] or found[3])):
        return _year(found[5]), month, int(found[1] or found[4]), False
    return None


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else int(text) + (1900 if int(text) >= 50 else 2000)


def _joined(year: np.ndarray, month: np.ndarray, day: np.ndarray | int) -> np.ndarray:
    months = (year - 1970) * 12 + np.clip(month, 1, 12) - 1
    return months.astype("datetime64[M]").astype("datetime64[D]") + (day - np.int64(1))


def _day_first(
    year: np.ndarray, a: np.ndarray, b: np.ndarray, question: np.ndarray, first: list[int], cells: Sequence[str]
) -> bool:
    """Whether the first of two numbers is the day, for all rows in question."""
    if not question.any():
        return False
    day_first, month_first = bool((a[question] > 12).any()), bool((b[question] > 12).any())
    if day_first != month_first:
        return day_first
    i = int(np.argmax(question & (a != b)))
    error = DataError(f"day and month cannot be told apart in dates such as {cells[i]!r}", HINT)
    if day_first:
        raise DataError(
            f"some dates have the day first and others the month: {cells[np.argmax(question & (a > 12))]!r},"
            f" {cells[np.argmax(question & (b > 12))]!r}",
            HINT,
        )
    widest = []
    for month, day in ((a, b), (b, a)):
        gaps = np.diff(_joined(year, month, day)[first]).astype(int)
        ordered = (gaps >= 0).all() or (gaps <= 0).all()
        widest.append(int(np.abs(gaps).max(initial=0)) if ordered else np.inf)
    if (a == b)[question].all() or (3 * widest[0] <= widest[1] and widest[0] < np.inf):
        return False
    if 3 * widest[1] <= widest[0] and widest[1] < np.inf:
        return True
    raise error
