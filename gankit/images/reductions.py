"""The sizes at which a photograph enters a training.

A camera's picture of 12 to 24 megapixels is soft at the level of its pixels: the sensor interpolates colour, the lens
blurs and JPEG smooths. A crop of it teaches a network little; a reduction has the detail that its pixels can hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from gankit.errors import DataError
from gankit.images.folders import listed
from gankit.images.resize import imresize


@dataclass(frozen=True)
class Reductions:
    """How one photograph becomes several, by antialiased bicubic.

    Args:
        factors: Each gives one copy; 1 is the photograph itself. In any order, which doesn't matter.
        largest: A photograph whose longer side exceeds this many pixels counts as one of that side: the factors apply
            to what is left.
        smallest: A copy whose shorter side falls below this many pixels is left out.

    Raises:
        ValueError: There is no factor, one is not in (0, 1], or a number of pixels is below 1.

    Examples:
        >>> Reductions(factors=(1.0, 0.5)).factors
        (1.0, 0.5)
    """

    channels: ClassVar[int] = 3
    rule: ClassVar[str] = ""  # of their pixels, their sizes tell all

    factors: tuple[float, ...] = (1.0,)
    largest: int | None = None
    smallest: int = 1

    def __post_init__(self) -> None:
        if not self.factors or not all(0 < factor <= 1 for factor in self.factors):
            raise ValueError(f"factors of reduction lie above 0 and at most at 1, not {self.factors}")
        if self.smallest < 1 or (self.largest is not None and self.largest < 1):
            raise ValueError(f"sides are at least 1 pixel, not {self.largest} and {self.smallest}")

    def shapes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Heights and widths of the copies, the largest first.

        Args:
            height: Of the photograph.
            width: Of the photograph.

        Returns:
            Sides rounded half up. Empty if the photograph is too small at every factor.
        """
        limit = min(1.0, self.largest / max(height, width)) if self.largest else 1.0
        factors = [limit * factor for factor in sorted(set(self.factors), reverse=True)]
        copies = [(math.floor(height * factor + 0.5), math.floor(width * factor + 0.5)) for factor in factors]
        return [copy for copy in copies if min(copy) >= self.smallest]

    def copies(self, image: np.ndarray) -> list[np.ndarray]:
        """The copies themselves, each made from the photograph and not from another copy.

        Args:
            image: `[height, width, 3]` uint8.

        Returns:
            One uint8 image for each of `shapes(height, width)`; one of the photograph's own size is `image`.
        """
        own = image.shape[:2]
        return [image if shape == own else imresize(image, *shape) for shape in self.shapes(*own)]

    def accept(self, files: Sequence[Path], sizes: Sequence[tuple[int, int]]) -> None:
        """Raises DataError if photographs are too small at every factor; names some."""
        pairs = zip(files, sizes, strict=True)
        if small := [f"{file} ({size[1]} x {size[0]})" for file, size in pairs if not self.shapes(*size)]:
            raise too_small(small, self.smallest, self.smallest)


def too_small(images: Sequence[str], height: int, width: int) -> DataError:
    """The error for images that cannot be cropped.

    Args:
        images: Their names and sizes; five are shown.
        height: Of a crop.
        width: Of a crop.
    """
    return DataError(
        f"smaller than a crop of {width} x {height} pixels: {listed(images)}", "take a smaller crop or leave them out"
    )
