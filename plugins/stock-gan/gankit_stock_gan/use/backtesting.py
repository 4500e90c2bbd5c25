"""A walk-forward backtest of a run on any bars, with everything that it leaves on disk."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gankit.runs.results import results_folder
from gankit.support import write_csv, write_json
from gankit_stock_gan.backtest import risk, scores
from gankit_stock_gan.backtest.evaluation import OURS, Backtest, backtest, best_rival, trading, verdicts
from gankit_stock_gan.config import StockConfig
from gankit_stock_gan.data import RIVALS, Asset, day, last, needed
from gankit_stock_gan.model.forecaster import Forecaster
from gankit_stock_gan.pictures.calibration import calibration
from gankit_stock_gan.pictures.equity import equity
from gankit_stock_gan.use.forecasting import FIRST_QUANTILE, QUANTILES
from gankit_stock_gan.use.trained import Trained, slug

log = logging.getLogger("gankit")

BINS = 20
PICTURED = 4


@dataclass(frozen=True)
class Plan:
    """What is forecast, and how often anything is estimated anew.

    Attributes:
        horizon: Sessions ahead.
        step: Sessions from one forecast to the next.
        windows: Forecasts.
        refit: Sessions between new estimates of the rivals.
        retrain: Forecasts between new trainings of the network; 0 keeps the run's.
        draws: Equally likely values of a distribution.
        seed: Of simulated paths.
    """

    horizon: int
    step: int
    windows: int
    refit: int
    retrain: int
    draws: int
    seed: int

    @property
    def sessions(self) -> int:
        """From the first forecast's return to the last one's."""
        return (self.windows - 1) * self.step + self.horizon


def run(trained: Trained, source: str | None, plan: Plan, output: Path | None, **options: Any) -> dict[str, Any]:
    """Backtests and writes backtest.json, forecasts.csv and pictures.

    Returns:
        What backtest.json holds, and `files`.

    Raises:
        DataError: Too few bars.
        UsageError: The folder is taken.
    """
    fewest = max(trained.generator.earliest + 1, RIVALS) + plan.sessions + 1
    if plan.retrain:
        fewest = needed(trained.config) - trained.config.test + plan.sessions
    found = trained.series(source, fewest, **options)
    out = results_folder(trained.path, output, "backtest")
    assets = [last(series, plan.sessions) for series in found]
    config = trained.reading(source, **options)
    tests = [_one(trained, asset, plan, config) for asset in assets]
    tables = {t.asset.series.name: {name: t.figures(name) for name in t.closes} for t in tests}
    firsts = [] if plan.retrain else [asset.start + 1 for asset in assets]
    said = trained.warnings(found, plan.windows, firsts)
    if plan.horizon > 1 or plan.step > 1:
        said.append("trading is shown of forecasts of one session, at every session, alone")
    if len(tests) > PICTURED:
        said.append(f"pictures are of the first {PICTURED} series")
    overlap = plan.horizon > plan.step
    result = {
        **trained.provenance(),
        "protocol": {**vars(plan), "overlapping": overlap, "source": config.data},
        "verdicts": verdicts(tests),
        "table": tables,
        "risk": {t.asset.series.name: _risk(t) for t in tests},
        "trading": {t.asset.series.name: _trading(t) for t in tests if plan.horizon == plan.step == 1},
        "pit": {t.asset.series.name: _histogram(t) for t in tests},
        "warnings": said,
    }
    pictures = [path for test in tests[:PICTURED] for path in _pictures(test, out)]
    write_csv(out / "forecasts.csv", [row for test in tests for row in _rows(test)])
    write_json(out / "backtest.json", result)
    files = {"result": str(out / "backtest.json"), "table": str(out / "forecasts.csv")}
    return {**result, "files": {**files, "pictures": [str(path) for path in pictures]}}


def _one(trained: Trained, asset: Asset, plan: Plan, config: StockConfig) -> Backtest:
    options = {"draws": plan.draws, "refit": plan.refit, "horizon": plan.horizon, "step": plan.step, "seed": plan.seed}
    if not plan.retrain:
        return backtest(asset, [(0, trained.generator)], trained.lstm, **options)
    every = plan.retrain * plan.step
    firsts = range(asset.start - 1, len(asset.past.returns) - plan.horizon, every)
    return backtest(asset, [(row, _trained_before(asset, row + 1, config)) for row in firsts], None, **options)


def _trained_before(asset: Asset, start: int, config: StockConfig) -> Forecaster:
    """A generator with the run's options, trained on this series' returns before one of them."""
    from gankit.runs import fit
    from gankit_stock_gan.recipe import StockGAN

    series = asset.series
    log.info("training on %s up to %s", series.name, day(series, start))
    config = config.model_copy(update={"assets": series.name, "test": len(series.returns) - start})
    return Forecaster.of(fit(StockGAN(config))["generator"], config.window, config.calibration)


def _risk(test: Backtest) -> dict[str, Any]:
    return risk.report(test.distributions[OURS], test.outcome)


def _trading(test: Backtest) -> dict[str, Any]:
    """By rule, without the curves."""
    return {
        rule: {key: value for key, value in result.items() if key != "equity"} for rule, result in trading(test).items()
    }


def _pit(test: Backtest, name: str) -> np.ndarray:
    return scores.pit(test.distributions[name], test.outcome)


def _histogram(test: Backtest) -> dict[str, list[float]]:
    """Share of outcomes in each of 20 equal parts of (0, 1), for each distribution; .05 is ideal."""
    return {
        name: (np.histogram(_pit(test, name), BINS, (0, 1))[0] / len(test.rows)).round(5).tolist()
        for name in test.distributions
    }


def _rows(test: Backtest) -> Iterator[dict[str, Any]]:
    """Rows of forecasts.csv: one a forecast, with what came."""
    series = test.asset.series
    closes = test.origin[:, None] * np.exp(test.distributions[OURS])
    levels = np.quantile(closes, QUANTILES, axis=1)
    for i, row in enumerate(test.rows):
        yield {
            "unique_id": series.name,
            "ds": day(series, row + 1 + test.horizon),
            "cutoff": day(series, row + 1),
            "y": float(test.actual[i]),
            "mean": round(float(closes[i].mean()), 6),
            **{key: round(float(levels[k, i]), 6) for k, key in enumerate(FIRST_QUANTILE.values())},
        }


def _pictures(test: Backtest, out: Path) -> Iterator[Path]:
    series, name = test.asset.series, slug(test.asset.series.name)
    rival = best_rival(test)
    yield calibration(_pit(test, OURS), out / f"calibration-{name}.png", series.name, (rival, _pit(test, rival)))
    if test.horizon == 1 and len(test.rows) == test.rows[-1] - test.rows[0] + 1:
        dates = None if series.dates is None else series.dates[test.rows + 2]
        yield equity(trading(test), dates, out / f"equity-{name}.png", series.name)
