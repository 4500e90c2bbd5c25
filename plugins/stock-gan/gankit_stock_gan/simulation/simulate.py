"""Whole paths: the generator fed with its own returns.

A model of ratios knows no level: left alone, its volatility wanders off for good. Over months that is what markets do;
over years it needs a tether, which `Tuning` holds, with a few gains by which a history's own stylised facts are
matched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gankit_stock_gan.bars import Series
from gankit_stock_gan.model.forecaster import Forecaster
from gankit_stock_gan.model.memory import TRENDS, VARIANCES, WIDTH, figures, scale, update
from gankit_stock_gan.model.noise import shaped
from gankit_stock_gan.model.windows import Past

SLOWEST = len(VARIANCES) - 1
LARGEST = 1e3  # times the anchor: a variance that no path may exceed
BURN_IN = 500  # sessions until a path has forgotten where it began


@dataclass(frozen=True)
class Tuning:
    """How long paths differ from what the generator says; the defaults leave all but the level to it.

    Attributes:
        anchor: Variance of a session's return in the long run.
        pull: Share of the distance to it by which the slowest variance is drawn in a session.
        gain: Factor of what the generator says of volatility beside the scale.
        level: Added to that.
        drift: Added to the location.
        skew: Added to the skewness.
        tails: Added to the weight of the tails.
        leverage: Factor of the trends that the generator reads.
    """

    anchor: float
    pull: float = 0.01
    gain: float = 1.0
    level: float = 0.0
    drift: float = 0.0
    skew: float = 0.0
    tails: float = 0.0
    leverage: float = 1.0

    def shape(self, shape: np.ndarray) -> np.ndarray:
        """The shape of the next return's distribution, `[..., SHAPES]`."""
        return shape * (self.gain, 1, 1, 1) + (self.level, self.drift, self.skew, self.tails)

    def seen(self, seen: np.ndarray) -> np.ndarray:
        """What the generator reads, `[..., FIGURES]`."""
        return np.concatenate([seen[..., : -len(TRENDS)], self.leverage * seen[..., -len(TRENDS) :]], -1)

    def tether(self, memory: np.ndarray) -> np.ndarray:
        """The memory, `[..., WIDTH]`, drawn towards the anchor."""
        variances = np.minimum(memory[..., : SLOWEST + 1], LARGEST * self.anchor)
        variances[..., SLOWEST] += self.pull * (self.anchor - variances[..., SLOWEST])
        return np.concatenate([variances, memory[..., SLOWEST + 1 :]], -1)


@dataclass(frozen=True)
class Paths:
    """Simulated log returns.

    Attributes:
        returns: float64 `[count, length]`.
        scale: The volatility that each was drawn at, `[count, length]`.
    """

    returns: np.ndarray
    scale: np.ndarray


def simulate(
    forecaster: Forecaster,
    memory: np.ndarray,
    shape: np.ndarray,
    state: np.ndarray,
    noise: np.ndarray,
    tuning: Tuning | None = None,
) -> Paths:
    """Paths from where the generator stands.

    Args:
        forecaster: The generator.
        memory: `[count, WIDTH]`.
        shape: Of the first return's distribution, `[count, SHAPES]`.
        state: Of the LSTM, `[count, 2 units]`.
        noise: `[count, length]`, standard normal.
        tuning: For paths of years; None leaves all to the generator.
    """
    returns, units = np.empty(noise.shape), np.empty(noise.shape)
    for day in range(noise.shape[1]):
        units[:, day] = unit = scale(memory)
        shape = tuning.shape(shape) if tuning else shape
        returns[:, day] = drawn = unit * shaped(shape, noise[:, day : day + 1])[:, 0]
        memory = update(memory, drawn)
        memory = tuning.tether(memory) if tuning else memory
        seen = figures(memory, drawn)
        shape, state = forecaster.read(tuning.seen(seen) if tuning else seen, state)
    return Paths(returns, units)


def ahead(forecaster: Forecaster, past: Past, rows: np.ndarray, count: int, horizon: int, seed: int = 0) -> np.ndarray:
    """Paths of the sessions after each of some, corrected by how earlier forecasts came out.

    Args:
        forecaster: The generator.
        past: The series.
        rows: Sessions, `[k]`.
        count: Paths from each.
        horizon: Sessions ahead.
        seed: Of the noise, which is the same for each of `rows`. Every day takes each of `count` strata once, in an
            order of its own.

    Returns:
        Log returns, `[k, count, horizon]`.
    """
    from scipy.special import ndtri

    rng = np.random.default_rng(seed)
    ranks = np.stack([rng.permutation(count) for _ in range(horizon)], 1)
    noise = ndtri(forecaster.levels(past, rows, count))[:, ranks]
    shape, state = (np.repeat(x, count, axis=0) for x in forecaster.after(past, rows))
    memory = np.repeat(past.memory[rows], count, axis=0)
    paths = simulate(forecaster, memory, shape, state, noise.reshape(len(memory), horizon))
    return paths.returns.reshape(len(rows), count, horizon)


def from_now(forecaster: Forecaster, series: Series, count: int, length: int, seed: int = 0) -> np.ndarray:
    """`ahead` after the last bar of a series: log returns, `[count, length]`."""
    past = Past.of(series.returns)
    return ahead(forecaster, past, np.array([len(past.returns) - 1]), count, length, seed)[0]


def anywhere(forecaster: Forecaster, tuning: Tuning, count: int, length: int, seed: int = 0) -> Paths:
    """Paths that begin in no particular state of the market, `[count, length]`.

    Args:
        forecaster: The generator.
        tuning: Its anchor is where paths start, `BURN_IN` sessions before their first.
        count: Paths.
        length: Sessions of each.
        seed: Of the noise.
    """
    noise = np.random.default_rng(seed).standard_normal((count, BURN_IN + length))
    memory = np.zeros((count, WIDTH))
    memory[:, : SLOWEST + 1] = tuning.anchor
    shape, state = forecaster.read(tuning.seen(figures(memory, np.zeros(count))), forecaster.start(count))
    paths = simulate(forecaster, memory, shape, state, noise, tuning)
    return Paths(paths.returns[:, BURN_IN:], paths.scale[:, BURN_IN:])
