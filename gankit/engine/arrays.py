"""Arrays in memory as a source."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import numpy as np

from gankit.errors import DataError


class ArraySource:
    """Rows of equally long arrays.

    Args:
        **fields: Name -> `[n, ...]` array. Floating fields are delivered in Keras' floatx, others as they are.

    Raises:
        DataError: The arrays are empty or of different lengths.

    Examples:
        >>> ArraySource(x=np.zeros((5, 2)), label=np.arange(5)).n
        5
    """

    def __init__(self, **fields: Any) -> None:
        self.fields = {name: np.asarray(value) for name, value in fields.items()}
        lengths = {name: len(value) for name, value in self.fields.items()}
        if not lengths or len(set(lengths.values())) != 1 or not next(iter(lengths.values())):
            raise DataError(f"a source needs arrays of one length greater than 0, not {lengths}")
        self.n = next(iter(lengths.values()))

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over names, types, shapes and values."""
        digest = hashlib.sha256()
        for name, value in sorted(self.fields.items()):
            digest.update(f"{name} {value.dtype} {value.shape};".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        return digest.hexdigest()

    @cached_property
    def _tensors(self) -> dict[str, Any]:
        import keras
        import tensorflow as tf

        # Made eagerly, so that graphs hold references and not copies (a GraphDef may not exceed 2 GB).
        with tf.init_scope():
            return {
                name: tf.constant(value, keras.config.floatx() if value.dtype.kind == "f" else None)
                for name, value in self.fields.items()
            }

    def gather(self, rows: Any, index: Any, seed: int) -> dict[str, Any]:
        """`Source.gather`."""
        import tensorflow as tf

        return {name: tf.gather(value, rows) for name, value in self._tensors.items()}
