"""Pictures of one size as a source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gankit.engine.arrays import ArraySource
from gankit.errors import DataError


class PictureSource(ArraySource):
    """Pictures as 8-bit pixels, in memory or mapped from a file, delivered in [-1, 1].

    Args:
        pictures: `[n, height, width, channels]` uint8, or several such arrays by field: row i of each belongs together.
        field: Name of the field, where there is one.
        **fields: Further arrays of any names, delivered as by `ArraySource`.

    Raises:
        DataError: Pictures are of another type or have other axes; or as `ArraySource`.

    Examples:
        >>> PictureSource(np.zeros((5, 8, 8, 1), np.uint8), label=np.arange(5)).n
        5
        >>> pairs = {"source": np.zeros((5, 8, 8, 3), np.uint8), "target": np.full((5, 8, 8, 3), 255, np.uint8)}
        >>> made = PictureSource(pairs).gather([0, 3], [0, 1], 0)
        >>> made["target"].shape.as_list(), float(made["source"].numpy().max()), float(made["target"].numpy().min())
        ([2, 8, 8, 3], -1.0, 1.0)
    """

    def __init__(self, pictures: Any, field: str = "image", /, **fields: Any) -> None:
        several = pictures if isinstance(pictures, Mapping) else {field: pictures}
        super().__init__(**several, **fields)
        self._pictures = tuple(several)
        for name in self._pictures:
            value = self.fields[name]
            if value.dtype != np.uint8 or value.ndim != 4:
                raise DataError(
                    f"pictures are 8-bit pixels, [n, height, width, channels] uint8; {name!r} is {value.dtype} "
                    f"{list(value.shape)}",
                    "take ArraySource for arrays of other kinds; it leaves their values as they are",
                )

    def gather(self, rows: Any, index: Any, seed: int) -> dict[str, Any]:
        """`Source.gather`."""
        import keras
        import tensorflow as tf

        fields = super().gather(rows, index, seed)
        pictures = {name: tf.cast(fields[name], keras.config.floatx()) / 127.5 - 1 for name in self._pictures}
        return {**fields, **pictures}
