"""Scores of forecasts, of single prices and of whole distributions.

A distribution is a row of equally likely draws, or of quantiles at the midpoints (i + 1/2) / m, which is the same thing
to every function here: the i-th smallest draw stands at probability (i + 1/2) / m, and between two of them the quantile
function is a straight line (Hazen's plotting positions).

Sources: CRPS as E|X - y| - E|X - X'| / 2, Gneiting & Raftery 2007, eq. 21; pinball loss, Koenker & Bassett 1978;
probability integral transform, Dawid 1984; MASE, Hyndman & Koehler 2006.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

BETTER: dict[str, Literal["lower", "higher"]] = {
    "crps_bps": "lower", "pit_ks": "lower", "mae": "lower", "mae_ratio": "lower", "rmse": "lower", "mape": "lower",
    "mase": "lower", "pinball_bps": "lower", "directional": "higher",
}  # fmt: skip
LEAST = 1e-12  # nearest that a PIT comes to 0 and 1, so that its normal quantile stays finite


def quantiles(draws: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Quantiles of each day's draws.

    Args:
        draws: float64 `[days, m]`.
        levels: Probabilities in [0, 1].

    Returns:
        float64 `[days, levels]`.
    """
    return np.quantile(draws, levels, axis=1, method="hazen").T


def crps(draws: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score of m equally likely draws, exact, in O(m log m).

    The mean absolute difference of all pairs comes from the order statistics: over i, j it is the sum of
    2 (2 i - m - 1) x_(i) / m^2 with i = 1 ... m.

    Args:
        draws: float64 `[days, m]`, in any order.
        y: What happened, float64 `[days]`, in the unit of the draws.

    Returns:
        float64 `[days]` in the same unit; lower is better.
    """
    apart = np.sort(draws - y[:, None], axis=1)  # of the distance, so that a large level costs no digits
    m = apart.shape[1]
    ranks = 2.0 * np.arange(1, m + 1) - m - 1
    return np.abs(apart).mean(axis=1) - apart @ ranks / m**2


def pinball(draws: np.ndarray, y: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Quantile losses, `(level - [y < q]) (y - q)`.

    Args:
        draws: float64 `[days, m]`.
        y: What happened, float64 `[days]`.
        levels: Probabilities in (0, 1).

    Returns:
        float64 `[days, levels]`; lower is better.
    """
    above = y[:, None] - quantiles(draws, levels)
    return np.maximum(np.asarray(levels) * above, (np.asarray(levels) - 1) * above)


def coverage(draws: np.ndarray, y: np.ndarray, share: float) -> np.ndarray:
    """Whether each day fell into the central interval that should hold `share` of them.

    Args:
        draws: float64 `[days, m]`.
        y: What happened, float64 `[days]`.
        share: For instance 0.9 for the interval between the quantiles 0.05 and 0.95.

    Returns:
        bool `[days]`; their mean is to be compared with `share`.
    """
    low, high = quantiles(draws, [(1 - share) / 2, (1 + share) / 2]).T
    return (low <= y) & (y <= high)


def pit(draws: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Probability integral transform: where in its forecast each day fell; uniform if the forecasts are right.

    It is the forecast's distribution function, continuous in y: linear between two draws, the middle of their ranks on
    tied draws, and beyond the outermost draws an exponential tail of the draws' standard deviation that holds the half
    cell left there.

    Args:
        draws: float64 `[days, m]`.
        y: What happened, float64 `[days]`.

    Returns:
        float64 `[days]` in (0, 1).
    """
    x, m = np.sort(draws, axis=1), draws.shape[1]
    below, upto = (x < y[:, None]).sum(axis=1), (x <= y[:, None]).sum(axis=1)
    rows = np.arange(len(y))
    left, right = x[rows, np.maximum(below - 1, 0)], x[rows, np.minimum(below, m - 1)]
    part = np.divide(y - left, right - left, out=np.full(len(y), 0.5), where=right > left)
    found = np.where(upto > below, (below + upto) / 2, below - 0.5 + part) / m
    width = np.maximum(x.std(axis=1), np.finfo(float).tiny)
    with np.errstate(over="ignore"):  # of a gap many widths wide: the tail is then 0, and clipped below
        found = np.where(y < x[:, 0], np.exp(-np.maximum(x[:, 0] - y, 0) / width) / (2 * m), found)
        found = np.where(y > x[:, -1], 1 - np.exp(-np.maximum(y - x[:, -1], 0) / width) / (2 * m), found)
    return np.clip(found, LEAST, 1 - LEAST)


def errors(price: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """`mae` and `rmse` of forecast prices in their unit, and `mape` in percent; both arrays float64 `[days]`."""
    error = predicted - price
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "mape": float(100 * np.abs(error / price).mean()),
    }


def point_scores(
    price: np.ndarray, predicted: np.ndarray, previous: np.ndarray, season_error: float
) -> dict[str, float]:
    """Errors of forecast prices.

    Args:
        price: Prices that came, float64 `[days]`.
        predicted: Their forecasts, float64 `[days]`.
        previous: The last price known to each forecast, float64 `[days]`.
        season_error: Mean absolute error of persistence over the training days, the unit of MASE.

    Returns:
        Those of `errors`; `mase`, above 1 if worse than persistence was in
        training; `directional`, the share of days whose change has the forecast's sign. Days without a change are left
        out of `directional` (it is 0.5 if no day is left), and a forecast of no change counts one half, so that
        persistence gets 0.5.
    """
    found = errors(price, predicted)
    moved, expected = np.sign(price - previous), np.sign(predicted - previous)
    right = (1 + moved * expected)[moved != 0] / 2
    return {
        **found,
        "mase": found["mae"] / float(season_error) if season_error > 0 else float("nan"),
        "directional": float(right.mean()) if len(right) else 0.5,
    }


def means(tables: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Means of the figures that every table has."""
    return {key: float(np.mean([t[key] for t in tables])) for key in tables[0] if all(key in t for t in tables)}
