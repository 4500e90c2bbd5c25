"""What a person looks at: the fan ahead, calibration, stylised facts, the equity curve."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gankit import Data

MOST = 4  # series drawn
PATHS = 60
SHOWN = 20  # sessions of the fan


def draw(recipe: Any, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
    """Pictures of the first few series: held-out calibration, a fan with what came, the equity curve; stylised facts.

    Args:
        recipe: With its options.
        networks: The generator among them.
        data: With `assets` held out.
        out: An existing folder.
    """
    from gankit_stock_gan.backtest import ours, scores
    from gankit_stock_gan.backtest.trading import rules
    from gankit_stock_gan.bars.calendars import per_year
    from gankit_stock_gan.model.forecaster import Forecaster
    from gankit_stock_gan.pictures.calibration import calibration
    from gankit_stock_gan.pictures.equity import equity
    from gankit_stock_gan.pictures.fan import fan
    from gankit_stock_gan.simulation.simulate import ahead
    from gankit_stock_gan.use.trained import slug

    config = recipe.config
    forecaster = Forecaster.of(networks["generator"], config.window, config.calibration)
    written = []
    for asset in data.held_out["assets"][:MOST]:
        series, past, rows = asset.series, asset.past, asset.test
        name = slug(series.name)
        draws = ours.distributions(forecaster, past, rows, config.draws)
        outcome = past.returns[rows + 1]
        written.append(calibration(scores.pit(draws, outcome), out / f"calibration-{name}.png", series.name))
        days = min(SHOWN, len(rows))
        origin = rows[-days]
        paths = ahead(forecaster, past, np.array([origin]), config.draws, days)[0]
        before, after = series.rows(0, origin + 2), series.rows(origin + 2)
        drawn = before.close[-1] * np.exp(np.cumsum(paths, axis=1))
        written.append(fan(before, drawn, after.dates, out / f"fan-{name}.png", after.close[:days]))
        dates = None if series.dates is None else series.dates[rows + 2]
        result = rules(outcome, draws, per_year(series.dates))
        written.append(equity(result, dates, out / f"equity-{name}.png", series.name))
    return written
