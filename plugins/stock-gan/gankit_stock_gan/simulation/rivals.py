"""What a simulator has to beat: GARCH and GJR-GARCH fitted by maximum likelihood, and the stationary bootstrap.

GARCH (Bollerslev 1986) makes volatility cluster; the GJR term (Glosten, Jagannathan and Runkle 1993) adds the leverage
effect. The bootstrap replays random stretches of history (Politis and Romano, "The stationary bootstrap", 1994): it
has every fact of the real series within a block, and nothing new.
"""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np

from gankit.errors import DataError
from gankit_stock_gan.backtest.significance import blocks
from gankit_stock_gan.simulation.facts import checked

BURN_IN = 1000  # days; shocks to a volatility with a persistence of .995 have fallen below 1 % by then
LEAST = 100  # returns; fewer don't hold four to six parameters down
MEAN_BLOCK = 50.0  # days


def garch_paths(
    returns: np.ndarray,
    count: int,
    length: int,
    kind: Literal["garch", "gjr"] = "garch",
    seed: int = 0,
    dist: Literal["t", "normal"] = "t",
) -> np.ndarray:
    """Simulates from a model with constant mean, fitted to the returns, from its stationary state.

    The variance of a day is omega + (alpha + gamma [e < 0]) e^2 + beta (variance of the day before), where e is the
    innovation of the day before; gamma is 0 for `garch`.

    Args:
        returns: `[n]` log returns.
        count: Paths.
        length: Days of each.
        kind: Which model.
        seed: Of the innovations.
        dist: Innovations from Student's t, whose degrees of freedom are fitted, or Gaussian as in published tables.

    Returns:
        `[count, length]` float64 log returns.

    Raises:
        DataError: Fewer than 100 returns, not finite or constant, or the fit has failed.
        ValueError: Another kind or distribution.
    """
    if kind not in ("garch", "gjr") or dist not in ("t", "normal"):
        raise ValueError(f"no model {kind!r} with innovations {dist!r}")
    p, scale = _fitted(returns, kind, dist)
    rng, shape = np.random.default_rng(seed), (BURN_IN + length, count)
    if dist == "t":
        z = rng.standard_t(p["nu"], shape) * np.sqrt(1 - 2 / p["nu"])
    else:
        z = rng.standard_normal(shape)
    gamma = p.get("gamma[1]", 0.0)
    variance = np.full(count, 1.0)  # of the scaled returns, to which the model was fitted
    for e in z:
        e *= np.sqrt(variance)
        variance = p["omega"] + (p["alpha[1]"] + gamma * (e < 0)) * e**2 + p["beta[1]"] * variance
    return np.ascontiguousarray((p["mu"] + z[BURN_IN:]).T) * scale


def bootstrap_paths(
    returns: np.ndarray, count: int, length: int, mean_block: float = MEAN_BLOCK, seed: int = 0
) -> np.ndarray:
    """Strings together blocks of history, with random starts and geometric lengths; its end runs on at its beginning.

    Args:
        returns: `[n]` log returns.
        count: Paths.
        length: Days of each.
        mean_block: Mean length of a block in days, at least 1; 1 draws each day by itself.
        seed: Of starts and lengths.

    Returns:
        `[count, length]` float64, each value one of `returns`.

    Raises:
        DataError: No returns, or not finite.
        ValueError: `mean_block` is below 1.
    """
    returns = checked(returns, 1)
    if mean_block < 1:
        raise ValueError(f"a block has a mean length of at least 1 day, not {mean_block}")
    rng, n = np.random.default_rng(seed), len(returns)
    begins = rng.random((count, length)) < 1 / mean_block
    return returns[blocks(rng.integers(0, n, (count, length)), begins, n)]


def beside(returns: np.ndarray, count: int, seed: int) -> dict[str, np.ndarray]:
    """Paths of every rival, as long as the history `[n]` that they are fitted to: name -> `[count, n]`."""
    n = len(returns)
    return {
        "garch": garch_paths(returns, count, n, "garch", seed),
        "gjr": garch_paths(returns, count, n, "gjr", seed),
        "bootstrap": bootstrap_paths(returns, count, n, seed=seed),
    }


def _fitted(returns: np.ndarray, kind: str, dist: str) -> tuple[dict[str, float], float]:
    """The parameters for returns of unit SD, and the SD: the optimiser needs numbers of the order of 1."""
    from arch import arch_model

    returns = checked(returns, LEAST)
    scale = float(returns.std())
    if scale <= 1e-12 * np.abs(returns).max():
        raise DataError("the returns are constant", "no volatility model can be fitted to them")
    model = arch_model(returns / scale, p=1, o=int(kind == "gjr"), q=1, mean="Constant", dist=dist, rescale=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of failed convergence, which is an error below
        fit = model.fit(disp="off", show_warning=False)
    p = {name: float(value) for name, value in fit.params.items()}
    if fit.convergence_flag or not np.isfinite(list(p.values())).all():
        raise DataError(f"the fit of {kind} to {len(returns)} returns has failed", "give a longer series")
    return p, scale
