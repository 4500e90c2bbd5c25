"""What the networks see: seven factors a day, and windows of them z-scored by their own mean and SD.

The factors are those of Zhang et al. (2019): high, low, open, close, turnover rate, volume and the five-day
average of the closes. No price file has the turnover rate, the share of a company's stock that changes hands; the
day's volume over the mean volume of the 60 days before stands for it.
Everything of a day is made of that day and earlier ones alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gankit.errors import DataError
from gankit_stock_gan.bars.series import Series

FACTORS = ("high", "low", "open", "close", "turnover", "volume", "ma5")
CLOSE = FACTORS.index("close")
MEMORY = 60  # days before a day that its turnover is measured by
AVERAGED = 5  # days of "ma5"
PROXY = f"turnover rate is a proxy: volume over the mean volume of the {MEMORY} days before"


@dataclass(frozen=True)
class Windows:
    """Windows of one series, each with the day that follows it.

    Attributes:
        rows: int64 `[m]`, the days to predict, as rows of the series.
        past: float64 `[m, window, 7]`, z-scores of the days before.
        next: float64 `[m, 7]`, those of the day to predict, by the same mean and SD.
        mean: float64 `[m, 7]`, of the window.
        scale: float64 `[m, 7]`, its SD and epsilon; positive.
    """

    rows: np.ndarray
    past: np.ndarray
    next: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

    def closes(self, scored: np.ndarray) -> np.ndarray:
        """Prices float64 `[m]` of z-scored days `[m, 7]`."""
        return self.mean[:, CLOSE] + self.scale[:, CLOSE] * np.asarray(scored, np.float64)[:, CLOSE]


def factors(series: Series) -> np.ndarray:
    """The seven factors of each day.

    Args:
        series: With opens, highs, lows and volumes.

    Returns:
        float64 `[n, 7]`, in the order of `FACTORS`; NaN for the turnover of the first 60 days and the average of the
        first four. The turnover is 0 where no volume was recorded in the 60 days before.

    Raises:
        DataError: A column is missing.
    """
    absent = [name for name in ("open", "high", "low", "volume") if getattr(series, name) is None]
    if absent:
        raise DataError(
            f"{series.name} has no {', '.join(absent)}, and the paper's networks see them",
            "give a file with open, high, low, close and volume; the recipe stock-gan needs closes alone",
        )
    turnover, average = np.full((2, len(series)), np.nan)
    if len(series) > MEMORY:
        before = np.lib.stride_tricks.sliding_window_view(series.volume[:-1], MEMORY).mean(axis=1)
        turnover[MEMORY:] = np.where(before > 0, series.volume[MEMORY:] / np.where(before > 0, before, 1), 0)
    if len(series) >= AVERAGED:
        average[AVERAGED - 1 :] = np.lib.stride_tricks.sliding_window_view(series.close, AVERAGED).mean(axis=1)
    columns = (series.high, series.low, series.open, series.close, turnover, series.volume, average)
    return np.stack(columns, axis=1).astype(np.float64)


def first_row(window: int) -> int:
    """The first row that can be predicted: the factors of the `window` rows before it are all known."""
    return MEMORY + window


def windows(table: np.ndarray, rows: np.ndarray, window: int, epsilon: float) -> Windows:
    """Windows before some days, z-scored.

    The SD is that of the window's values alone (divided by their number), plus `epsilon` times the size of their mean:
    a window of equal values is all zeros. Where even the mean is 0, as of volumes that were not recorded, the scale is
    1.

    Args:
        table: float64 `[n, 7]` from `factors`.
        rows: int64 `[m]`, days to predict, none before `first_row(window)`.
        window: Days of a window.
        epsilon: As said above.
    """
    past = table[rows[:, None] - np.arange(window, 0, -1)]
    mean = past.mean(axis=1)
    scale = past.std(axis=1) + epsilon * np.abs(mean)
    scale = np.where(scale > 0, scale, 1.0)
    scored = (past - mean[:, None]) / scale[:, None]
    return Windows(rows, scored, (table[rows] - mean) / scale, mean, scale)
