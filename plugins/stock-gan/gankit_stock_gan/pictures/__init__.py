"""What a person looks at: the fan ahead, calibration, the equity curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gankit import Data
from gankit.support import slug
from gankit_stock_gan.backtest import ours, scores
from gankit_stock_gan.backtest.trading import rules
from gankit_stock_gan.bars import Series
from gankit_stock_gan.bars.calendars import per_year
from gankit_stock_gan.model.forecaster import Forecaster
from gankit_stock_gan.pictures.calibration import calibration
from gankit_stock_gan.pictures.equity import equity
from gankit_stock_gan.pictures.fan import fan
from gankit_stock_gan.simulation.simulate import ahead

MOST = 4  # series drawn
SHOWN = 20  # sessions of the fan


def draw(recipe: Any, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
    """Pictures of the first few series: held-out calibration, the equity curve, a fan with what came.

    Args:
        recipe: With its options.
        networks: The generator among them.
        data: With `assets` held out.
        out: An existing folder.
    """
    config = recipe.config
    forecaster = Forecaster.of(networks["generator"], config.window, config.calibration)
    written = []
    for asset in data.held_out["assets"][:MOST]:
        series, past, rows = asset.series, asset.past, asset.test
        draws = ours.distributions(forecaster, past, rows, config.draws)
        written += calibration_and_equity(series, rows, past.returns[rows + 1], draws, out.joinpath)
        days = min(SHOWN, len(rows))
        origin = rows[-days]
        paths = ahead(forecaster, past, np.array([origin]), config.draws, days)[0]
        before, after = series.rows(0, origin + 2), series.rows(origin + 2)
        drawn = before.close[-1] * np.exp(np.cumsum(paths, axis=1))
        written.append(fan(before, drawn, after.dates, out / f"fan-{slug(series.name)}.png", after.close[:days]))
    return written


def calibration_and_equity(
    series: Series,
    rows: np.ndarray,
    outcome: np.ndarray,
    draws: np.ndarray,
    place: Callable[[str], Path],
    *,
    rival: tuple[str, np.ndarray] | None = None,
    traded: bool = True,
) -> list[Path]:
    """Draws how forecasts of a series came out.

    Args:
        series: The bars.
        rows: Returns after which a forecast is made, `[k]`.
        outcome: Log returns that came, `[k]`.
        draws: Their forecasts, `[k, m]`.
        place: Name of a file -> where to write it.
        rival: Name and PITs of another method.
        traded: Draw the equity curve as well; it is meant for one session ahead.
    """
    name = slug(series.name)
    written = [calibration(scores.pit(draws, outcome), place(f"calibration-{name}.png"), series.name, rival)]
    if traded:
        dates = None if series.dates is None else series.dates[rows + 2]
        found = rules(outcome, draws, per_year(series.dates))
        written.append(equity(found, dates, place(f"equity-{name}.png"), series.name))
    return written
