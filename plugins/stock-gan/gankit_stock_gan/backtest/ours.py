"""What the trained networks say of held-out sessions, walk-forward: each forecast knows the returns before it alone."""

from __future__ import annotations

import numpy as np

from gankit_stock_gan.model.forecaster import Forecaster
from gankit_stock_gan.model.noise import MEAN
from gankit_stock_gan.model.windows import Past
from gankit_stock_gan.simulation.simulate import ahead

AT_ONCE = 100_000  # simulated paths in memory together


def distributions(
    forecaster: Forecaster, past: Past, rows: np.ndarray, count: int, horizon: int = 1, seed: int = 0
) -> np.ndarray:
    """The distribution of the sum of the next `horizon` log returns after each of some sessions.

    Args:
        forecaster: The generator.
        past: The series.
        rows: Sessions, `[k]`.
        count: Equally likely draws of each.
        horizon: Sessions ahead. One day's quantiles need no sampling; further ahead, paths are simulated.
        seed: Of their noise, which all sessions share: two of them differ by what they know, not by chance.

    Returns:
        `[k, count]`, ascending.
    """
    if horizon == 1:
        return forecaster.forecast(past, rows, count)
    parts, size = [], max(1, AT_ONCE // count)
    for start in range(0, len(rows), size):
        paths = ahead(forecaster, past, rows[start : start + size], count, horizon, seed)
        parts.append(np.sort(paths.sum(-1), axis=1))
    return np.concatenate(parts)


def means(network: Forecaster, past: Past, rows: np.ndarray) -> np.ndarray:
    """The expected next log return of the baseline LSTM, `[k]`."""
    shape, _ = network.after(past, rows)
    return past.scale[rows] * shape[:, MEAN]
