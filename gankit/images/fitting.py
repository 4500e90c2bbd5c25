"""Pictures of any size brought to one size: cut, squeezed, or both, and what is lost is said."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from gankit.errors import UsageError
from gankit.images.reductions import too_small

log = logging.getLogger("gankit")

How = Literal["crop", "squeeze", "middle"]
SMALLEST = 4  # pixels


@dataclass(frozen=True)
class Fit:
    """How a picture becomes one of a given size.

    Args:
        size: Side of a square, or (height, width), in pixels; at least 4.
        how: "crop" cuts out the largest middle part of the right proportions and resizes it, so that the shorter side
            is kept whole; "squeeze" resizes the whole picture, whatever that does to its proportions; "middle" cuts the
            middle out and resizes nothing. Resizing is Lanczos, antialiased.
        channels: 1 for grey, 3 for RGB.
        halves: A picture is two side by side, each of which is fitted: the left one, then the right one. Of an odd
            width, the column in the middle belongs to neither.

    Raises:
        UsageError: A value is out of range.

    Examples:
        >>> Fit((4, 6), "squeeze")(np.zeros((50, 40, 3), np.uint8)).shape
        (4, 6, 3)
    """

    size: int | tuple[int, int]
    how: How = "crop"
    channels: int = 3
    halves: bool = False

    def __post_init__(self) -> None:
        if len(self.shape) != 2 or min(self.shape) < SMALLEST:
            raise UsageError(
                f"pictures of {' x '.join(map(str, self.shape))} pixels are too small", f"a side is at least {SMALLEST}"
            )
        if self.channels not in (1, 3):
            raise UsageError(f"pictures cannot have {self.channels} channels", "1 is grey, 3 is RGB")
        if self.how not in ("crop", "squeeze", "middle"):
            raise UsageError(f"pictures cannot be fitted by {self.how!r}", "fit is crop, squeeze or middle")

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    @property
    def rule(self) -> str:
        """What tells pixels of this fit from those of another one that have the same sizes."""
        return f"{self.how} {self.channels} {self.halves}"

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Fits one picture.

        Args:
            image: `[h, w, 3]` or `[h, w, 1]` uint8.

        Returns:
            `[height, width, channels]` uint8.
        """
        top, left, height, width = self._box(*image.shape[:2])
        # Cut out first: a resampling of a box still looks at the pixels around it.
        cut = np.ascontiguousarray(image[top : top + height, left : left + width])
        picture = Image.fromarray(cut[..., 0] if image.shape[2] == 1 else cut)
        picture = picture.convert("L" if self.channels == 1 else "RGB")
        if (height, width) != self.shape:
            # A factor of more than 6 is taken by averaging blocks first: as good for the eye, and several times faster.
            picture = picture.resize(self.shape[::-1], Image.Resampling.LANCZOS, reducing_gap=3.0)
        return np.asarray(picture).reshape(*self.shape, self.channels)

    def _box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Top, left, height and width of what is kept of a picture."""
        high, wide = self.shape
        if self.how == "middle":
            kept = min(height, high), min(width, wide)
        elif self.how == "squeeze":
            kept = height, width
        elif height * wide > width * high:
            kept = max(1, round(width * high / wide)), width
        else:
            kept = height, max(1, round(height * wide / high))
        return (height - kept[0]) // 2, (width - kept[1]) // 2, *kept

    # -- many pictures, as `gankit.images.decoding.Plan` asks for them -----------------------------------------------

    def shapes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Heights and widths of what one picture becomes, whatever its own."""
        return [self.shape] * (2 if self.halves else 1)

    def copies(self, image: np.ndarray) -> list[np.ndarray]:
        """What one picture becomes."""
        if not self.halves:
            return [self(image)]
        half = image.shape[1] // 2
        return [self(image[:, :half]), self(image[:, -half:])]

    def accept(self, files: Sequence[Path], sizes: Sequence[tuple[int, int]]) -> None:
        """Says how much of pictures is cut off and how many are enlarged.

        Args:
            files: The pictures.
            sizes: Height and width of each, as they are stored.

        Raises:
            DataError: Pictures are smaller than the middle that is to be cut out of them; names some.
        """
        sizes = [(height, width // 2) for height, width in sizes] if self.halves else list(sizes)
        high, wide = self.shape
        small = [
            f"{file} ({width} x {height})"
            for file, (height, width) in zip(files, sizes, strict=True)
            if min(height, width) < 1 or (self.how == "middle" and (height < high or width < wide))
        ]
        if small:
            raise too_small(small, high, wide)
        boxes = [self._box(*size) for size in sizes]
        lost = [1 - h * w / (height * width) for (_, _, h, w), (height, width) in zip(boxes, sizes, strict=True)]
        if cut := [share for share in lost if share > 0]:
            log.info(
                "%d of %d pictures lose what lies outside of their middle, %.0f %% on average and up to %.0f %%%s",
                *(len(cut), len(lost), 100 * sum(cut) / len(cut), 100 * max(cut)),
                "; fit='squeeze' keeps the whole" if self.how == "crop" else "",
            )
        if enlarged := sum(h < high or w < wide for _, _, h, w in boxes):
            log.info("%d of %d pictures were smaller than %s and have been enlarged", enlarged, len(sizes), self._said)

    @property
    def _said(self) -> str:
        return (
            f"{self.shape[1]} x {self.shape[0]} pixels" if self.shape[0] != self.shape[1] else f"{self.shape[0]} pixels"
        )
