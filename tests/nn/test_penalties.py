"""Gradient penalties of critics whose gradients are known."""

import numpy as np
import pytest
import tensorflow as tf

from gankit.nn import penalties

RNG = np.random.default_rng(1)
REAL, FAKE = RNG.normal(size=(5, 2, 3)), RNG.normal(size=(5, 2, 3))
SLOPE = RNG.normal(size=(2, 3))


def quadratic(x):
    """Sum of s x^2 / 2, whose gradient is s x."""
    return tf.reduce_sum(SLOPE * tf.square(x) / 2, axis=(1, 2), keepdims=True)


def norm(points):
    return np.sqrt(((SLOPE * points) ** 2).sum((1, 2)))


def test_squared_gradient_is_r1():
    np.testing.assert_allclose(penalties.squared_gradient(quadratic, tf.constant(REAL)), norm(REAL) ** 2)


def test_wgan_gp_on_lines():
    u = RNG.random(5)
    points = u[:, None, None] * REAL + (1 - u)[:, None, None] * FAKE
    found = penalties.wgan_gp(quadratic, tf.constant(REAL), tf.constant(FAKE), tf.constant(u))
    np.testing.assert_allclose(found, (norm(points) - 1) ** 2)


def test_dragan_around_the_real_examples():
    noise = RNG.random(REAL.shape)
    place = RNG.random(len(REAL))
    given = (tf.constant(x) for x in (REAL, noise, place))
    found = penalties.dragan(quadratic, *given, tf.constant(2.0, tf.float64), 0.5)
    np.testing.assert_allclose(found, (norm(REAL + place.reshape(-1, 1, 1) * noise) - 1) ** 2)


@pytest.mark.parametrize("size", [1.0, 0.0])
def test_they_differentiate_twice_even_without_a_slope(size):
    """d/dw (|w x| - 1)^2 = 2 (|w x| - 1) sign(w) |x| for a linear critic; at w = 0 it must be finite."""
    weight = tf.Variable(np.full(3, size))
    points = tf.constant(np.eye(3))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(penalties.gradient_norm_penalty(lambda x: x @ weight[:, None], points, 0.5))
    gradient = tape.gradient(loss, weight)
    expected = 3 * 2 * (np.sqrt(3) - 0.5) / np.sqrt(3) if size else 0
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


def test_points_are_constants():
    """The generator that made a point is no part of the penalty."""
    x = tf.constant(FAKE)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = penalties.squared_gradient(quadratic, x)
    assert tape.gradient(loss, x) is None
