"""What is wrong with rows, mended by rule; each finding is counted and told, and nothing is ever filled in for a gap.

The order matters: rows without a close go first, as files repeat dates with them; then order, duplicates, prices that
cannot be, bars that contradict themselves, and days without trading.
"""

from __future__ import annotations

import numpy as np

from gankit.errors import DataError
from gankit_stock_gan.bars.calendars import spacing
from gankit_stock_gan.bars.raw import Raw, counted

LONG_GAP = {"daily": 10, "weekly": 21, "monthly": 62}  # calendar days between rows
MOST_MISSING = 0.2  # share of rows without a whole bar above which the closes alone are used
FEW = 0.01  # share of bars that may stand on their head before the file is wrong, not the bars
SPIKE = 1.5  # a price that changes by this factor, and back with the next row, is hardly a price
RESAMPLE = "resample it to one row a day, such as df.resample('D').agg(...).dropna() in pandas"


def clean(raw: Raw) -> None:
    """Cleans the rows in place.

    Args:
        raw: As read.

    Raises:
        DataError: Rows contradict each other, a price or volume is impossible, several rows belong to one day, or the
            rows are further apart than a month.
    """
    _closes(raw)
    _order(raw)
    _duplicates(raw)
    _possible(raw)
    _bars(raw)
    _untraded(raw)
    _gaps(raw)
    _suspicious(raw)


def _closes(raw: Raw) -> None:
    missing = np.isnan(raw.fields["close"])
    if "adjusted" in raw.fields:
        missing |= np.isnan(raw.fields["adjusted"])
    raw.note(missing, "row", "without a close dropped")
    raw.keep(~missing)
    if not len(raw.lines):
        raise DataError(f"{raw.name} has no row with a closing price", f"look at {raw.file}")


def _order(raw: Raw) -> None:
    if raw.dates is None:
        return
    steps = np.diff(raw.dates).astype(int)
    if (steps >= 0).all():
        return
    if (steps <= 0).all():
        raw.keep(np.arange(len(raw.lines))[::-1])
        raw.notes.append("the file is newest first: its rows were reversed")
        return
    raw.notes.append(f"the rows were not in order of date: sorted ({raw.some(np.append(False, steps < 0))})")
    raw.keep(np.argsort(raw.dates, kind="stable"))


def _duplicates(raw: Raw) -> None:
    if raw.dates is None or len(raw.lines) < 2:
        return
    again = np.append(False, raw.dates[1:] == raw.dates[:-1])
    if not again.any():
        return
    other_time = again & np.append(False, raw.times[1:] != raw.times[:-1])
    if other_time.sum() > 0.05 * len(again):
        raise DataError(
            f"{raw.name} has several rows a day, the first on {raw.dates[np.argmax(again)]}:"
            " bars must be daily, weekly or monthly",
            RESAMPLE,
        )
    for row in np.flatnonzero(again):
        pairs = [(values[row - 1], values[row]) for role, values in raw.fields.items() if role != "volume"]
        if any(a != b and not (np.isnan(a) and np.isnan(b)) for a, b in pairs):
            raise DataError(
                f"{raw.name} has two rows of {raw.dates[row]} with different prices"
                f" (lines {raw.lines[row - 1]} and {raw.lines[row]} of {raw.file})",
                "keep the right one; or, if there are several rows a day on purpose, " + RESAMPLE,
            )
    raw.note(again, "row", "with a date and prices already read merged")
    raw.keep(~np.append(again[1:], False))


def _possible(raw: Raw) -> None:
    for role, values in raw.fields.items():
        # Vendors write an open, high or low that they don't have as 0: `_bars` takes it as missing.
        wrong = values <= 0 if role in ("close", "adjusted") else values < 0
        if wrong.any():
            row = int(np.argmax(wrong))
            words = {"adjusted": "adjusted close"}.get(role, role)
            raise DataError(
                f"{raw.name} has a {words} of {values[row]:g} on {raw.where(row)} (line {raw.lines[row]} of"
                f" {raw.file}): {'a volume is never negative' if role == 'volume' else 'prices must be positive'}",
                "mend or remove the row, or leave it out with since and until; returns are no prices",
            )


def _bars(raw: Raw) -> None:
    """Missing and contradictory opens, highs and lows."""
    bar = [role for role in ("open", "high", "low") if role in raw.fields]
    if not bar:
        return
    if len(bar) < 3:
        raw.notes.append(f"{' and '.join(bar)} left out: a bar needs open, high and low")
        return _without_bars(raw)
    close = raw.fields["close"]
    missing = np.any([~(raw.fields[role] > 0) for role in bar], axis=0)
    if missing.mean() > MOST_MISSING:
        raw.notes.append(
            f"opens, highs and lows left out: {counted(int(missing.sum()), 'row')} of {len(close):,} lack one"
        )
        return _without_bars(raw)
    opens, high, low = (np.where(raw.fields[role] > 0, raw.fields[role], np.nan) for role in bar)
    opens = np.where(np.isnan(opens), np.append(close[0], close[:-1]), opens)
    raw.note(missing, "row", "without open, high or low completed from the closes")
    top, bottom = np.maximum(opens, close), np.minimum(opens, close)
    rounding = 1e-6 * (1 + close)
    swapped = high < low - rounding
    if swapped.mean() > FEW and swapped.sum() > 3:
        raise DataError(
            f"{raw.name} has highs below the lows in {counted(int(swapped.sum()), 'row')} of {len(close):,}"
            f" ({raw.some(swapped)})",
            "are the columns swapped, or in other units?",
        )
    wrong = (high < top - rounding) | (low > bottom + rounding)
    raw.note(wrong, "bar", "whose high or low does not hold its open and close widened")
    raw.fields |= {"open": opens, "high": np.fmax(high, top), "low": np.fmin(low, bottom)}


def _suspicious(raw: Raw) -> None:
    """What may be true and is told of all the same: a price there and back, a date to come."""
    log = np.log(raw.fields["adjusted" if "adjusted" in raw.fields else "close"])
    moves = np.diff(log)
    there = np.zeros(len(log), bool)
    there[1:-1] = (np.abs(moves[:-1]) > np.log(SPIKE)) & (np.abs(moves[:-1] + moves[1:]) < 0.2 * np.abs(moves[:-1]))
    raw.note(there, "close", "far from both neighbours", ": wrong prices? kept")
    if raw.dates is not None and raw.dates[-1] > np.datetime64("today"):
        raw.notes.append(f"the last date, {raw.dates[-1]}, lies in the future")


def _without_bars(raw: Raw) -> None:
    raw.fields = {role: values for role, values in raw.fields.items() if role not in ("open", "high", "low")}


def _untraded(raw: Raw) -> None:
    """Rows with zero volume: a holiday that the vendor filled in, or an index or price without a recorded volume."""
    if "volume" not in raw.fields:
        return
    volume = raw.fields["volume"] = np.nan_to_num(raw.fields["volume"])
    zero = volume == 0
    if not zero.any():
        return
    if 2 * zero.sum() > len(zero):
        raw.notes.append(f"the volume is zero in {zero.sum():,} of {len(zero):,} rows: all kept")
        return
    close = raw.fields["close"]
    flat = zero & (close == np.append(close[0], close[:-1]))
    for role in ("open", "high", "low"):
        flat &= raw.fields.get(role, close) == close
    raw.note(zero & ~flat, "row", "without volume kept, as the price moved")
    raw.note(flat, "row", "without trading dropped")
    raw.keep(~flat)


def _gaps(raw: Raw) -> None:
    if raw.dates is None:
        return
    kind = spacing(raw.dates)
    if not kind:
        raise DataError(
            f"the rows of {raw.name} are {np.median(np.diff(raw.dates).astype(int)):.0f} days apart",
            "bars must be daily, weekly or monthly",
        )
    gaps = np.append(0, np.diff(raw.dates).astype(int))
    long = gaps > LONG_GAP[kind]
    if long.any():
        row = int(np.argmax(gaps))
        raw.notes.append(
            f"{counted(int(long.sum()), 'gap')} of more than {LONG_GAP[kind]} days, the longest {gaps[row]} days up to"
            f" {raw.where(row)}; not filled"
        )
