"""Scores against brute force, closed forms and SciPy."""

import numpy as np
import pytest
from gankit_stock_gan.backtest import risk, scores
from scipy.special import xlogy
from scipy.stats import chi2, norm

RNG = np.random.default_rng(0)


def gaussian_crps(mean, sd, y):
    """Closed form, Gneiting & Raftery 2007, eq. 5 (with its sign turned)."""
    z = (y - mean) / sd
    return sd * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))


def test_crps_is_the_double_sum():
    draws, y = RNG.standard_t(3, (7, 33)), RNG.normal(size=7)
    pairs = np.abs(draws[:, :, None] - draws[:, None, :]).sum(axis=(1, 2)) / (2 * 33**2)
    brute = np.abs(draws - y[:, None]).mean(axis=1) - pairs
    assert scores.crps(draws, y) == pytest.approx(brute, abs=1e-14)
    assert scores.crps(np.sort(draws), y) == pytest.approx(brute, abs=1e-14)
    assert scores.crps(y[:, None], y + 2) == pytest.approx(2)  # of one draw, the absolute error


def test_crps_of_a_gaussian():
    mean, sd, y = np.array([0.0, 0.01, -1.0]), np.array([1.0, 0.02, 3.0]), np.array([0.3, -0.05, 4.0])
    m = 20_000
    draws = mean[:, None] + sd[:, None] * norm.ppf((np.arange(m) + 0.5) / m)
    assert scores.crps(draws, y) == pytest.approx(gaussian_crps(mean, sd, y), rel=1e-4)


def test_crps_keeps_its_digits_far_from_zero():
    draws, y = RNG.normal(size=(3, 100)), RNG.normal(size=3)
    assert scores.crps(draws + 1e6, y + 1e6) == pytest.approx(scores.crps(draws, y), abs=1e-9)


def test_quantiles_stand_at_the_midpoints():
    draws = np.array([[4.0, 1.0, 2.0, 8.0]])
    assert scores.quantiles(draws, [0.125, 0.25, 0.375, 0.5, 0.875, 0.99]).tolist() == [[1, 1.5, 2, 3, 8, 8]]


def test_pinball_by_hand_and_as_half_of_the_crps():
    draws = np.array([[0.0, 1.0, 2.0, 3.0]])
    found = scores.pinball(draws, np.array([2.0]), [0.25, 0.5, 0.875])
    assert found == pytest.approx(np.array([[0.25 * 1.5, 0.5 * 0.5, 0.125 * 1.0]]))  # quantiles .5, 1.5, 3
    draws, y = RNG.normal(size=(5, 400)), RNG.normal(size=5)
    levels = (np.arange(400) + 0.5) / 400
    assert 2 * scores.pinball(draws, y, levels).mean(axis=1) == pytest.approx(scores.crps(draws, y), abs=1e-5)


def test_coverage():
    m = 1000
    draws = np.tile(norm.ppf((np.arange(m) + 0.5) / m), (4, 1))
    y = np.array([0.0, 0.67, 0.68, -1.7])  # the quartile is .6745, the 5 % quantile -1.645
    assert scores.coverage(draws, y, 0.5).tolist() == [True, True, False, False]
    assert scores.coverage(draws, y, 0.9).tolist() == [True, True, True, False]


def test_pit_is_a_distribution_function():
    draws = np.sort(RNG.normal(size=50))
    y = np.linspace(-8, 8, 20_001)
    found = scores.pit(np.tile(draws, (len(y), 1)), y)
    assert (found > 0).all() and (found < 1).all() and (np.diff(found) > 0).all()
    assert np.diff(found).max() < 0.02  # continuous: the closest two draws lie within a few steps of y
    assert scores.pit(np.tile(draws, (50, 1)), draws) == pytest.approx((np.arange(50) + 0.5) / 50)
    inside = np.array([(draws[9] + draws[10]) / 2])
    assert scores.pit(draws[None], inside) == pytest.approx(0.2)
    beyond = np.array([draws[0] - draws.std()])
    assert scores.pit(draws[None], beyond) == pytest.approx(np.exp(-1) / 100)


def test_pit_of_ties_and_of_a_point():
    draws = np.array([[0.0, 1.0, 1.0, 1.0, 5.0]])
    assert scores.pit(draws, np.array([1.0])) == pytest.approx(0.5)
    assert scores.pit(np.ones((1, 4)), np.array([1.0])) == pytest.approx(0.5)
    assert 0 < scores.pit(np.ones((1, 4)), np.array([0.0]))[0] < 1e-6


def test_point_scores_by_hand():
    price, previous = np.array([100.0, 110.0, 99.0, 99.0]), np.array([98.0, 100.0, 110.0, 99.0])
    predicted = np.array([99.0, 100.0, 112.0, 90.0])  # right, no change, wrong, and a day that did not move
    found = scores.point_scores(price, predicted, previous, season_error=2.0)
    assert found["mae"] == pytest.approx((1 + 10 + 13 + 9) / 4)
    assert found["rmse"] == pytest.approx(np.sqrt((1 + 100 + 169 + 81) / 4))
    assert found["mape"] == pytest.approx(25 * (1 / 100 + 10 / 110 + 13 / 99 + 9 / 99))
    assert found["mase"] == pytest.approx(33 / 8)
    assert found["directional"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert scores.point_scores(price, previous, previous, 2.0)["directional"] == 0.5
    assert scores.point_scores(previous, price, previous, 2.0)["directional"] == 0.5  # no day moved


def test_value_at_risk_and_shortfall_of_a_gaussian():
    m = 100_000
    draws = 0.01 * norm.ppf((np.arange(m) + 0.5) / m)[None]
    assert risk.value_at_risk(draws, 0.05)[0] == pytest.approx(0.01 * 1.644854, rel=1e-5)
    assert risk.expected_shortfall(draws, 0.05)[0] == pytest.approx(0.01 * norm.pdf(1.644854) / 0.05, rel=1e-4)
    assert risk.expected_shortfall(np.array([[3.0, -4.0, 1.0, -8.0]]), 0.3)[0] == pytest.approx((8 + 0.2 * 4) / 1.2)


def test_risk_report_by_hand():
    draws = np.tile(np.arange(-50.0, 50.0), (100, 1))
    y = np.zeros(100)
    y[[10, 11, 50]] = -60, -47, -48  # the 5 % quantile is -45.5, the 1 % quantile -49.5
    found = risk.report(draws, y)
    assert found["0.05"]["violations"] == 3 and found["0.05"]["expected"] == pytest.approx(5)
    assert found["0.05"]["realised_loss"] == pytest.approx((60 + 47 + 48) / 3)
    assert found["0.05"]["expected_shortfall"] == pytest.approx(48)
    assert found["0.01"]["violations"] == 1 and found["0.01"]["expected_shortfall"] == 50
    assert found["0.05"]["kupiec_p"] == pytest.approx(0.323, abs=5e-4)  # ratio .977
    # 99 transitions: after a violation (3) one more, after none (96) two; together 3 of 99
    apart = xlogy(1, 1 / 3) + xlogy(2, 2 / 3) + xlogy(2, 2 / 96) + xlogy(94, 94 / 96)
    together = xlogy(3, 3 / 99) + xlogy(96, 96 / 99)
    assert found["0.05"]["christoffersen_p"] == pytest.approx(chi2.sf(2 * (apart - together), 1))
    assert risk.report(draws, np.zeros(100))["0.01"]["realised_loss"] is None
