"""Inception Score against closed forms and a loop."""

import math

import numpy as np
import pytest

from gankit.errors import DataError
from gankit.metrics import samples
from gankit.metrics.inception import InceptionScore


def score(probabilities, splits=10, batches=1):
    running = InceptionScore(splits)
    for batch in np.array_split(probabilities, batches):
        running.update(batch)
    return running.score(features="classifier")


def softmax(logits):
    p = np.exp(logits)
    return p / p.sum(axis=1, keepdims=True)


def loop(p, splits):
    values = []
    for split in range(splits):
        part = [row for i, row in enumerate(p) if i % splits == split]
        marginal = [sum(column) / len(part) for column in zip(*part, strict=True)]
        divergences = [sum(q * math.log(q / r) for q, r in zip(row, marginal, strict=True) if q > 0) for row in part]
        values.append(math.exp(sum(divergences) / len(part)))
    return values


def test_closed_forms():
    uniform = np.full((100, 7), 1 / 7)
    assert score(uniform).value == pytest.approx(1, abs=1e-12)
    sharp = np.eye(10)[np.arange(1000) // 100]  # every part sees each class ten times
    assert score(sharp).value == pytest.approx(10, rel=1e-12)
    assert score(sharp).error == pytest.approx(0, abs=1e-12)
    one_class = np.eye(10)[np.zeros(100, int)]
    assert score(one_class).value == pytest.approx(1, abs=1e-12)
    # two classes at p and 1 - p, balanced: log 2 - H(p)
    p = 0.9
    mixed = np.array([[p, 1 - p], [1 - p, p]] * 50)
    expected = math.exp(math.log(2) + p * math.log(p) + (1 - p) * math.log(1 - p))
    assert score(mixed, splits=5).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n, splits, batches", [(40, 10, 1), (43, 10, 1), (43, 10, 6), (57, 4, 57), (20, 1, 3)])
def test_equals_a_loop(n, splits, batches, monkeypatch):
    p = softmax(3 * np.random.default_rng(n).normal(size=(n, 5)))
    p[3] = np.eye(5)[2]  # 0 log 0 is 0
    values = loop(p.tolist(), splits)
    for budget in (2**22, 20):
        monkeypatch.setattr(samples, "_PIECE", budget)
        found = score(p, splits, batches)
        assert found.value == pytest.approx(np.mean(values), rel=1e-12)
        assert found.error == pytest.approx(np.std(values), rel=1e-9, abs=1e-12)


def test_half_precision_is_brought_to_sum_to_one():
    p = softmax(2 * np.random.default_rng(0).normal(size=(400, 1000)))
    half = p.astype(np.float16)
    exact = half.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    assert score(half).value == pytest.approx(score(exact).value, rel=1e-12)
    assert score(half).value == pytest.approx(score(p).value, rel=2e-4)
    assert score(p.astype(np.float32)).value == pytest.approx(score(p).value, rel=1e-6)


def test_the_score():
    found = score(np.full((25, 4), 0.25), splits=5)
    assert (found.metric, found.better) == ("inception_score", "higher")
    assert found.protocol == {
        "features": "classifier",
        "classes": 4,
        "fake": 25,
        "splits": 5,
        "error": "deviation over splits",
    }


def test_refusals():
    running = InceptionScore(3)
    with pytest.raises(DataError, match="needs 6 samples, and there are 0"):
        running.score(features="")
    good = np.full((5, 4), 0.25)
    running.update(good)
    for bad, message in (
        (np.full((5, 5), 0.2), "5 values a sample, where 4"),
        (np.array([[0.5, 0.5, 0.5, -0.5]]), "softmax|no probabilities"),
        (np.array([[0.25] * 4, [0.3] * 4]), "no probabilities"),
        (np.array([[np.nan] * 4]), "finite"),
        (good[0], r"\[4\]"),
    ):
        with pytest.raises(DataError, match=message):
            running.update(bad)
    assert running.n == 5
    with pytest.raises(DataError, match="there are 5"):
        running.score(features="")
    running.update(good[:1])
    assert running.score(features="").value == pytest.approx(1)
    with pytest.raises(ValueError):
        InceptionScore(0)
