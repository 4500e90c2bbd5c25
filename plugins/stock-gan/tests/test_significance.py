"""Tests of significance against formulas by hand, statsmodels, simulation and textbook figures; and the verdicts."""

import math

import numpy as np
import pytest
from gankit_stock_gan.backtest import significance as tests
from gankit_stock_gan.backtest.verdict import distribution_verdict, point_verdict
from scipy.stats import t as student

from gankit.errors import DataError


def test_diebold_mariano_by_hand():
    a, b = np.array([3.0, 1.0, 4.0, 2.0, 5.0]), np.array([1.0, 2.0, 1.0, 1.0, 1.0])
    # differences 2, -1, 3, 1, 4: mean 1.8, squares around it 14.8 / 5 = 2.96; n = 5, so Harvey's factor is sqrt(4 / 5)
    statistic = 1.8 / math.sqrt(2.96 / 5) * math.sqrt(4 / 5)
    found = tests.diebold_mariano(a, b)
    assert found == pytest.approx((statistic, 2 * student.sf(statistic, 4)))
    assert tests.diebold_mariano(b, a) == pytest.approx((-statistic, found[1]))


def test_diebold_mariano_two_days_ahead_by_hand():
    d = np.array([1.0, 2.0, 2.0, 3.0, 3.0, 1.0])
    # mean 2, rest -1 0 0 1 1 -1: variance 4/6, first autocovariance (0 + 0 + 0 + 1 - 1) / 6 = 0
    shrink = math.sqrt((6 + 1 - 4 + 2 / 6) / 6)
    assert tests.diebold_mariano(d, 0 * d, 2)[0] == pytest.approx(2 / math.sqrt(4 / 6 / 6) * shrink)
    swings = np.array([1.0, -1.0, 1.0, -1.0, 1.5, -1.0])  # covariances 7.20833 / 6 and about -6 / 6: equal weights fail
    rest = swings - swings.mean()
    whole = rest @ rest / 6 + 2 * (rest[1:] @ rest[:-1]) / 6
    assert whole < 0
    bartlett = rest @ rest / 6 + rest[1:] @ rest[:-1] / 6
    expected = swings.mean() / math.sqrt(bartlett / 6) * shrink
    assert tests.diebold_mariano(swings, 0 * swings, 2)[0] == pytest.approx(expected)


def test_diebold_mariano_of_equal_and_of_constant_losses():
    a = np.array([1.0, 2.0, 4.0, 0.5])
    assert tests.diebold_mariano(a, a) == (0.0, 1.0)
    assert tests.diebold_mariano(a + 1, a) == (math.inf, 0.0)
    with pytest.raises(DataError):
        tests.diebold_mariano(a, a[1:])
    with pytest.raises(DataError):
        tests.diebold_mariano(np.array([1.0, math.nan, 1.0]), np.ones(3))


@pytest.mark.parametrize("horizon", [1, 5])
def test_diebold_mariano_rejects_a_true_null_one_time_in_twenty(horizon):
    rng, rejected, trials = np.random.default_rng(5), 0, 1000
    for _ in range(trials):
        noise = rng.standard_t(5, (2, 250 + horizon - 1))
        a, b = (np.convolve(row, np.ones(horizon), "valid") for row in noise)  # overlap, as of horizon days ahead
        rejected += tests.diebold_mariano(a, b, horizon)[1] < 0.05
    assert 0.03 < rejected / trials < (0.07 if horizon == 1 else 0.09)  # three standard errors; more lags reject more


def test_kupiec_of_the_textbook():
    # Jorion, Value at Risk, chapter 6: JP Morgan's 20 exceptions in 252 days of 1998 at 95 %
    ratio, p = tests.kupiec(20, 252, 0.05)
    assert ratio == pytest.approx(3.91, abs=0.005) and p == pytest.approx(0.048, abs=0.001)
    # no violation: -2 T ln(1 - p)
    assert tests.kupiec(0, 255, 0.01)[0] == pytest.approx(-2 * 255 * math.log(0.99))
    assert tests.kupiec(5, 100, 0.05) == (0.0, 1.0)
    assert tests.kupiec(100, 100, 0.05)[0] == pytest.approx(-200 * math.log(0.05))


def test_christoffersen_by_hand():
    hits = np.array([0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], bool)
    # 16 transitions: after no hit (11) 2 hits, after a hit (5) 3 hits; in all 5 of 16
    apart = 9 * math.log(9 / 11) + 2 * math.log(2 / 11) + 2 * math.log(2 / 5) + 3 * math.log(3 / 5)
    together = 11 * math.log(11 / 16) + 5 * math.log(5 / 16)
    assert tests.christoffersen(hits)[0] == pytest.approx(2 * (apart - together))
    assert tests.christoffersen(np.zeros(100, bool)) == (0.0, 1.0)
    assert tests.christoffersen(np.ones(100, bool)) == (0.0, 1.0)


def test_stationary_bootstrap():
    rng = np.random.default_rng(3)
    rows = tests.stationary_bootstrap_indices(200, 20, rng, 2000)
    assert rows.shape == (2000, 200) and rows.min() == 0 and rows.max() == 199
    assert np.bincount(rows.ravel()) / 2000 == pytest.approx(np.ones(200), abs=0.3)  # every day as often
    follows = (rows[:, 1:] == (rows[:, :-1] + 1) % 200).mean()
    assert follows == pytest.approx(0.95 + 0.05 / 200, abs=0.002)  # blocks of 20 days on average


def losses(rng, gain, days=500):
    rival = rng.random(days) + 0.5
    return rival * (1 - gain) + rng.normal(0, 0.02, days), rival


def test_point_verdicts():
    rng = np.random.default_rng(4)
    found = point_verdict({"a": losses(rng, 0.012), "b": losses(rng, -0.02), "c": losses(rng, 0.0)})
    assert [found[key].outcome for key in "abc"] == ["better", "worse", "tie"]
    assert str(found["a"]).startswith("better than persistence by 1.")
    assert str(found["a"]).endswith(" % of MAE (DM p < 0.001, Holm over 3 assets)")
    assert str(found["b"]).startswith("worse than persistence by ")
    assert str(found["c"]) == f"no skill over persistence (DM p = {found['c'].adjusted:.2f}, Holm over 3 assets)"
    assert found["a"].statistic < 0 < found["b"].statistic
    p = sorted(found[key].p for key in "abc")  # Holm: the least p counts three times, the next twice, none less
    adjusted = np.maximum.accumulate(np.minimum(np.array(p) * (3, 2, 1), 1))
    assert sorted(found[key].adjusted for key in "abc") == pytest.approx(adjusted)


def test_a_verdict_needs_holm():
    rng = np.random.default_rng(6)
    ours, rival = losses(rng, 0.0)
    gain = (ours - rival).mean() + 2.3 * (ours - rival).std() / math.sqrt(500)
    one = (ours - gain, rival)  # p about .02
    alone = point_verdict({"a": one})["a"]
    assert alone.outcome == "better" and 0.01 < alone.p == alone.adjusted < 0.05
    assert alone.sentence.endswith(f"(DM p = {alone.p:.3f})")
    among = point_verdict({"a": one, **{str(i): losses(rng, 0.0) for i in range(4)}})["a"]
    assert among.p == alone.p and among.adjusted == pytest.approx(5 * alone.p)
    assert among.sentence.startswith("no skill over persistence (DM p = 0.")


def test_distribution_verdicts():
    rng = np.random.default_rng(7)
    ours = np.full(400, 38.34e-4) + rng.normal(0, 1e-3, 400)
    ours += 38.34e-4 - ours.mean()
    rival = np.full(400, 38.53e-4) + rng.normal(0, 1e-3, 400)
    rival += 38.53e-4 - rival.mean()
    found = distribution_verdict({"sp500": (ours, rival)}, {"sp500": "gjr-fhs"})["sp500"]
    assert str(found) == f"a tie with gjr-fhs: CRPS 38.34 against 38.53 bps (DM p = {found.p:.2f})"
    assert str(distribution_verdict({"x": (rival * 0.6, rival)}, {"x": "ewma"})["x"]) == (
        "better than ewma: CRPS 23.12 against 38.53 bps (DM p < 0.001)"
    )
    assert str(distribution_verdict({"x": (rival * 2, rival)}, {"x": "gjr-fhs"})["x"]).startswith(
        "worse than gjr-fhs: CRPS 77.06"
    )
