"""The layouts of price files: each looks at the first rows and says where in the table each series stands.

paired   yfinance's two or three header rows, fields over tickers or tickers over fields
joined   one header row that holds both: `AAPL.Open, AAPL.High, ...` (quantmod), `Close_AAPL`
long     a column of tickers beside bars, or Nixtla's `unique_id, ds, y`
bars     one instrument: Yahoo's `Date, Open, High, Low, Close, Adj Close, Volume` in any order
wide     `Date, AAPL, AMD, ...`: closes of one instrument a column
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gankit.errors import DataError
from gankit_stock_gan.bars.dates import looks_dated
from gankit_stock_gan.bars.numbers import numbers
from gankit_stock_gan.bars.price_table import HINT, PriceTable

_ROLES = {
    "date": ("date", "datetime", "timestamp", "ds", "day", "tradedate", "tradingdate", "observationdate", "time"),
    "ticker": ("uniqueid", "ticker", "symbol", "name", "asset", "actsymbol", "instrument"),
    "open": ("open", "openprice", "openingprice"),
    "high": ("high", "highprice"),
    "low": ("low", "lowprice"),
    "close": ("close", "closelast", "closeprice", "closingprice", "last", "price", "y"),
    "adjusted": ("adjclose", "adjustedclose", "closeadj", "closeadjusted", "adjusted", "adjcloseprice"),
    "volume": ("volume", "vol", "sharevolume"),
}
_NUMBER = re.compile(r"-?[\d.,]+")
FIELDS = ("open", "high", "low", "close", "adjusted", "volume")
_BESIDE = {"dividends", "stocksplits", "capitalgains", "repaired", "adjfactor"}  # yfinance's other columns


@dataclass(frozen=True)
class Layout:
    """Where the series of a table stand.

    Attributes:
        title: Of the layout, in words.
        header: Rows before the first bar.
        series: Name -> field -> column.
        date: Column of dates; None without one.
        time: Column of the time of day, if it stands apart.
        ticker: Column of tickers; then `series` has one entry for all.
        loose: The columns are closes only if they are numbers at all, and may start late or end early.
    """

    title: str
    header: int
    series: dict[str, dict[str, int]] = field(default_factory=dict)
    date: int | None = None
    time: int | None = None
    ticker: int | None = None
    loose: bool = False


def plain(name: str) -> str:
    """A column's name in small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def detect(table: PriceTable, name: str) -> Layout:
    """The layout of a table.

    Args:
        table: Of any file.
        name: For the series of a file that does not name it.

    Raises:
        DataError: It is of no known layout, or has no rows.
    """
    if all(looks_dated(cell) or _NUMBER.fullmatch(cell) for cell in table.rows[0] if cell):
        raise DataError(f"the first line of {table.file} holds values, not column names", HINT)
    found = next((layout for one in (_paired, _joined, _bars, _wide) if (layout := one(table, name))), None)
    header = found.header if found else 1
    if len(table.rows) <= header:
        raise DataError(f"{table.file} has column names and no rows", HINT)
    if found is None:
        names = ", ".join(column or "(no name)" for column in table.rows[0][:10])
        raise DataError(f"{table.file} has no column of closing prices; its first line is: {names[:200]}", HINT)
    return found


def _roles(names: Sequence[str]) -> dict[str, int]:
    """Role -> column; the likelier of two names of a role wins."""
    places: dict[str, int] = {}
    for i, name in enumerate(names):
        places.setdefault(plain(name), i)
    return {
        role: places[known]
        for role, words in _ROLES.items()
        if (known := next((word for word in words if word in places), ""))
    }


def _field(name: str) -> str:
    """The field that a column holds; "" for none."""
    return next((role for role in FIELDS if plain(name) in _ROLES[role]), "")


def _time(names: Sequence[str], date: int | None) -> int | None:
    place = next((i for i, name in enumerate(names) if plain(name) == "time"), None)
    return place if place != date else None


def _date(table: PriceTable, roles: dict[str, int], header: int = 1) -> int | None:
    """The column of dates: by its name, else the first column if its cells are dates."""
    first = [row[0] for row in table.rows[header : header + 5]]
    return roles.get("date", 0 if first and all(map(looks_dated, first)) else None)


def _grouped(pairs: Sequence[tuple[int, str, str]]) -> dict[str, dict[str, int]]:
    """Ticker -> field -> column, of those tickers that have a close."""
    series: dict[str, dict[str, int]] = {}
    for place, role, ticker in pairs:
        series.setdefault(ticker, {}).setdefault(role, place)
    return {ticker: found for ticker, found in series.items() if {"close", "adjusted"} & set(found)}


def _paired(table: PriceTable, name: str) -> Layout | None:
    if len(table.rows) < 2:
        return None
    top, under = table.rows[:2]
    for fields, tickers in ((top, under), (under, top)):
        start = 0 if _field(fields[0]) and plain(tickers[0]) != "ticker" and tickers[0] else 1
        known = [bool(_field(cell)) or plain(cell) in _BESIDE for cell in fields[start:]]
        # Where these are numbers, or words for missing ones, it is the first bar of a plain file.
        if not known or not all(known) or len(numbers(tickers[start:], ".")[1]) < len(known):
            continue
        third = table.rows[2] if len(table.rows) > 2 else ["2000-01-01"]
        header = 2 if any(third[1:]) or looks_dated(third[0]) else 3
        pairs = [(i, _field(cell), tickers[i]) for i, cell in enumerate(fields) if i >= start and _field(cell)]
        return Layout("tickers and fields in two rows", header, _grouped(pairs), date=start - 1 if start else None)
    return None


def _joined(table: PriceTable, name: str) -> Layout | None:
    names = table.rows[0]
    date = _date(table, _roles(names))
    pairs = []
    for i, column in enumerate(names):
        if i == date or not column:
            continue
        halves = [column.rsplit(mark, 1) for mark in "._ " if mark in column]
        halves += [column.split(mark, 1)[::-1] for mark in "._ " if mark in column]
        pair = next(((i, role, one[0]) for one in halves if (role := _field(one[1])) and not _field(one[0])), None)
        if _field(column) or pair is None:
            return None
        pairs.append(pair)
    series = _grouped(pairs)
    return Layout("a column for each ticker and field", 1, series, date=date, loose=True) if series else None


def _bars(table: PriceTable, name: str) -> Layout | None:
    roles = _roles(table.rows[0])
    fields = {role: place for role, place in roles.items() if role in FIELDS}
    if not {"close", "adjusted"} & set(fields):
        return None
    date, ticker = _date(table, roles), roles.get("ticker")
    title = "bars of one instrument" if ticker is None else "a row for each ticker and date"
    return Layout(title, 1, {name: fields}, date=date, time=_time(table.rows[0], date), ticker=ticker)


def _wide(table: PriceTable, name: str) -> Layout | None:
    names = table.rows[0]
    roles = _roles(names)
    date = _date(table, roles)
    # LOW and OPEN are tickers as well; two such columns, or a volume, are bars that lack their close.
    if date is None or "volume" in roles or len({"open", "high", "low"} & set(roles)) > 1:
        return None
    series = {column: {"close": i} for i, column in enumerate(names) if i != date and column}
    return Layout("a column of closes for each ticker", 1, series, date=date, loose=True) if series else None
