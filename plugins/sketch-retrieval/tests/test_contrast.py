"""The contrast against a loop, and against its closed form."""

import math

import numpy as np
import tensorflow as tf
from gankit_sketch_retrieval.model.phases import contrast


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def by_loop(first, second, temperature):
    views, n = np.concatenate([first, second]), len(first)
    found = np.zeros(n)
    for i in range(2 * n):
        partner = (i + n) % (2 * n)
        total = sum(math.exp(views[i] @ views[j] / temperature) for j in range(2 * n) if j != i)
        found[i % n] -= math.log(math.exp(views[i] @ views[partner] / temperature) / total) / 2
    return found


def test_against_a_loop():
    rng = np.random.default_rng(0)
    first, second = (unit(rng.normal(size=(5, 6))) for _ in range(2))
    found = contrast(tf.constant(first), tf.constant(second), 0.3)
    np.testing.assert_allclose(found, by_loop(first, second, 0.3), rtol=1e-9)


def test_of_marks_at_right_angles():
    views = tf.eye(7, dtype=tf.float64)
    # The partner has e^(1/t), and each of the 12 others 1.
    np.testing.assert_allclose(contrast(views, views, 0.5), math.log(1 + 12 * math.exp(-2)), rtol=1e-12)


def test_it_is_worse_if_views_are_exchanged():
    views = tf.eye(6, dtype=tf.float64)
    right, wrong = contrast(views, views, 0.2), contrast(views, tf.roll(views, 1, axis=0), 0.2)
    assert float(tf.reduce_min(wrong)) > 4 + float(tf.reduce_max(right))
