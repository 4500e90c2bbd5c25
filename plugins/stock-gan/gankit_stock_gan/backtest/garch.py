"""Walk-forward volatility by GARCH(1, 1) and its asymmetric form GJR, with Student's t and a constant mean.

    r_t = mean + e_t,   e_t = sigma_t z_t
    sigma_t^2 = omega + (alpha + gamma [e_(t-1) < 0]) e_(t-1)^2 + beta sigma_(t-1)^2

`arch` estimates the parameters; between two estimates the recursion goes on by a linear filter here, which gives
what arch calls conditional volatility. Everything is in plain returns; arch sees percent, which its optimiser needs.

Sources: Bollerslev 1986 and 1987; Glosten, Jagannathan & Runkle 1993, with gamma = 0 for GARCH.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gankit.errors import DataError

Kind = Literal["garch", "gjr"]

LEAST_PAST = 60  # returns before the first forecast: fewer do not determine six parameters


@dataclass(frozen=True)
class Parameters:
    """Of one estimate, for plain returns; `backcast` is the variance that stands for the time before the first."""

    mean: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    nu: float
    backcast: float


@dataclass(frozen=True)
class Block:
    """The days `first` ... `last` - 1, which share one estimate, made from the returns before `first`.

    `sigma` `[last]` is the volatility of every day up to there, each from the returns before it.
    """

    first: int
    last: int
    parameters: Parameters
    sigma: np.ndarray


def usual(returns: np.ndarray) -> Parameters:
    """Parameters typical of daily returns, with the sample's mean and variance: where no estimate is to be had."""
    variance = max(float(returns.var()), 1e-12)
    return Parameters(float(returns.mean()), 0.05 * variance, 0.05, 0.0, 0.90, 8.0, backcast(returns))


def backcast(returns: np.ndarray) -> float:
    """Exponentially weighted variance of the first 75 returns around the mean of all, as arch starts its recursion."""
    squares = (returns - returns.mean())[:75] ** 2
    weights = 0.94 ** np.arange(len(squares))
    return float(squares @ weights / weights.sum())


def fit(returns: np.ndarray, kind: Kind, near: Parameters | None = None) -> Parameters | None:
    """Maximum-likelihood estimate.

    Args:
        returns: Plain log returns, float64 `[n]`.
        kind: `gjr` lets falls raise volatility more than rises.
        near: An earlier estimate to start from, which is faster.

    Returns:
        The parameters, or None if the optimiser did not converge.
    """
    import warnings

    from arch import arch_model

    model = arch_model(100 * returns, mean="Constant", vol="GARCH", o=int(kind == "gjr"), dist="t", rescale=False)
    start = None
    if near is not None:
        lever = [near.gamma] if kind == "gjr" else []
        start = np.array([100 * near.mean, 1e4 * near.omega, near.alpha, *lever, near.beta, near.nu])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a start on the edge of what is allowed: arch then takes its own
            result = model.fit(disp="off", show_warning=False, starting_values=start)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):  # of returns without any variation
        return None
    if result.convergence_flag != 0 or not np.isfinite(result.params).all():
        return None
    mean, omega, alpha, *lever, beta, nu = (float(value) for value in result.params)
    return Parameters(mean / 100, omega / 1e4, alpha, lever[0] if lever else 0.0, beta, nu, backcast(returns))


def filtered(parameters: Parameters, returns: np.ndarray) -> np.ndarray:
    """Volatility of every day and of the one after the last, each from the returns before it.

    Args:
        parameters: Of an estimate; the recursion starts from its `backcast`.
        returns: Plain log returns, float64 `[n]`.

    Returns:
        float64 `[n + 1]`, standard deviations of plain log returns.
    """
    from scipy.signal import lfilter

    p, e = parameters, returns - parameters.mean
    first = p.omega + (p.alpha + p.gamma / 2 + p.beta) * p.backcast
    news = p.omega + (p.alpha + p.gamma * (e < 0)) * e**2
    return np.sqrt(lfilter([1.0], [1.0, -p.beta], np.concatenate([[first], news])))


def walk(returns: np.ndarray, start: int, refit: int, kind: Kind) -> list[Block]:
    """Estimates at `start` and every `refit` days after it, each from all returns before, and the volatilities.

    An estimate that does not converge, from the last one nor afresh, is replaced by the last good one, or by `usual`
    before there is any; the log says how many there were.

    Args:
        returns: Plain log returns, float64 `[n]`.
        start: The first day to forecast.
        refit: Days between two estimates.
        kind: Of the recursion.

    Returns:
        The blocks of days `start` ... n - 1.

    Raises:
        DataError: If fewer than 60 returns lie before `start`.
    """
    if start < LEAST_PAST:
        raise DataError(
            f"{start} returns before the first forecast do not suffice to estimate volatility",
            f"at least {LEAST_PAST} are needed: take a longer history or a later test period",
        )
    blocks, failures, good = [], 0, None
    for first in range(start, len(returns), refit):
        last, past = min(first + refit, len(returns)), returns[:first]
        found = (good and fit(past, kind, good)) or fit(past, kind)
        if found is None:
            failures += 1
        else:
            good = found
        parameters = good or usual(past)
        blocks.append(Block(first, last, parameters, filtered(parameters, returns[:last])[:-1]))
    if failures:
        logging.getLogger("gankit").warning(
            "%s: %d of %d estimates did not converge; the last good ones stood in", kind, failures, len(blocks)
        )
    return blocks


def simulate(parameters: Parameters, sigma: np.ndarray, shocks: np.ndarray) -> np.ndarray:
    """Sums of the next h returns along paths that begin at several volatilities.

    Args:
        parameters: Of the recursion.
        sigma: Volatility of each origin's next day, float64 `[origins]`.
        shocks: Standardised innovations of each path, the same for all origins, float64 `[h, m]`.

    Returns:
        float64 `[origins, m]`, sorted along the paths.
    """
    p = parameters
    variance, total = sigma[:, None] ** 2, np.full((len(sigma), shocks.shape[1]), len(shocks) * p.mean)
    for z in shocks:
        e = np.sqrt(variance) * z
        total += e
        variance = p.omega + (p.alpha + p.gamma * (e < 0)) * e**2 + p.beta * variance
    return np.sort(total, axis=1)
