"""Moments against NumPy, and the Fréchet distance against closed forms and SciPy's matrix root."""

import math

import numpy as np
import pytest
from scipy import linalg, stats

from gankit.errors import DataError
from gankit.metrics import samples
from gankit.metrics.frechet import fid, frechet_distance
from gankit.metrics.moments import Moments


def moments(*batches):
    result = Moments()
    for batch in batches:
        result.update(batch)
    return result


def gaussian(rng, width, rank=None):
    root = rng.normal(size=(width, rank or width))
    return rng.normal(size=width), root @ root.T


# --- moments ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [[], [1], [1, 2, 3], [100], [7, 8, 200]])
def test_moments_don_t_depend_on_the_batches(cuts):
    x = np.random.default_rng(0).normal(size=(301, 5)) @ np.random.default_rng(1).normal(size=(5, 5)) + 3
    found = moments(*np.split(x, cuts))
    assert found.n == 301
    np.testing.assert_allclose(found.mean, x.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(found.covariance(), np.cov(x, rowvar=False), rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(found.covariance(), found.covariance().T)


def test_a_large_batch_is_taken_in_pieces(monkeypatch):
    monkeypatch.setattr(samples, "_PIECE", 100)
    x = np.random.default_rng(0).normal(size=(1000, 5))
    assert len(list(samples.pieces(1000, 5))) == 50
    np.testing.assert_allclose(moments(x).covariance(), np.cov(x, rowvar=False), rtol=1e-12, atol=1e-14)


def test_merged_moments_are_those_of_all():
    x = np.random.default_rng(0).normal([0, 5, -7], size=(90, 3))
    parts = [moments(part) for part in np.split(x, [10, 40])]
    total = Moments()
    total.merge(Moments())
    before = [(part.n, part.mean.copy(), part.scatter.copy()) for part in parts]
    for part in parts:
        total.merge(part)
        total.merge(Moments())
    for (n, mean, scatter), part in zip(before, parts, strict=True):
        assert part.n == n
        np.testing.assert_array_equal(part.mean, mean)
        np.testing.assert_array_equal(part.scatter, scatter)
    np.testing.assert_allclose(total.mean, x.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(total.covariance(), np.cov(x, rowvar=False), rtol=1e-12)
    with pytest.raises(DataError, match="3 and of 4"):
        total.merge(moments(np.zeros((2, 4))))


def test_a_covariance_is_symmetric_to_the_last_bit():
    x = np.random.default_rng(0).normal(size=(60, 40)) * np.logspace(0, 6, 40)
    covariance = moments(*np.split(x, 60)).covariance()
    np.testing.assert_array_equal(covariance, covariance.T)


def test_a_large_mean_costs_no_digits():
    x = np.random.default_rng(0).normal(size=(4000, 2))
    found = moments(*np.split(x + 1e7, 80)).covariance()
    np.testing.assert_allclose(found, np.cov(x, rowvar=False), rtol=1e-7, atol=1e-8)  # E[xx'] - E[x]E[x]': 1e-1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.uint8])
def test_narrow_dtypes_are_summed_in_float64(dtype):
    x = np.random.default_rng(0).integers(0, 200, (3000, 2)).astype(dtype)
    found = moments(x)
    np.testing.assert_allclose(found.mean, x.astype(np.float64).mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(found.covariance(), np.cov(x.astype(np.float64), rowvar=False), rtol=1e-12)


def test_moments_refuse_and_stay_as_they_were():
    x = np.random.default_rng(0).normal(size=(20, 3))
    found = moments(x)
    before = found.mean.copy(), found.covariance()
    bad = np.ones((5000, 3))
    bad[4321, 1] = np.nan
    with pytest.raises(DataError, match="sample 4321 is not"):
        found.update(bad)
    with pytest.raises(DataError, match="4 values a sample, where 3"):
        found.update(np.ones((2, 4)))
    with pytest.raises(DataError, match=r"\[2, 2, 2\]"):
        found.update(np.ones((2, 2, 2)))
    with pytest.raises(DataError, match="0 features, and at least 1"):
        found.update(np.empty((0, 3)))
    with pytest.raises(DataError, match="complex"):
        found.update(np.ones((2, 3), complex))
    assert found.n == 20
    np.testing.assert_array_equal(found.mean, before[0])
    np.testing.assert_array_equal(found.covariance(), before[1])
    for few in (Moments(), moments(np.ones((1, 3)))):
        with pytest.raises(DataError, match="at least two samples"):
            few.covariance()


# --- distance --------------------------------------------------------------------------------------------------------


def test_one_dimension():
    # (m1 - m2)^2 + (s1 - s2)^2
    assert frechet_distance([1.0], [[4.0]], [-2.0], [[9.0]]) == pytest.approx(9 + 1, rel=1e-14)


def test_diagonal_gaussians():
    rng = np.random.default_rng(0)
    a, b, m, n = rng.uniform(0, 5, (4, 30))
    expected = ((m - n) ** 2 + (np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    assert frechet_distance(m, np.diag(a), n, np.diag(b)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("width", [1, 2, 17, 60])
def test_equals_scipy_s_matrix_root(width):
    rng = np.random.default_rng(width)
    (m, a), (n, b) = gaussian(rng, width, width + 5), gaussian(rng, width, width + 5)
    root = linalg.sqrtm(a @ b)
    expected = ((m - n) ** 2).sum() + np.trace(a + b - 2 * root.real)
    assert frechet_distance(m, a, n, b) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(n, b, m, a) == pytest.approx(expected, rel=1e-9)


def test_of_itself_it_is_nothing():
    mean, covariance = gaussian(np.random.default_rng(0), 50)
    assert 0 <= frechet_distance(mean, covariance, mean, covariance) < 1e-10 * np.trace(covariance)
    for seed in range(10):  # rounding goes either way
        mean, covariance = gaussian(np.random.default_rng(seed), 20)
        assert frechet_distance(mean, covariance, mean, covariance) >= 0
    assert frechet_distance(mean, np.eye(20), mean + 2, np.eye(20)) == pytest.approx(80)
    assert frechet_distance(mean, 9 * covariance, mean, covariance) == pytest.approx(4 * np.trace(covariance))


def test_singular_covariances():
    """Of rank one the root is known: tr (uu' vv')^(1/2) = |u.v|."""
    rng = np.random.default_rng(0)
    u, v = rng.normal(size=(2, 200))
    zero = np.zeros(200)
    expected = u @ u + v @ v - 2 * abs(u @ v)
    assert frechet_distance(zero, np.outer(u, u), zero, np.outer(v, v)) == pytest.approx(expected, rel=1e-11)
    # apart in space: nothing in common at all
    e, f = np.diag([1.0, 2, 0, 0]), np.diag([0.0, 0, 3, 4])
    assert frechet_distance(np.zeros(4), e, np.zeros(4), f) == pytest.approx(10, rel=1e-13)
    nothing = np.zeros((4, 4))
    assert frechet_distance(np.zeros(4), nothing, np.ones(4), f) == pytest.approx(11, rel=1e-13)
    assert frechet_distance(np.zeros(4), nothing, np.zeros(4), nothing) == 0


def test_small_eigenvalues_count():
    a, b = np.array([1, 2, 1e-10, 1e-11]), np.array([1e-10, 1e-11, 3, 4])
    expected = ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    found = frechet_distance(np.zeros(4), np.diag(a), np.zeros(4), np.diag(b))
    assert found == pytest.approx(expected, rel=1e-9)  # the roots are 1e-5 of it


def test_fewer_samples_than_features():
    """Against the root within the span of the samples, where nothing is singular."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 300)), rng.normal(size=(30, 300)) * 1.5 + 0.1
    basis, _ = np.linalg.qr(np.concatenate([x, y]).T)
    p, q = (np.cov(z @ basis, rowvar=False) for z in (x, y))
    values = np.linalg.eigvals(p @ q).real
    root = np.sqrt(np.sort(values)[-19:]).sum()  # the rank of the smaller set
    expected = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum() + np.trace(p + q) - 2 * root
    score = fid(moments(x), moments(y), features="noise")
    assert score.value == pytest.approx(expected, rel=1e-9)
    assert fid(moments(x), moments(x), features="noise").value < 1e-9


def test_of_samples_it_nears_that_of_the_distributions():
    rng = np.random.default_rng(0)
    mean, covariance = gaussian(rng, 4)
    other, second = gaussian(rng, 4)
    x = stats.multivariate_normal(mean, covariance, seed=1).rvs(200_000)
    y = stats.multivariate_normal(other, second, seed=2).rvs(200_000)
    truth = frechet_distance(mean, covariance, other, second)
    assert fid(moments(x), moments(y), features="noise").value == pytest.approx(truth, rel=0.02)


def test_the_score():
    rng = np.random.default_rng(0)
    score = fid(moments(rng.normal(size=(50, 3))), moments(rng.normal(size=(40, 3))), features={"network": "none"})
    assert (score.metric, score.error, score.better) == ("fid", None, "lower")
    assert score.protocol == {"features": {"network": "none"}, "width": 3, "real": 50, "fake": 40}


def test_refusals():
    good = moments(np.random.default_rng(0).normal(size=(50, 3)))
    with pytest.raises(DataError, match="at least two samples"):
        fid(good, moments(np.ones((1, 3))), features="x")
    with pytest.raises(DataError, match="different widths"):
        fid(good, moments(np.ones((5, 1))), features="x")  # would broadcast
    with pytest.raises(DataError, match=r"\[2\], \[1\], \[2, 2\]"):
        frechet_distance(np.zeros(2), np.eye(2), np.zeros(1), np.eye(2))
    with pytest.raises(DataError, match="finite"):
        frechet_distance([math.nan], [[1.0]], [0.0], [[1.0]])
    with pytest.raises(DataError, match="not symmetric"):
        frechet_distance(np.zeros(2), [[1.0, 0.5], [0.0, 1.0]], np.zeros(2), np.eye(2))
    with pytest.raises(DataError, match="negative eigenvalues"):
        frechet_distance(np.zeros(2), np.diag([1.0, -0.1]), np.zeros(2), np.eye(2))
