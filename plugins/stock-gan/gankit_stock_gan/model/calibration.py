"""Correcting forecasts by how earlier ones came out.

The probability integral transform (PIT) of an outcome is the level at which its forecast had put it. Those of a
calibrated model are uniform (Dawid 1984); where past ones are not, the next forecast is read at other levels: the
p-quantile of the corrected forecast is the quantile of the raw one at the p-quantile of the past PITs (Kuleshov et al.
2018 do so once, on a calibration set; here it goes along with time). Only outcomes before the forecast enter.
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
    ordered = np.sort(past)
    knots = np.concatenate([[0.0], np.arange(1, len(past) + 1) / (len(past) + 1), [1.0]])
    found = np.interp(wanted, knots, np.concatenate([[0.0], ordered, [1.0]]))
    trust = len(past) / (len(past) + TRUST)
    return trust * found + (1 - trust) * wanted


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
