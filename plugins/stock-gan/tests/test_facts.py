"""Stylised facts against brute force, statsmodels, scipy and a published table; the panel and the test for copies."""

import numpy as np
import pytest
from gankit_stock_gan.simulation import copies, facts, panel, rivals
from scipy import stats

from gankit.errors import DataError


@pytest.fixture(scope="module")
def garch():
    """Returns of a known GARCH(1,1), [4000]."""
    rng, variance, r = np.random.default_rng(0), 1.0, []
    for z in rng.standard_normal(4000):
        r.append(z * np.sqrt(variance))
        variance = 0.05 + 0.1 * r[-1] ** 2 + 0.85 * variance
    return 0.01 * np.array(r)


def skewed(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.convolve(rng.gamma(2, size=n + 3) - 2, [1, 0.5, 0.2, -0.3], "valid") * 0.01


def test_acf_is_that_of_statsmodels_for_each_path():
    from statsmodels.tsa.stattools import acf

    paths = np.stack([skewed(300, seed) for seed in range(3)])
    expected = [acf(path, nlags=299, fft=False)[1:] for path in paths]
    np.testing.assert_allclose(facts.acf(paths, 299), expected, atol=1e-12)


def test_leverage_is_the_correlation_with_later_squares():
    r = skewed(200)
    x, y = r - r.mean(), r**2 - (r**2).mean()
    expected = [(x[:-k] * y[k:]).sum() / np.sqrt((x**2).sum() * (y**2).sum()) for k in range(1, 151)]
    np.testing.assert_allclose(facts.leverage(r, 150), expected, atol=1e-12)
    np.testing.assert_allclose(facts.leverage(np.stack([r, r]), 150)[1], expected, atol=1e-12)


def test_leverage_is_negative_where_falls_announce_volatility():
    z = np.random.default_rng(0).standard_normal(100_000)
    r = z[1:] * np.where(z[:-1] < 0, 2, 1)
    found = facts.leverage(r, 5)
    assert found[0] < -0.15
    assert np.abs(found[1:]).max() < 0.02


def test_moments_are_those_of_scipy():
    paths = np.stack([skewed(500, seed) for seed in range(3)])
    np.testing.assert_allclose(facts.moment(paths, 3), stats.skew(paths, axis=1), rtol=1e-12)
    np.testing.assert_allclose(facts.moment(paths, 4) - 3, stats.kurtosis(paths, axis=1), rtol=1e-12)


def test_hill_finds_the_index_of_a_pareto_tail():
    u = np.random.default_rng(0).random((2, 200_000))
    found = facts.hill(u ** (-1 / 3))
    np.testing.assert_allclose(found, 3, atol=0.1)  # its standard error is 3 / sqrt(10,000)
    x = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 10, 20])
    assert facts.hill(x, 0.2) == pytest.approx(2 / (np.log(10 / 8) + np.log(20 / 8)))


def test_summed_returns_overlap():
    np.testing.assert_allclose(facts.summed(np.array([[1, 2, 4, 8, 16]]), 3), [[7, 14, 28]])
    np.testing.assert_array_equal(facts.summed(np.array([1, 2, 4]), 1), [1, 2, 4])


def test_distances_are_root_means_over_lags_of_the_mean_over_paths(garch):
    real, paths = garch[:1000], np.stack([garch[1000:2000], garch[2000:3000]])
    found = facts.distances(real, paths, 250)
    for name, shape in (("acf", lambda x: x), ("acf_abs", np.abs), ("acf_sq", np.square)):
        gap = facts.acf(shape(real), 250) - (facts.acf(shape(paths[0]), 250) + facts.acf(shape(paths[1]), 250)) / 2
        assert found[name] == pytest.approx(np.sqrt((gap**2).sum() / 250), rel=1e-12)
    gap = facts.leverage(real, 250) - (facts.leverage(paths[0], 250) + facts.leverage(paths[1], 250)) / 2
    assert found["leverage"] == pytest.approx(np.sqrt((gap**2).sum()), rel=1e-12)


def test_the_distance_of_distributions_is_a_shift_in_log_return(garch):
    real = garch[:1000]
    found = facts.distances(real, np.stack([real, real]) + 0.001)
    assert [found[f"emd_{days}"] for days in facts.HORIZONS] == pytest.approx([0.001, 0.005, 0.02, 0.1])
    assert found["acf_sq"] > 1e-4 > found["acf"]


def test_scores_hold_the_facts_of_both(garch):
    paths = np.stack([garch[:1000], garch[1000:2000], garch[2000:3000]])
    real, found = panel.table(garch, {"model": paths})
    assert found["kurtosis"] == pytest.approx(np.median(stats.kurtosis(paths, axis=1)))
    assert real["kurtosis"] == pytest.approx(stats.kurtosis(garch))
    assert real["hill_lower"] == pytest.approx(facts.hill(-garch))
    monthly = np.convolve(garch, np.ones(20), "valid")
    assert real["kurtosis_20"] == pytest.approx(stats.kurtosis(monthly))


def broken(case):
    r = skewed(400)
    return {
        "constant": (np.full(400, 0.1), r[None], "constant"),
        "constant path": (r, np.stack([r, np.full(400, 0.1)]), "constant"),
        "constant size": (r, np.where(np.arange(400) % 3, 0.01, -0.01)[None], "constant"),
        "short": (r[:250], r[None], "250 returns are too few, 251"),
        "not finite": (r, np.where(np.arange(400) == 7, np.nan, r)[None], "finite"),
        "one path": (r, r, "shape"),
    }[case]


@pytest.mark.parametrize("case", ["constant", "constant path", "constant size", "short", "not finite", "one path"])
def test_what_has_no_facts_is_a_clear_error(case):
    real, paths, words = broken(case)
    with pytest.raises(DataError, match=words) as raised:
        panel.table(real, {"model": paths})
    assert raised.value.hint


def test_a_tail_without_size_is_a_clear_error():
    with pytest.raises(DataError, match="above 0"):
        facts.hill(-1 - np.arange(100.0))
    with pytest.raises(DataError, match="tail of 30"):
        facts.hill(np.arange(30.0))


@pytest.fixture(scope="module")
def sp500(test_data):
    """Log returns of the S&P 500, May 2009 to December 2018."""
    table = np.loadtxt(test_data / "stock" / "arch" / "sp500.csv", str, delimiter=",", skiprows=1)
    month, _, year = np.array([row.split("/") for row in table[:, 0]], int).T
    inside = year * 100 + month >= 200905
    return np.diff(np.log(table[inside, 5].astype(float)))


def test_the_scaling_is_that_of_published_figures(sp500):
    """Within three standard deviations over seeds, of 150 paths."""
    n = len(sp500)
    assert n == 2433
    found = facts.distances(sp500, rivals.garch_paths(sp500, 150, n, dist="normal"))
    expected = {
        "acf": (0.0222, 4e-4),
        "acf_abs": (0.0297, 2.5e-3),
        "acf_sq": (0.0256, 2e-3),
        "leverage": (0.438, 0.018),
    }
    assert {k: found[k] for k in expected} == {k: pytest.approx(v, abs=e) for k, (v, e) in expected.items()}
    found = facts.distances(sp500, rivals.bootstrap_paths(sp500, 150, n))
    expected = {"acf": (0.0168, 4e-4), "acf_abs": (0.0331, 2e-3), "acf_sq": (0.0248, 2e-3), "leverage": (0.252, 0.006)}
    assert {k: found[k] for k in expected} == {k: pytest.approx(v, abs=e) for k, (v, e) in expected.items()}


def test_replayed_history_is_found_out_and_a_model_is_not(garch):
    train, held_out = garch[:2000], garch[2000:]
    replayed = copies.copied(train, held_out, rivals.bootstrap_paths(train, 20, 1000, 200))
    assert replayed["copied"] > 0.85  # (1 - 1/200)^19 = .91 of the windows lie within a block
    assert replayed["nearer"] > 0.9
    louder = copies.copied(train, held_out, 3 * rivals.bootstrap_paths(train, 20, 1000, 200))
    assert louder["copied"] == pytest.approx(replayed["copied"])
    fresh = copies.copied(train, held_out, rivals.garch_paths(train, 20, 1000))
    assert fresh["copied"] < 0.03
    assert fresh["healthy"] == pytest.approx(0.01, abs=0.001)
    assert fresh["nearer"] == pytest.approx(0.5, abs=0.06)


def test_a_flat_stretch_is_no_division_by_zero(garch):
    paths = np.stack([np.full(1000, 0.002), garch[3000:]])
    found = copies.copied(garch[:2000], garch[2000:3000], paths)
    assert all(np.isfinite(value) for value in found.values())
    assert found["copied"] < 0.03


def test_the_table_and_the_picture(garch, tmp_path):
    from PIL import Image

    real, paths = garch[:1000], {"model": garch[1000:3000].reshape(2, -1), "rival": garch[2000:].reshape(2, -1)}
    rows = panel.table(real, paths)
    assert [row["name"] for row in rows] == ["real", "model", "rival"]
    assert rows[0].keys() == rows[1].keys()
    assert rows[0]["acf_abs"] == 0
    assert rows[2] == {"name": "rival", **facts.distances(real, paths["rival"]), **facts.facts(paths["rival"])}
    assert rows[0]["kurtosis"] == facts.facts(real)["kurtosis"]
    with Image.open(panel.panel(real, paths, tmp_path / "facts.png")) as picture:
        assert picture.size == (1100, 700)
        below_the_legend = np.asarray(picture.convert("RGB"))[60:]
    colours = {tuple(c) for c in below_the_legend.reshape(-1, 3)}
    assert {(0, 0, 0), (0xD5, 0x5E, 0), (0, 0x72, 0xB2)} <= colours
    with pytest.raises(DataError, match="0 sets"):
        panel.panel(real, {}, tmp_path / "none.png")
