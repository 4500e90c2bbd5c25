"""Pictures to look at."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

LEAST = 56  # pixels that a small picture is enlarged to at least, without smoothing
GAP = 2
HEAD = 16  # pixels above the pictures, for titles


def sheet(pictures: np.ndarray, out: Path, columns: int, titles: Sequence[str] = ()) -> Path:
    """A grid of pictures.

    Args:
        pictures: `[n, h, w, c]` uint8.
        out: The PNG to write.
        columns: Pictures in a row.
        titles: Of the columns.
    """
    n, height, width, channels = pictures.shape
    rows = math.ceil(n / columns)
    canvas = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels), 255, np.uint8)
    for i, picture in enumerate(pictures):
        y, x = i // columns * (height + GAP), i % columns * (width + GAP)
        canvas[y : y + height, x : x + width] = picture
    factor = max(1, round(LEAST / height))
    canvas = canvas.repeat(factor, axis=0).repeat(factor, axis=1)
    image = Image.fromarray(canvas[..., 0] if channels == 1 else canvas)
    if titles:
        body, image = image, Image.new(image.mode, (image.width, image.height + HEAD), "white")
        image.paste(body, (0, HEAD))
        draw = ImageDraw.Draw(image)
        for i, title in enumerate(titles):
            draw.text((i * (width + GAP) * factor, 2), title, fill="black")
    image.save(out)
    return out


def between(a: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
    """Points on the great circle from a to b, `[steps, width]`.

    On a straight line the points in the middle would be shorter than any noise that the generator was trained on.
    """
    angle = math.acos(float(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))
    t = np.linspace(0, 1, steps)[:, None]
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / math.sin(angle)


def interpolations(
    pictures: Callable[[np.ndarray], np.ndarray], noise: np.ndarray, out: Path, columns: int = 10
) -> Path:
    """Each row goes from one point of the latent space to another.

    Args:
        pictures: Noise -> pictures.
        noise: `[2 * rows, latent]`: the ends of each row.
        out: The PNG to write.
        columns: Pictures in a row.
    """
    rows = [between(a, b, columns) for a, b in zip(noise[::2], noise[1::2], strict=True)]
    return sheet(pictures(np.concatenate(rows).astype(np.float32)), out, columns)
