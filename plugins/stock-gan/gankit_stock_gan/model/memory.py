"""What the generator sees of the past: a few moving averages, and figures of them that know no scale.

The memory of a session holds exponentially weighted means of squared returns (volatility at several horizons) and of
returns (trend, and with it the leverage effect). It is a function of the returns up to that session and of nothing
later, it is updated by one linear step, and the same step carries simulated paths on. The figures are ratios: a series
multiplied by a constant, in prices or in returns, looks the same to the generator.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

# Centres of mass in sessions. The second variance sets the scale: 16 is RiskMetrics' decay of .94.
VARIANCES = (4.0, 16.0, 64.0, 256.0)
TRENDS = (4.0, 16.0, 64.0)
SCALE = 1
WIDTH = len(VARIANCES) + len(TRENDS)
FIGURES = 1 + (len(VARIANCES) - 1) + len(TRENDS)
FLOOR = 1e-12  # of a variance: a daily volatility of 1e-6, below which nothing trades
BURN_IN = 64  # sessions before the first forecast: of fewer, the slow averages say nothing

RATES = 1 / (1 + np.array([*VARIANCES, *TRENDS]))
_SPREAD = np.sqrt(1 + 2 * np.array(TRENDS))  # makes the mean of independent unit returns a unit figure


def update(memory: Any, returns: Any, rates: Any = RATES) -> Any:
    """The memory one session later.

    Args:
        memory: `[..., WIDTH]` array or tensor.
        returns: `[...]`, the log returns of that session.
        rates: Weight of the new session in each mean.
    """
    (stack,), squares = functions(memory, "stack"), returns * returns
    seen = stack([squares] * len(VARIANCES) + [returns] * len(TRENDS), -1)
    return memory + rates * (seen - memory)


def memories(returns: np.ndarray) -> np.ndarray:
    """The memory after each session, float64 `[n, WIDTH]`, of returns `[n]`; row i knows returns up to i.

    At first each mean is that of all sessions so far, until its own rate is reached.
    """
    found = np.empty((len(returns), WIDTH))
    memory = np.zeros(WIDTH)
    for i, value in enumerate(returns):
        found[i] = memory = update(memory, value, np.maximum(RATES, 1 / (i + 1)))
    return found


def scale(memory: Any) -> Any:
    """The volatility of a session, `[...]`, of memories `[..., WIDTH]`."""
    return (memory[..., SCALE] + FLOOR) ** 0.5


def figures(memory: Any, returns: Any) -> Any:
    """What the generator reads of a session, `[..., FIGURES]`.

    Args:
        memory: `[..., WIDTH]`, after the session.
        returns: `[...]`, of the session.
    """
    log, asinh, stack = functions(memory, "log", "asinh", "stack")
    unit = scale(memory)
    variances = [log(memory[..., i] + FLOOR) for i in range(len(VARIANCES))]
    trends = [memory[..., len(VARIANCES) + i] / unit * _SPREAD[i] for i in range(len(TRENDS))]
    return stack([asinh(returns / unit), *(a - b for a, b in pairwise(variances)), *trends], -1)


def functions(like: Any, *names: str) -> list[Any]:
    """NumPy's functions for an array, TensorFlow's for a tensor."""
    if isinstance(like, np.ndarray):
        return [getattr(np, {"asinh": "arcsinh"}.get(name, name)) for name in names]
    import tensorflow as tf

    return [getattr(tf if name == "stack" else tf.math, name) for name in names]
