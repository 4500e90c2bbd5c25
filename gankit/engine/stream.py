"""Streams: endless, shuffled, random-access sequences of batches.

Example `i` of a run is row `shuffle(epoch, i mod n)` of its source in epoch `i div n`, where the shuffle is a keyed
permutation computed by a block cipher rather than a buffer. So batch g is a function of g alone: a resume starts at any
batch in constant time, and a replica or a worker makes only its own part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from gankit.engine import random
from gankit.errors import RecipeError
from gankit.recipe import Source


def batch_of(
    sources: Mapping[str, Source], number: tf.Tensor, offset: tf.Tensor, count: int, batch_size: int, seed: int
) -> dict[str, Any]:
    """One replica's part of a global batch.

    Args:
        sources: By name; each is shuffled by itself.
        number: Global batch number, int64 scalar.
        offset: Place of the part's first example in the batch, int64 scalar.
        count: Examples in the part.
        batch_size: Examples in the global batch.
        seed: The run's seed.

    Returns:
        The fields of all sources, and "index": `[count]` int64, the examples' numbers in the run.

    Raises:
        RecipeError: Two sources have a field of the same name.
    """
    index = number * batch_size + offset + tf.range(count, dtype=tf.int64)
    fields: dict[str, Any] = {"index": index}
    for place, (name, source) in enumerate(sources.items()):
        size = tf.constant(source.n, tf.int64)
        # The cipher reads only the low 8 bits of each key word (n <= 65536), so the words are hashes of all that
        # decides the order; 4 rounds left some epochs nearly sorted.
        key = random.bits(index // size, seed, f"order of source {place}", 3)
        rows = tf.raw_ops.RandomIndexShuffle(index=index % size, seed=key, max_index=size - 1, rounds=8)
        for field, value in source.gather(rows, index, seed).items():
            if field in fields:
                raise RecipeError(f"the field {field!r} of source {name!r} is already a field of another source")
            value = tf.convert_to_tensor(value)
            fields[field] = tf.ensure_shape(value, [count, *value.shape[1:]])
    return fields
