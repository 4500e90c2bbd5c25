"""Which days are learned from and which are held out.

Two protocols. Walk-forward: the last rows of each series are held out, and as one network learns all series, none of
them is learned from on or after the first day that any holds out. "Paper": windows are drawn at random over the whole
length and held out. The paper publishes no dates, so this is a guess at how such figures come about; neighbouring
windows overlap, so that days to predict stand among the inputs that were learned from. It is there to be distrusted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gankit import Data
from gankit.engine import ArraySource
from gankit.errors import DataError
from gankit_stock_gan.bars.series import Series
from gankit_stock_gan.paper.config import PaperConfig
from gankit_stock_gan.paper.factors import FACTORS, Windows, factors, first_row, windows

LIMIT = 10.0  # SDs; a first volume after a year of none is millions of them, and would be all that is learned
FEWEST = 30  # windows to learn from


@dataclass(frozen=True)
class Asset:
    """A series, cut in two.

    Attributes:
        series: The bars.
        train: Windows to learn from.
        test: Windows that are held out, in the order of time.
    """

    series: Series
    train: Windows
    test: Windows

    @property
    def actual(self) -> np.ndarray:
        """Held-out closes, float64 `[m]`."""
        return self.series.close[self.test.rows]

    @property
    def last(self) -> np.ndarray:
        """The closes one row before, float64 `[m]`."""
        return self.series.close[self.test.rows - 1]

    def days(self, rows: np.ndarray) -> list[str]:
        """The dates of rows `[m]`, YYYY-MM-DD, or the rows' numbers where the file has no dates."""
        return [self.series.day(row) for row in rows]

    @property
    def drift(self) -> float:
        """Mean log return of the days that are learned from; 0 where there are none."""
        rows = self.train.rows
        return float(np.log(self.series.close[rows] / self.series.close[rows - 1]).mean()) if len(rows) else 0.0


def open_data(config: PaperConfig) -> Data:
    """Windows of all series: to learn from, to watch and to judge by.

    Raises:
        DataError: A series lacks columns or is too short, or nothing is left to learn from.
    """
    return cut(config.series(first_row(config.window) + config.test + 1), config)


def cut(series: list[Series], config: PaperConfig) -> Data:
    """As `open_data`, of series that have been read."""
    start = first_row(config.window)
    for one in series:
        if len(one) <= start + config.test:
            raise DataError(
                f"{one.name} has {len(one)} rows, and {start + config.test + 1} are the fewest: {start} to begin with "
                f"and {config.test} that are held out",
                "give a longer series or a lower --test",
            )
    split = _forward if config.protocol == "walk-forward" else _shuffled
    assets = [
        Asset(one, *(windows(factors(one), rows, config.window, config.epsilon) for rows in parts))
        for one, parts in zip(series, split(series, start, config.test), strict=True)
    ]
    learned = sum(len(asset.train.rows) for asset in assets)
    if learned < FEWEST:
        raise DataError(
            f"{learned} windows are left to learn from, and {FEWEST} are the fewest",
            "give longer series or a lower --test, or leave out with --assets the series that end long before others",
        )
    facts = {
        "window": config.window,
        "factors": list(FACTORS),
        "assets": [asset.series.name for asset in assets],
        "learned": learned,
        "held_out": sum(len(asset.test.rows) for asset in assets),
    }
    sources = {"windows": _source([a.train for a in assets]), "held_out": _source([a.test for a in assets])}
    return Data(sources, {"assets": assets}, facts)


def _source(parts: list[Windows]) -> ArraySource:
    past, ahead = (np.concatenate([getattr(part, name) for part in parts]) for name in ("past", "next"))
    return ArraySource(past=past, next=np.clip(ahead, -LIMIT, LIMIT))


def _forward(series: list[Series], start: int, test: int) -> list[tuple[np.ndarray, np.ndarray]]:
    dates = [one.dates for one in series]
    ends = [len(one) - test for one in series]
    if all(days is not None for days in dates):
        begin = min(days[end] for days, end in zip(dates, ends, strict=True))
        limits = [int(np.searchsorted(days, begin)) for days in dates]
    else:
        limits = ends
    return [
        (np.arange(start, max(start, limit)), np.arange(end, end + test))
        for limit, end in zip(limits, ends, strict=True)
    ]


def _shuffled(series: list[Series], start: int, test: int) -> list[tuple[np.ndarray, np.ndarray]]:
    parts = []
    for number, one in enumerate(series):
        rows = np.random.default_rng(number).permutation(np.arange(start, len(one)))
        parts.append((np.sort(rows[test:]), np.sort(rows[:test])))
    return parts
