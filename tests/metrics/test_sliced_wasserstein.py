"""Sliced Wasserstein distances against SciPy, closed forms and loops."""

import math

import numpy as np
import pytest
from scipy import stats

from gankit.errors import DataError
from gankit.metrics import samples, wasserstein
from gankit.metrics.wasserstein import sliced_wasserstein, wasserstein_columns


@pytest.mark.parametrize("n, m", [(50, 50), (1, 1), (1, 7), (12, 18), (37, 50), (50, 49)])
def test_a_line_equals_scipy(n, m):
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(n, 4)), rng.gamma(2, size=(m, 4))
    a[:, 1] = np.round(a[:, 1])  # ties
    expected = [stats.wasserstein_distance(x, y) for x, y in zip(a.T, b.T, strict=True)]
    np.testing.assert_allclose(wasserstein_columns(a, b), expected, rtol=1e-12)
    np.testing.assert_allclose(wasserstein_columns(b, a), expected, rtol=1e-12)


def test_in_one_dimension_all_directions_agree():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 1)), rng.normal(size=(70, 1)) * 2
    score = sliced_wasserstein(x, y, features="line", directions=9)
    assert score.value == pytest.approx(stats.wasserstein_distance(x[:, 0], y[:, 0]), rel=1e-12)
    assert score.error == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("width", [2, 3, 10])
def test_of_a_shift_the_mean_over_directions_is_known(width):
    """|u.s| of a uniform direction u: |s| Gamma(d / 2) / (sqrt(pi) Gamma((d + 1) / 2))."""
    rng = np.random.default_rng(0)
    x, shift = rng.normal(size=(20, width)), rng.normal(size=width)
    score = sliced_wasserstein(x, x + shift, features="", directions=20_000)
    expected = np.linalg.norm(shift) * math.gamma(width / 2) / (math.sqrt(math.pi) * math.gamma((width + 1) / 2))
    assert score.value == pytest.approx(expected, abs=4 * score.error)
    assert 0 < score.error < 0.01 * expected
    assert sliced_wasserstein(x, x[::-1], features="").value == pytest.approx(0, abs=1e-14)


def test_equals_a_loop_over_directions(monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 5)).astype(np.float32), rng.normal(size=(45, 5)) + 0.3
    unit = np.random.default_rng(7).normal(size=(13, 5))
    distances = [stats.wasserstein_distance(x @ u, y @ u) for u in unit / np.sqrt((unit**2).sum(axis=1))[:, None]]
    for budget, values in ((2**22, 2**23), (80, 300)):  # and in pieces of 16 samples and 2 directions
        monkeypatch.setattr(samples, "_PIECE", budget)
        monkeypatch.setattr(wasserstein, "_VALUES", values)
        score = sliced_wasserstein(x, y, features={"network": "none"}, directions=13, seed=7)
        assert score.value == pytest.approx(np.mean(distances), rel=1e-12)
        assert score.error == pytest.approx(np.std(distances, ddof=1) / math.sqrt(13), rel=1e-9)
    assert (score.metric, score.better) == ("sliced_wasserstein", "lower")
    assert score.protocol == {
        "features": {"network": "none"},
        "width": 5,
        "real": 60,
        "fake": 45,
        "p": 1,
        "directions": 13,
        "seed": 7,
        "error": "standard error over directions",
    }
    assert score.value != sliced_wasserstein(x, y, features="", directions=13, seed=8).value
    assert sliced_wasserstein(x, y, features="", directions=1).error is None


def test_refusals():
    x = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(DataError, match="2 values a sample, where 3"):
        sliced_wasserstein(x, x[:, :2], features="")
    with pytest.raises(DataError, match="finite"):
        sliced_wasserstein(x, x * np.inf, features="")
    with pytest.raises(DataError, match="0 real features"):
        sliced_wasserstein(x[:0], x, features="")
    with pytest.raises(ValueError, match="0"):
        sliced_wasserstein(x, x, features="", directions=0)


# --- patches ---------------------------------------------------------------------------------------------------------
