"""What a classifier gains from generated pictures."""

import numpy as np
import pytest
from click.testing import CliRunner
from gankit_classics.commands import group
from scipy import stats

from gankit import UsageError


@pytest.fixture(scope="module")
def augmentation():
    from gankit_classics.evaluation import augmentation

    return augmentation


def test_shifted_pictures_are_windows_of_the_padded_ones(augmentation):
    rng = np.random.default_rng(0)
    pictures = rng.uniform(size=(40, 6, 6, 2)).astype("float32")
    moved = augmentation.shifted(pictures, np.random.default_rng(1))
    assert moved.shape == pictures.shape
    offsets = set()
    for before, after in zip(pictures, moved, strict=True):
        padded = np.pad(before, ((2, 2), (2, 2), (0, 0)), mode="edge")
        found = [(y, x) for y in range(5) for x in range(5) if np.array_equal(padded[y : y + 6, x : x + 6], after)]
        assert found
        offsets.add(found[0])
    assert len(offsets) > 10


def test_the_interval_is_students(augmentation):
    gains = np.array([0.02, 0.05, 0.01, 0.03])
    low, high = stats.t.interval(0.95, 3, gains.mean(), stats.sem(gains))
    assert augmentation.interval(gains) == {
        "mean": pytest.approx(0.0275),
        "low": pytest.approx(low),
        "high": pytest.approx(high),
    }
    assert augmentation.interval(np.array([0.1]))["low"] is None


def test_half_of_a_batch_is_generated_where_the_arm_says_so(augmentation):
    train = (np.zeros((10, 4, 4, 1), "float32"), np.zeros(10, int))
    made = (np.ones((10, 4, 4, 1), "float32"), np.ones(10, int))
    for arm in augmentation.ARMS:
        pictures, labels = augmentation._batch(train, made, arm, np.random.default_rng(0))
        assert len(labels) == augmentation.BATCH
        assert labels.sum() == (augmentation.BATCH // 2 if "generated" in arm else 0)
        assert np.array_equal(pictures[:, 0, 0, 0], labels)


@pytest.mark.slow
def test_good_pictures_help_and_mislabelled_ones_harm(augmentation, monkeypatch):
    from sklearn.datasets import load_digits

    monkeypatch.setattr(augmentation, "ARMS", ("real", "generated"))
    digits = load_digits()
    pictures = (digits.images[..., None] / 8 - 1).astype("float32")
    few = np.concatenate([np.flatnonzero(digits.target[:300] == label)[:3] for label in range(10)])
    rest = np.arange(300, 1200)
    train, test = (pictures[few], digits.target[few]), (pictures[1200:], digits.target[1200:])
    good = augmentation.accuracies(train, (pictures[rest], digits.target[rest]), test, steps=60, seed=0)
    bad = augmentation.accuracies(train, (pictures[rest], (digits.target[rest] + 1) % 10), test, steps=60, seed=0)
    assert good["generated"]["accuracy"] > good["real"]["accuracy"] + 0.05
    assert bad["generated"]["accuracy"] < bad["real"]["accuracy"] - 0.05
    assert good["real"] == bad["real"]
    assert "rare" not in good["real"]


@pytest.mark.slow
def test_rare_classes_are_counted_apart(augmentation):
    rng = np.random.default_rng(0)
    pictures = rng.uniform(-1, 1, (12, 4, 4, 1)).astype("float32")
    labels = np.array([0] * 8 + [1] * 4)
    both = (pictures, labels)
    assert set(augmentation.accuracies(both, both, both, 2, 0, rare=[1])["real"]) == {"accuracy", "rare"}


def test_every_class_is_seen_as_often(augmentation):
    labels = np.array([2] * 90 + [0] * 9 + [7])
    rows = augmentation.balanced(labels, 3000, np.random.default_rng(0))
    seen = np.bincount(labels[rows], minlength=8)
    assert seen.sum() == 3000 and abs(seen[[0, 2, 7]] - 1000).max() < 120
    assert len(np.unique(rows)) == 100


def test_a_full_folder_is_refused_before_the_work(tmp_path):
    (tmp_path / "x").touch()
    found = CliRunner().invoke(group, ["augment", "no-such-run", "-o", str(tmp_path)])
    assert isinstance(found.exception, UsageError) and "is not empty" in str(found.exception)
