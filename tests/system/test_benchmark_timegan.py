"""TimeGAN's scores: which rows stand in which windows, and that networks learn what there is to learn."""

import sys
from pathlib import Path

import numpy as np
import pytest

from gankit.errors import DataError

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import timegan


def numbered(n, columns=2):
    """Rows whose first column is their number."""
    return np.stack([np.arange(n, dtype=float), *np.random.default_rng(0).random((columns - 1, n))], axis=1)


def row_numbers(windows, made):
    return np.rint(windows[..., 0] * made.range[0] + made.low[0]).astype(int)


def starts(windows, made):
    """Numbers of the first rows, from how fast the logarithms of the numbers + 1 grow."""
    growth = np.exp(windows[:, 1, 0].astype(float) * made.range[0] + made.low[0]) - 1
    return np.rint(1 / growth).astype(int) - 1


def test_published_windows_run_backwards_and_are_split_at_random():
    made = timegan.windows(numbered(100), 5, "published", seed=1)
    train, test = row_numbers(made.train, made), row_numbers(made.test, made)
    assert (len(train), len(test)) == (76, 19)
    assert (np.diff(train, axis=1) == -1).all()
    ends = np.sort(np.concatenate([train, test])[:, 0])
    np.testing.assert_array_equal(ends, np.arange(5, 100))  # the window of rows 4 to 0 is left out
    assert min(np.abs(test[:, :1] - train[:, 0]).min(axis=1)) == 1  # test windows overlap training ones
    assert not np.array_equal(train[:, 0], np.sort(train[:, 0])[::-1])
    assert made.train.min() >= 0
    assert made.train.max() == 1


def test_windows_with_a_gap_share_no_row_and_no_scale():
    table = numbered(200) + 1
    made = timegan.windows(table, 10, "gap")
    np.testing.assert_array_equal(starts(made.train, made), np.arange(131))  # the last one ends at row 139
    np.testing.assert_array_equal(starts(made.test, made), np.arange(150, 191))
    expected = np.log(table[150:160] / table[150])
    np.testing.assert_allclose(made.test[0], (expected - made.low) / made.range, atol=1e-6)
    assert (made.train.min(axis=(0, 1)) == 0).all()
    assert (made.train.max(axis=(0, 1)) == 1).all()
    table[140:] = table[140:] ** 3  # what comes later changes nothing before
    np.testing.assert_array_equal(timegan.windows(table, 10, "gap").train, made.train)


@pytest.mark.parametrize("protocol", ["published", "gap"])
def test_generated_windows_are_made_like_the_real_ones(protocol):
    table = numbered(120, 3) + 1
    made = timegan.windows(table, 6, protocol)
    first = starts(made.train, made)[0] if protocol == "gap" else row_numbers(made.train, made)[0].min() - 1
    np.testing.assert_allclose(made.scaled(table[None, first : first + 6])[0], made.train[0], atol=1e-6)


def sets(rng, n, level):
    return (level + 0.1 * rng.standard_normal((n, 4, 4))).astype(np.float32)


def test_a_classifier_tells_what_differs_and_not_what_is_equal():
    rng = np.random.default_rng(0)
    real, same, other = sets(rng, 300, 0.5), sets(rng, 300, 0.5), sets(rng, 300, -0.5)
    kwargs = {"real_test": sets(rng, 1000, 0.5), "iterations": 100, "seed": 1}
    assert timegan.discriminative(real, other, fake_test=sets(rng, 500, -0.5), **kwargs) > 0.45
    first = timegan.discriminative(real, same, fake_test=sets(rng, 500, 0.5), **kwargs)
    assert first < 0.06


def test_the_accuracy_weighs_both_classes_alike():
    """Of equal windows no more than half can be told, also where a class is ten times as large as the other."""
    rng = np.random.default_rng(0)
    real = sets(rng, 1000, 5.0)
    found = [
        timegan.discriminative(real, real, real_test=real, fake_test=real[:100], iterations=1, seed=2) for _ in range(2)
    ]
    assert found[0] < 0.1
    assert found[0] == found[1]


def linked(rng, n):
    """Windows whose last column says whether the first one was above 1/2, a step before."""
    x = rng.random((n, 4, 3)).astype(np.float32)
    x[:, 1:, -1] = x[:, :-1, 0] > 0.5
    return x


@pytest.mark.slow
def test_a_forecaster_learns_from_generated_windows():
    rng = np.random.default_rng(0)
    real, useless = linked(rng, 300), linked(rng, 300)
    useless[:, 1:, -1] = rng.random((300, 3)) > 0.5
    assert timegan.predictive(linked(rng, 300), real, iterations=900) < 0.35
    assert timegan.predictive(useless, real, iterations=100) > 0.45


def test_the_forecaster_sees_neither_its_goal_nor_the_last_row():
    rng = np.random.default_rng(0)
    fake, real = linked(rng, 50), linked(rng, 50)
    before = timegan.predictive(fake, real, iterations=2)
    changed = real.copy()
    changed[:, 0, 2] = 7.0  # the first value of the last column is neither input nor goal
    changed[:, -1, :2] = 7.0  # the last row is a goal alone
    assert timegan.predictive(fake, changed, iterations=2) == before


@pytest.mark.parametrize("protocol", ["published", "gap"])
def test_scores_hand_on_what_the_protocol_says(protocol, monkeypatch):
    seen = {}

    def discriminative(real, fake, **kwargs):
        seen.update(kwargs, real=real, fake=fake)
        return 0.25

    monkeypatch.setattr(timegan, "discriminative", discriminative)
    monkeypatch.setattr(timegan, "predictive", lambda fake, real, **kwargs: (fake, real, kwargs))
    table = numbered(150, 3) + 1
    windows = np.lib.stride_tricks.sliding_window_view(table[:105], 6, axis=0).transpose(0, 2, 1)
    found = timegan.scores(table, windows, protocol, classify=7, forecast=8, seed=3)
    made = timegan.windows(table, 6, protocol, 3)
    assert found["discriminative"] == 0.25
    assert (seen["iterations"], seen["seed"]) == (7, 3)
    np.testing.assert_array_equal(seen["real"], made.train)
    np.testing.assert_array_equal(seen["real_test"], made.test)
    together = np.concatenate([seen["fake"], seen["fake_test"]])
    assert len(seen["fake"]) == int(100 * (0.8 if protocol == "published" else 0.7))
    np.testing.assert_array_equal(np.sort(together[:, 1, 0]), np.sort(made.scaled(windows)[:, 1, 0]))
    fake, real, kwargs = found["predictive"]
    assert kwargs == {"iterations": 8, "seed": 3}
    np.testing.assert_array_equal(fake, made.scaled(windows))
    goal = made.test if protocol == "gap" else np.concatenate([made.train, made.test])
    np.testing.assert_array_equal(real, goal)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (numbered(30), "30 rows are too few"),
        (np.ones(100), "no table"),
        (np.stack([np.arange(1, 301.0), np.ones(300)], axis=1), "column 2 is constant"),
        (numbered(300), "not positive"),
        (np.where(numbered(300) == 7, np.nan, numbered(300)), "no table"),
    ],
)
def test_tables_that_cannot_be_cut_are_refused(table, words):
    with pytest.raises(DataError, match=words) as raised:
        timegan.windows(table, 24, "gap")
    assert raised.value.hint


def test_wrong_shapes_and_protocols_are_refused():
    with pytest.raises(ValueError, match="published"):
        timegan.windows(numbered(300), 24, "random")
    with pytest.raises(DataError, match="3 columns, the table 2"):
        timegan.scores(numbered(300), np.zeros((50, 24, 3)))
    with pytest.raises(DataError, match="shape"):
        timegan.scores(numbered(300), np.zeros((50, 24)))
    with pytest.raises(DataError, match="shapes"):
        timegan.predictive(np.zeros((5, 6, 3), np.float32), np.zeros((5, 7, 3), np.float32))
