"""Rival simulators: their parameters are found again, and blocks have the lengths that were asked for."""

import numpy as np
import pytest
from gankit_stock_gan.simulation.facts import leverage
from gankit_stock_gan.simulation.rivals import bootstrap_paths, garch_paths

from gankit.errors import DataError


def series(n=6000, gamma=0.0, nu=8.0, seed=0):
    """Log returns with alpha .05, beta .85, and an unconditional SD of 1 %."""
    rng, e, variance, r = np.random.default_rng(seed), 0.0, 1.0, []
    for z in rng.standard_t(nu, n) * np.sqrt((nu - 2) / nu):
        variance = (1 - 0.9 - gamma / 2) + (0.05 + gamma * (e < 0)) * e**2 + 0.85 * variance
        e = z * np.sqrt(variance)
        r.append(e)
    return 0.0005 + 0.01 * np.array(r)


@pytest.mark.parametrize("kind", ["garch", "gjr"])
def test_paths_obey_the_recursion_that_was_fitted(kind):
    """Arch, fitted to the simulated paths, finds what it had found in the original."""
    from arch import arch_model

    real = series(gamma=0.1 if kind == "gjr" else 0.0)

    def fitted(r):
        model = arch_model(100 * r, p=1, o=int(kind == "gjr"), q=1, dist="t", mean="Constant")
        return model.fit(disp="off").params.to_numpy()

    expected, paths = fitted(real), garch_paths(real, 2, 20_000, kind, seed=3)
    assert paths.shape == (2, 20_000)
    found = np.mean([fitted(path) for path in paths], axis=0)  # mu, omega, alpha, [gamma,] beta, nu
    np.testing.assert_allclose(found[:-1], expected[:-1], atol=0.03)
    assert found[-1] == pytest.approx(expected[-1], rel=0.15)


def test_gaussian_innovations_have_lighter_tails():
    real = series(nu=4.5)
    t, normal = (garch_paths(real, 50, 2000, dist=dist) for dist in ("t", "normal"))
    assert np.abs(t).max() > 1.5 * np.abs(normal).max()
    assert t.std() == pytest.approx(normal.std(), rel=0.1)


def test_only_gjr_has_leverage():
    real = series(gamma=0.1)
    garch, gjr = (leverage(garch_paths(real, 100, 3000, kind), 5).mean(axis=0) for kind in ("garch", "gjr"))
    assert np.abs(garch).max() < 0.015
    assert gjr.max() < -0.03


def test_paths_start_in_the_stationary_state():
    paths = garch_paths(series(gamma=0.1), 4000, 300, "gjr")
    assert paths[:, :20].std() == pytest.approx(paths[:, -20:].std(), rel=0.04)
    assert paths.std() == pytest.approx(0.01, rel=0.1)
    # Paths that start from one and the same volatility differ less in their first days.
    first, last = (np.log((part**2).mean(axis=1)).std() for part in (paths[:, :20], paths[:, -20:]))
    assert first == pytest.approx(last, rel=0.05)


def test_seeds_repeat():
    real = series(1000)
    np.testing.assert_array_equal(garch_paths(real, 3, 50, seed=5), garch_paths(real, 3, 50, seed=5))
    assert (garch_paths(real, 3, 50, seed=5) != garch_paths(real, 3, 50, seed=6)).all()
    np.testing.assert_array_equal(bootstrap_paths(real, 3, 50, seed=5), bootstrap_paths(real, 3, 50, seed=5))


def test_blocks_follow_history_and_have_geometric_lengths():
    n = 1000
    days = bootstrap_paths(np.arange(n), 200, 2000, 20, seed=1).astype(int)
    breaks = np.diff(days) % n != 1
    assert breaks.mean() == pytest.approx((1 - 1 / n) / 20, rel=0.02)
    assert breaks[:, 0].mean() == pytest.approx(0.05, abs=0.05)
    assert (np.diff(days) == 1 - n).any()  # the end runs on at the beginning
    assert np.bincount(days.ravel(), minlength=n).std() / 400 < 0.25  # every day is as frequent
    starts = days[:, 0]
    assert starts.mean() == pytest.approx(n / 2, abs=80)
    lengths = np.concatenate([np.diff(np.flatnonzero(row)) for row in breaks])
    assert lengths.std() == pytest.approx(np.sqrt(1 - 1 / 20) * 20, rel=0.05)


def test_blocks_of_one_day_are_independent_draws():
    days = bootstrap_paths(np.arange(10), 100, 1000, 1)
    pairs = np.histogram2d(days[:, :-1].ravel(), days[:, 1:].ravel(), bins=10)[0]
    assert pairs.min() > 0.85 * pairs.mean()


@pytest.mark.parametrize("returns", [np.zeros(500), series(99), np.append(series(200), np.nan)])
def test_what_cannot_be_fitted_is_a_clear_error(returns):
    with pytest.raises(DataError, match=r"constant|too few|finite"):
        garch_paths(returns, 2, 10)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="egarch"):
        garch_paths(series(200), 2, 10, "egarch")
    with pytest.raises(ValueError, match="at least 1 day"):
        bootstrap_paths(series(200), 2, 10, 0.5)
    with pytest.raises(DataError, match="too few"):
        bootstrap_paths(np.zeros(0), 2, 10)
