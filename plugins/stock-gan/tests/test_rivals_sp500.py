"""Figures of the rivals on the last 504 days of the S&P 500, 1999 to 2018, and the time that they take."""

import csv
import time

import numpy as np
import pytest
from gankit_stock_gan.backtest import rivals, scores
from gankit_stock_gan.backtest.point_rivals import points

MEASURED = {  # CRPS in basis points, coverage of 50 % and of 90 %, by another program with its own days of estimates
    "normal": (46.30, 0.810, 0.958),
    "historical": (40.30, 0.484, 0.853),
    "ewma": (38.85, 0.581, 0.889),
    "garch-t": (38.86, 0.581, 0.925),
    "gjr-t": (38.71, 0.599, 0.942),
    "gjr-fhs": (38.61, 0.603, 0.933),
}


@pytest.fixture
def sp500(test_data):
    with open(test_data / "stock" / "arch" / "sp500.csv") as file:
        return np.array([float(row["Close"]) for row in csv.DictReader(file)])


def test_figures_of_the_sp500_with_one_estimate(sp500):
    returns = np.diff(np.log(sp500))
    start = len(returns) - 504
    y = returns[start:]
    for name, draws in rivals.forecasts(returns, start, refit=504).items():
        crps, half, most = MEASURED[name]
        assert 1e4 * scores.crps(draws, y).mean() == pytest.approx(crps, abs=0.3), name
        assert scores.coverage(draws, y, 0.5).mean() == pytest.approx(half, abs=0.02), name
        assert scores.coverage(draws, y, 0.9).mean() == pytest.approx(most, abs=0.02), name


@pytest.mark.slow
def test_figures_of_the_sp500(sp500):
    returns = np.diff(np.log(sp500))
    start = len(returns) - 504
    y, began = returns[start:], time.process_time()
    found = rivals.forecasts(returns, start)
    guesses = points(sp500, start + 1)
    assert time.process_time() - began < 15
    for name, draws in found.items():
        assert 1e4 * scores.crps(draws, y).mean() == pytest.approx(MEASURED[name][0], abs=0.3), name
    # where estimates every 21 days differ from a single one
    assert scores.coverage(found["gjr-fhs"], y, 0.5).mean() == pytest.approx(0.577, abs=0.01)
    assert scores.coverage(found["gjr-fhs"], y, 0.9).mean() == pytest.approx(0.925, abs=0.01)
    price, previous = sp500[start + 1 :], sp500[start:-1]
    unit = np.abs(np.diff(sp500[: start + 1])).mean()
    found = {name: scores.point_scores(price, guess, previous, unit) for name, guess in guesses.items()}
    assert found["persistence"]["mae"] == pytest.approx(13.702, abs=0.001)
    assert found["persistence"]["mape"] == pytest.approx(0.5222, abs=0.0001)
    assert found["drift"]["mae"] == pytest.approx(13.675, abs=0.005)
    assert found["drift"]["directional"] == pytest.approx(0.546, abs=0.002)  # it always says up
    assert found["ridge"]["mae"] == pytest.approx(13.633, abs=0.03)
    assert found["arima"]["mae"] == pytest.approx(found["persistence"]["mae"], rel=0.005)
