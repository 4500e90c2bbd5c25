"""Ink told from its ground: which is dark and which is bright, and how much of it there is at each pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gankit import DataError
from gankit.support import open_picture
from gankit_sketch_retrieval.marks.normalisation import LEVEL

DARK, BRIGHT = "dark", "bright"
CONTRAST = 12  # grey levels between ground and ink: less is the noise of a scanner
SPECK = 0.002  # of all ink: smaller pieces are dust
DUST = 0.05  # of all ink: if specks are more than this together, they are part of the drawing


def grey(picture: Image.Image) -> np.ndarray:
    """Brightness, `[height, width]` uint8; what is transparent shows white paper, or black if white shows nothing.

    Grey pictures of 16 bits and of floats keep their range: their smallest value becomes 0, their largest 255.

    Raises:
        ValueError: A value is not finite.
    """
    if picture.mode in ("I", "I;16", "I;16B", "I;16L", "I;16N", "F"):
        values = np.asarray(picture, np.float64)
        if not np.isfinite(values).all():
            raise ValueError("a value is not finite")
        low, high = float(values.min()), float(values.max())
        return np.rint((values - low) * (255 / max(high - low, 1e-9))).astype(np.uint8)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        for paper in ("white", "black"):
            picture = Image.alpha_composite(Image.new("RGBA", layer.size, paper), layer).convert("L")
            low, high = picture.getextrema()
            if low < high:
                break
    return np.asarray(picture.convert("L"))


def open_grey(path: Path) -> np.ndarray:
    """Brightness of the first picture in a file, turned as its EXIF says, `[height, width]` uint8.

    Raises:
        DataError: It is no picture that can be read.
    """
    from PIL import ImageOps

    try:
        with open_picture(path) as picture:
            return grey(ImageOps.exif_transpose(picture))
    except DataError:
        raise
    except Exception as error:  # decoders raise nearly anything on a damaged file
        raise DataError(f"{path} cannot be read as a picture: {error}") from error


def polarity(pixels: np.ndarray) -> str:
    """Whether the ink is dark or bright: the ground is what most of the border, and of the whole, consists of.

    Args:
        pixels: `[height, width]` uint8.
    """
    bright = pixels > _threshold(pixels)
    border = np.concatenate([bright[0], bright[-1], bright[1:-1, 0], bright[1:-1, -1]])
    return DARK if border.mean() + bright.mean() > 1 else BRIGHT


def ink(pixels: np.ndarray, kind: str = "") -> np.ndarray:
    """How much ink there is, `[height, width]` float32: 0 on the ground, 1 in full strokes.

    Dust is taken away: pieces of less than 0.2 % of all ink, unless there is so much of it that it must be drawn. One
    speck far from the mark would otherwise decide what size it is brought to.

    Args:
        pixels: `[height, width]` uint8.
        kind: `DARK`, `BRIGHT`, or "" to find out.
    """
    kind = kind or polarity(pixels)
    level = float(_threshold(pixels))
    above = pixels > level
    if above.all() or not above.any():
        return np.zeros(pixels.shape, np.float32)
    ground, strokes = (pixels[above], pixels[~above]) if kind == DARK else (pixels[~above], pixels[above])
    # Medians: half of a scan's ground is brighter than its mode, and the rims of strokes are half-way.
    low, high = float(np.median(ground)), float(np.median(strokes))
    if abs(high - low) < CONTRAST:
        return np.zeros(pixels.shape, np.float32)
    return _without_dust(np.clip((pixels.astype(np.float32) - low) / (high - low), 0, 1))


def _without_dust(strokes: np.ndarray) -> np.ndarray:
    from scipy.ndimage import label

    pieces, count = label(strokes > LEVEL, np.ones((3, 3)))
    if count < 2:
        return strokes
    mass = np.bincount(pieces.ravel(), strokes.ravel(), count + 1)
    small = mass < SPECK * mass[1:].sum()
    small[0] = False
    if 0 < mass[small].sum() < DUST * mass[1:].sum():
        strokes[small[pieces]] = 0
    return strokes


def _threshold(pixels: np.ndarray) -> Any:
    """Otsu's; the value itself where there is only one."""
    from skimage.filters import threshold_otsu

    return threshold_otsu(pixels) if pixels.min() < pixels.max() else pixels.flat[0]
