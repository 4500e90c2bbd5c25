"""Memorisation: known values for healthy and for copying models, and a loop."""

import math

import numpy as np
import pytest

from gankit.errors import DataError
from gankit.metrics import copies as module
from gankit.metrics.copies import memorisation


def draw(rng, n):
    return rng.normal(size=(n, 4))


def figures(train, held_out, fake, **arguments):
    found = memorisation(train, held_out, fake, features="", **arguments)
    return found["copied"], found["nearer"]


def test_a_healthy_model_is_at_the_known_values():
    rng = np.random.default_rng(0)
    copied, nearer = [], []
    for _ in range(60):
        a, b = figures(draw(rng, 150), draw(rng, 199), draw(rng, 120))
        copied.append((a.value, a.error))
        nearer.append((b.value, b.error))
    assert a.protocol["healthy"] == pytest.approx(2 / 200)  # the second of 199
    for values, healthy in ((copied, 0.01), (nearer, 0.5)):
        value, error = np.array(values).T
        assert value.mean() == pytest.approx(healthy, abs=4 * value.std() / math.sqrt(60))
        assert value.std() / 1.4 < error.mean() < value.std() * 1.4


def test_copies_are_seen_and_their_share_is_right():
    rng = np.random.default_rng(0)
    train, held_out = draw(rng, 300), draw(rng, 400)
    copied, nearer = figures(train, held_out, train[:200])
    assert copied.value == 1 and nearer.value == 1
    copied, _ = figures(train, held_out, train[:200] + rng.normal(0, 1e-3, (200, 4)))
    assert copied.value == 1
    # half of them copies, and the other half far from everything, which hides them from `nearer`
    half = np.concatenate([train[:100], draw(rng, 100) + 50])
    copied, nearer = figures(train, held_out, half)
    assert copied.value == 0.5 and nearer.value == 0.5
    copied, nearer = figures(train, held_out, draw(rng, 100) + 50)
    assert copied.value == 0 and nearer.value == 0


def test_equals_a_loop():
    rng = np.random.default_rng(0)
    train, held_out, fake = draw(rng, 40), np.round(draw(rng, 30)), np.round(draw(rng, 25) * 0.8)
    train = np.round(train)  # so that distances tie

    def to_train(x):
        return min(math.dist(x, y) for y in train)

    real, generated = [to_train(x) for x in held_out], [to_train(x) for x in fake]
    threshold = sorted(real)[2]  # the third of 30 is at 10 %
    copied, nearer = figures(train, held_out, fake, quantile=0.1)
    assert copied.value == pytest.approx(sum(d <= threshold + 1e-9 for d in generated) / 25)
    assert copied.protocol["healthy"] == pytest.approx(sum(d <= threshold + 1e-9 for d in real) / 31)
    wins = sum((g < r - 1e-9) + 0.5 * (abs(g - r) <= 1e-9) for g in generated for r in real)
    assert nearer.value == pytest.approx(wins / (25 * 30))
    assert 0.2 < nearer.value < 0.9 and 0 < copied.value < 1


def test_distances_tie_in_spite_of_rounding(monkeypatch):
    rounded = iter([np.array([[1.0], [1.0], [2.0]]), np.array([[1 + 1e-13], [1 - 1e-13]])])
    monkeypatch.setattr(module, "nearest", lambda *_: next(rounded))
    copied, nearer = figures(np.ones((2, 1)), np.ones((3, 1)), np.ones((2, 1)), quantile=0.4)
    assert copied.value == 1
    assert nearer.value == pytest.approx((0.5 + 0.5 + 1) / 3)


def test_real_data_that_repeat_themselves_say_so():
    rng = np.random.default_rng(0)
    train = draw(rng, 200)
    held_out = np.concatenate([train[:10], draw(rng, 189)])
    copied, _ = figures(train, held_out, draw(rng, 100))
    assert copied.value == 0 and copied.protocol["healthy"] == 10 / 200
    assert figures(train, held_out, train)[0].value == 1


def test_the_scores():
    rng = np.random.default_rng(0)
    found = memorisation(draw(rng, 20), draw(rng, 100), draw(rng, 30), features={"network": "none"})
    assert list(found) == ["copied", "nearer"]
    common = {
        "features": {"network": "none"},
        "width": 4,
        "train": 20,
        "held_out": 100,
        "fake": 30,
        "error": "standard error",
    }
    assert found["copied"].protocol == common | {"quantile": 0.01, "healthy": 1 / 101}
    assert found["nearer"].protocol == common | {"healthy": 0.5}
    assert [score.better for score in found.values()] == [None, None]


def test_refusals():
    rng = np.random.default_rng(0)
    x = draw(rng, 100)
    with pytest.raises(DataError, match="needs 100 held-out samples, and there are 99"):
        figures(x, x[:99], x)
    figures(x, x[:50], x, quantile=0.02)
    with pytest.raises(DataError, match="held-out features have 3 values a sample, where 4"):
        figures(x, x[:, :3], x)
    with pytest.raises(DataError, match="0 generated features"):
        figures(x, x, x[:0])
    with pytest.raises(DataError, match="training features must be finite"):
        figures(x * np.nan, x, x)
    for quantile in (0, 1, math.nan):
        with pytest.raises(ValueError):
            figures(x, x, x, quantile=quantile)
