"""From simulated closes to whole bars: each simulated session borrows the shape of a real one like it.

The gap to the open and the two shadows, in units of the volatility of the day, are those of a real session with a
similar return; its volume is that session's, too, relative to what had been usual before, among sessions whose day
before was similarly busy. So joint behaviour within a day is real, and closes are the model's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from gankit_stock_gan.bars import Series
from gankit_stock_gan.model.windows import Past

from gankit.errors import DataError

NEIGHBOURS = 12
USUAL = 20  # sessions, the centre of mass of the mean that volumes are compared with
LEAST = 1e-6  # volatility


@dataclass(frozen=True)
class Shapes:
    """The sessions of a history, ready to be borrowed from.

    Attributes:
        near: What similarity is told by: return in units of volatility, and the log volume of the day before, `[n, 2]`.
        parts: Gap, upper and lower shadow in units of volatility, and log volume beside the usual, `[n, 4]`.
        usual: Usual log volume after each session, `[n]`.
        volume: Log volume beside the usual after each session, `[n]`.
    """

    near: np.ndarray
    parts: np.ndarray
    usual: np.ndarray
    volume: np.ndarray

    @classmethod
    def of(cls, series: Series, past: Past) -> Shapes:
        """From bars.

        Raises:
            DataError: There are closes alone, or no volume on some day.
        """
        if not series.whole or series.volume is None or not (series.volume > 0).all():
            raise DataError(f"{series.name} has no whole bars with volume", "simulate closes alone")
        assert series.open is not None and series.high is not None and series.low is not None
        log = {key: np.log(getattr(series, key)) for key in ("open", "high", "low", "close", "volume")}
        usual = _means(log["volume"])
        beside = log["volume"] - np.concatenate([usual[:1], usual[:-1]])
        unit = np.maximum(past.scale[:-1], LEAST)  # known before the session; the first session has none
        gap = (log["open"][2:] - log["close"][1:-1]) / unit
        body_high, body_low = np.maximum(log["open"], log["close"]), np.minimum(log["open"], log["close"])
        up, down = (log["high"] - body_high)[2:] / unit, (body_low - log["low"])[2:] / unit
        near = np.column_stack([past.returns[1:] / unit, beside[1:-1]])
        return cls(near, np.column_stack([gap, up, down, beside[2:]]), usual, beside)

    def bars(
        self, close: np.ndarray, returns: np.ndarray, scale: np.ndarray, begin: np.ndarray, seed: int = 0
    ) -> np.ndarray:
        """Whole bars.

        Args:
            close: The last real close of each path, `[count]`.
            returns: Simulated log returns, `[count, length]`.
            scale: Volatility that each was drawn at, `[count, length]`.
            begin: The real session (bar) that each path follows, `[count]`.
            seed: Of the choice among neighbours.

        Returns:
            Open, high, low, close and volume, `[count, length, 5]`.
        """
        from scipy.spatial import cKDTree

        rng = np.random.default_rng(seed)
        spread = self.near.std(axis=0) + 1e-12
        tree = cKDTree(self.near / spread)
        count, length = returns.shape
        found, last = np.empty((count, length, 5)), np.log(close)
        usual, busy = self.usual[begin].copy(), self.volume[begin].copy()
        nearest = min(NEIGHBOURS, len(self.near))
        for day in range(length):
            unit = np.maximum(scale[:, day], LEAST)
            _, places = tree.query(np.column_stack([returns[:, day] / unit, busy]) / spread, nearest)
            chosen = places.reshape(count, -1)[np.arange(count), rng.integers(0, nearest, count)]
            gap, up, down, busy = self.parts[chosen].T
            opened, closed = last + gap * unit, last + returns[:, day]
            high, low = np.maximum(opened, closed) + up * unit, np.minimum(opened, closed) - down * unit
            volume = usual + busy
            found[:, day] = np.exp(np.column_stack([opened, high, low, closed, volume]))
            usual += (volume - usual) / (1 + USUAL)
            last = closed
        return found


def _means(values: np.ndarray) -> np.ndarray:
    """Exponentially weighted means, that of the first sessions plain."""
    found, mean = np.empty(len(values)), 0.0
    for i, value in enumerate(values):
        mean += (value - mean) * max(1 / (1 + USUAL), 1 / (i + 1))
        found[i] = mean
    return found
