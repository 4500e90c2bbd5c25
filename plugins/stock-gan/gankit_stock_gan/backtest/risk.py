"""Value at Risk and expected shortfall of a forecast distribution, and whether they held.

Both are losses, so positive numbers, in the unit of the log returns. Sources: Kupiec 1995, Christoffersen 1998;
Acerbi & Tasche 2002, eq. 11, for a shortfall that takes the right part of the draw at the edge of the tail.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gankit_stock_gan.backtest.scores import quantiles
from gankit_stock_gan.backtest.significance import christoffersen, kupiec


def value_at_risk(draws: np.ndarray, level: float) -> np.ndarray:
    """Loss that is exceeded with probability `level`.

    Args:
        draws: Forecast log returns, float64 `[days, m]`.
        level: For instance 0.01.

    Returns:
        float64 `[days]`, usually positive.
    """
    return -quantiles(draws, [level])[:, 0]


def expected_shortfall(draws: np.ndarray, level: float) -> np.ndarray:
    """Mean loss on the worst `level` of the draws.

    Args:
        draws: Forecast log returns, float64 `[days, m]`.
        level: For instance 0.01; where `level * m` is no whole number, the draw at the edge counts in part.

    Returns:
        float64 `[days]`.
    """
    m = draws.shape[1]
    weights = np.clip(level * m - np.arange(m), 0, 1)
    return -np.sort(draws, axis=1) @ weights / weights.sum()


def tail_losses(draws: np.ndarray, levels: Sequence[float] = (0.01, 0.05)) -> dict[str, dict[str, float]]:
    """Both losses of one distribution.

    Args:
        draws: Log returns, float64 `[m]`.
        levels: Of the Value at Risk.

    Returns:
        For each level, as `"0.01"`: `value_at_risk` and `expected_shortfall`.
    """
    ordered = np.sort(draws)[None]
    return {
        f"{level:g}": {
            "value_at_risk": float(value_at_risk(ordered, level)[0]),
            "expected_shortfall": float(expected_shortfall(ordered, level)[0]),
        }
        for level in levels
    }


def report(draws: np.ndarray, y: np.ndarray, levels: Sequence[float] = (0.01, 0.05)) -> dict[str, dict[str, Any]]:
    """How often and how badly the forecast losses were exceeded.

    Args:
        draws: Forecast log returns, float64 `[days, m]`.
        y: Log returns that came, float64 `[days]`.
        levels: Of the Value at Risk.

    Returns:
        For each level, as `"0.01"`: `days`, `violations`, `expected` (of them), `kupiec_p` (as many as expected),
        `christoffersen_p` (not in clusters), and of the days that broke it `expected_shortfall` and `realised_loss`,
        both means, None where no day did.
    """
    found = {}
    for level in levels:
        hits = y < -value_at_risk(draws, level)
        count = int(hits.sum())
        found[f"{level:g}"] = {
            "days": len(y),
            "violations": count,
            "expected": level * len(y),
            "kupiec_p": kupiec(count, len(y), level)[1],
            "christoffersen_p": christoffersen(hits)[1],
            "expected_shortfall": float(expected_shortfall(draws[hits], level).mean()) if count else None,
            "realised_loss": float(-y[hits].mean()) if count else None,
        }
    return found
