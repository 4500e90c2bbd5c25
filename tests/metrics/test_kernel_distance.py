"""KID against loops over pairs and what chance allows; reservoirs and subsets."""

import numpy as np
import pytest

from gankit.errors import DataError
from gankit.metrics import samples
from gankit.metrics.kernel import kid, polynomial_mmd2
from gankit.metrics.samples import Reservoir, draw_subsets, standard_error


def brute(x, y):
    def kernel(a, b):
        return (sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3

    n, m = len(x), len(y)
    xx = sum(kernel(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    yy = sum(kernel(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    xy = sum(kernel(a, b) for a in x for b in y) / (n * m)
    return xx + yy - 2 * xy


@pytest.mark.parametrize("n, m, width, budget", [(7, 7, 3, 2**22), (2, 9, 1, 2**22), (40, 53, 4, 64)])
def test_equals_a_loop(n, m, width, budget, monkeypatch):
    monkeypatch.setattr(samples, "_PIECE", budget)
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(n, width)) + 0.5, rng.normal(size=(m, width)) * 2
    assert polynomial_mmd2(x, y) == pytest.approx(brute(x.tolist(), y.tolist()), rel=1e-11)
    assert polynomial_mmd2(y.astype(np.float32), x) == pytest.approx(brute(x.tolist(), y.tolist()), rel=1e-5)


def test_of_whole_sets_it_is_the_estimate_itself():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 5)), rng.normal(size=(30, 5)) + 1
    score = kid(x, y, features="noise", subsets=3, subset_size=30)
    assert score.value == pytest.approx(polynomial_mmd2(x, y), rel=1e-12)
    assert score.error is None  # all subsets are the same


def test_without_bias_and_with_an_honest_error():
    """Of equal distributions the mean is 0; of others the error covers what a new pair of sets would give."""
    rng = np.random.default_rng(0)
    same = [polynomial_mmd2(*rng.normal(size=(2, 20, 4))) for _ in range(2000)]
    assert abs(np.mean(same)) < 4 * np.std(same) / np.sqrt(2000)
    assert np.mean(np.array(same) < 0) > 0.3
    for subsets in (10, 50):  # as many as fit, and many times more
        scores = [
            kid(
                rng.normal(size=(400, 4)), rng.normal(size=(400, 4)) + 0.5, features="", subsets=subsets, subset_size=40
            )
            for _ in range(40)
        ]
        spread = np.std([score.value for score in scores], ddof=1)
        claimed = np.mean([score.error for score in scores])
        assert spread / 1.35 < claimed < spread * 1.6, (spread, claimed)


def test_the_shift_of_a_gaussian_has_a_closed_form():
    """In one dimension: 2 (1, 3x, 3x^2, x^3 features) of N(0, 1) and N(m, 1)."""
    rng = np.random.default_rng(0)
    shift = 0.7
    x, y = rng.normal(size=(10_000, 1)), rng.normal(size=(10_000, 1)) + shift
    # (xy + 1)^3 = x^3 y^3 + 3 x^2 y^2 + 3 x y + 1
    third, second = shift**3 + 3 * shift, shift**2
    score = kid(x, y, features="noise", subsets=20, subset_size=500, seed=3)
    assert score.value == pytest.approx(third**2 + 3 * second**2 + 3 * shift**2, abs=4 * score.error)
    assert score.error < 0.5


def test_by_seed_and_with_its_protocol():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 3)).astype(np.float32), rng.normal(size=(60, 3)) + 0.2
    score = kid(x, y, features={"network": "none"}, subsets=7, subset_size=10, seed=5)
    assert score == kid(x, y, features={"network": "none"}, subsets=7, subset_size=10, seed=5)
    assert score.value != kid(x, y, features={"network": "none"}, subsets=7, subset_size=10, seed=6).value
    assert (score.metric, score.better) == ("kid", "lower")
    assert score.protocol == {
        "features": {"network": "none"},
        "width": 3,
        "real": 50,
        "fake": 60,
        "kernel": "(x.y / width + 1)^3",
        "subsets": 7,
        "subset_size": 10,
        "seed": 5,
        "error": "standard error over subsets",
    }


def test_real_and_generated_subsets_are_drawn_apart():
    """Or else subsets of paired sets would be alike by more than chance."""
    x = np.random.default_rng(0).normal(size=(200, 3))
    values = [kid(x, x, features="", subsets=1, subset_size=20, seed=seed).value for seed in range(30)]
    paired = polynomial_mmd2(x[:20], x[:20])
    assert np.mean(values) > paired / 3
    assert max(values) > 0 > paired


def test_refusals():
    x = np.random.default_rng(0).normal(size=(50, 3))
    with pytest.raises(DataError, match="subsets of 1000 needs as many samples, and there are 40") as caught:
        kid(x, x[:40], features="")
    assert "subset_size=40" in caught.value.hint
    with pytest.raises(DataError, match="2 values a sample, where 3"):
        kid(x, x[:, :2], features="", subset_size=10)
    with pytest.raises(DataError, match="generated features must be finite, and sample 1 is not"):
        kid(x, np.where(np.arange(50)[:, None] == 1, np.inf, x), features="", subset_size=10)
    with pytest.raises(DataError, match="1 real features, and at least 2"):
        polynomial_mmd2(x[:1], x)
    for arguments in ({"subsets": 0}, {"subset_size": 1}):
        with pytest.raises(ValueError):
            kid(x, x, features="", **arguments)


def test_subsets_are_disjoint_as_long_as_the_samples_last():
    drawn = list(draw_subsets(10, 3, 7, np.random.default_rng(0)))
    assert [len(set(part)) for part in drawn] == [3] * 7
    for i in (0, 3):
        assert len(set(np.concatenate(drawn[i : i + 3]))) == 9
    assert set(drawn[0]) != set(drawn[3])
    counts = np.bincount(np.concatenate(list(draw_subsets(10, 3, 3000, np.random.default_rng(1)))), minlength=10)
    np.testing.assert_allclose(counts, 900, rtol=0.05)


def test_standard_error():
    values = np.array([1.0, 2.0, 3.0, 4.0])
    assert standard_error(values, 10) == pytest.approx(np.sqrt(5 / 3) / 2)
    assert standard_error(values, 2) == pytest.approx(np.sqrt(5 / 3) / np.sqrt(2))
    assert standard_error(values, 1) is None
    assert standard_error(values[:1], 9) is None


# --- reservoir -------------------------------------------------------------------------------------------------------


def test_a_reservoir_doesn_t_depend_on_the_batches():
    x = np.arange(1000, dtype=np.float32)[:, None] * [1, 10]
    results = []
    for cuts in ([], [1, 2, 3], [5, 20, 21, 700], list(range(1, 1000, 7))):
        reservoir = Reservoir(20, seed=3)
        for batch in np.split(x, cuts):
            reservoir.update(batch)
            assert len(reservoir.rows()) == min(20, reservoir.seen)
        assert reservoir.seen == 1000
        results.append(reservoir.rows())
    for rows in results:
        np.testing.assert_array_equal(rows, results[0])
    np.testing.assert_array_equal(results[0][:, 1], 10 * results[0][:, 0])
    assert len(set(results[0][:, 0])) == 20
    other = Reservoir(20, seed=4)
    other.update(x)
    assert set(other.rows()[:, 0]) != set(results[0][:, 0])


def test_every_sample_and_every_place_are_equally_likely():
    kept, first = np.zeros(30), np.zeros(30)
    for seed in range(900):
        reservoir = Reservoir(10, seed)
        for batch in np.split(np.arange(30)[:, None], [4, 13, 14]):
            reservoir.update(batch)
        kept[reservoir.rows()[:, 0]] += 1
        first[reservoir.rows()[0, 0]] += 1
    np.testing.assert_allclose(kept, 300, atol=70)  # 5 deviations
    np.testing.assert_allclose(first, 30, atol=27)


def test_a_reservoir_keeps_all_of_a_short_stream_and_refuses_bad_batches():
    reservoir = Reservoir(10)
    with pytest.raises(DataError, match="empty"):
        reservoir.rows()
    reservoir.update(np.array([[1], [2]], np.uint8))
    with pytest.raises(DataError, match="finite"):
        reservoir.update(np.array([[np.nan]]))
    with pytest.raises(DataError, match="2 values a sample, where 1"):
        reservoir.update(np.ones((1, 2)))
    reservoir.update(np.array([[0.5]]))  # wider than the bytes before
    assert reservoir.seen == 3
    assert sorted(reservoir.rows()[:, 0]) == [0.5, 1, 2]
    with pytest.raises(ValueError):
        Reservoir(0)
