"""Never a look ahead: what comes after a session changes no bit of what is said at it.

Every transform from bars to forecasts is run on a series and on the same series with another future, and must give the
same bits up to the cut. A transform that peeks (a scaler fitted on all rows, a centred mean) fails at once.
"""

import numpy as np
import pytest
from gankit_stock_gan.backtest import ours, point_rivals, rivals
from gankit_stock_gan.backtest.evaluation import walked
from gankit_stock_gan.bars import Series
from gankit_stock_gan.config import StockConfig
from gankit_stock_gan.data import Asset, open_data
from gankit_stock_gan.model.forecaster import Forecaster
from gankit_stock_gan.model.windows import Past, WindowSource
from gankit_stock_gan.simulation.simulate import ahead

N, CUT = 700, 600  # returns; those from CUT on differ
RNG = np.random.default_rng(0)
TRUE = RNG.standard_t(5, N) * 0.01
OTHER = np.concatenate([TRUE[:CUT], RNG.standard_t(4, N - CUT) * 0.05])


def series(returns, name="X"):
    close = 100 * np.exp(np.concatenate([[0], np.cumsum(returns)]))
    close[: CUT + 1] = 100 * np.exp(np.concatenate([[0], np.cumsum(TRUE)]))[: CUT + 1]
    return Series(name, close, np.datetime64("2010-01-01") + np.arange(len(close)))


@pytest.fixture(scope="module")
def forecaster():
    rng = np.random.default_rng(1)
    shapes = [(7, 12), (3, 12), (12,), (10, 5), (5,), (5, 4), (4,)]
    return Forecaster(tuple(rng.normal(0, 0.4, shape) for shape in shapes), 10, 100)


@pytest.fixture(scope="module")
def pasts():
    return Past.of(TRUE), Past.of(OTHER)


def same(a, b):
    return np.array_equal(a, b, equal_nan=True)


def test_the_futures_differ(pasts):
    assert not same(pasts[0].memory[CUT:], pasts[1].memory[CUT:])


@pytest.mark.parametrize("what", ["memory", "seen", "scale"])
def test_what_is_seen(pasts, what):
    a, b = (getattr(past, what) for past in pasts)
    assert same(a[:CUT], b[:CUT]) and not same(a[CUT], b[CUT])


def test_forecasts_and_their_correction(pasts, forecaster):
    rows = np.arange(CUT - 60, CUT)  # the last one forecasts the first return that differs
    a, b = (forecaster.forecast(past, rows, 50) for past in pasts)
    assert same(a, b)
    a, b = (forecaster.pits(past) for past in pasts)
    assert same(a[:CUT], b[:CUT]) and not same(a[CUT:], b[CUT:])


def test_paths(pasts, forecaster):
    rows = np.array([CUT - 30, CUT - 1])
    assert same(*(ahead(forecaster, past, rows, 20, 4) for past in pasts))
    assert same(*(ours.distributions(forecaster, past, rows, 20, 4) for past in pasts))
    assert same(*(ours.means(forecaster, past, rows) for past in pasts))


def test_training_windows(pasts):
    a, b = (WindowSource([Past(past.returns[:CUT], past.memory[:CUT])], 10, 5) for past in pasts)
    assert a.fingerprint == b.fingerprint
    longer = [WindowSource([Past(past.returns[: CUT + 1], past.memory[: CUT + 1])], 10, 5) for past in pasts]
    assert longer[0].fingerprint != longer[1].fingerprint


class Config(StockConfig):
    """Reads the series at hand."""

    def series(self, needed):
        return [BARS[self.data]]


BARS = {"true": series(TRUE), "other": series(OTHER)}


def test_what_trains_and_what_selects():
    options = {"test": N - CUT, "validation": 50, "window": 10}
    a, b = (open_data(Config(data=name, **options)) for name in ("true", "other"))
    for name in a.train:
        assert a.train[name].fingerprint == b.train[name].fingerprint
    (asset,) = a.held_out["assets"]
    assert (asset.start, asset.trained) == (CUT, CUT - 50)
    assert asset.validation.max() + 1 < asset.test.min() + 1 == CUT
    (one,), (two,) = a.held_out["assets"], b.held_out["assets"]
    assert same(one.past.returns[one.validation + 1], two.past.returns[two.validation + 1])


def test_every_rival():
    a, b = (rivals.forecasts(returns, CUT - 5, 40) for returns in (TRUE, OTHER))
    for name in a:
        assert same(a[name][:6], b[name][:6]), name
    a, b = (point_rivals.points(BARS[name].close, CUT - 5) for name in BARS)
    for name in a:
        assert same(a[name][:7], b[name][:7]), name  # close CUT is the last one that both share


def test_the_whole_backtest(pasts, forecaster):
    made = []
    for name, past in zip(BARS, pasts, strict=True):
        asset = Asset(BARS[name], past, CUT - 100, CUT - 20)
        made.append(walked(asset, [(0, forecaster)], forecaster, draws=40, refit=21))
    for name in made[0].distributions:
        a, b = (test.distributions[name] for test in made)
        assert same(a[:21], b[:21]), name
    for name in made[0].closes:
        a, b = (test.closes[name] for test in made)
        assert same(a[:21], b[:21]), name
    assert not same(made[0].outcome, made[1].outcome)


def test_a_look_ahead_is_noticed(pasts, forecaster, monkeypatch):
    """What every check above would say of a scaler that is fitted on all rows."""
    whole = property(lambda self: np.full(len(self.returns), self.returns.std()))
    monkeypatch.setattr(Past, "scale", whole)
    rows = np.arange(CUT - 60, CUT)
    a, b = (forecaster.forecast(Past(past.returns, past.memory), rows, 50) for past in pasts)
    assert not same(a, b)
