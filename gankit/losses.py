"""Losses as one value an example: `[batch, ...]` -> `[batch]`. The engine averages over the global batch."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def per_example(x: Any) -> tf.Tensor:
    """Mean over everything but the batch: `[batch, ...]` -> `[batch]`."""
    return tf.reduce_mean(tf.reshape(x, (tf.shape(x)[0], -1)), axis=1)


def absolute_error(a: Any, b: Any) -> tf.Tensor:
    """Mean |a - b| of each example, `[batch]`."""
    return per_example(tf.abs(a - b))


def squared_error(a: Any, b: Any) -> tf.Tensor:
    """Mean (a - b)^2 of each example, `[batch]`."""
    return per_example(tf.square(a - b))


def cross_entropy(logits: Any, real: bool) -> tf.Tensor:
    """Binary cross-entropy of a discriminator's logits against one label.

    With the discriminator's own labels this is its loss in Goodfellow et al. (2014); the generator that asks for `real`
    minimises -log D(G(z)), the non-saturating loss of the same paper, section 3.

    Args:
        logits: `[batch, ...]` float.
        real: The label: whether the examples should be judged real.

    Returns:
        `[batch]`: softplus(-logits) or softplus(logits), averaged over what is not the batch.
    """
    return per_example(tf.nn.softplus(-logits if real else logits))
