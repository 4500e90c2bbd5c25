"""Rivals: the recursion of arch, no look ahead, and closed forms."""

import functools
import warnings

import numpy as np
import pytest
from gankit_stock_gan.backtest import garch, rivals
from gankit_stock_gan.backtest.point_rivals import points
from scipy.stats import norm

from gankit.errors import DataError

DAYS, START = 420, 370


def market(seed=0, days=DAYS):
    """Returns of a GJR-GARCH market."""
    z = np.random.default_rng(seed).standard_t(6, days) * np.sqrt(4 / 6)
    returns, variance = np.empty(days), 1e-4
    for i in range(days):
        e = np.sqrt(variance) * z[i]
        returns[i] = 3e-4 + e
        variance = 2e-6 + (0.03 + 0.12 * (e < 0)) * e**2 + 0.89 * variance
    return returns


RETURNS = market()
CLOSE = 100 * np.exp(np.cumsum(np.concatenate([[0.0], RETURNS])))


@pytest.fixture(scope="module")
def one_day():
    return rivals.forecasts(RETURNS, START, m=200)


@pytest.mark.parametrize("kind", ["garch", "gjr"])
def test_the_filter_is_that_of_arch(kind):
    from arch import arch_model

    model = arch_model(100 * RETURNS, vol="GARCH", o=int(kind == "gjr"), dist="t", rescale=False)
    theirs = model.fit(disp="off", show_warning=False)
    ours = garch.fit(RETURNS, kind)
    sigma = garch.filtered(ours, RETURNS)
    assert len(sigma) == DAYS + 1
    assert 100 * sigma[:-1] == pytest.approx(np.asarray(theirs.conditional_volatility), rel=1e-6)
    ahead = theirs.forecast(horizon=1).variance.to_numpy()[-1, 0]
    assert 100 * sigma[-1] == pytest.approx(np.sqrt(ahead), rel=1e-6)


def test_several_days_have_the_variance_that_arch_forecasts():
    from arch import arch_model

    model = arch_model(100 * RETURNS, vol="GARCH", o=1, dist="t", rescale=False)
    expected = model.fit(disp="off", show_warning=False).forecast(horizon=5).variance.to_numpy()[-1].sum() / 1e4
    ours = garch.fit(RETURNS, "gjr")
    shocks = np.random.default_rng(0).standard_normal((5, 200_000))
    sums = garch.simulate(ours, garch.filtered(ours, RETURNS)[-1:], shocks)
    assert sums.mean() == pytest.approx(5 * ours.mean, abs=4 * np.sqrt(expected / 200_000))
    assert sums.var() == pytest.approx(expected, rel=0.02)


def test_estimates_that_fail_are_counted_and_replaced(monkeypatch, caplog):
    good = garch.fit(RETURNS[:START], "garch")
    answers = iter([None, good, None, None, good])  # a warm start is tried only once there is a good estimate
    monkeypatch.setattr(garch, "fit", lambda *given: next(answers))
    walk = garch.walk(RETURNS, START, 13, "garch")
    assert [block.first for block in walk] == [370, 383, 396, 409]
    assert [block.parameters for block in walk] == [garch.usual(RETURNS[:START]), good, good, good]
    assert "2 of 4 estimates did not converge" in caplog.text


def test_a_market_without_variation():
    flat = np.zeros(120)
    for draws in rivals.forecasts(flat, 100, m=20).values():
        assert np.isfinite(draws).all() and np.abs(draws).max() < 1e-4
    for guess in points(np.full(120, 7.0), 100).values():
        assert guess == pytest.approx(7)


@functools.cache
def untouched(horizon):
    return rivals.forecasts(RETURNS, START, m=50, horizon=horizon), points(CLOSE, START, horizon, refit=7)


CHANGED = [(START, 1), (START + 20, 1), (START + 21, 3), (START + 40, 1)]
"""First day that is changed, and horizon: at an estimate, before one, after one, and between."""


@pytest.mark.parametrize(("t", "horizon"), CHANGED)
def test_no_forecast_knows_its_day(t, horizon):
    """Other returns from day t on leave every distribution up to day t's own as it was, to the last bit."""
    other = RETURNS.copy()
    other[t:] = -0.05 * np.random.default_rng(1).random(DAYS - t)  # falls: GJR may take no notice of rises
    before = untouched(horizon)[0]
    after = rivals.forecasts(other, START, m=50, horizon=horizon)
    rows = t - START + 1
    for name in rivals.RIVALS:
        assert np.array_equal(before[name][:rows], after[name][:rows]), name
        assert (before[name][rows:] != after[name][rows:]).any(axis=1).all(), name


@pytest.mark.parametrize(("t", "horizon"), CHANGED)
def test_no_price_knows_the_days_after_its_origin(t, horizon):
    other = CLOSE.copy()
    other[t + 1 :] *= np.exp(0.05 * np.random.default_rng(1).standard_normal(len(CLOSE) - t - 1))
    before, after = untouched(horizon)[1], points(other, START, horizon, refit=7)
    rows = t + horizon - START + 1  # the forecast of close t + horizon is the last that is made at t
    for name in before:
        assert np.array_equal(before[name][:rows], after[name][:rows]), name
        assert (before[name][rows:] != after[name][rows:]).all(), name


def test_no_forecast_knows_its_day_where_the_past_is_short():
    other = RETURNS[:90].copy()
    other[62:] *= -3
    before, after = (rivals.forecasts(returns, 60, m=50) for returns in (RETURNS[:90], other))
    for name in rivals.RIVALS:
        assert np.array_equal(before[name][:3], after[name][:3]), name


def test_a_shorter_series_gives_the_same_rows(one_day):
    short = rivals.forecasts(RETURNS[: START + 30], START, m=200)
    for name, draws in short.items():
        assert np.array_equal(draws, one_day[name][:30]), name


def test_rows_are_sorted(one_day):
    assert tuple(one_day) == tuple(rivals.RIVALS)
    for name, draws in one_day.items():
        assert draws.shape == (DAYS - START, 200) and draws.dtype == np.float64
        assert (np.diff(draws, axis=1) >= 0).all(), name


def test_simple_rivals_by_hand(one_day):
    p = (np.arange(200) + 0.5) / 200
    for row in (0, 37):
        past = RETURNS[: START + row]
        assert one_day["normal"][row] == pytest.approx(norm.ppf(p, past.mean(), past.std()))
        assert one_day["historical"][row] == pytest.approx(np.quantile(past[-250:], p, method="hazen"))
        variance = np.average(past[:75] ** 2, weights=0.94 ** np.arange(75))
        for r in past:
            variance = 0.94 * variance + 0.06 * r**2
        assert one_day["ewma"][row] == pytest.approx(norm.ppf(p, 0, np.sqrt(variance)))


def test_filtered_history_by_hand(one_day):
    past = RETURNS[:START]
    fitted = garch.fit(past, "gjr")
    sigma = garch.filtered(fitted, past)
    residuals = (past - fitted.mean) / sigma[:-1]
    p = (np.arange(200) + 0.5) / 200
    assert one_day["gjr-fhs"][0] == pytest.approx(fitted.mean + sigma[-1] * np.quantile(residuals, p, method="hazen"))
    assert one_day["gjr-t"][0].std() == pytest.approx(sigma[-1], rel=0.05)


def test_several_days_of_simple_rivals(one_day):
    five = rivals.forecasts(RETURNS, START, m=200, horizon=5)
    past = RETURNS[:START]
    middle = past.mean()
    assert five["normal"][0] - 5 * middle == pytest.approx(np.sqrt(5) * (one_day["normal"][0] - middle))
    assert five["ewma"] == pytest.approx(np.sqrt(5) * one_day["ewma"])
    sums = [past[i : i + 5].sum() for i in range(START - 4)][-250:]
    p = (np.arange(200) + 0.5) / 200
    assert five["historical"][0] == pytest.approx(np.quantile(sums, p, method="hazen"))
    again = rivals.forecasts(RETURNS, START, m=200, horizon=5)
    assert np.array_equal(again["gjr-fhs"], five["gjr-fhs"])


@pytest.mark.parametrize("horizon", [1, 4])
def test_arima_is_that_of_statsmodels(horizon):
    from statsmodels.tsa.arima.model import ARIMA

    row = 5
    origin = START + row - horizon
    first = START - horizon  # origin of the only estimate so far
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scale = RETURNS[:first].std()
        model = ARIMA(RETURNS[:first] / scale, order=(1, 0, 1), trend="c").fit(method="innovations_mle")
        whole = model.apply(RETURNS[:origin] / scale).forecast(horizon) * scale
    expected = CLOSE[origin] * np.exp(whole.sum())
    assert points(CLOSE, START, horizon)["arima"][row] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("horizon", [1, 4])
def test_drift_and_ridge_by_hand(horizon):
    found, row = points(CLOSE, START, horizon), 30
    origin = START + row - horizon
    assert found["persistence"][row] == CLOSE[origin]
    assert found["drift"][row] == pytest.approx(CLOSE[origin] * np.exp(horizon * RETURNS[:origin].mean()))
    known = START + 21 - horizon  # the second estimate: closes up to this row
    x = np.array([RETURNS[i - 5 : i] for i in range(5, known - horizon + 1)])
    y = np.array([RETURNS[i : i + horizon].sum() for i in range(5, known - horizon + 1)])
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    weights = np.linalg.solve(z.T @ z + np.eye(5), z.T @ (y - y.mean()))
    move = y.mean() + (RETURNS[origin - 5 : origin] - x.mean(axis=0)) / x.std(axis=0) @ weights
    assert found["ridge"][row] == pytest.approx(CLOSE[origin] * np.exp(move), rel=1e-12)


def test_what_cannot_be_forecast_is_said():
    for start in (30, DAYS):
        with pytest.raises(DataError):
            rivals.forecasts(RETURNS, start)
        with pytest.raises(DataError):
            points(CLOSE, start + 1)
    with pytest.raises(DataError):
        rivals.forecasts(np.where(np.arange(DAYS) == 3, np.nan, RETURNS), START)
    with pytest.raises(DataError):
        points(CLOSE - 100, START)
