"""`gankit stock-gan backtest`: forecasts of the last sessions of any bars, beside every baseline."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from gankit.commands import print_table
from gankit_stock_gan.backtest import risk
from gankit_stock_gan.backtest.evaluation import OURS, Backtest, best_rival, trading, verdicts, walked
from gankit_stock_gan.commands.shared import cell, finished, forecast_rows, opened, results_of, show_rest, using
from gankit_stock_gan.config import StockConfig
from gankit_stock_gan.data import RIVALS, Asset, last, needed
from gankit_stock_gan.pictures import calibration_and_equity
from gankit_stock_gan.stock_run import StockRun

log = logging.getLogger("gankit")

BINS = 20
PICTURED = 4


@click.command("backtest")
@using
@click.option("-h", "--horizon", type=click.IntRange(1, 60), default=1, show_default=True, help="Sessions ahead.")
@click.option("--step", type=click.IntRange(1, 260), default=1, show_default=True, help="Sessions between forecasts.")
@click.option("--windows", type=click.IntRange(20, 5000), default=252, show_default=True, help="Number of forecasts.")
@click.option(
    "--refit",
    type=click.IntRange(1, 5000),
    default=21,
    show_default=True,
    help="Sessions between refits of rivals.",
)
@click.option(
    "--retrain", type=click.IntRange(0, 5000), default=0, help="Forecasts between new trainings.  [default: none]"
)
@click.option(
    "-n", "--draws", type=click.IntRange(100, 10_000), default=1000, show_default=True, help="Draws of each forecast."
)
def command(
    run: str, file: str | None, runs_dir: Path | None, as_json: bool, output: Path | None, horizon: int, step: int,
    windows: int, refit: int, retrain: int, draws: int, seed: int, **bars: str,
) -> None:  # fmt: skip
    """Forecast the last sessions of FILE (or of the run's own data) walk-forward, beside every baseline.

    Writes backtest.json (tables, verdicts, Value at Risk, trading with costs, PIT), forecasts.csv and pictures.
    """
    used = opened(run, runs_dir)
    config, sessions = used.reading(file, **bars), (windows - 1) * step + horizon
    fewest = max(used.generator.earliest + 1, RIVALS) + sessions + 1
    if retrain:
        fewest = needed(used.config) - used.config.test + sessions
    found, daily = config.series(fewest), horizon == step == 1
    plan = {"horizon": horizon, "step": step, "draws": draws, "refit": refit, "seed": seed}
    protocol = {**plan, "windows": windows, "retrain": retrain, "source": config.data}
    results = results_of("backtest", output, used, **protocol, **bars)
    assets = [last(series, sessions) for series in found]
    tests = [_walk(used, asset, config, retrain * step, plan) for asset in assets]
    said = used.warnings(found, windows, [] if retrain else [asset.start + 1 for asset in assets])
    if not daily:
        said.append("trading is shown of forecasts of one session, at every session, alone")
    if len(tests) > PICTURED:
        said.append(f"pictures are of the first {PICTURED} series")
    result = {
        "protocol": {**protocol, "overlapping": horizon > step},
        "verdicts": verdicts(tests),
        "table": {test.name: {method: test.figures(method) for method in test.closes} for test in tests},
        "risk": {test.name: risk.report(test.distributions[OURS], test.outcome) for test in tests},
        "trading": {test.name: _trading(test) for test in tests if daily},
        "pit": {test.name: _histogram(test) for test in tests},
        "warnings": said,
    }
    for test in tests[:PICTURED]:
        rival = best_rival(test)
        calibration_and_equity(
            test.asset.series, test.rows, test.outcome, test.distributions[OURS], results.path,
            rival=(rival, test.pit(rival)), traded=daily,
        )  # fmt: skip
    results.csv("forecasts.csv", [row for test in tests for row in _rows(test)], "table")
    if not finished(results, used, "backtest.json", result, as_json):
        _show(result)
        show_rest(result)


def _walk(used: StockRun, asset: Asset, config: StockConfig, every: int, plan: dict[str, int]) -> Backtest:
    """Forecasts of one series, by the run's networks, or by new ones every so many sessions."""
    if not every:
        return walked(asset, [(0, used.generator)], used.lstm, **plan)
    generators = []
    for row in range(asset.start - 1, len(asset.past.returns) - plan["horizon"], every):
        log.info("training on %s up to %s", asset.series.name, asset.series.day(row + 1))
        generators.append((row, used.trained_before(asset.series, row + 1, config)))
    return walked(asset, generators, None, **plan)


def _trading(test: Backtest) -> dict[str, Any]:
    """By rule, without the curves."""
    return {
        rule: {key: value for key, value in found.items() if key != "equity"} for rule, found in trading(test).items()
    }


def _histogram(test: Backtest) -> dict[str, list[float]]:
    """Share of outcomes in each of 20 equal parts of (0, 1), for each distribution; .05 is ideal."""
    return {
        name: (np.histogram(test.pit(name), BINS, (0, 1))[0] / len(test.rows)).round(5).tolist()
        for name in test.distributions
    }


def _rows(test: Backtest) -> Iterator[dict[str, Any]]:
    """Rows of forecasts.csv: one a forecast, with what came."""
    day, origins = test.asset.series.day, test.rows + 1
    closes = test.origin[:, None] * np.exp(test.distributions[OURS])
    return forecast_rows(
        test.name, [day(row + test.horizon) for row in origins], [day(row) for row in origins], test.actual.tolist(),
        closes,
    )  # fmt: skip


def _show(result: dict[str, Any]) -> None:
    for asset, table in result["table"].items():
        keys = list(next(iter(table.values())))
        rows = [[key, *(cell(found.get(key)) for found in table.values())] for key in keys]
        print_table(["metric", *table], rows, title=asset)
        for what in ("closes", "distributions"):
            click.echo(result["verdicts"][what][asset])
        for level, held in result["risk"][asset].items():
            share = f"{held['violations']} of {held['days']} days, {held['expected']:.1f} expected"
            click.echo(f"value at risk of {float(level):.0%}: exceeded on {share} (Kupiec p = {held['kupiec_p']:.2g})")
        click.echo()
