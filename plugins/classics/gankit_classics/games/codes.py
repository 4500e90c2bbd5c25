"""InfoGAN's codes: how they are drawn, and how well they are read back."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gankit import Turn
from gankit.nn import per_example

LEAST_DEVIATION = 1e-2  # keeps the reader from an infinite likelihood where a code is read exactly


def code_of(turn: Turn, categories: int, codes: int) -> tuple[Any, Any]:
    """The code of each example: the category one-hot `[batch, categories]`, and `[batch, codes]` in [-1, 1)."""
    place = turn.uniform("category")
    category = tf.one_hot(tf.cast(place * categories, tf.int32), categories, dtype=place.dtype)
    return category, turn.uniform("codes", codes) * 2 - 1


def misread(read: Any, category: Any, codes: Any) -> dict[str, Any]:
    """Negative log-likelihood of the code under what the reader says of the picture.

    Args:
        read: `[batch, categories + 2 * codes]`: logits, means, logarithms of deviations.
        category: One-hot.
        codes: `[batch, codes]`.

    Returns:
        "category" and, if there are codes, "codes" (their mean), `[batch]` each; equation 5 of Chen et al. 2016.
    """
    k, n = category.shape[-1], codes.shape[-1]
    terms = {"category": tf.nn.softmax_cross_entropy_with_logits(category, read[:, :k])}
    if n:
        mean, log_deviation = read[:, k : k + n], read[:, k + n :]
        deviation = tf.exp(log_deviation) + LEAST_DEVIATION
        terms["codes"] = per_example(tf.square((codes - mean) / deviation) / 2 + tf.math.log(deviation))
    return terms
