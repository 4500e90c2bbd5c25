"""What everything that enlarges pictures has in common, whoever computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np


class Enlarger(Protocol):
    """A trained network, ready for use.

    Attributes:
        name: For messages and provenance.
        scale: Factor.
        radius: No output pixel depends on an input pixel further away (in rows or columns) than this.
        cell: It works in squares of so many input pixels a side, which begin at the first pixel; sides may be any.
        generative: Whether it was trained to invent detail, rather than for the smallest error.
        bytes_per_pixel: Of memory that it needs, at most, for each input pixel.
    """

    name: str
    scale: int
    radius: int
    cell: int
    generative: bool
    bytes_per_pixel: float

    def __call__(self, low: np.ndarray) -> np.ndarray:
        """`[batch, h, w, 3]` float32 in [0, 1] -> `[batch, h * scale, w * scale, 3]` float32, unclipped."""
        ...


CELLS = {"unet": 4}
"""Function of `gankit_srgan.networks` -> what the sides of its pictures are divisible by; 1 where absent."""


def in_cells(call: Callable[[np.ndarray], Any], cell: int, scale: int) -> Callable[[np.ndarray], np.ndarray]:
    """Lets a network that takes sides divisible by `cell` take any: pictures are mirrored at their far edges.

    Args:
        call: As `Enlarger.__call__`.
        cell: Pixels.
        scale: Factor of the network.
    """
    if cell == 1:
        return lambda low: np.asarray(call(low))

    def enlarge(low: np.ndarray) -> np.ndarray:
        height, width = low.shape[1:3]
        lacking = ((0, 0), (0, -height % cell), (0, -width % cell), (0, 0))
        return np.asarray(call(np.pad(low, lacking, "symmetric")))[:, : height * scale, : width * scale]

    return enlarge
