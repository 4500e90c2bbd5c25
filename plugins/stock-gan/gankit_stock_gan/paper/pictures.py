"""What a run draws: predicted closes of the last held-out days, and who was nearer to the truth as the days went by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gankit import Data
from gankit.support import slug, write_csv
from gankit_stock_gan.paper.data import Asset
from gankit_stock_gan.paper.evaluation import forecasts

MOST = 5  # pictures
DAYS = 100  # of a picture
COLUMNS = {"ours": "gan", "persistence": "persistence", "drift": "drift", "window mean": "window_mean", "lstm": "lstm"}


def draw(recipe: Any, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
    """A picture of each asset, five at most, and the forecasts of all held-out days as a table."""
    assets = data.held_out["assets"]
    made = [forecasts(networks, asset, recipe.config.units) for asset in assets]
    pictures = [
        closes(asset, one, out / f"{i}-{slug(asset.series.name)}.png")
        for i, (asset, one) in enumerate(zip(assets[:MOST], made, strict=False), 1)
    ]
    return [*pictures, table(assets, made, out / "predictions.csv")]


def closes(asset: Asset, made: Mapping[str, np.ndarray], out: Path) -> Path:
    """Actual closes with the generator's and persistence's forecasts; below, the sum of what one errs less.

    The forecasts all follow the closes, which says nothing; the curve below does: where it rises, the generator was
    nearer than persistence. It is in the prices' currency and begins at 0.

    Args:
        asset: With the closes that came.
        made: Predicted closes by method, float64 `[m]`.
        out: File.
    """
    from matplotlib.figure import Figure

    part = slice(-DAYS, None)
    actual, ours, naive = asset.actual[part], made["ours"][part], made["persistence"][part]
    days = np.arange(len(actual))
    lead = np.cumsum(np.abs(naive - actual) - np.abs(ours - actual))
    errors = [np.abs(x - actual).mean() for x in (ours, naive)]
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot(days, actual, color="black", linewidth=1.8, label="actual close")
    above.plot(days, naive, color="0.6", linewidth=1, linestyle="--", label="persistence: the day before's close")
    above.plot(days, ours, color="C1", linewidth=1.2, label="GAN, one day ahead")
    rows = asset.test.rows[part]
    kind = "held-out days" if (np.diff(rows) == 1).all() else "held-out days, drawn at random"
    title = f"{asset.series.name}, last {len(rows)} {kind}: mean absolute error "
    above.set(title=f"{title}{errors[0]:.3g}, persistence {errors[1]:.3g}", ylabel="close")
    above.legend(loc="best", fontsize="small")
    below.axhline(0, color="0.6", linewidth=0.8)
    below.fill_between(days, lead, where=lead >= 0, color="C2", alpha=0.5, interpolate=True, linewidth=0)
    below.fill_between(days, lead, where=lead <= 0, color="C3", alpha=0.5, interpolate=True, linewidth=0)
    below.plot(days, lead, color="0.3", linewidth=1)
    below.set(ylabel="error saved so far", xlabel="red: persistence is ahead; green: the GAN is")
    names = asset.days(rows)
    marks = np.linspace(0, len(days) - 1, min(6, len(days))).round().astype(int)
    below.set_xticks(marks, [names[mark] for mark in marks])
    figure.savefig(out, dpi=100)
    return out


def table(assets: list[Asset], made: list[dict[str, np.ndarray]], out: Path) -> Path:
    """All held-out days, a line each: series, day, last day seen, the close that came and each method's forecast."""
    rows = []
    for asset, one in zip(assets, made, strict=True):
        days, cutoffs = asset.days(asset.test.rows), asset.days(asset.test.rows - 1)
        values = {"y": asset.actual, **{column: one[name] for name, column in COLUMNS.items()}}
        rows += [
            {"unique_id": asset.series.name, "ds": day, "cutoff": cutoff}
            | {column: f"{closes[i]:.8g}" for column, closes in values.items()}
            for i, (day, cutoff) in enumerate(zip(days, cutoffs, strict=True))
        ]
    return write_csv(out, rows)
