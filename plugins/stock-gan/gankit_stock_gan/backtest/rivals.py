"""Distributions that the model has to beat: each walks forward and knows, for a day, only the returns before it.

    normal       a Gaussian with the mean and variance of the whole past
    historical   the last 250 days, as they came
    ewma         a Gaussian with RiskMetrics' exponentially weighted variance (decay 0.94) and no mean
    garch-t      GARCH(1, 1) with Student's t
    gjr-t        GJR-GARCH(1, 1, 1) with Student's t
    gjr-fhs      GJR's volatility times its own past standardised residuals: filtered historical simulation

The first three follow every day; the last three take new parameters every `refit` days and go on filtering between.

Sources: J.P. Morgan/Reuters, RiskMetrics 1996; Barone-Adesi, Giannopoulos & Vosper 1999 for filtered historical
simulation; see `garch` for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gankit.errors import DataError
from gankit_stock_gan.backtest import garch
from gankit_stock_gan.model.calibration import levels

WINDOW = 250  # days of historical simulation, about a year
DECAY = 0.94  # of RiskMetrics for daily data
BACKCAST = 75  # first returns whose weighted mean square starts the recursion of EWMA


@dataclass(frozen=True)
class Task:
    """What is to be forecast, and the volatilities that several rivals share, each walked once."""

    returns: np.ndarray
    start: int
    m: int
    refit: int
    horizon: int
    seed: int
    walks: dict[str, list[garch.Block]] = field(default_factory=dict)

    def walk(self, kind: garch.Kind) -> list[garch.Block]:
        """The walk of one kind of recursion."""
        if kind not in self.walks:
            self.walks[kind] = garch.walk(self.returns, self.start, self.refit, kind)
        return self.walks[kind]

    def ranks(self) -> np.ndarray:
        """Which of the m innovations each path gets in each step, int `[horizon, m]`.

        Every step uses all of them, in an order of its own: a Latin hypercube leaves less noise than independent
        numbers, and one step has none. The same ranks serve all origins and rivals.
        """
        rng = np.random.default_rng(self.seed)
        return np.stack([rng.permutation(self.m) for _ in range(self.horizon)])


def forecasts(
    returns: np.ndarray, start: int, m: int = 1000, refit: int = 21, horizon: int = 1, seed: int = 0
) -> dict[str, np.ndarray]:
    """What each rival says before day t about the sum of the returns of days t ... t + horizon - 1.

    Several days ahead, Gaussians grow by the square root of time, historical simulation takes sums that overlap, and
    the GARCH family follows m simulated paths.

    Args:
        returns: Plain log returns, float64 `[n]`.
        start: The first day t; the row of day t uses `returns[:t]` alone.
        m: Draws of each row.
        refit: Days between two estimates of the GARCH family.
        horizon: Days ahead.
        seed: Of the simulated paths, where there are several days.

    Returns:
        Name -> float64 `[n - start, m]`, each row sorted: quantiles at the midpoints (i + 1/2) / m. The last
        horizon - 1 rows reach beyond the end of `returns`.

    Raises:
        DataError: If a return is not finite, or too few or all lie before `start`.
    """
    returns = np.asarray(returns, np.float64)
    if not np.isfinite(returns).all():
        raise DataError("a return is not a finite number", "look for prices that are missing or not positive")
    if not max(garch.LEAST_PAST, horizon + 1) <= start < len(returns):
        raise DataError(
            f"{len(returns)} returns cannot be split at {start}",
            f"at least {max(garch.LEAST_PAST, horizon + 1)} must lie before the first forecast, and one after",
        )
    task = Task(returns, start, m, refit, horizon, seed)
    return {name: rival(task) for name, rival in RIVALS.items()}


def _normal(task: Task) -> np.ndarray:
    days = np.arange(1, len(task.returns))  # row i: of the first i + 1 returns
    mean = np.cumsum(task.returns)[:-1] / days
    variance = np.maximum(np.cumsum(task.returns**2)[:-1] / days - mean**2, 0)
    return _gaussian(task, mean[task.start - 1 :], variance[task.start - 1 :])


def _ewma(task: Task) -> np.ndarray:
    from scipy.signal import lfilter

    squares = task.returns**2
    early = squares[: min(BACKCAST, task.start)]
    weights = DECAY ** np.arange(len(early))
    begin = early @ weights / weights.sum()
    variance = lfilter([1.0], [1.0, -DECAY], np.concatenate([[begin], (1 - DECAY) * squares]))
    variance = variance[task.start : -1]  # the last is of the day after the end
    return _gaussian(task, np.zeros(len(variance)), variance)


def _gaussian(task: Task, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    scale = np.sqrt(task.horizon * variance)
    return task.horizon * mean[:, None] + scale[:, None] * ndtri(levels(task.m))


def _historical(task: Task) -> np.ndarray:
    sums = np.convolve(task.returns, np.ones(task.horizon), "valid")  # sums[i] ends with day i + horizon - 1
    ends = np.arange(task.start, len(task.returns)) - task.horizon + 1
    past = (sums[max(0, end - WINDOW) : end] for end in ends)
    return np.stack([np.quantile(window, levels(task.m), method="hazen") for window in past])


def _student(task: Task, kind: garch.Kind) -> np.ndarray:
    from scipy.stats import t as student

    def innovations(block: garch.Block) -> np.ndarray:
        nu = block.parameters.nu
        return student.ppf(levels(task.m), nu) * np.sqrt((nu - 2) / nu)

    return _simulated(task, kind, innovations)


def _filtered_history(task: Task) -> np.ndarray:
    def innovations(block: garch.Block) -> np.ndarray:
        residuals = (task.returns[: block.first] - block.parameters.mean) / block.sigma[: block.first]
        return np.quantile(residuals, levels(task.m), method="hazen")

    return _simulated(task, "gjr", innovations)


def _simulated(task: Task, kind: garch.Kind, innovations: Callable[[garch.Block], np.ndarray]) -> np.ndarray:
    """Paths from each origin, with the innovations' quantiles at the midpoints given for each block."""
    ranks = task.ranks()
    return np.concatenate(
        [garch.simulate(b.parameters, b.sigma[b.first :], innovations(b)[ranks]) for b in task.walk(kind)]
    )


RIVALS: dict[str, Callable[[Task], np.ndarray]] = {
    "normal": _normal,
    "historical": _historical,
    "ewma": _ewma,
    "garch-t": lambda task: _student(task, "garch"),
    "gjr-t": lambda task: _student(task, "gjr"),
    "gjr-fhs": _filtered_history,
}
