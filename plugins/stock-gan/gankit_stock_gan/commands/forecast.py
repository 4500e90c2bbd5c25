"""`gankit stock-gan forecast`: the sessions after the last bar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from gankit.commands import print_table
from gankit.support import slug
from gankit_stock_gan.bars.calendars import next_sessions
from gankit_stock_gan.commands.shared import cell, finished, forecast_rows, opened, results_of, show_rest, using
from gankit_stock_gan.pictures.fan import fan
from gankit_stock_gan.simulation.simulate import from_now

MOST_PICTURES = 12
SHOWN = ("unique_id", "ds", "mean", "q05", "q25", "q50", "q75", "q95")


@click.command("forecast")
@using
@click.option("-h", "--horizon", type=click.IntRange(1, 260), default=10, show_default=True, help="Sessions ahead.")
@click.option(
    "-n", "--draws", type=click.IntRange(100, 100_000), default=1000, show_default=True, help="Number of paths drawn."
)
def command(
    run: str, file: str | None, runs_dir: Path | None, as_json: bool, output: Path | None, horizon: int, draws: int,
    seed: int, **bars: str,
) -> None:  # fmt: skip
    """Forecast the sessions after the last bar of FILE (or of the run's own data).

    Writes forecasts.csv (unique_id, ds, cutoff, y, mean, q05 to q95), a fan chart of each series, and forecast.json.
    Dates follow the exchange's calendar where it is known.
    """
    used = opened(run, runs_dir)
    found = used.reading(file, **bars).series(used.generator.earliest + 2)
    results = results_of("forecast", output, used, source=file, horizon=horizon, draws=draws, seed=seed, **bars)
    rows: list[dict[str, Any]] = []
    for i, series in enumerate(found):
        closes = series.close[-1] * np.exp(np.cumsum(from_now(used.generator, series, draws, horizon, seed), axis=1))
        dates, last = next_sessions(series, horizon), len(series) - 1
        days = [str(day) for day in (last + 1 + np.arange(horizon) if dates is None else dates)]
        rows += forecast_rows(series.name, days, [series.day(last)] * horizon, [""] * horizon, closes.T)
        if i < MOST_PICTURES:
            fan(series, closes, dates, results.path(f"fan-{slug(series.name)}.png"))
    results.csv("forecasts.csv", rows, "table")
    said = used.warnings(found, used.config.test, [len(series) for series in found])
    if len(found) > MOST_PICTURES:
        said.append(f"pictures are of the first {MOST_PICTURES} series")
    result = {"rows": rows, "warnings": said}
    if not finished(results, used, "forecast.json", result, as_json):
        print_table(SHOWN, [[cell(row[name]) for name in SHOWN] for row in rows[:40]])
        show_rest(result)
