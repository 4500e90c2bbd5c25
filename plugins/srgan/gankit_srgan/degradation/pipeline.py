"""Damaged small pictures out of intact large ones, a batch at a time.

After the second-order degradation of Wang et al. (2021, Real-ESRGAN, section 3): blur, resizing, noise and JPEG once or
twice, in a random order, where each part may be missing. Everything is a function of the example's index, so that a
resumed training meets the same damage.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import tensorflow as tf

from gankit.engine import random
from gankit.images import downscale
from gankit_srgan.degradation import blur, jpeg
from gankit_srgan.degradation.options import Damage
from gankit_srgan.degradation.resampling import FILTERS, resample, resampling_matrix

CHANCE = 0.85  # of blur, of noise and of JPEG, where there are any
SMALLEST, LARGEST = 0.75, 2  # sides between the passes, in sides of the small picture


@dataclass(frozen=True)
class _Draws:
    """Random numbers for a batch."""

    index: tf.Tensor
    seed: int

    def unit(self, name: str) -> tf.Tensor:
        """`[batch]` in [0, 1)."""
        return random.uniform(self.index, self.seed, f"degradation/{name}")

    def below(self, name: str, share: float) -> tf.Tensor:
        """`[batch, 1, 1, 1]` bool: whether something happens."""
        return (self.unit(name) < share)[:, None, None, None]

    def between(self, name: str, low: float, high: float) -> tf.Tensor:
        """`[batch]` in [low, high)."""
        return low + (high - low) * self.unit(name)

    def whole(self, name: str, count: int) -> tf.Tensor:
        """`[batch]` int32 in [0, count)."""
        return tf.cast(self.unit(name) * count, tf.int32)

    def noise(self, name: str, side: int, channels: int) -> tf.Tensor:
        """`[batch, side, side, channels]` standard normal."""
        return random.normal(self.index, self.seed, f"degradation/{name}", (side, side, channels))


def degraded(high: tf.Tensor, scale: int, damage: Damage, index: tf.Tensor, seed: int) -> tf.Tensor:
    """Small pictures as a user might have them.

    Args:
        high: `[batch, side, side, 3]` float in [0, 1]; the side is divisible by `scale`.
        scale: Factor by which they shrink, at least 1.
        damage: How much of what; no field is None.
        index: `[batch]` int64: index of each example in its stream.
        seed: The run's seed.

    Returns:
        `[batch, side / scale, side / scale, 3]` in [0, 1], rounded to 8 bits.
    """
    draws, side = _Draws(index, seed), high.shape[1]
    small = side // scale
    whole, target = tf.fill(tf.shape(index), side), tf.fill(tf.shape(index), small)
    if not damage.passes:
        return _eight_bits(downscale(high, scale))
    x = _blurred(high, damage, draws, "first", tf.ones_like(draws.unit("first sigma")))
    once = _resized(x, whole, target, small, draws.whole("last filter", len(FILTERS)))
    if damage.passes == 2:
        lowest, largest = math.ceil(SMALLEST * small), min(side, LARGEST * small)
        between = lowest + draws.whole("size between", largest - lowest + 1)
        between = tf.where(draws.below("resized", damage.resize or 0)[:, 0, 0, 0], between, largest)
        x = _resized(x, whole, between, largest, draws.whole("first filter", len(FILTERS)))
        x = _compressed(_noisy(x, damage, draws, "first"), damage, draws, "first")
        x = _blurred(x, damage, draws, "second", tf.cast(between, x.dtype) / side)
        x = _resized(x, between, target, small, draws.whole("second filter", len(FILTERS)))
        once = tf.where(draws.below("twice", 0.5), x, once)
    x = once
    # Noise before JPEG is that of the camera; after it, that of a screen or a print.
    late = draws.below("late noise", 0.2)
    x = tf.where(late, x, _noisy(x, damage, draws, "last"))
    if damage.sinc:
        ringing = blur.convolved(x, blur.sinc(draws.between("cutoff", math.pi / 3, math.pi)))
        x = tf.where(draws.below("ringing", damage.sinc), ringing, x)
    x = _compressed(x, damage, draws, "last")
    return _eight_bits(tf.where(late, _noisy(x, damage, draws, "last"), x))


def _eight_bits(x: tf.Tensor) -> tf.Tensor:
    return tf.round(tf.clip_by_value(x, 0.0, 1.0) * 255) / 255


def _resized(x: tf.Tensor, before: tf.Tensor, after: tf.Tensor, canvas: int, kind: tf.Tensor) -> tf.Tensor:
    """Each picture, `before` pixels a side, `after` pixels a side in a corner of a canvas."""
    return resample(x, resampling_matrix(before, after, x.shape[1], canvas, kind, x.dtype.name))


def _blurred(x: tf.Tensor, damage: Damage, draws: _Draws, name: str, ratio: tf.Tensor) -> tf.Tensor:
    """Blur of a width in pixels of the large picture; `ratio` is what one of these is now."""
    if not damage.blur:
        return x
    # A uniform width would make half of all pictures hopeless.
    width = ratio * (0.2 + (damage.blur - 0.2) * draws.unit(f"{name} sigma") ** 1.5)
    round_ = draws.unit(f"{name} direction") >= (damage.anisotropic or 0)
    across = tf.where(round_, width, width * draws.between(f"{name} across", 0.2, 1.0))
    kernels = blur.gaussian(width, across, draws.between(f"{name} angle", 0.0, math.pi))
    if damage.moffat:
        star = blur.moffat(width, draws.between(f"{name} beta", 2.5, 5.0))
        kernels = tf.where(draws.below(f"{name} moffat", damage.moffat)[..., 0], star, kernels)
    return tf.where(draws.below(f"{name} blur", CHANCE), blur.convolved(x, kernels), x)


def _noisy(x: tf.Tensor, damage: Damage, draws: _Draws, name: str) -> tf.Tensor:
    """Noise; Poisson's is Gaussian of its variance, which photographs of more than a few photons a pixel show."""
    if not damage.noise:
        return x
    colour = draws.noise(f"{name} noise", x.shape[1], 3)
    alike = draws.below(f"{name} grey", damage.grey or 0)
    colour = tf.where(alike, colour[..., :1], colour)
    deviation = draws.between(f"{name} deviation", 0.0, damage.noise / 255)[:, None, None, None]
    photons = draws.below(f"{name} poisson", damage.poisson or 0)
    grown = tf.where(photons, tf.sqrt(tf.clip_by_value(x, 0.0, 1.0)), tf.ones_like(x))
    return tf.where(draws.below(f"{name} noisy", CHANCE), x + deviation * grown * colour, x)


def _compressed(x: tf.Tensor, damage: Damage, draws: _Draws, name: str) -> tf.Tensor:
    """JPEG, its blocks beginning anywhere."""
    if damage.jpeg is None or damage.jpeg >= 100:
        return x
    quality = min(damage.jpeg, 95) + draws.whole(f"{name} quality", 96 - min(damage.jpeg, 95))
    corner = tf.stack([draws.whole(f"{name} {axis}", jpeg.UNIT) for axis in ("row", "column")], axis=1)
    return tf.where(draws.below(f"{name} jpeg", CHANCE), jpeg.compressed(x, quality, corner), x)
