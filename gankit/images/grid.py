"""Pictures side by side in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

_LABEL = 16  # pixels above a row of which a picture has a label
_FRAME = 3  # pixels


def picture_grid(
    pictures: Any,
    columns: int,
    *,
    gap: int = 2,
    least: int = 0,
    labels: Sequence[str] = (),
    frames: Sequence[tuple[int, int, int]] = (),
    apart: int = 0,
) -> Image.Image:
    """A grid of pictures on white, row by row.

    Args:
        pictures: At least one of `[h, w]`, `[h, w, 1]` or `[h, w, 3]` uint8, or an array of them. Where their sizes
            differ, each stands in the upper left corner of a cell as large as the largest.
        columns: Pictures in a row.
        gap: Pixels between two of them.
        least: Cells that are lower are enlarged, gaps and all and without smoothing, to about this many pixels.
        labels: Text above each picture; a row without any needs no room for them, so that labels of the first row
            alone head the columns.
        frames: Colour of a frame around each picture; then there is also a gap around the whole grid.
        apart: More pixels between the first column and the others.

    Returns:
        The grid, in grey if all of it is grey.

    Examples:
        >>> import numpy as np
        >>> digits = np.zeros((6, 28, 28, 1), np.uint8)
        >>> grid = picture_grid(digits, 3, least=56)
        >>> grid.mode, grid.size
        ('L', (176, 116))
        >>> picture_grid(digits, 3, labels=("A", "B", "C")).size
        (88, 74)
    """
    panels = [np.asarray(picture) for picture in pictures]
    panels = [panel[..., 0] if panel.ndim == 3 and panel.shape[2] == 1 else panel for panel in panels]
    grey = not frames and all(panel.ndim == 2 for panel in panels)
    if not grey:
        panels = [panel if panel.ndim == 3 else np.repeat(panel[..., None], 3, axis=2) for panel in panels]
    if frames:
        panels = [_framed(panel, colour) for panel, colour in zip(panels, frames, strict=True)]
    tall, wide = (max(panel.shape[axis] for panel in panels) for axis in (0, 1))
    factor, margin = max(1, round(least / tall)), gap if frames else 0
    rows = [range(first, min(first + columns, len(panels))) for first in range(0, len(panels), columns)]
    rooms = [_LABEL if any(labels[row.start : row.stop]) else 0 for row in rows]
    width = (columns * (wide + gap) - gap + apart + 2 * margin) * factor
    height = (len(rows) * (tall + gap) - gap + 2 * margin) * factor + sum(rooms)
    grid = Image.new("L" if grey else "RGB", (width, height), "white")
    draw, top = ImageDraw.Draw(grid), margin * factor
    for row, room in zip(rows, rooms, strict=True):
        for i in row:
            left = (margin + (i - row.start) * (wide + gap) + apart * (i > row.start)) * factor
            if i < len(labels):
                draw.text((left, top), labels[i], fill="black")
            panel = panels[i].repeat(factor, axis=0).repeat(factor, axis=1)
            grid.paste(Image.fromarray(panel), (left, top + room))
        top += room + (tall + gap) * factor
    return grid


def _framed(panel: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """`[h, w, 3]` -> `[h + 6, w + 6, 3]`."""
    frame = np.full((panel.shape[0] + 2 * _FRAME, panel.shape[1] + 2 * _FRAME, 3), colour, np.uint8)
    frame[_FRAME:-_FRAME, _FRAME:-_FRAME] = panel
    return frame
