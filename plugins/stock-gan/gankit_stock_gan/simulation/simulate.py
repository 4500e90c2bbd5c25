"""Whole paths: the generator fed with its own returns.

A model of ratios knows no level: left alone, its volatility wanders off for good. Over months that is what markets do;
over years a tether is needed. After each session the slowest variance is drawn towards an anchor, by a small share of
the distance; the generator reads the others relative to it and pulls them along, as it has learned to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from gankit_stock_gan.model.forecaster import Forecaster
from gankit_stock_gan.model.memory import VARIANCES, figures, scale, update
from gankit_stock_gan.model.noise import shaped
from gankit_stock_gan.model.windows import Past

SLOWEST = len(VARIANCES) - 1
LARGEST = 1e3  # variances above that of the anchor that no path may reach


@dataclass(frozen=True)
class Paths:
    """Simulated log returns.

    Attributes:
        returns: float64 `[count, length]`.
        scale: The volatility that each was drawn at, `[count, length]`.
    """

    returns: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True)
class Tether:
    """What keeps long paths near a level.

    Attributes:
        anchor: Variance of a session's return in the long run.
        pull: Share of the distance to it by which the slowest variance is drawn in a session.
    """

    anchor: float
    pull: float = 0.005


def simulate(
    forecaster: Forecaster, memory: np.ndarray, shape: np.ndarray, state: np.ndarray, noise: np.ndarray,
    tether: Tether | None = None,
) -> Paths:  # fmt: skip
    """Paths from where the generator stands.

    Args:
        forecaster: The generator.
        memory: `[count, WIDTH]`.
        shape: Of the first return's distribution, `[count, SHAPES]`.
        state: Of the LSTM, `[count, 2 units]`.
        noise: `[count, length]`, standard normal.
        tether: For paths of years; None lets volatility wander.
    """
    returns, units = np.empty(noise.shape), np.empty(noise.shape)
    memory = memory.copy()
    for day in range(noise.shape[1]):
        unit = scale(memory)
        drawn = unit * shaped(shape, noise[:, day : day + 1])[:, 0]
        returns[:, day], units[:, day] = drawn, unit
        memory = update(memory, drawn)
        if tether is not None:
            slow = memory[:, SLOWEST]
            memory[:, SLOWEST] = slow + tether.pull * (tether.anchor - slow)
            memory[:, : SLOWEST + 1] = np.minimum(memory[:, : SLOWEST + 1], LARGEST * tether.anchor)
        shape, state = forecaster.read(figures(memory, drawn), state)
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
