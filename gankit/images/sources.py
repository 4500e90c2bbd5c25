"""Pictures in memory as a source."""

from __future__ import annotations

from typing import Any

import numpy as np

from gankit.engine.arrays import ArraySource
from gankit.errors import DataError


class PictureSource(ArraySource):
    """Pictures in memory as 8-bit pixels, delivered in [-1, 1].

    Args:
        pictures: `[n, height, width, channels]` uint8.
        field: Name of their field.
        **fields: Further arrays, delivered as by `ArraySource`.

    Examples:
        >>> PictureSource(np.zeros((5, 8, 8, 1), np.uint8), label=np.arange(5)).n
        5
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
