"""Precision, recall, density, coverage and the distances below them, against loops and closed forms."""

import math
import tracemalloc

import numpy as np
import pytest

from gankit.errors import DataError
from gankit.metrics import samples
from gankit.metrics.distances import distance_blocks, nearest
from gankit.metrics.neighbours import expected_coverage, neighbour_scores


def figures(real, fake, **arguments):
    return {name: score.value for name, score in neighbour_scores(real, fake, features="", **arguments).items()}


def loop(real, fake, k, density_k):
    def radius(points, i, neighbours):
        return sorted(math.dist(points[i], points[j]) for j in range(len(points)) if j != i)[neighbours - 1]

    n, m = len(real), len(fake)
    inside = [[math.dist(x, y) <= radius(real, i, density_k) for y in fake] for i, x in enumerate(real)]
    return {
        "precision": sum(any(math.dist(x, y) <= radius(real, i, k) for i, x in enumerate(real)) for y in fake) / m,
        "recall": sum(any(math.dist(x, y) <= radius(fake, j, k) for j, y in enumerate(fake)) for x in real) / n,
        "density": sum(map(sum, inside)) / (density_k * m),
        "coverage": sum(map(any, inside)) / n,
    }


@pytest.mark.parametrize("n, m, k, density_k", [(30, 30, 3, 5), (40, 21, 1, 2), (25, 33, 4, 1)])
def test_equals_a_loop(n, m, k, density_k, monkeypatch):
    rng = np.random.default_rng(n)
    real, fake = rng.normal(size=(n, 3)), rng.normal(size=(m, 3)) * 1.3 + 0.6
    expected = loop(real.tolist(), fake.tolist(), k, density_k)
    assert len(set(expected.values())) == 4 and all(0 < value < 1.5 for value in expected.values())
    for budget in (2**22, 48):  # one block, and blocks of 16
        monkeypatch.setattr(samples, "_PIECE", budget)
        assert figures(real, fake, k=k, density_k=density_k) == pytest.approx(expected, rel=1e-12)


def test_apart_copied_and_collapsed():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(200, 6))
    assert figures(real, real + 100) == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}
    # a copy lies on the surface of five balls, on average, and in the middle of its own
    assert figures(real, real) == pytest.approx({"precision": 1, "recall": 1, "density": 1.2, "coverage": 1})
    assert figures(real.astype(np.float32), real[::-1].astype(np.float32))["density"] == pytest.approx(1.2)
    one = figures(real, np.repeat(real[:1], 200, axis=0))
    assert one["precision"] == 1 and one["recall"] == 1 / 200 and one["coverage"] < 0.1
    discrete = np.repeat(np.eye(4), 50, axis=0)
    assert figures(discrete, discrete[::2]) == pytest.approx(
        {"precision": 1, "recall": 1, "density": 10 / 1, "coverage": 1}
    )


def test_half_of_the_modes():
    rng = np.random.default_rng(0)
    centres = 100 * np.eye(4)
    real = np.concatenate([centre + rng.normal(size=(100, 4)) for centre in centres])
    fake = np.concatenate([centre + rng.normal(size=(200, 4)) for centre in centres[:2]])
    found = figures(real, fake)
    assert found["precision"] > 0.8 and found["density"] > 0.8
    assert 0.4 < found["recall"] <= 0.5 and 0.45 < found["coverage"] <= 0.5


def test_coverage_of_equal_distributions():
    rng = np.random.default_rng(0)
    assert expected_coverage(2, 1, 1) == pytest.approx(0.5)
    # all of k = 3 nearest of N + M - 1 others are real: (9 8 7) / (14 13 12)
    assert expected_coverage(10, 5, 3) == pytest.approx(1 - 9 * 8 * 7 / (14 * 13 * 12))
    assert expected_coverage(50_000, 50_000, 5) == pytest.approx(1 - 2**-5, abs=1e-4)
    for n, m in ((100, 100), (150, 60)):
        coverage = [figures(rng.normal(size=(n, 3)), rng.normal(size=(m, 3)))["coverage"] for _ in range(60)]
        assert np.mean(coverage) == pytest.approx(expected_coverage(n, m), abs=4 * np.std(coverage) / np.sqrt(60))
    for arguments in ((5, 5, 5), (5, 0, 2), (5, 5, 0)):
        with pytest.raises(ValueError):
            expected_coverage(*arguments)


def test_the_scores():
    rng = np.random.default_rng(0)
    found = neighbour_scores(rng.normal(size=(20, 2)), rng.normal(size=(15, 2)), features={"network": "none"})
    assert list(found) == ["precision", "recall", "density", "coverage"]
    for name, score in found.items():
        k = 3 if name in ("precision", "recall") else 5
        assert score.protocol == {"features": {"network": "none"}, "width": 2, "real": 20, "fake": 15, "k": k}
        assert (score.metric, score.error, score.better) == (name, None, "higher")


def test_refusals():
    x = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(DataError, match="5 generated features, and at least 6"):
        neighbour_scores(x, x[:5], features="")
    neighbour_scores(x, x[:6], features="")
    with pytest.raises(DataError, match="2 values a sample, where 3"):
        neighbour_scores(x, x[:, :2], features="")
    with pytest.raises(DataError, match="real features must be finite, and sample 0"):
        neighbour_scores(x * np.nan, x, features="")
    with pytest.raises(ValueError):
        neighbour_scores(x, x, features="", k=0)


# --- distances -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [2**22, 60])
def test_nearest_equals_a_loop(budget, monkeypatch):
    monkeypatch.setattr(samples, "_PIECE", budget)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(50, 3)), rng.normal(size=(41, 3))
    expected = [sorted(math.dist(x, y) for y in b)[:9] for x in a]
    np.testing.assert_allclose(nearest(a, b, 9), expected, rtol=1e-12)
    within = [sorted(math.dist(x, y) for j, y in enumerate(a) if j != i)[:2] for i, x in enumerate(a)]
    np.testing.assert_allclose(nearest(a, a, 2, same=True), within, rtol=1e-12)


def test_many_neighbours_come_in_order():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(5000, 3))
    expected = np.sort(np.linalg.norm(a[:, None] - b, axis=2), axis=1)[:, :3000]
    np.testing.assert_allclose(nearest(a, b, 3000), expected, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_equal_vectors_are_at_zero_and_others_are_not(dtype):
    rng = np.random.default_rng(0)
    a = (rng.uniform(0, 1, (60, 2048)) * 200 + 50).astype(dtype)
    b = a[::-1].copy()
    blocks = list(distance_blocks(a, b))
    assert len(blocks) == 1
    squares = blocks[0][2]
    np.testing.assert_array_equal(np.argwhere(squares == 0)[:, 1], np.arange(60)[::-1])
    b[:, 0] += 1 if dtype is np.uint8 else dtype(1e-2)
    assert (nearest(a, b)[:, 0] > 5e-3).all()


def test_an_offset_costs_no_digits():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 30, 4))
    np.testing.assert_allclose(nearest(a + 1e8, b + 1e8, 2), nearest(a, b, 2), rtol=1e-6)


def test_memory_is_that_of_a_few_blocks(monkeypatch):
    monkeypatch.setattr(samples, "_PIECE", 2048)
    real, fake = np.random.default_rng(0).normal(size=(2, 1500, 8)).astype(np.float32)
    tracemalloc.start()
    try:
        neighbour_scores(real, fake, features="")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1500 * 1500 * 8 / 5  # all distances at once would take five times that
