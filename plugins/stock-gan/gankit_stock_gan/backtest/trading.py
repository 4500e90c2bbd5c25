"""What a forecast would have earned: a long-or-flat rule, next-bar execution, costs, and luck.

Row i of everything here is one bar: the weight that is decided at a close, and the return from that close to the next.
So a forecast of day i, made from the days before it, belongs to the return of day i. Figures are of a backtest
on a short period; they are no advice.

Sources: Kelly 1956, and MacLean, Thorp & Ziemba 2010 for taking half of it; Sharpe 1994; Politis & Romano 1994 and
Ledoit & Wolf 2008 for intervals of a difference of Sharpe ratios by resampled blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gankit.errors import UsageError
from gankit_stock_gan.backtest.significance import stationary_bootstrap_indices

YEAR = 252  # sessions of an exchange; the other functions are told of weeks, or of coins
NEXT = 2  # bars from the decision to the end of the first bar that it earns, if one trades at the next close
MEAN_BLOCK = 20
RESAMPLES = 1000
AT_ONCE = 50  # resamples in memory together
SHARE = 0.90  # of the interval


def kelly(draws: np.ndarray, fraction: float = 0.5) -> np.ndarray:
    """Weights between flat and fully invested: half of Kelly's mean over variance, without shorts or debt.

    In calm markets a positive mean soon asks for everything; the weight falls when the forecast spread grows, and is
    nothing when the expected return is not positive.

    Args:
        draws: Forecast log returns of each day, float64 `[days, m]`.
        fraction: Of Kelly's weight. A half keeps three quarters of the growth at half of the volatility, and
            is still the best weight where the true mean is half of the forecast.

    Returns:
        float64 `[days]` in [0, 1]; row i is decided at the close before day i.
    """
    simple = np.expm1(draws)
    return np.clip(fraction * simple.mean(axis=1) / np.maximum(simple.var(axis=1), 1e-12), 0, 1)


def steady(draws: np.ndarray, year: float = YEAR, target: float = 0.1) -> np.ndarray:
    """Weights that aim at one volatility, without debt: what is asked of a forecast is its spread alone.

    Args:
        draws: Forecast log returns of each day, float64 `[days, m]`.
        year: Sessions of a year.
        target: Volatility a year.

    Returns:
        float64 `[days]` in [0, 1]; row i is decided at the close before day i.
    """
    return np.clip(target / np.sqrt(year) / np.maximum(np.expm1(draws).std(axis=1), 1e-9), 0, 1)


def rules(returns: np.ndarray, draws: np.ndarray, year: float = YEAR) -> dict[str, Any]:
    """What either rule would have made of forecasts, traded at the close after the one that they were made at.

    Args:
        returns: Log returns that came, float64 `[days]`.
        draws: Their forecasts, float64 `[days, m]`.
        year: Sessions of a year.

    Returns:
        `kelly` and `steady`, each as of `beside_holding`.
    """
    weights = {"kelly": kelly(draws), "steady": steady(draws, year)}
    return {name: beside_holding(returns, held, delay=NEXT, year=year) for name, held in weights.items()}


def strategy(returns: np.ndarray, positions: np.ndarray, cost_bps: float = 0.0, delay: int = 1) -> np.ndarray:
    """Daily returns after costs of holding the given weights, beginning from cash.

    A weight drifts with the price until the next close, where it is traded back to the next weight; each unit of
    weight that is traded costs `cost_bps`, the first purchase included. Cash earns nothing.

    Args:
        returns: Log returns, float64 `[days]`; row i is of the bar that begins where weight i is decided.
        positions: Weights decided at the close before each bar, float64 `[days]`; they may know nothing of that bar.
        cost_bps: Basis points a unit of turnover.
        delay: Bars from the decision to the end of the first bar that it earns: 1 trades at the close at which it is
            decided, 2 one bar later.

    Returns:
        Simple returns, float64 `[days]`.

    Raises:
        UsageError: If the delay is below 1 (a look into the future) or the rows do not fit.
    """
    simple, weights = np.expm1(returns), _held(returns, positions, delay)
    return weights * simple - cost_bps / 1e4 * _turnover(simple, weights)


def sharpe(daily: np.ndarray, year: float = YEAR) -> float:
    """Annualised mean over standard deviation of daily returns `[days]`; 0 where they do not vary."""
    return float(_sharpes(np.asarray(daily, float)[None], year)[0])


def max_drawdown(daily: np.ndarray) -> float:
    """Largest loss from a peak, the initial capital included, as a share in [0, 1]; `daily` are simple returns."""
    equity = np.cumprod(np.concatenate([[1.0], 1 + daily]))
    return float((1 - equity / np.maximum.accumulate(equity)).max())


def beside_holding(
    returns: np.ndarray,
    positions: np.ndarray,
    costs: Sequence[float] = (0, 5, 10),
    seed: int = 0,
    delay: int = 1,
    year: float = YEAR,
) -> dict[str, Any]:
    """The strategy beside buying on the first day and holding, at several costs.

    Args:
        returns: Log returns, float64 `[days]`, row by row as in `strategy`.
        positions: Weights, float64 `[days]`.
        costs: Basis points a unit of turnover.
        seed: Of the bootstrap; all costs see the same resamples.
        delay: As in `strategy`, of the strategy alone.
        year: Sessions of a year.

    Returns:
        `days`; `costs`: `"5"` -> `strategy` and `buy_and_hold`, each with `sharpe`, `annual_return`, `volatility`
        (both shares a year), `max_drawdown` and `turnover` (units a year), and `sharpe_difference` with its
        `interval`, of 90 % by the stationary bootstrap of pairs of days; `equity`: the same keys -> curves, float64
        `[days]`, which begin at 1 before the first day.
    """
    ones, simple = np.ones(len(returns)), np.expm1(returns)
    found: dict[str, Any] = {"days": len(returns), "costs": {}, "equity": {}}
    for cost in costs:
        key = f"{cost:g}"
        ours, theirs = strategy(returns, positions, cost, delay), strategy(returns, ones, cost)
        low, high = _interval(ours, theirs, seed, year)
        found["costs"][key] = {
            "strategy": _figures(ours, _turnover(simple, _held(returns, positions, delay)), year),
            "buy_and_hold": _figures(theirs, _turnover(simple, ones), year),
            "sharpe_difference": sharpe(ours, year) - sharpe(theirs, year),
            "interval": [low, high],
        }
        found["equity"][key] = {"strategy": np.cumprod(1 + ours), "buy_and_hold": np.cumprod(1 + theirs)}
    return found


def _held(returns: np.ndarray, positions: np.ndarray, delay: int) -> np.ndarray:
    if delay < 1 or len(returns) != len(positions):
        raise UsageError(
            f"{len(positions)} positions with a delay of {delay} cannot be traded on {len(returns)} returns",
            "give one position a bar, and a delay of at least 1: a position cannot earn a bar that it knows",
        )
    return np.concatenate([np.zeros(delay - 1), positions])[: len(positions)]


def _turnover(simple: np.ndarray, weights: np.ndarray) -> np.ndarray:
    drifted = weights * (1 + simple) / (1 + weights * simple)
    return np.abs(weights - np.concatenate([[0.0], drifted[:-1]]))


def _figures(daily: np.ndarray, turnover: np.ndarray, year: float) -> dict[str, float]:
    return {
        "sharpe": sharpe(daily, year),
        "annual_return": float(np.prod(1 + daily) ** (year / len(daily)) - 1),
        "volatility": float(daily.std(ddof=1) * np.sqrt(year)),
        "max_drawdown": max_drawdown(daily),
        "turnover": float(turnover.mean() * year),
    }


def _sharpes(daily: np.ndarray, year: float) -> np.ndarray:
    """Of each row of `[series, days]`."""
    mean, spread = daily.mean(axis=1), daily.std(axis=1, ddof=1)
    return np.sqrt(year) * np.divide(mean, spread, out=np.zeros(len(mean)), where=spread > 1e-12)


def _interval(ours: np.ndarray, theirs: np.ndarray, seed: int, year: float) -> tuple[float, float]:
    rng, found = np.random.default_rng(seed), []
    for _ in range(0, RESAMPLES, AT_ONCE):
        rows = stationary_bootstrap_indices(len(ours), MEAN_BLOCK, rng, AT_ONCE)
        found.append(_sharpes(ours[rows], year) - _sharpes(theirs[rows], year))
    low, high = np.quantile(np.concatenate(found), [(1 - SHARE) / 2, (1 + SHARE) / 2])
    return float(low), float(high)
