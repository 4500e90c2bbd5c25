"""Correcting the spread of forecasts by how earlier ones came out.

The probability integral transform (PIT) of an outcome is the level at which its forecast had put it. Those of a
calibrated model are uniform (Dawid 1984), and so is their distance from the middle, |2 PIT - 1|; where past distances
are not, the next forecast's central intervals are read at other levels: the one that should hold a share p of the
outcomes is the raw one at the p-quantile of past distances (Kuleshov et al. 2018 correct all levels, once and for all;
here it goes along with time). Only outcomes before the forecast enter.

The median stays: by chance alone the mean of a few hundred PITs is further from 1/2 than a real trend would put it.
"""

from __future__ import annotations

import numpy as np

TRUST = 250  # past PITs at which they weigh as much as the uniform distribution that they estimate


def levels(count: int) -> np.ndarray:
    """Levels of equally likely draws, (i + 1/2) / count."""
    return (np.arange(count) + 0.5) / count


def corrected(past: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Levels at which to read a raw forecast.

    Args:
        past: PITs of earlier forecasts, `[n]` in (0, 1); none leaves the levels as they are.
        wanted: Levels of the corrected forecast, `[m]` in (0, 1), ascending.

    Returns:
        `[m]` in (0, 1), ascending.
    """
    if not len(past):
        return wanted
    apart = np.sort(np.abs(2 * past - 1))
    knots = np.concatenate([[0.0], np.arange(1, len(past) + 1) / (len(past) + 1), [1.0]])
    share = np.abs(2 * wanted - 1)
    found = np.interp(share, knots, np.concatenate([[0.0], apart, [1.0]]))
    trust = len(past) / (len(past) + TRUST)
    return 0.5 + np.sign(wanted - 0.5) * (trust * found + (1 - trust) * share) / 2


def rolling(pits: np.ndarray, rows: np.ndarray, window: int, wanted: np.ndarray) -> np.ndarray:
    """The levels for several sessions.

    Args:
        pits: `[n]`, of the raw forecast of each session; NaN where there was none.
        rows: Sessions to forecast, `[k]`.
        window: How many PITs before each session are used.
        wanted: `[m]`.

    Returns:
        `[k, m]`.
    """
    found = np.empty((len(rows), len(wanted)))
    for i, row in enumerate(rows):
        past = pits[max(0, row - window) : row] if window else pits[:0]
        found[i] = corrected(past[np.isfinite(past)], wanted)
    return found
