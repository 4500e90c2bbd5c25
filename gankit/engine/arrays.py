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


class PictureSource(ArraySource):
    """Pictures in memory as 8-bit pixels, delivered in [-1, 1].

    Args:
        pictures: `[n, height, width, channels]` uint8.
        field: Name of their field.
        **fields: Further arrays, delivered as by `ArraySource`.
    """

    def __init__(self, pictures: Any, field: str = "image", **fields: Any) -> None:
        super().__init__(**{field: pictures}, **fields)
        self._field = field
        if self.fields[field].dtype != np.uint8:
            raise DataError(f"pictures are 8-bit pixels, not {self.fields[field].dtype}")

    def gather(self, rows: Any, index: Any, seed: int) -> dict[str, Any]:
        """`Source.gather`."""
        import keras
        import tensorflow as tf

        fields = super().gather(rows, index, seed)
        return {**fields, self._field: tf.cast(fields[self._field], keras.config.floatx()) / 127.5 - 1}
