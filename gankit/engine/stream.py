"""Streams: endless, shuffled, random-access sequences of batches.

Example `i` of a run is row `shuffle(epoch, i mod n)` of its source in epoch `i div n`, where the shuffle is a keyed
permutation computed by a block cipher rather than a buffer. So batch g is a function of g alone: a resume starts at any
batch in constant time, and a replica or a worker makes only its own part.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import keras
import tensorflow as tf

from gankit.engine import random
from gankit.engine.drawing import SOURCE_NOISE, keyed_alone
from gankit.engine.source_errors import SOURCE, counted, few
from gankit.errors import DataError, RecipeError
from gankit.recipe import Source
from gankit.support.blame import defined, recipe_code


def check_sources(sources: Mapping[str, Source], stage: str) -> None:
    """Raises DataError if a stage has nothing to draw from: no source, or one without rows."""
    if not sources:
        raise DataError(
            f"stage {stage!r} has no training examples: there is no source",
            "Recipe.data returns Data({name: source}); ArraySource(field=array) is a source",
        )
    for name, source in sources.items():
        if not isinstance(source.n, Integral) or source.n < 1:
            raise DataError(
                f"stage {stage!r} has no training examples: n of source {name!r} is {source.n!r}",
                "n is the number of its rows, at least 1; is the file or folder empty, or all of it left out?",
            )


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
        The fields of all sources, those of floats in Keras' floatx; and "index": `[count]` int64, the examples'
        numbers in the run.

    Raises:
        RecipeError: A source returned anything else than fields of `count` rows, raised an error, or has a field of
            the same name as another one.
    """
    index = number * batch_size + offset + tf.range(count, dtype=tf.int64)
    fields: dict[str, Any] = {"index": index}
    for place, (name, source) in enumerate(sources.items()):
        size = tf.constant(source.n, tf.int64)
        # The cipher reads only the low 8 bits of each key word (n <= 65536), so the words are hashes of all that
        # decides the order; 4 rounds left some epochs nearly sorted.
        key = random.bits(index // size, seed, f"order of source {place}", 3)
        rows = tf.raw_ops.RandomIndexShuffle(index=index % size, seed=key, max_index=size - 1, rounds=8)
        token = SOURCE.set(name)
        try:
            with recipe_code(f"source {name!r}", source.gather), keyed_alone(SOURCE_NOISE):
                made = source.gather(rows, index, seed)
        finally:
            SOURCE.reset(token)
        try:
            for field, value in _examples(made, name, count).items():
                if field in fields:
                    raise RecipeError(
                        f"the field {field!r} of source {name!r} is already a field of another source",
                        "give one of the two another name; 'index' are the examples' numbers",
                    )
                fields[field] = value
        except RecipeError as error:
            error.put(defined(source.gather))
            raise
    return fields


def _examples(made: Any, name: str, count: int) -> dict[str, tf.Tensor]:
    """What a source returned, as tensors of known shape."""
    if not isinstance(made, Mapping) or not made or not all(isinstance(field, str) for field in made):
        what = f"the fields {list(made)}" if isinstance(made, Mapping) else type(made).__name__
        raise RecipeError(f"source {name!r}: gather returned {what}", "return {name of a field: [batch, ...] tensor}")
    found = {}
    for field, value in made.items():
        what = f"field {field!r} of source {name!r}"
        try:
            value = tf.convert_to_tensor(value)
        except (TypeError, ValueError) as error:
            raise RecipeError(
                f"{what} is no tensor but {type(value).__name__}: {error}", "return one array or tensor a field"
            ) from error
        if value.shape.rank is None:
            raise RecipeError(
                f"{what} has an unknown shape",
                "after tf.numpy_function or tf.py_function call set_shape, or take gankit.engine.FunctionSource",
            )
        if value.shape.rank == 0 or value.shape[0] not in (None, count):
            raise few(what, "one value" if value.shape.rank == 0 else f"{value.shape[0]} rows", count)
        if value.shape[0] is None:
            value = counted(value, what, count)
        if value.dtype.is_floating:
            value = tf.cast(value, keras.config.floatx())
        found[field] = tf.ensure_shape(value, [count, *value.shape[1:]])
    return found
