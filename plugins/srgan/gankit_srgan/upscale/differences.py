"""Where a result is far from bicubic interpolation, noted while it is made."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from gankit_srgan.upscale.pictures import Picture

CELL = 8  # low-resolution pixels a side over which differences are averaged


class Differences:
    """A painter that notes how far its windows are from bicubic interpolation.

    Args:
        painter: `planes.Painter`.
        picture: The input.
        scale: Factor of the network.

    Attributes:
        map: `[rows, columns]` float32: mean absolute difference in 8-bit levels, of cells of `CELL` pixels.
    """

    def __init__(self, painter: Callable[[slice, slice], np.ndarray], picture: Picture, scale: int) -> None:
        self.painter, self.picture, self.scale = painter, picture, scale
        height, width, self.channels = picture.colour.shape
        self.map = np.zeros((-(-height // CELL), -(-width // CELL)), np.float32)

    def __call__(self, rows: slice, columns: slice) -> np.ndarray:
        """`planes.Painter.__call__`."""
        high = self.painter(rows, columns)
        low = eight_bits(self.picture.colour[rows, columns])
        size = (high.shape[1], high.shape[0])
        small = Image.fromarray(low.squeeze(2) if self.channels == 1 else low)
        bicubic = np.asarray(small.resize(size, Image.Resampling.BICUBIC))
        distance = np.abs(eight_bits(high[:, :, : self.channels]).astype(np.int16) - bicubic.reshape(*size[::-1], -1))
        first, left = -(-rows.start // CELL), -(-columns.start // CELL)
        last, right = rows.stop // CELL, columns.stop // CELL  # whole cells; a rest at the border stays 0
        if last > first and right > left:
            inside = distance.mean(axis=2, dtype=np.float32)[
                (first * CELL - rows.start) * self.scale : (last * CELL - rows.start) * self.scale,
                (left * CELL - columns.start) * self.scale : (right * CELL - columns.start) * self.scale,
            ]
            step = CELL * self.scale
            cells = inside.reshape(last - first, step, right - left, step).mean(axis=(1, 3))
            self.map[first:last, left:right] = cells
        return high


def eight_bits(pixels: np.ndarray) -> np.ndarray:
    """uint8 or uint16 -> uint8."""
    return pixels if pixels.dtype == np.uint8 else ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def worst(differences: np.ndarray, height: int, width: int, side: int, count: int) -> list[tuple[int, int]]:
    """Windows with the largest differences that do not overlap.

    Args:
        differences: `Differences.map`.
        height: Of the input.
        width: Of the input.
        side: Of a window, in low-resolution pixels.
        count: Most windows.

    Returns:
        Top left corners, in low-resolution pixels, the largest difference first.
    """
    cells = max(1, side // CELL)
    total = np.pad(differences.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    tall, wide = (min(cells, size) for size in differences.shape)
    sums = total[tall:, wide:] - total[:-tall, wide:] - total[tall:, :-wide] + total[:-tall, :-wide]
    found: list[tuple[int, int]] = []
    for _ in range(count):
        row, column = np.unravel_index(sums.argmax(), sums.shape)
        if not np.isfinite(sums[row, column]):
            break
        y, x = max(0, min(int(row) * CELL, height - side)), max(0, min(int(column) * CELL, width - side))
        found.append((y, x))
        sums[max(0, row - cells) : row + cells + 1, max(0, column - cells) : column + cells + 1] = -np.inf
    return found
