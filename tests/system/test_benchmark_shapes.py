"""Whole bars from simulated closes, as the benchmark of TimeGAN's protocol needs them."""

import sys
from pathlib import Path

import numpy as np
import pytest

from gankit.errors import DataError

pytest.importorskip("gankit_stock_gan", reason="the plugin gankit-stock-gan is not installed")
from gankit_stock_gan.bars import Series
from gankit_stock_gan.model.windows import Past

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from shapes import Shapes

RETURNS = np.random.default_rng(2).standard_t(5, 700) * 0.01


def bars(n=400, seed=0):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, n)))
    opened = close * np.exp(rng.normal(0, 0.004, n))
    high, low = np.maximum(opened, close) * 1.003, np.minimum(opened, close) * 0.998
    return Series("X", close, None, opened, high, low, np.exp(rng.normal(14, 0.3, n)))


def test_bars_hold_together():
    series = bars()
    past = Past.of(series.returns)
    shapes = Shapes.of(series, past)
    rng = np.random.default_rng(3)
    returns, begin = rng.normal(0, 0.01, (30, 24)), rng.integers(50, 399, 30)
    found = shapes.bars(series.close[begin], returns, np.full((30, 24), 0.01), begin, seed=1)
    opened, high, low, close, volume = np.moveaxis(found, -1, 0)
    assert np.allclose(close, series.close[begin][:, None] * np.exp(returns.cumsum(1)))
    assert (high >= np.maximum(opened, close) * (1 - 1e-12)).all()
    assert (low <= np.minimum(opened, close) * (1 + 1e-12)).all()
    assert 13.5 < np.log(volume).mean() < 14.5 and 0.2 < np.log(volume).std() < 0.45
    upper = np.log(high / np.maximum(opened, close))
    assert upper.mean() == pytest.approx(np.log(1.003), rel=0.25)  # borrowed, in units of volatility


def test_bars_need_bars():
    with pytest.raises(DataError, match="no whole bars"):
        Shapes.of(Series("X", np.exp(RETURNS)), Past.of(RETURNS[1:]))
