"""Noise as a pure function of (run seed, example index, name).

A stateful generator would have to be saved, split over replicas and rewound on resume. A hash needs none of that: the
same example of the same run always meets the same noise, on one device or on many, before or after a resume.
The mixer is the 32-bit finalizer "lowbias32" found by C. Wellons' hash prospector (bias 0.17).
"""

from __future__ import annotations

import math
import zlib

import keras
import tensorflow as tf

_GOLDEN = 0x9E3779B9  # 2^32 / golden ratio: the Weyl increment of counter-based generators


def _mix(x: tf.Tensor) -> tf.Tensor:
    """A bijection of uint32 in which every input bit flips every output bit with probability near 1/2."""
    x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(16, tf.uint32))) * tf.constant(
        0x7FEB352D, tf.uint32
    )
    x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(15, tf.uint32))) * tf.constant(
        0x846CA68B, tf.uint32
    )
    return tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(16, tf.uint32)))


def bits(index: tf.Tensor, seed: int, name: str, count: int) -> tf.Tensor:
    """Random words.

    Args:
        index: `[batch]` int64 example indices.
        seed: The run's seed.
        name: What the noise is for; another name gives independent noise.
        count: Words an example.

    Returns:
        `[batch, count]` uint32.
    """
    salt = tf.constant((zlib.crc32(name.encode()) ^ (seed * _GOLDEN)) & 0xFFFFFFFF, tf.uint32)
    low = tf.cast(tf.bitwise.bitwise_and(index, tf.constant(0xFFFFFFFF, tf.int64)), tf.uint32)
    high = tf.cast(tf.bitwise.right_shift(index, tf.constant(32, tf.int64)), tf.uint32)
    key = _mix(low + _mix(high + _mix(salt)))
    counter = tf.cast(tf.range(1, count + 1), tf.uint32) * tf.constant(_GOLDEN, tf.uint32)
    return _mix(key[:, None] + counter[None, :])


def _unit(words: tf.Tensor, dtype: str) -> tf.Tensor:
    """uint32 -> multiples of 2^-24 in [0, 1); 24 bits are exact in float32."""
    return tf.cast(tf.bitwise.right_shift(words, tf.constant(8, tf.uint32)), dtype) * tf.cast(2.0**-24, dtype)


def uniform(index: tf.Tensor, seed: int, name: str, shape: tuple[int, ...] = (), dtype: str = "") -> tf.Tensor:
    """Uniform noise in [0, 1).

    Args:
        index: `[batch]` int64 example indices.
        seed: The run's seed.
        name: What the noise is for.
        shape: Shape of one example.
        dtype: Float type of the result; Keras' floatx if empty.

    Returns:
        `[batch, *shape]` float.
    """
    words = bits(index, seed, name, math.prod(shape))
    return tf.reshape(_unit(words, dtype or keras.config.floatx()), (-1, *shape))


def normal(index: tf.Tensor, seed: int, name: str, shape: tuple[int, ...] = (), dtype: str = "") -> tf.Tensor:
    """Standard normal noise by Box and Muller (1958).

    Args:
        index: `[batch]` int64 example indices.
        seed: The run's seed.
        name: What the noise is for.
        shape: Shape of one example.
        dtype: Float type of the result; Keras' floatx if empty.

    Returns:
        `[batch, *shape]` float, |x| <= 5.77.
    """
    dtype = dtype or keras.config.floatx()
    count = math.prod(shape)
    half = (count + 1) // 2
    unit = _unit(bits(index, seed, name, 2 * half), dtype)
    radius = tf.sqrt(-2.0 * tf.math.log(unit[:, :half] + tf.cast(2.0**-24, dtype)))
    angle = unit[:, half:] * tf.cast(2.0 * math.pi, dtype)
    pairs = tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], axis=1)
    return tf.reshape(pairs[:, :count], (-1, *shape))
