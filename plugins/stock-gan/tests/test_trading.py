"""Trading by hand: the next bar, costs, drift, and the bootstrap's interval."""

import numpy as np
import pytest
from gankit_stock_gan.backtest import trading

from gankit.errors import UsageError

SIMPLE = np.array([0.10, -0.05, 0.02, 0.04])
LOG = np.log1p(SIMPLE)


def test_next_bar_by_hand():
    weights = np.array([0.0, 1.0, 1.0, 0.0])
    assert trading.strategy(LOG, weights) == pytest.approx([0, -0.05, 0.02, 0])
    assert trading.strategy(LOG, weights, delay=2) == pytest.approx([0, 0, 0.02, 0.04])
    for delay in (0, -1):
        with pytest.raises(UsageError):
            trading.strategy(LOG, weights, delay=delay)
    with pytest.raises(UsageError):
        trading.strategy(LOG, weights[1:])


def test_a_bar_is_not_known_to_its_own_position():
    """A signal of the past sign earns the bar after it: on alternating returns it is wrong every time."""
    simple = np.array([0.1, -0.1] * 5)
    known = np.concatenate([[0.0], simple[:-1]])  # the bar before each decision
    assert (trading.strategy(np.log1p(simple), (known > 0).astype(float)) <= 1e-12).all()


def test_costs_by_hand():
    weights = np.array([0.0, 1.0, 1.0, 0.0])
    found = trading.strategy(LOG, weights, cost_bps=10)
    assert found == pytest.approx([0, -0.05 - 0.001, 0.02, -0.001])
    assert trading.strategy(LOG, np.ones(4), cost_bps=10) == pytest.approx([0.10 - 0.001, -0.05, 0.02, 0.04])


def test_a_part_drifts_and_is_traded_back():
    found = trading.strategy(np.log1p([0.10, 0.0]), np.array([0.5, 0.5]), cost_bps=100)
    drifted = 0.55 / 1.05  # half in the asset, which gained a tenth
    assert found == pytest.approx([0.05 - 0.01 * 0.5, -0.01 * (drifted - 0.5)])


def test_figures_by_hand():
    assert trading.sharpe(SIMPLE) == pytest.approx(np.sqrt(252) * SIMPLE.mean() / SIMPLE.std(ddof=1))
    assert trading.sharpe(np.zeros(5)) == 0
    assert trading.max_drawdown(np.array([0.1, -0.2, 0.1, -0.1])) == pytest.approx(1 - 0.8 * 1.1 * 0.9)
    assert trading.max_drawdown(np.array([-0.3, 0.5])) == pytest.approx(0.3)


def test_steady_aims_at_a_volatility():
    draws = np.stack([np.random.default_rng(0).normal(0, sd, 4000) for sd in (0.001, 0.01, 0.02)])
    found = trading.steady(draws, target=0.1)
    assert found[0] == 1  # no debt in calm markets
    assert found[1:] == pytest.approx(0.1 / np.sqrt(252) / np.expm1(draws[1:]).std(axis=1), rel=1e-12)
    assert found[2] * 0.02 * np.sqrt(252) == pytest.approx(0.1, rel=0.05)


def test_kelly():
    spread = np.linspace(-1, 1, 201)
    draws = np.stack([0.01 * spread, 0.0003 + 0.03 * spread, -0.001 + 0.01 * spread, 0.01 + 0.001 * spread])
    found = trading.kelly(draws)
    simple = np.expm1(draws[1])
    assert found[0] == pytest.approx(0.25, abs=0.001)  # no drift of the log price: half of Kelly's one half
    assert 0 < found[1] < 1 and found[1] == pytest.approx(0.5 * simple.mean() / simple.var())
    assert found[2] == 0 and found[3] == 1
    assert trading.kelly(draws, fraction=0.1)[1] == pytest.approx(0.1 * simple.mean() / simple.var())


def test_compare():
    rng = np.random.default_rng(0)
    returns = rng.normal(0.0004, 0.01, 500)
    weights = rng.random(500).round(1)
    found = trading.beside_holding(returns, weights)
    assert list(found["costs"]) == ["0", "5", "10"] and found["days"] == 500
    free, dear = found["costs"]["0"], found["costs"]["10"]
    daily = trading.strategy(returns, weights, 10)
    assert dear["strategy"]["sharpe"] == trading.sharpe(daily)
    assert dear["strategy"]["turnover"] == free["strategy"]["turnover"]
    # what costs take from the mean is turnover times costs
    taken = trading.strategy(returns, weights).mean() - daily.mean()
    assert 252 * taken == pytest.approx(dear["strategy"]["turnover"] * 10e-4)
    assert free["buy_and_hold"]["turnover"] == pytest.approx(252 / 500)
    growth = np.exp(returns.sum())
    assert found["equity"]["0"]["buy_and_hold"][-1] == pytest.approx(growth)
    assert free["buy_and_hold"]["annual_return"] == pytest.approx(growth ** (252 / 500) - 1)
    assert found["equity"]["10"]["strategy"] == pytest.approx(np.cumprod(1 + daily))
    low, high = free["interval"]
    assert low < free["sharpe_difference"] < high
    assert trading.beside_holding(returns, weights)["costs"] == found["costs"]


def test_the_interval_is_as_wide_as_theory_says():
    """Of independent days, the Sharpe ratio of an asset against a flat one has a standard error of sqrt(252 / n)."""
    returns = np.random.default_rng(1).normal(0, 0.01, 2000)
    low, high = trading.beside_holding(returns, np.zeros(2000), costs=(0,))["costs"]["0"]["interval"]
    assert high - low == pytest.approx(2 * 1.645 * np.sqrt(252 / 2000), rel=0.15)


def test_holding_is_no_better_than_holding():
    returns = np.random.default_rng(2).normal(0, 0.01, 300)
    found = trading.beside_holding(returns, np.ones(300))["costs"]["5"]
    assert found["sharpe_difference"] == 0 and found["interval"] == [0, 0]


def test_rules_trade_at_the_next_close_and_know_the_year():
    rng = np.random.default_rng(3)
    y, draws = rng.normal(0, 0.01, 60), rng.normal(0.001, 0.01, (60, 50))
    found = trading.rules(y, draws, year=52)["steady"]
    held = np.concatenate([[0], trading.steady(draws, 52)[:-1]])  # decided a bar before the one that it earns
    daily = held * np.expm1(y)
    assert found["costs"]["0"]["strategy"]["sharpe"] == pytest.approx(np.sqrt(52) * daily.mean() / daily.std(ddof=1))
    assert found["equity"]["0"]["strategy"][-1] == pytest.approx(np.prod(1 + daily))
    assert found["costs"]["0"]["buy_and_hold"]["volatility"] == pytest.approx(np.expm1(y).std(ddof=1) * np.sqrt(52))
