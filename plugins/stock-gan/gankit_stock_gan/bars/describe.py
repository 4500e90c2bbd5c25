"""What series hold, for `gankit data check`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gankit_stock_gan.bars.calendars import per_year, spacing
from gankit_stock_gan.bars.series import Series

LARGEST = 5  # moves told of


def describe(series: Sequence[Series]) -> dict[str, Any]:
    """All figures as JSON.

    Args:
        series: From `read`.

    Returns:
        `series`: for each its name, rows, first and last date, spacing, calendar, whether it has whole bars and
        volumes, rows without volume, lowest and highest close, annualised volatility (the standard deviation of log
        returns times the root of the rows a year; None below three rows), the largest moves (close against the close
        before, as a fraction), and the notes.
    """
    return {"series": [_one(found) for found in series]}


def _one(series: Series) -> dict[str, Any]:
    returns, dates = series.returns, series.dates
    largest = np.argsort(-np.abs(returns), kind="stable")[:LARGEST]
    return {
        "name": series.name,
        "rows": len(series),
        "first": series.date(0),
        "last": series.date(-1),
        "spacing": spacing(dates),
        "calendar": series.calendar,
        "bars": series.whole,
        "volume": series.volume is not None,
        "zero_volume": 0 if series.volume is None else int((series.volume == 0).sum()),
        "lowest": float(series.close.min()),
        "highest": float(series.close.max()),
        "volatility": float(returns.std(ddof=1) * np.sqrt(per_year(dates))) if len(returns) > 1 else None,
        "largest_moves": [
            {"row": int(i) + 1, "date": series.date(i + 1), "move": float(np.expm1(returns[i]))} for i in largest
        ],
        "notes": list(series.notes),
    }


def text(found: dict[str, Any]) -> str:
    """The same in words.

    Args:
        found: From `describe`.
    """
    return "\n\n".join(_words(one) for one in found["series"])


def _words(one: dict[str, Any]) -> str:
    span = f", {one['first']} to {one['last']}" if one["first"] else ", without dates"
    columns = "open, high, low, close" if one["bars"] else "close alone"
    if one["volume"]:
        columns += f", volume (zero in {one['zero_volume']:,} rows)" if one["zero_volume"] else ", volume"
    moves = [f"{move['move']:+.1%} {'on ' + move['date'] if move['date'] else 'in row ' + str(move['row'])}"
             for move in one["largest_moves"]]  # fmt: skip
    lines = [
        ("series", one["name"]),
        ("rows", f"{one['rows']:,} {one['spacing']}{span}"),
        ("calendar", one["calendar"] or "not known"),
        ("columns", columns),
        ("closes", f"{one['lowest']:.6g} to {one['highest']:.6g}"),
    ]
    if one["volatility"] is not None:
        lines.append(("volatility", f"{one['volatility']:.1%} a year"))
    lines.append(("largest moves", ", ".join(moves)))
    lines += [("note", note) for note in one["notes"]]
    return "\n".join(f"{name:15}{words}" for name, words in lines)
