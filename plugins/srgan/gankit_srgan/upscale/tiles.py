"""Tiles: a picture through a network in pieces, equal to the picture in one piece.

A convolutional network sees no further than its receptive radius. Tiles overlap by that radius, and what lies within
it of a cut is thrown away, so that no kept pixel has seen the cut. At the border of the picture nothing is thrown away:
there a tile ends where the picture ends, and the network sees the same border (zero padding, mirrored bicubic) as with
the whole picture. All tiles of a picture have one shape: the last one begins earlier instead of being smaller. Of a
network that works in cells of several pixels, tiles begin where a cell does; what its last one lacks is mirrored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gankit.errors import UsageError

LARGEST = 384  # pixels a side; beyond this, less overlap gains nothing more
STEP = 8  # sides are multiples of this, so that pictures of a folder share shapes


@dataclass(frozen=True)
class Cut:
    """A tile's place along one axis, in low-resolution pixels.

    Attributes:
        start: First pixel that the network sees.
        stop: One behind the last.
        begin: First pixel that is kept.
        end: One behind the last.
    """

    start: int
    stop: int
    begin: int
    end: int


def cuts(size: int, tile: int, radius: int, cell: int = 1) -> list[Cut]:
    """Cuts one axis.

    Args:
        size: Pixels.
        tile: Most pixels that the network may see at once; 0 for all.
        radius: Of the network.
        cell: Of the network, by which tiles begin and `STEP` is divisible.

    Returns:
        As few tiles as possible, of one length, whose kept parts follow each other without gap or overlap.

    Raises:
        UsageError: The tile is all overlap.
    """
    if tile == 0 or size <= tile:
        return [Cut(0, size, 0, size)]
    radius, tile = math.ceil(radius / cell) * cell, tile // cell * cell
    if tile <= 2 * radius:
        raise UsageError(
            f"tiles of {tile} pixels are too small: the network sees {radius} pixels to every side",
            f"--tile {2 * radius + 64} or more, or --tile auto",
        )

    def count(length: int) -> int:
        return 2 + max(0, math.ceil((size - 2 * (length - radius)) / (length - 2 * radius)))

    # n tiles cover size + 2 * radius * (n - 1) pixels. The same number of smaller tiles costs less.
    number = count(tile)
    exact = (size + 2 * radius * (number - 1)) / number
    length = min(tile, math.ceil(exact / STEP) * STEP, size)
    number = count(length)
    inner = length - 2 * radius
    starts = [i * inner for i in range(number - 1)] + [math.ceil((size - length) / cell) * cell]
    begins = [0] + [i * inner + radius for i in range(1, number)] + [size]
    return [Cut(start, min(start + length, size), begins[i], begins[i + 1]) for i, start in enumerate(starts)]


def side(memory: float, bytes_per_pixel: float, radius: int) -> int:
    """The side of a square tile that fits into memory.

    Args:
        memory: Bytes for one call of the network.
        bytes_per_pixel: That the network needs for a low-resolution pixel.
        radius: Of the network.

    Returns:
        At most `LARGEST`; at least so much that half of each side is kept, whatever the memory.
    """
    fitting = int(math.sqrt(max(memory, 0) / bytes_per_pixel)) // STEP * STEP
    smallest = math.ceil((4 * radius + STEP) / STEP) * STEP
    return max(smallest, min(LARGEST, fitting))


def strips(
    paint: Callable[[slice, slice], np.ndarray],
    rows: list[Cut],
    columns: list[Cut],
    scale: int,
    done: Callable[[int], None] = lambda pixels: None,
) -> Iterator[np.ndarray]:
    """Enlarges row of tiles after row of tiles.

    Args:
        paint: Rows and columns that the network sees -> `[rows * scale, columns * scale, channels]`.
        rows: Cuts of the height.
        columns: Cuts of the width.
        scale: Factor.
        done: Is told after each tile how many low-resolution pixels were added.

    Yields:
        `[part of the height * scale, width * scale, channels]` of the painter's dtype, from top to bottom.
    """
    for row in rows:
        strip: np.ndarray | None = None
        for column in columns:
            tile = paint(slice(row.start, row.stop), slice(column.start, column.stop))
            if strip is None:
                height, width = row.end - row.begin, columns[-1].end
                strip = np.empty((height * scale, width * scale, tile.shape[2]), tile.dtype)
            strip[:, column.begin * scale : column.end * scale] = tile[
                (row.begin - row.start) * scale : (row.end - row.start) * scale,
                (column.begin - column.start) * scale : (column.end - column.start) * scale,
            ]
            done((row.end - row.begin) * (column.end - column.begin))
        assert strip is not None
        yield strip
