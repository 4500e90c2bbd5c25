"""Penalties on a discriminator's gradient with respect to its input: `[batch]` each, for the discriminator's phase.

They differentiate twice. The norm is sqrt(sum of squares + a tiny number), because the root's slope at 0 is infinite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Critic = Callable[[Any], Any]
"""Examples `[batch, ...]` -> outputs `[batch, ...]`, each of its own example alone: no batch normalisation."""

_TINY = 1e-12


def squared_gradient(critic: Critic, points: Any) -> tf.Tensor:
    """Squared norm of the gradient of the critic's summed output at each point, `[batch]`.

    With real points times gamma / 2 this is R1, with generated ones R2 (Mescheder et al. 2018, equations 9 and 10).

    Args:
        critic: The discriminator.
        points: `[batch, ...]`.

    Examples:
        >>> squared_gradient(lambda x: 3.0 * x, tf.constant([[1.0]])).numpy().tolist()
        [9.0]
    """
    points = tf.stop_gradient(points)
    with tf.GradientTape() as tape:
        tape.watch(points)
        outputs = tf.reduce_sum(critic(points))
    gradient = tape.gradient(outputs, points)
    return tf.reduce_sum(tf.reshape(tf.square(gradient), (tf.shape(points)[0], -1)), axis=1)


def gradient_norm_penalty(critic: Critic, points: Any, norm: float = 1.0) -> tf.Tensor:
    """(|gradient at a point| - norm)^2 of each point, `[batch]`.

    Args:
        critic: The discriminator.
        points: `[batch, ...]`.
        norm: What the norm should be.

    Examples:
        >>> gradient_norm_penalty(lambda x: 3.0 * x, tf.constant([[1.0]])).numpy().round(3).tolist()
        [4.0]
    """
    return tf.square(tf.sqrt(squared_gradient(critic, points) + _TINY) - norm)


def wgan_gp(critic: Critic, real: Any, fake: Any, uniform: Any) -> tf.Tensor:
    """The penalty of Gulrajani et al. (2017), equation 3: norm 1 on straight lines between real and generated examples.

    Args:
        critic: The discriminator.
        real: `[batch, ...]`.
        fake: The same shape.
        uniform: `[batch]` in [0, 1), one place on the line for each pair: `turn.uniform("line")`.

    Examples:
        >>> wgan_gp(lambda x: x, tf.ones((1, 1)), tf.zeros((1, 1)), tf.constant([0.5])).numpy().round(3).tolist()
        [0.0]
    """
    place = tf.reshape(uniform, (-1, *[1] * (len(real.shape) - 1)))
    return gradient_norm_penalty(critic, place * real + (1 - place) * fake)


def dragan(critic: Critic, real: Any, noise: Any, uniform: Any, deviation: Any, scale: float = 0.5) -> tf.Tensor:
    """The penalty of Kodali et al. (2017): norm 1 around the real examples.

    Their equation has Gaussian noise; this is what their experiments were run with: a place on the line from each
    example to one that uniform noise has moved.

    Args:
        critic: The discriminator.
        real: `[batch, ...]`.
        noise: The same shape, uniform in [0, 1): `turn.uniform("around", *shape)`.
        uniform: `[batch]` in [0, 1), the place on the line.
        deviation: Standard deviation of the real examples, a scalar.
        scale: Of the noise, in deviations.

    Examples:
        >>> zero = tf.zeros((1, 1))
        >>> dragan(lambda x: x, zero, zero, tf.constant([0.5]), tf.ones((1,))).numpy().round(3).tolist()
        [0.0]
    """
    place = tf.reshape(uniform, (-1, *[1] * (len(real.shape) - 1)))
    return gradient_norm_penalty(critic, real + place * scale * deviation * noise)
