"""When an exchange trades: known by name, or guessed from the rows; and the sessions after the last row.

The calendars are those of the package exchange_calendars, which is slow to import and knows some exchanges only from
1991 or up to the current year; beyond that, a weekday counts as a session.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from gankit.errors import UsageError, did_you_mean
from gankit_stock_gan.bars.series import Series

GUESSED = ("XNYS", "XLON", "XSHG", "XHKG", "XTKS", "XETR")
AGREEMENT = 0.99  # of rows and sessions, both ways
FEWEST = 100  # rows from which a calendar is guessed
_YEARS = 5

_DAY = np.timedelta64(1, "D")


def spacing(dates: np.ndarray | None) -> str:
    """How far apart rows are.

    Args:
        dates: datetime64[D] `[n]`, increasing; None is taken as an exchange's days.

    Returns:
        "daily", "weekly" or "monthly"; "" for anything else.
    """
    if dates is None or len(dates) < 2:
        return "daily"
    step = float(np.median(np.diff(dates).astype(int)))
    bounds = {"daily": (0, 4.5), "weekly": (4.5, 10), "monthly": (26, 35)}
    return next((kind for kind, (low, high) in bounds.items() if low <= step < high), "")


def per_year(dates: np.ndarray | None) -> int:
    """Sessions of a year: 252 of an exchange, 365 where every day is one, 52 weeks, 12 months.

    Args:
        dates: As of `spacing`.
    """
    if dates is None:
        return 252
    kind = spacing(dates)
    everyday = kind == "daily" and float((~np.is_busday(dates)).mean()) > 0.2  # currencies and coins
    return 365 if everyday else {"weekly": 52, "monthly": 12}.get(kind, 252)


def known(name: str) -> str:
    """The calendar's own name: NYSE is XNYS.

    Raises:
        UsageError: There is no such calendar.
    """
    from exchange_calendars import get_calendar_names, resolve_alias

    names = get_calendar_names(include_aliases=True)
    if name.upper() not in names:
        hint = did_you_mean(name.upper(), names)
        raise UsageError(f"no exchange calendar is called {name!r}", hint.replace("known:", "known are"))
    return resolve_alias(name.upper())


@lru_cache(maxsize=32)
def _range(name: str, first: str, last: str) -> tuple[np.ndarray, np.datetime64, np.datetime64]:
    import pandas as pd
    from exchange_calendars import get_calendar

    start, end = pd.Timestamp(first), pd.Timestamp(last)
    whole = type(get_calendar(name))
    low, high = whole.bound_min(), whole.bound_max()
    start = max(start, low) if low is not None else start
    end = min(end, high) if high is not None else end
    if start >= end:
        return np.array([], "datetime64[D]"), np.datetime64(last), np.datetime64(first)
    sessions = get_calendar(name, start=start, end=end).sessions.to_numpy().astype("datetime64[D]")
    return sessions, np.datetime64(start, "D"), np.datetime64(end, "D")


def sessions(name: str, first: np.datetime64, last: np.datetime64) -> tuple[np.ndarray, np.datetime64, np.datetime64]:
    """Sessions of an exchange.

    Args:
        name: Of a known calendar.
        first: datetime64[D], inclusive, like `last`.
        last: See `first`.

    Returns:
        datetime64[D] `[k]`, and the first and last day that the calendar covers of those asked for; the first is
        after the last if it covers none.
    """
    # Whole decades are built once for many files, and a calendar of one day cannot be built.
    start, end = (int(str(day)[:3]) for day in (first, last))
    found, low, high = _range(name, f"{start}0-01-01", f"{end}9-12-31")
    return found[(found >= first) & (found <= last)], max(low, first), min(high, last)


def guess(dates: np.ndarray) -> str:
    """The first of `GUESSED` whose sessions are the rows of the last five years, but for one in a hundred; "" for none.

    Args:
        dates: datetime64[D] `[n]`, increasing.
    """
    if len(dates) < FEWEST or spacing(dates) != "daily" or _on_weekends(dates):
        return ""
    recent = dates[dates > dates[-1] - 366 * _YEARS * _DAY]
    for name in GUESSED:
        expected, low, high = sessions(name, recent[0], recent[-1])
        common = len(np.intersect1d(expected, recent))
        if low <= high and common >= AGREEMENT * max(len(expected), len(recent)):
            return name
    return ""


def missing(dates: np.ndarray, name: str) -> list[str]:
    """Sentences on sessions without a row, and rows that are no session.

    Args:
        dates: datetime64[D] `[n]`, increasing.
        name: Of a known calendar.
    """
    expected, low, high = sessions(name, dates[0], dates[-1])
    rows = dates[(dates >= low) & (dates <= high)]
    notes = []
    for count, words in (
        (np.setdiff1d(expected, rows), ("session of {} is missing", "sessions of {} are missing")),
        (np.setdiff1d(rows, expected), ("row is no session of {}", "rows are no sessions of {}")),
    ):
        if len(count):
            notes.append(f"{len(count):,} {words[len(count) > 1].format(name)}, first {count[0]}")
    return notes


def next_sessions(series: Series, count: int) -> np.ndarray | None:
    """The sessions after the last row.

    Args:
        series: Daily rows follow the exchange's calendar, else weekdays, else (if rows lie on weekends) every day;
            weekly and monthly ones go on as they did.
        count: How many.

    Returns:
        datetime64[D] `[count]`; None if the series has no dates.
    """
    if series.dates is None:
        return None
    last, kind = series.dates[-1], spacing(series.dates)
    if kind == "weekly":
        return last + 7 * _DAY * np.arange(1, count + 1)
    if kind == "monthly":
        return _months(series.dates, count)
    if _on_weekends(series.dates):
        return last + _DAY * np.arange(1, count + 1)
    found, end = np.array([], "datetime64[D]"), last
    if series.calendar:
        found, _, end = sessions(series.calendar, last + _DAY, last + (2 * count + 30) * _DAY)
        end = max(end, last)
    if len(found) < count:
        found = np.append(found, np.busday_offset(end + _DAY, np.arange(count), roll="forward"))
    return found[:count]


def _on_weekends(dates: np.ndarray) -> bool:
    """Whether Saturdays or Sundays are ordinary rows: one make-up session of Shanghai is not."""
    return float((~np.is_busday(dates)).mean()) > 0.02


def _months(dates: np.ndarray, count: int) -> np.ndarray:
    months = dates[-1].astype("datetime64[M]") + np.arange(1, count + 1)
    starts, ends = months.astype("datetime64[D]"), (months + 1).astype("datetime64[D]") - _DAY
    # A month ends on its last weekday, so up to three days before the calendar's end.
    if ((dates + 4 * _DAY).astype("datetime64[M]") > dates.astype("datetime64[M]")).mean() > 0.5:
        return ends if _on_weekends(dates) else np.busday_offset(ends, 0, roll="backward")
    day = int((dates[-1] - dates[-1].astype("datetime64[M]").astype("datetime64[D]")).astype(int))
    usual = np.minimum(starts + day * _DAY, ends)
    return usual if _on_weekends(dates) else np.busday_offset(starts, 0, roll="forward") if day < 4 else usual
