"""A Python function as a source."""

from __future__ import annotations

import hashlib
import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gankit.errors import GankitError, RecipeError, did_you_mean
from gankit.support.blame import recipe_code

Signature = Mapping[str, tuple[tuple[int, ...], str]]
"""Field -> (shape of one example, dtype)."""


class FunctionSource:
    """Examples that a Python function reads or computes, a batch at a time: NumPy in, NumPy out.

    The function is called as `function(rows)`; where it has parameters named `index` and `seed`, it is given these too,
    by name. It must return the same for the same arguments, or a resumed run is not the run that was interrupted. So
    noise is drawn from a generator that is made of them:

        def read(rows, index, seed):
            noise = [np.random.default_rng([seed, i]).normal(size=8) for i in index]
            return {"x": table[rows], "z": np.array(noise, "float32")}

    It runs in one thread at a time, while the networks train on earlier batches.

    Args:
        n: Number of rows.
        function: `rows` `[batch]` int64 in [0, n) -> {field: `[batch, ...]` array}. `index` is `[batch]` int64, the
            examples' numbers in the run, and `seed` an int.
        fields: Field -> (shape of one example, dtype of what the function returns): what TensorFlow must know
            beforehand. Floating fields are delivered in Keras' floatx, others as they are.
        fingerprint: Anything that changes with the data, for runs to notice other data when they are resumed; what
            else tells is `n`, `fields`, and the function's name.

    Attributes:
        n: Number of rows.
        fingerprint: sha256 (hex).

    Raises:
        RecipeError: There are no rows, or `fields` is no such mapping.

    Examples:
        >>> source = FunctionSource(100, lambda rows: {"x": rows**2}, {"x": ((), "int64")})
        >>> source.gather([3, 4], [0, 1], 0)["x"].numpy().tolist()
        [9, 16]
    """

    def __init__(
        self, n: int, function: Callable[..., Mapping[str, Any]], fields: Signature, fingerprint: str = ""
    ) -> None:
        if n < 1:
            raise RecipeError(f"a source of {n} rows", "n is the number of rows, at least 1")
        self.n, self._function, self._fields = int(n), function, _signature(fields)
        parameters = inspect.signature(function).parameters
        self._one_at_a_time = threading.Lock()  # tf.data makes two batches at once, and files are read by one thread
        self._wanted = tuple(name for name in ("index", "seed") if name in parameters)
        told = (self.n, sorted(self._fields.items()), getattr(function, "__qualname__", ""), fingerprint)
        self.fingerprint = hashlib.sha256(repr(told).encode()).hexdigest()

    def gather(self, rows: Any, index: Any, seed: int) -> dict[str, Any]:
        """`Source.gather`; `gankit.engine.source_errors.reading` tells what the function raised in a graph."""
        import keras
        import tensorflow as tf

        from gankit.engine.source_errors import SOURCE, marked

        source = f"source {SOURCE.get()!r}" if SOURCE.get("") else "the source"

        def call(rows: np.ndarray, index: np.ndarray) -> list[np.ndarray]:
            try:
                return self._examples(rows, index, seed, source)
            except GankitError as error:
                raise marked(error) from error

        rows, index = tf.cast(rows, tf.int64), tf.cast(index, tf.int64)
        if tf.executing_eagerly():
            made = self._examples(rows.numpy(), index.numpy(), seed, source)
        else:
            made = tf.numpy_function(call, [rows, index], [dtype for _, dtype in self._fields.values()])
        found = {}
        for (field, (shape, _)), value in zip(self._fields.items(), made, strict=True):
            tensor = tf.ensure_shape(value, [rows.shape[0], *shape])
            found[field] = tf.cast(tensor, keras.config.floatx()) if tensor.dtype.is_floating else tensor
        return found

    def _examples(self, rows: np.ndarray, index: np.ndarray, seed: int, source: str) -> list[np.ndarray]:
        """What the function returns, in the order of the fields, once it is known to be what was declared."""
        from gankit.engine.source_errors import few

        extra = {key: value for key, value in (("index", index), ("seed", seed)) if key in self._wanted}
        with recipe_code(f"function of {source}", self._function):
            with self._one_at_a_time:
                made = self._function(rows, **extra)
            if not isinstance(made, Mapping):
                raise RecipeError(f"it returned {type(made).__name__}", "return {field: [batch, ...] array}")
            if set(made) != set(self._fields):
                name = next(iter(set(self._fields) - set(made) or set(made) - set(self._fields)))
                raise RecipeError(
                    f"it returned the fields {sorted(made)}, not the declared {sorted(self._fields)}",
                    did_you_mean(name, made if name in self._fields else self._fields),
                )
            found = []
            for field, (shape, dtype) in self._fields.items():
                value, what = np.asarray(made[field]), f"field {field!r}"
                if value.shape != (len(rows), *shape):
                    if value.shape[1:] == shape and value.ndim:
                        raise few(what, f"{len(value)} rows", len(rows))
                    raise RecipeError(
                        f"{what} has shape {value.shape} where {(len(rows), *shape)} was declared",
                        "mend the function, or the shape of one example in `fields`",
                    )
                if value.dtype.kind != np.dtype(dtype).kind:
                    raise RecipeError(
                        f"{what} is {value.dtype} where {dtype} was declared",
                        "convert it in the function with .astype, or declare what it is in `fields`",
                    )
                found.append(value.astype(dtype, copy=False))
            return found


def _signature(fields: Any) -> dict[str, tuple[tuple[int, ...], str]]:
    """`fields`, checked; dtypes by their NumPy names."""
    hint = 'give {field: (shape of one example, dtype)}, {"x": ((64, 64, 3), "float32"), "label": ((), "int64")} say'
    found = {}
    try:
        for field, (shape, dtype) in dict(fields).items():
            if np.dtype(dtype).kind not in "fiub":
                raise TypeError(dtype)
            found[str(field)] = tuple(int(side) for side in shape), np.dtype(dtype).name
    except (TypeError, ValueError) as error:
        raise RecipeError(f"these are no fields of numbers: {fields!r}", hint) from error
    if not found:
        raise RecipeError("a source needs at least one field", hint)
    return found
