"""A name, a file or a folder -> clean `Series`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from gankit.errors import DataError, UsageError, did_you_mean
from gankit_stock_gan.bars import calendars
from gankit_stock_gan.bars.clean import clean
from gankit_stock_gan.bars.layouts import FIELDS, detect
from gankit_stock_gan.bars.price_table import PriceTable
from gankit_stock_gan.bars.raw import Raw, convert, counted
from gankit_stock_gan.bars.series import Series
from gankit_stock_gan.bars.splits import PRICES, adjust, mend

BUILT_IN = ("sp500", "nasdaq")
FEWEST = 2  # rows with which there is a return

log = logging.getLogger("gankit")


def read(
    source: str,
    *,
    assets: Sequence[str] = (),
    calendar: str = "auto",
    splits: Literal["auto", "keep"] = "auto",
    since: str = "",
    until: str = "",
    needed: int = 0,
) -> list[Series]:
    """Reads price bars.

    Args:
        source: "sp500" or "nasdaq" (daily, 1999 to 2018, from the package arch), a CSV file (also .gz), or a folder of
            them, one or more tickers a file.
        assets: The tickers to read, in this order; all without any.
        calendar: Of the exchange, "XNYS" say; "auto" guesses it from the rows, "" is none.
        splits: "auto" adjusts for splits that a file forgot, "keep" only notes them.
        since: The first date, YYYY-MM-DD; what lies before is not looked at.
        until: The last date.
        needed: The fewest rows that a series must have. If several series are read and none was asked for by name,
            shorter ones are left out with a warning.

    Returns:
        One series a ticker, with what was found and done in its `notes`.

    Raises:
        DataError: A file cannot be read as prices, or has too few rows.
        UsageError: An asset, a calendar or a date is wrong.
    """
    if splits not in ("auto", "keep"):
        raise UsageError(f"splits cannot be {splits!r}", did_you_mean(splits, ("auto", "keep")))
    bounds = (_day(since, "since"), _day(until, "until"))
    if calendar not in ("auto", ""):
        calendar = calendars.known(calendar)
    raws = _chosen(_raws(source), list(dict.fromkeys(assets)), source)
    strict, needed = bool(assets) or len(raws) == 1, max(needed, FEWEST)
    found, short = [], []
    for raw in raws:
        problem = _cut(raw, *bounds)
        if not problem:
            clean(raw)
            if len(raw.lines) < needed:
                problem = f"{raw.name} has {counted(len(raw.lines), 'row')}, and {needed:,} are needed"
        if not problem:
            found.append(_series(raw, calendar if calendar != "auto" or source not in BUILT_IN else "XNYS", splits))
        elif strict:
            raise DataError(problem, "give a longer history, or a wider span of since and until")
        else:
            log.warning("left out: %s", problem)
            short.append(problem)
    if not found:
        raise DataError(
            f"no series of {source} is long enough: {'; '.join(short[:3])}{'; ...' if len(short) > 3 else ''}",
            "give longer histories, or a wider span of since and until",
        )
    return found


def _raws(source: str) -> list[Raw]:
    if source in BUILT_IN:
        return [_built_in(source)]
    path = Path(source)
    if not path.is_dir():
        return _file(path)
    files = sorted(
        one for one in path.iterdir() if one.name.lower().endswith((".csv", ".csv.gz")) and one.name[0] != "."
    )
    if not files:
        raise DataError(f"the folder {path} holds no CSV file", "put one CSV file a ticker into it")
    raws = [raw for one in files for raw in _file(one)]
    owner: dict[str, Raw] = {}
    for raw in raws:
        if (key := raw.name.casefold()) in owner:
            raise DataError(f"{owner[key].file} and {raw.file} both hold {raw.name}", "leave one of them in the folder")
        owner[key] = raw
    return raws


def _file(path: Path) -> list[Raw]:
    name = path.name.removesuffix(".gz").removesuffix(".GZ")
    table = PriceTable.read(path)
    return convert(table, detect(table, name.rsplit(".", 1)[0] or name))


def _built_in(name: str) -> Raw:
    from importlib import import_module

    frame = import_module(f"arch.data.{name}").load()
    columns = {role: "Adj Close" if role == "adjusted" else role.title() for role in FIELDS}
    fields = {role: frame[column].to_numpy(np.float64).copy() for role, column in columns.items()}
    days = frame.index.to_numpy().astype("datetime64[D]")
    return Raw(name, f"arch.data.{name}", fields, np.arange(len(days)) + 2, days, np.full(len(days), "", object))


def _chosen(raws: list[Raw], assets: list[str], source: str) -> list[Raw]:
    by_name = {raw.name.casefold(): raw for raw in raws}
    for asset in assets:
        if asset.casefold() not in by_name:
            every = [raw.name for raw in raws]
            hint = did_you_mean(asset, every)
            if hint.startswith("known") and len(every) > 20:
                hint = f"it has {len(every):,} assets, such as {', '.join(every[:10])}"
            raise UsageError(f"{source} has no asset {asset!r}", hint)
    return list({asset.casefold(): by_name[asset.casefold()] for asset in assets}.values()) if assets else raws


def _day(text: str, option: str) -> np.datetime64 | None:
    if not text:
        return None
    try:
        found = np.datetime64(text, "D")
    except ValueError:
        found = np.datetime64("NaT")
    if np.isnat(found):
        raise UsageError(f"{option} is no date: {text!r}", "write it as YYYY-MM-DD")
    return found


def _cut(raw: Raw, since: np.datetime64 | None, until: np.datetime64 | None) -> str:
    """Cuts the rows by date; words if none is left."""
    if since is None and until is None:
        return ""
    if raw.dates is None:
        raise UsageError(f"{raw.file} has no dates, so since and until cannot cut it", "leave them out")
    first, last = raw.dates.min(), raw.dates.max()
    inside = (raw.dates >= (since or first)) & (raw.dates <= (until or last))
    raw.keep(inside)
    none = f"{raw.name} has no row from {since or first} to {until or last}: it has {first} to {last}"
    return "" if inside.any() else none


def _series(raw: Raw, calendar: str, keep: str) -> Series:
    adjust(raw)
    mend(raw, keep == "keep")
    if raw.dates is None:
        raw.notes.append("the rows have no dates: they are taken as consecutive sessions, the oldest first")
        calendar = ""
    elif calendars.spacing(raw.dates) != "daily":
        calendar = "" if calendar == "auto" else calendar
    else:
        calendar = calendars.guess(raw.dates) if calendar == "auto" else calendar
        raw.notes += calendars.missing(raw.dates, calendar) if calendar else []
    values = {role: np.ascontiguousarray(raw.fields[role]) for role in (*PRICES, "volume") if role in raw.fields}
    return replace(
        Series(raw.name, values.pop("close")), dates=raw.dates, calendar=calendar, notes=tuple(raw.notes), **values
    )
