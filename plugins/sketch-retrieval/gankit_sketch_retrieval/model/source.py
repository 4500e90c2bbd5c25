"""Marks as training examples: two views of each, drawn anew for every example of the run."""

from __future__ import annotations

from typing import Any

import numpy as np

from gankit.engine import ArraySource
from gankit_sketch_retrieval.config import Augmentation


class MarkSource(ArraySource):
    """Normalised marks.

    Fields: `mark`, `[batch, 64, 64, 1]` in [0, 1], and with `pairs` `other`: another view of the same.

    Args:
        marks: `[n, 64, 64]` uint8, ink bright.
        options: How views vary; None shows the marks as they are.
        turns: Whether each example is a mark turned by quarters and mirrored, the same way in both views.
        pairs: Whether there are two views.
    """

    def __init__(self, marks: np.ndarray, options: Augmentation | None, turns: bool, pairs: bool) -> None:
        super().__init__(mark=marks)
        self._options, self._turns = options, turns
        self._views = ("mark", "other") if pairs else ("mark",)

    def gather(self, rows: Any, index: Any, seed: int) -> dict[str, Any]:
        """`Source.gather`."""
        import keras
        import tensorflow as tf

        from gankit.engine import random
        from gankit_sketch_retrieval.model.augmentation import quarter_turns, vary

        marks = tf.cast(super().gather(rows, index, seed)["mark"], keras.config.floatx()) / 255
        if self._turns:
            marks = quarter_turns(marks, lambda name, *shape: random.uniform(index, seed, name, shape))
        views = {}
        for view in self._views:
            seen = marks
            if self._options is not None:
                options, name = self._options, view
                seen = vary(
                    marks, lambda part, *shape, name=name: random.uniform(index, seed, f"{name}/{part}", shape), options
                )
            views[view] = seen[..., None]
        return views
