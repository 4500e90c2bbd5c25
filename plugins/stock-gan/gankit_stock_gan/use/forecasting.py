"""The days after the last bar of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gankit.runs.results import results_folder
from gankit.support import write_csv, write_json
from gankit_stock_gan.bars import Series
from gankit_stock_gan.bars.calendars import next_sessions
from gankit_stock_gan.model.forecaster import Forecaster
from gankit_stock_gan.model.windows import Past
from gankit_stock_gan.pictures.fan import fan
from gankit_stock_gan.simulation.simulate import ahead
from gankit_stock_gan.use.trained import Trained, slug

QUANTILES = tuple(round(0.05 * i, 2) for i in range(1, 20))
FIRST_QUANTILE = {level: f"q{round(100 * level):02d}" for level in QUANTILES}
MOST_PICTURES = 12


def prices(forecaster: Forecaster, series: Series, horizon: int, draws: int, seed: int) -> np.ndarray:
    """Simulated closes after the last bar, `[draws, horizon]`."""
    past = Past.of(series.returns)
    paths = ahead(forecaster, past, np.array([len(past.returns) - 1]), draws, horizon, seed)[0]
    return series.close[-1] * np.exp(np.cumsum(paths, axis=1))


def table(series: Series, drawn: np.ndarray) -> list[dict[str, Any]]:
    """Rows of forecasts.csv: unique_id, ds, cutoff, y, mean, q05 to q95.

    Args:
        series: The bars; `ds` and `cutoff` are dates, or row numbers where there are none.
        drawn: Simulated closes, `[draws, horizon]`.
    """
    days = next_sessions(series, drawn.shape[1])
    last = len(series) - 1
    names = [str(last + 1 + i) for i in range(drawn.shape[1])] if days is None else [str(day) for day in days]
    cutoff = str(last) if series.dates is None else str(series.dates[-1])
    levels = np.quantile(drawn, QUANTILES, axis=0)
    return [
        {
            "unique_id": series.name, "ds": name, "cutoff": cutoff, "y": "",
            "mean": round(float(drawn[:, i].mean()), 6),
            **{key: round(float(levels[k, i]), 6) for k, key in enumerate(FIRST_QUANTILE.values())},
        }
        for i, name in enumerate(names)
    ]  # fmt: skip


def forecast(
    trained: Trained, source: str | None, horizon: int, draws: int, seed: int, output: Path | None, **options: Any
) -> dict[str, Any]:
    """Writes forecasts.csv, a fan chart for each series, and forecast.json.

    Returns:
        `rows`, `files`, `warnings`.
    """
    found = trained.series(source, trained.generator.earliest + 2, **options)
    out = results_folder(trained.path, output, "forecast")
    rows, pictures = [], []
    for series in found:
        drawn = prices(trained.generator, series, horizon, draws, seed)
        rows += table(series, drawn)
        if len(pictures) < MOST_PICTURES:
            pictures.append(fan(series, drawn, next_sessions(series, horizon), out / f"fan-{slug(series.name)}.png"))
    write_csv(out / "forecasts.csv", rows)
    said = trained.warnings(found, trained.config.test, [len(series) for series in found])
    if len(found) > MOST_PICTURES:
        said.append(f"pictures are of the first {MOST_PICTURES} series")
    files = {"table": str(out / "forecasts.csv"), "pictures": [str(path) for path in pictures]}
    result = {"run": str(trained.path), "rows": rows, "files": files, "warnings": said}
    request = {"horizon": horizon, "draws": draws, "seed": seed}
    write_json(out / "forecast.json", {**trained.provenance(), **request, **result})
    return result
