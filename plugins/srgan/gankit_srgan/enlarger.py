"""What everything that enlarges pictures has in common, whoever computes it."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Enlarger(Protocol):
    """A trained network, ready for use.

    Attributes:
        name: For messages and provenance.
        scale: Factor.
        radius: No output pixel depends on an input pixel further away (in rows or columns) than this.
        generative: Whether it was trained to invent detail, rather than for the smallest error.
        bytes_per_pixel: Of memory that it needs, at most, for each input pixel.
    """

    name: str
    scale: int
    radius: int
    generative: bool
    bytes_per_pixel: float

    def __call__(self, low: np.ndarray) -> np.ndarray:
        """`[batch, h, w, 3]` float32 in [0, 1] -> `[batch, h * scale, w * scale, 3]` float32, unclipped."""
        ...
