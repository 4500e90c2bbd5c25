"""The score that weights are selected by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gankit_stock_gan.backtest.scores import crps
from gankit_stock_gan.config import StockConfig
from gankit_stock_gan.data import Asset
from gankit_stock_gan.model import calibration
from gankit_stock_gan.model.forecaster import Forecaster

DRAWS = 100


def validation_crps(config: StockConfig, generator: Any, assets: Sequence[Asset]) -> float:
    """Mean CRPS of the raw forecasts between the training and the held-out part, in basis points.

    Args:
        config: Of the run.
        generator: The Keras network.
        assets: All count alike.
    """
    forecaster = Forecaster.of(generator, config.window, config.calibration)
    grid, found = calibration.levels(DRAWS), []
    for asset in assets:
        rows = asset.validation
        quantiles = forecaster.raw(asset.past, rows, grid)
        found.append(float(crps(quantiles, asset.past.returns[rows + 1]).mean()) * 1e4)
    return float(np.mean(found))
