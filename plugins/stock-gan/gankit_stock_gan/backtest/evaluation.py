"""Held-out figures: the model beside everything that a sceptic would try first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gankit import Data, Evaluation
from gankit_stock_gan.backtest import ours, point_rivals, risk, rivals, scores
from gankit_stock_gan.backtest.trading import rules
from gankit_stock_gan.backtest.verdict import distribution_verdict, point_verdict
from gankit_stock_gan.bars.calendars import per_year
from gankit_stock_gan.config import StockConfig
from gankit_stock_gan.data import Asset, crossed, foreign
from gankit_stock_gan.model.forecaster import Forecaster
from gankit_stock_gan.warnings import warnings

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)  # of the pinball loss
SHARES = {"coverage_50": 0.5, "coverage_90": 0.9}
OURS = "stock-gan"


@dataclass(frozen=True)
class Backtest:
    """Forecasts of one series by every method, for the same sessions.

    Attributes:
        asset: The series.
        rows: Sessions after which a forecast is made, `[k]`.
        horizon: Sessions ahead.
        step: Sessions from one forecast to the next.
        distributions: Method -> draws of the log return over the horizon, `[k, m]`, ascending; ours first.
        closes: Method -> predicted close, `[k]`; the medians of the distributions among them.
    """

    asset: Asset
    rows: np.ndarray
    horizon: int
    step: int
    distributions: Mapping[str, np.ndarray]
    closes: Mapping[str, np.ndarray]

    @property
    def name(self) -> str:
        """The series'."""
        return self.asset.series.name

    @property
    def origin(self) -> np.ndarray:
        """The close that each forecast starts from, `[k]`."""
        return self.asset.series.close[self.rows + 1]

    @property
    def actual(self) -> np.ndarray:
        """The close that came, `[k]`."""
        return self.asset.series.close[self.rows + 1 + self.horizon]

    @property
    def outcome(self) -> np.ndarray:
        """The log return that came, `[k]`."""
        return np.log(self.actual / self.origin)

    def losses(self, name: str) -> np.ndarray:
        """CRPS of a distribution in log return, `[k]`."""
        return scores.crps(self.distributions[name], self.outcome)

    def pit(self, name: str) -> np.ndarray:
        """Where in a distribution each outcome fell, `[k]`."""
        return scores.pit(self.distributions[name], self.outcome)

    def figures(self, name: str) -> dict[str, float]:
        """All that is measured of a method; of one that predicts closes alone, less."""
        from scipy.stats import kstest

        found = {}
        if name in self.distributions:
            draws = self.distributions[name]
            found["crps_bps"] = 1e4 * float(self.losses(name).mean())
            found |= {key: float(scores.coverage(draws, self.outcome, s).mean()) for key, s in SHARES.items()}
            found["pit_ks"] = float(kstest(self.pit(name), "uniform", method="asymp").statistic)
            found["pinball_bps"] = 1e4 * float(scores.pinball(draws, self.outcome, LEVELS).mean())
        seen = self.asset.series.close[: self.asset.start + 1]
        error = np.abs(seen[self.horizon :] - seen[: -self.horizon]).mean()
        point = scores.point_scores(self.actual, self.closes[name], self.origin, float(error))
        found |= {key: float(value) for key, value in point.items() if np.isfinite(value)}
        if naive := float(np.abs(self.actual - self.origin).mean()):
            found["mae_ratio"] = found["mae"] / naive
        return found


def walked(
    asset: Asset, generators: Sequence[tuple[int, Forecaster]], lstm: Forecaster | None, *, draws: int, refit: int,
    horizon: int = 1, step: int = 1, seed: int = 0,
) -> Backtest:  # fmt: skip
    """Forecasts of one series, walk-forward.

    Args:
        asset: The series.
        generators: Ours, each with the first session after which it is used, the earliest first.
        lstm: The baseline of the same size; None leaves it out.
        draws: Equally likely values of each distribution.
        refit: Sessions between new estimates of the rivals' parameters.
        horizon: Sessions ahead.
        step: Sessions from one forecast to the next.
        seed: Of simulated paths.
    """
    returns, close = asset.past.returns, asset.series.close
    first = asset.start
    rows = np.arange(first - 1, len(returns) - horizon, step)
    every = slice(0, len(returns) - horizon - first + 1, step)
    parts = np.split(rows, np.searchsorted(rows, [begin for begin, _ in generators])[1:])
    made = [
        ours.distributions(generator, asset.past, part, draws, horizon, seed)
        for (_, generator), part in zip(generators, parts, strict=True)
    ]
    found = {OURS: np.concatenate(made)}
    theirs = rivals.forecasts(returns, first, draws, refit, horizon, seed)
    found |= {name: values[every] for name, values in theirs.items()}
    origin = close[rows + 1]
    closes = {name: origin * np.exp(np.median(values, axis=1)) for name, values in found.items()}
    closes |= {
        name: values[every] for name, values in point_rivals.points(close, first + horizon, horizon, refit).items()
    }
    if lstm is not None and horizon == 1:
        closes["lstm"] = origin * np.exp(ours.means(lstm, asset.past, rows))
    return Backtest(asset, rows, horizon, step, found, closes)


def evaluate(recipe: Any, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """The figures of each series, their means, and what may be concluded from them."""
    config: StockConfig = recipe.config
    sizes = (config.window, config.calibration)
    generator, lstm = (Forecaster.of(networks[name], *sizes) for name in ("generator", "lstm"))
    options = {"draws": config.draws, "refit": config.refit}
    tests = [walked(asset, [(0, generator)], lstm, **options) for asset in data.held_out["assets"]]
    tables = [{name: test.figures(name) for name in test.closes} for test in tests]
    means = {name: scores.means([table[name] for table in tables]) for name in tables[0]}
    metrics = means.pop(OURS) | _costs(tests)
    said = verdicts(tests)
    protocol = {
        "split": f"walk-forward, one session ahead, over the last {config.test} sessions of each series; the networks "
        "are trained once, on sessions before these and before those that select their weights; rivals are estimated "
        f"anew every {config.refit} sessions",
        "held_out": "; ".join(_span(test) for test in tests),
        "crps_bps": "of log returns, in basis points", "mae": "of the median close, in the prices' currency",
        "selected_by": f"CRPS of the {config.validation} sessions before the held-out ones",
        "standard_error_crps_bps": {t.name: _luck(t) for t in tests},
        "warnings": "; ".join(_warnings(config, tests, data)),
    }  # fmt: skip
    rows = [
        {"asset": test.name, "method": name, **figures}
        for test, table in zip(tests, tables, strict=True)
        for name, figures in table.items()
    ]
    better = {key: direction for key, direction in scores.BETTER.items() if key in metrics}
    verdict = [*(f"Closes: {text}." for text in said["closes"].values())]
    verdict += [f"Distributions: {text}." for text in said["distributions"].values()]
    verdict += [f"Trading: {_traded(test)}." for test in tests]
    return Evaluation(metrics, means, protocol, better, rows, verdict=verdict)  # type: ignore[arg-type]


def _warnings(config: StockConfig, tests: Sequence[Backtest], data: Data) -> list[str]:
    series = [test.asset.series for test in tests]
    # Other bars than those of the run may be older than what it has learned from.
    firsts = [test.asset.start + 1 for test in tests]
    strange = crossed(data.facts) if data.train else foreign(data.facts, series, firsts)
    return [*strange, *warnings(config, series, config.test)]


def best_rival(test: Backtest) -> str:
    """The distribution other than ours with the least CRPS: known only afterwards, which favours the rival."""
    return min((name for name in test.distributions if name != OURS), key=lambda name: test.losses(name).mean())


def verdicts(tests: list[Backtest]) -> dict[str, dict[str, str]]:
    """Sentences on closes against persistence, and on distributions against the best rival, by series."""
    best = {test.name: best_rival(test) for test in tests}
    closes, distributions = {}, {}
    # Errors of forecasts that share days are correlated, up to so many of them in a row.
    lags = -(-tests[0].horizon // tests[0].step)
    for test in tests:
        name = test.name
        errors = [np.abs(test.closes[method] - test.actual) for method in (OURS, "persistence")]
        closes[name] = (errors[0], errors[1])
        distributions[name] = (test.losses(OURS), test.losses(best[name]))
    found = {
        "closes": point_verdict(closes, horizon=lags),
        "distributions": distribution_verdict(distributions, best, horizon=lags),
    }
    nearer = {test.name: _nearer(test) for test in tests}
    several = len(tests) > 1
    return {
        what: {
            name: (f"{name}: " if several else "") + str(verdict) + (nearer[name] if what == "closes" else "")
            for name, verdict in by_asset.items()
        }
        for what, by_asset in found.items()
    }


def _nearer(test: Backtest) -> str:
    """The method whose closes are nearest, if it is not ours: what beats persistence may just be a trend."""
    errors = {name: float(np.abs(closes - test.actual).mean()) for name, closes in test.closes.items()}
    best = min(errors, key=lambda name: errors[name])
    if errors[best] >= errors[OURS] or best == "persistence":
        return ""
    return f"; {best} is nearer: MAE {errors[best]:.4g} against {errors[OURS]:.4g}"


def trading(test: Backtest) -> dict[str, Any]:
    """What each rule would have made of the forecasts; meant for one session ahead."""
    return rules(test.outcome, test.distributions[OURS], per_year(test.asset.series.dates))


def _traded(test: Backtest) -> str:
    """A sentence on each rule at 5 basis points, with the interval that chance leaves."""
    said = []
    for rule, result in trading(test).items():
        found = result["costs"]["5"]
        ours, held = found["strategy"]["sharpe"], found["buy_and_hold"]["sharpe"]
        low, high = found["interval"]
        said.append(f"{rule} {ours:.2f} against {held:.2f} of holding (difference in [{low:.2f}, {high:.2f}], 90 %)")
    return f"Sharpe ratio of {test.name} at 5 bps, " + ", ".join(said)


def _costs(tests: list[Backtest]) -> dict[str, float]:
    """Value at risk and the trading rule, means over the series."""
    found = []
    for test in tests:
        held = risk.report(test.distributions[OURS], test.outcome)
        earned = {rule: result["costs"] for rule, result in trading(test).items()}
        found.append(
            {f"var_{level}_violations": held[level]["violations"] / held[level]["days"] for level in held}
            | {f"var_{level}_kupiec_p": held[level]["kupiec_p"] for level in held}
            | {
                f"sharpe_{rule}_{cost}bps": found["strategy"]["sharpe"]
                for rule, costs in earned.items()
                for cost, found in costs.items()
            }
            | {"sharpe_hold": earned["kelly"]["0"]["buy_and_hold"]["sharpe"]}
        )
    # Of several series the least p: a mean of them would mean nothing.
    return scores.means(found) | {key: min(one[key] for one in found) for key in found[0] if key.endswith("_p")}


def _luck(test: Backtest) -> float:
    """Standard error of the mean difference in CRPS to the best rival, in basis points."""
    apart = test.losses(OURS) - test.losses(best_rival(test))
    return round(1e4 * float(apart.std(ddof=1)) / len(apart) ** 0.5, 3)


def _span(test: Backtest) -> str:
    dates = test.asset.series.dates
    where = f"{dates[test.rows[0] + 2]} to {dates[test.rows[-1] + 2]}, " if dates is not None else ""
    return f"{test.name} {where}{len(test.rows)} sessions"
