"""Matching a history: the method of simulated moments (Duffie & Singleton 1993) for the few numbers of `Tuning`.

One-day scores hardly see what makes a path of years look real: how slowly volatility forgets, how much falls feed it.
Those are matched here, on the very history that the paths are compared with afterwards; the distances in the panel are
therefore in-sample, as those of Quant GANs are, whose networks are trained on the window that they are judged by.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from gankit.errors import DataError
from gankit.support import Bar, finite, read_stored, slug, write_json
from gankit_stock_gan.bars import Series
from gankit_stock_gan.model.forecaster import Forecaster
from gankit_stock_gan.simulation.facts import LAGS, distances, facts
from gankit_stock_gan.simulation.simulate import Tuning, anywhere

log = logging.getLogger("gankit")

FEWEST = 1000  # returns: of fewer, a year of autocorrelations says nothing
PATHS = 100
EVALUATIONS = 400
# What Quant GANs' best network reaches on the S&P 500 (Wiese et al. 2020, table 1): the units of the distances.
UNITS = {"acf_abs": 0.0248, "acf_sq": 0.0214, "leverage": 0.329}
WEIGHTS = {"acf_abs": 1.5, "acf_sq": 4.0, "leverage": 2.0}  # squares are the hardest: a few days rule them
# Where the search begins, and its first steps: what fits indices of shares about well.
BEGIN = np.array([-4.8, 2.8, 0.17, 0.5, -0.35, 0.45, 0.55])
STEPS = np.array([0.7, -0.7, 0.06, -0.2, 0.15, 0.3, 0.3])
WORST = 1e6


def kept(forecaster: Forecaster, series: Series, seed: int, run: Path, checkpoint: str) -> Tuning:
    """The tuning to a history, stored in the run's folder: finding it takes minutes.

    Args:
        forecaster: The generator.
        series: The history.
        seed: As of `tune`.
        run: The run's folder.
        checkpoint: Name of the checkpoint that the generator is of.
    """
    content = series.returns.tobytes() + checkpoint.encode() + str(seed).encode()
    path = run / "tuning" / f"{slug(series.name)}-{hashlib.sha256(content).hexdigest()[:12]}.json"
    if path.is_file():
        try:
            found = read_stored(path, Tuning, "")
            if all(map(finite, asdict(found).values())) and found.anchor > 0:
                return found
            log.warning("%s is damaged: a number of it is out of range", path)
        except DataError as error:
            log.warning("%s", error.message)
    log.info("tuning paths to %s: some minutes, once", series.name)
    with Bar("simulations", EVALUATIONS) as bar:
        found = tune(forecaster, series.returns, seed, EVALUATIONS, bar)
    path.parent.mkdir(exist_ok=True)
    write_json(path, asdict(found))
    return found


def _tuning(vector: np.ndarray, anchor: float) -> Tuning:
    """The numbers that the search moves, as a tuning."""
    pull, *rest = vector.tolist()
    gain, level, drift, skew, tails, lever = rest
    return Tuning(anchor, float(np.exp(min(pull, -0.5))), gain, level, drift, skew, tails, lever)


def tune(
    forecaster: Forecaster,
    returns: np.ndarray,
    seed: int = 0,
    evaluations: int = EVALUATIONS,
    told: Callable[[int], None] = lambda count: None,
) -> Tuning:
    """The tuning whose paths are most like a history.

    Args:
        forecaster: The generator.
        returns: The history's log returns, `[n]`; with fewer than `FEWEST`, only the level is matched.
        seed: Of the paths, the same in every evaluation.
        evaluations: Of the search (Nelder & Mead 1965).
        told: Called with 1 for each evaluation.
    """
    from scipy.optimize import minimize

    anchor = float(np.var(returns))
    if len(returns) < FEWEST:
        log.warning("%d returns are too few to tune paths to: only their level is matched", len(returns))
        return Tuning(anchor)
    real = facts(returns)

    def distance(vector: np.ndarray) -> float:
        told(1)
        with np.errstate(over="ignore", invalid="ignore"):
            paths = anywhere(forecaster, _tuning(vector, anchor), PATHS, len(returns), seed).returns
        return mismatch(returns, real, paths)

    simplex = np.vstack([BEGIN, BEGIN + np.diag(STEPS)])
    found = minimize(distance, BEGIN, method="Nelder-Mead", options={"maxfev": evaluations, "initial_simplex": simplex})
    return _tuning(found.x, anchor)


def mismatch(returns: np.ndarray, real: dict[str, float], paths: np.ndarray) -> float:
    """How unlike a history paths are; about 30 for those of a GARCH.

    Args:
        returns: `[n]`.
        real: Its `facts`.
        paths: `[count, n]`.
    """
    if not np.isfinite(paths).all() or (paths.std(axis=1) == 0).any():
        return WORST
    apart, ours = distances(returns, paths, LAGS), facts(paths)
    powers = [WEIGHTS[name] * (apart[name] / unit) ** 4 for name, unit in UNITS.items()]  # the worst counts most
    powers += [
        (np.log(paths.std() / returns.std()) / 0.1) ** 2,
        ((paths.mean() - returns.mean()) / returns.std() / 0.05) ** 2,
        ((ours["skewness"] - real["skewness"]) / 1.0) ** 2,
        (np.log((3 + ours["kurtosis"]) / (3 + real["kurtosis"])) / 0.5) ** 2,
    ]
    return float(sum(powers))
