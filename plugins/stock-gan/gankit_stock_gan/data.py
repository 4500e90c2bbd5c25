"""From the options to data: series read, cut in time, and windows of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gankit import Data
from gankit.errors import DataError
from gankit_stock_gan.bars import Series
from gankit_stock_gan.bars.calendars import spacing
from gankit_stock_gan.config import StockConfig
from gankit_stock_gan.model.memory import BURN_IN
from gankit_stock_gan.model.windows import HELD_OUT, TRAIN, Past, WindowSource

log = logging.getLogger("gankit")

FEWEST = 250  # windows to learn from
LEAST = 120  # sessions that are worth holding out
RIVALS = 250  # returns before the first forecast, so that rivals have something to be estimated from


@dataclass(frozen=True)
class Asset:
    """A series and its cut in time.

    Attributes:
        series: The bars.
        past: Its returns as the generator sees them; return i leads from bar i to bar i + 1.
        trained: Returns before this one train.
        start: Returns from this one on are held out; those between select the weights.
    """

    series: Series
    past: Past
    trained: int
    start: int

    @property
    def validation(self) -> np.ndarray:
        """Sessions whose next return selects the weights."""
        return np.arange(self.trained - 1, self.start - 1)

    @property
    def test(self) -> np.ndarray:
        """Sessions whose next return is held out."""
        return np.arange(self.start - 1, len(self.past.returns) - 1)


def foreign(facts: Mapping[str, Any], series: Sequence[Series], rows: Sequence[int]) -> list[str]:
    """Warnings of a run's use on bars that are not new to it, or not like those that it knows.

    Args:
        facts: Of the run's data.
        series: The bars.
        rows: The first bar that is forecast of each; the number of bars where it is the one to come.
    """
    known, said = facts["series"], []
    dates = [one["selected_until"] for one in known if "-" in one["selected_until"]]
    early = []
    for one, row in zip(series, rows, strict=True):
        if one.dates is None:
            learned = any(row <= mine["start"] for mine in known if mine["name"] == one.name)
        else:
            before = one.dates[-1] if row == len(one) else one.dates[row - 1]
            learned = bool(dates) and str(before) < max(dates)
        early += [one.name] * learned
    if early:
        said.append(
            f"forecasts of {', '.join(early)} begin before {max(dates, default='the end')}, up to when this run has "
            "learned: they are better than future ones will be"
        )
    if other := [one.name for one in series if spacing(one.dates) not in {mine["spacing"] for mine in known}]:
        said.append(f"this run has learned from {known[0]['spacing']} bars, and {', '.join(other)} has others")
    return said


def crossed(facts: Mapping[str, Any]) -> list[str]:
    """A warning if one series is learned from on days that are held out of another: markets move together.

    Args:
        facts: Of a run's data.
    """
    dated = [one for one in facts["series"] if "-" in one["selected_until"]]
    latest = max((one["trained_until"] for one in dated), default="")
    early = [one["name"] for one in dated if one["selected_until"] < latest]
    if not early:
        return []
    return [
        f"held-out sessions of {', '.join(early)} begin before {latest}, up to when other series are learned from: "
        "their figures may know of the same market; give --until, so that all end together"
    ]


def needed(config: StockConfig) -> int:
    """Fewest bars of a series."""
    return BURN_IN + config.window + config.horizon + FEWEST + config.validation + config.test + 1


def assets(config: StockConfig) -> list[Asset]:
    """The series that the options name, each with its cut."""
    try:
        read = config.series(needed(config))
    except DataError as error:
        fewer = config.model_copy(update={"test": LEAST, "validation": LEAST})
        if "are needed" not in error.message or config.test <= LEAST:
            raise
        hint = f"give a longer history, or hold out less: --test {LEAST} --validation {LEAST} needs {needed(fewer):,}"
        raise DataError(error.message, hint) from error
    found = []
    for series in read:
        for note in series.notes:
            log.warning("%s: %s", series.name, note)
        start = len(series.returns) - config.test
        found.append(Asset(series, Past.of(series.returns), start - config.validation, start))
    return found


def other(config: StockConfig, source: str) -> Data:
    """Bars that networks were not trained on, of which only the end is forecast.

    Args:
        config: Of the run.
        source: As `--data`.

    Raises:
        DataError: A file cannot be used, or is too short.
    """
    config = config.of_other_bars(source)
    fewest = max(BURN_IN + config.window, RIVALS) + config.test + 1
    return Data(held_out={"assets": [last(series, config.test) for series in config.series(fewest)]})


def last(series: Series, tested: int) -> Asset:
    """A series of which only the end is looked at, by networks that are trained already."""
    start = len(series.returns) - tested
    return Asset(series, Past.of(series.returns), start, start)


def open_data(config: StockConfig) -> Data:
    """Reads what the options name.

    Returns:
        Sources `TRAIN` (of the training part) and, for the monitors alone, `HELD_OUT`; held out are the `assets`.

    Raises:
        DataError: A file cannot be used, or is too short.
        UsageError: A date, a ticker or a calendar is wrong.
    """
    found = assets(config)

    def source(first: Any, last: Any) -> WindowSource:
        parts = [(first(asset), last(asset), asset.past) for asset in found]
        cut = [Past(past.returns[a:b], past.memory[a:b]) for a, b, past in parts]
        return WindowSource(cut, config.window, config.horizon)

    windows = source(lambda asset: 0, lambda asset: asset.trained)
    watched = source(lambda asset: asset.trained - BURN_IN - config.window, lambda asset: asset.start)
    facts = {
        "series": [
            {
                "name": asset.series.name, "rows": len(asset.series), "calendar": asset.series.calendar,
                "trained": asset.trained, "start": asset.start, "notes": list(asset.series.notes),
                "trained_until": asset.series.day(asset.trained), "selected_until": asset.series.day(asset.start),
                "spacing": spacing(asset.series.dates),
            }
            for asset in found
        ],
        "units": config.units, "hidden": config.hidden, "window": config.window, "horizon": config.horizon,
    }  # fmt: skip
    for said in crossed(facts):
        log.warning("%s", said)
    return Data({TRAIN: windows, HELD_OUT: watched}, {"assets": found}, facts)
