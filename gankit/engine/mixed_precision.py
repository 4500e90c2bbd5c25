"""What floating point type a run computes in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Sets Keras' float type for networks built and losses traced inside.

    Args:
        name: "float32", "float64", or "bfloat16": compute in bfloat16, keep weights and losses in float32 (bfloat16
            has float32's exponent range, so that no loss scaling is needed).

    Examples:
        >>> import keras
        >>> with precision("float64"):
        ...     keras.config.floatx()
        'float64'
    """
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64" if name == "float64" else "float32")
    keras.config.set_dtype_policy("mixed_bfloat16" if name == "bfloat16" else name)
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
