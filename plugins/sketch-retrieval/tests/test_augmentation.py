"""Marks drawn anew."""

import numpy as np
import pytest
import tensorflow as tf
from gankit_sketch_retrieval.config import Augmentation
from gankit_sketch_retrieval.marks.normalisation import normalised
from gankit_sketch_retrieval.model.augmentation import quarter_turns, vary

from gankit.engine import random

STILL = Augmentation(rotation=0, stretch=0, shear=0, warp=0, jitter=0, thickness=0, holes=0, gain=0)


def draw(seed=0, count=1):
    index = tf.range(count, dtype=tf.int64)
    return lambda name, *shape: random.uniform(index, seed, name, shape)


def marks(count=1):
    """An L with a bar, wider than high, no symmetry."""
    ink = np.zeros((30, 50), np.float32)
    ink[:, 2:6], ink[26:, 2:46], ink[8:12, 2:20] = 1, 1, 1
    return np.repeat(normalised(ink)[None] / np.float32(255), count, 0)


def box(mark):
    rows, columns = np.flatnonzero((mark > 0.3).any(1)), np.flatnonzero((mark > 0.3).any(0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def test_without_any_change_a_mark_stays():
    seen = np.asarray(vary(tf.constant(marks()), draw(), STILL))
    assert np.abs(seen - marks()).mean() < 0.02
    assert np.corrcoef(seen.ravel(), marks().ravel())[0, 1] > 0.97


@pytest.mark.parametrize("options", [Augmentation(), Augmentation(warp=0.3, shear=0.8, stretch=0.6, rotation=180)])
def test_what_comes_out_is_normalised(options):
    calm = options.model_copy(update={"jitter": 0.0, "holes": 0.0, "gain": 0.0, "thickness": 0.0})
    for mark in np.asarray(vary(tf.constant(marks(40)), draw(1, 40), calm)):
        top, bottom, left, right = box(mark)
        assert max(bottom - top, right - left) == pytest.approx(52, abs=4)
        assert (top + bottom) / 2 == pytest.approx(32, abs=3)
        assert (left + right) / 2 == pytest.approx(32, abs=3)


def test_rotation_turns_by_the_angle():
    line = np.zeros((64, 64), np.float32)
    line[31:33, 6:58] = 1
    options = STILL.model_copy(update={"rotation": 40.0})
    count = 60
    seen = np.asarray(vary(tf.constant(np.repeat(line[None], count, 0)), draw(2, count), options))
    angles = []
    for mark in seen:
        y, x = np.nonzero(mark > 0.3)
        _, axes = np.linalg.eigh(np.cov(np.stack([x, y])))
        angles.append(np.degrees(np.arctan(axes[1, -1] / axes[0, -1])))
    drawn = 2 * np.asarray(draw(2, count)("angle")) - 1
    assert np.abs(np.corrcoef(drawn, angles)[0, 1]) > 0.999
    np.testing.assert_allclose(np.abs(angles), 40 * np.abs(drawn), atol=1.5)


def test_thickness_changes_the_ink_and_not_the_place():
    options = STILL.model_copy(update={"thickness": 1.0})
    seen = np.asarray(vary(tf.constant(marks(50)), draw(3, 50), options))
    ink = seen.sum((1, 2)) / marks().sum()
    assert ink.min() < 0.9
    assert ink.max() > 1.3


def test_each_example_has_its_own_and_always_the_same():
    first, again = (np.asarray(vary(tf.constant(marks(3)), draw(4, 3), Augmentation())) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first[0] - first[1]).mean() > 0.01
    other = np.asarray(vary(tf.constant(marks(3)), draw(5, 3), Augmentation()))
    assert np.abs(first - other).mean() > 0.01


def test_paper_without_ink_stays_empty():
    seen = np.asarray(vary(tf.zeros((2, 64, 64)), draw(0, 2), Augmentation()))
    np.testing.assert_array_equal(seen, 0)


def test_quarter_turns_are_all_eight():
    mark = marks()[0]
    wanted = {np.rot90(one, k).tobytes() for one in (mark, mark[:, ::-1]) for k in range(4)}
    seen = np.asarray(quarter_turns(tf.constant(marks(200)), draw(0, 200)))
    assert {np.ascontiguousarray(one).tobytes() for one in seen} == wanted
