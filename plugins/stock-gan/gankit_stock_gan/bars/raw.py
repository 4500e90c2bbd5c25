"""A table and its layout -> the numbers of each instrument, as the file has them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gankit.errors import DataError
from gankit_stock_gan.bars.dates import dates
from gankit_stock_gan.bars.layouts import FIELDS, Layout
from gankit_stock_gan.bars.numbers import decimal_mark, numbers
from gankit_stock_gan.bars.price_table import PriceTable


def counted(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count:,} {noun if count == 1 else noun + 's'}"


@dataclass
class Raw:
    """Rows of one instrument in the order of the file, nothing mended.

    Attributes:
        name: The ticker.
        file: Where it comes from.
        fields: Of `layouts.FIELDS`, float64 `[n]`, NaN where there is none; "close" is always there.
        lines: Of the file, int64 `[n]`.
        dates: datetime64[D] `[n]`, or None.
        times: Of the day, as written, strings `[n]` (object).
        notes: What was found so far.
    """

    name: str
    file: str
    fields: dict[str, np.ndarray]
    lines: np.ndarray
    dates: np.ndarray | None = None
    times: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)

    def keep(self, rows: np.ndarray) -> None:
        """Keeps some rows, by a mask or by their order."""
        self.fields = {key: values[rows] for key, values in self.fields.items()}
        self.lines = self.lines[rows]
        self.dates = None if self.dates is None else self.dates[rows]
        self.times = None if self.times is None else self.times[rows]

    def where(self, row: int) -> str:
        """Words for a row: its date, else its line."""
        return f"line {self.lines[row]}" if self.dates is None else str(self.dates[row])

    def note(self, rows: np.ndarray, noun: str, words: str, end: str = "") -> None:
        """Notes how many rows a mask holds, what of them, and the first few; nothing if it holds none."""
        if rows.any():
            self.notes.append(f"{counted(int(rows.sum()), noun)} {words} ({self.some(rows)}){end}")

    def some(self, rows: np.ndarray) -> str:
        """The first few of the rows where a mask holds."""
        places = np.flatnonzero(rows)
        return ", ".join(self.where(i) for i in places[:3]) + (", ..." if len(places) > 3 else "")


def convert(table: PriceTable, layout: Layout) -> list[Raw]:
    """Reads all series of a table.

    Raises:
        DataError: A number or a date cannot be read.
    """
    body, lines = table.rows[layout.header :], np.array(table.lines[layout.header :])
    column = {
        place: [row[place] for row in body] for found in layout.series.values() for place in sorted(found.values())
    }
    decimal = decimal_mark((cell for cells in column.values() for cell in cells), table.separator, table.file)
    values: dict[int, np.ndarray] = {}
    for place, cells in column.items():
        column_values, bad = numbers(cells, decimal)
        if layout.loose and 2 * len(bad) > sum(map(bool, cells)):
            continue  # words: a sector, say
        if bad:
            raise DataError(
                f"line {lines[bad[0]]} of {table.file} has {cells[bad[0]]!r} in the column"
                f" {table.rows[layout.header - 1][place] or table.rows[0][place]!r}, which is no number",
                "mend it, or leave the cell empty if there is no value",
            )
        values[place] = column_values
    groups = _groups(table, layout)
    days = times = None
    if layout.date is not None:
        cells = [row[layout.date] for row in body]
        if layout.time is not None:
            cells = [f"{cell} {row[layout.time]}".strip() for cell, row in zip(cells, body, strict=True)]
        where = [f"line {line} of {table.file}" for line in lines]
        days, times = dates(cells, next(iter(groups.values()), np.arange(len(body))).tolist(), where)
    found = []
    for name, places in layout.series.items():
        fields = {role: values[places[role]] for role in FIELDS if role in places and places[role] in values}
        for ticker, rows in (groups or {name: np.arange(len(body))}).items():
            raw = Raw(ticker, table.file, fields, lines, days, times)
            if _closed(raw, rows, layout.loose):
                found.append(raw)
    if not found:
        raise DataError(
            f"{table.file} has no column of closing prices with a number in it", f"it is read as {layout.title}"
        )
    return found


def _groups(table: PriceTable, layout: Layout) -> dict[str, np.ndarray]:
    """Ticker -> rows of a long table; nothing for the others."""
    if layout.ticker is None:
        return {}
    found: dict[str, list[int]] = {}
    for i, row in enumerate(table.rows[layout.header :]):
        found.setdefault(row[layout.ticker], []).append(i)
    if "" in found:
        line = table.lines[layout.header + found[""][0]]
        raise DataError(f"line {line} of {table.file} has no ticker", "fill in its column, or remove the row")
    return {ticker: np.array(rows) for ticker, rows in found.items()}


def _closed(raw: Raw, rows: np.ndarray, loose: bool) -> bool:
    """Cuts it down to some rows and to the fields that they have; says whether these have a close."""
    raw.keep(rows)
    raw.fields = {role: values for role, values in raw.fields.items() if not np.isnan(values).all()}
    if "close" not in raw.fields and "adjusted" not in raw.fields:
        return False
    if "close" not in raw.fields:
        # Without closes it is not known by how much opens, highs and lows would have to be adjusted.
        raw.fields = {role: values for role, values in raw.fields.items() if role in ("adjusted", "volume")}
        raw.fields["close"] = raw.fields["adjusted"]
    if loose:  # of tickers side by side, one may start late or end early
        there = np.flatnonzero(~np.isnan(raw.fields["close"]))
        raw.keep(np.arange(there[0], there[-1] + 1))
    return True
