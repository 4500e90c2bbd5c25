"""What of a picture goes through the network, and how it comes out again.

The network enlarges RGB. Grey goes in as three equal channels and comes out as their mean; so do parts of a colour
picture that have no colour. Alpha goes in as grey; where it is wholly opaque or wholly transparent it stays so to the
last level, and an alpha that is constant is not computed. The colours of invisible pixels, often black, are replaced by
those of the nearest visible ones before, so that they do not bleed into the edges.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from gankit.errors import NonFinite
from gankit_srgan.enlarger import Enlarger, in_cells
from gankit_srgan.upscale.pictures import Picture

NEUTRAL = 3  # pixels of the input; a network sees at least so far
BAND = 1024  # rows that fill_hidden works on at once


class Ensemble:
    """The mean over the eight symmetries of the square: eight times the time, some hundredths to tenths of a decibel.

    "Enhanced prediction" of Timofte, Rothe and Van Gool, "Seven ways to improve example-based single image super
    resolution", CVPR 2016, section 3.7.

    Args:
        enlarger: The network.
    """

    def __init__(self, enlarger: Enlarger) -> None:
        self.enlarger = enlarger
        self.name = f"{enlarger.name}, self-ensemble"
        self.scale, self.radius, self.cell = enlarger.scale, enlarger.radius, enlarger.cell
        self._in_cells = in_cells(self._mean, self.cell, self.scale)  # before it is turned: all turns share the cells
        self.generative, self.bytes_per_pixel = enlarger.generative, enlarger.bytes_per_pixel

    def __call__(self, low: np.ndarray) -> np.ndarray:
        """`Enlarger.__call__`."""
        return self._in_cells(low)

    def _mean(self, low: np.ndarray) -> np.ndarray:
        total: Any = 0.0
        for turns in range(4):
            for mirrored in (False, True):
                turned = np.rot90(low[:, :, ::-1] if mirrored else low, turns, axes=(1, 2))
                high = np.rot90(self.enlarger(np.ascontiguousarray(turned)), -turns, axes=(1, 2))
                total = total + (high[:, :, ::-1] if mirrored else high)
        return total / np.float32(8)


class Painter:
    """Enlarges windows of a picture: integers in, integers out.

    Args:
        enlarger: The network.
        picture: What to enlarge; the colours of its invisible pixels are replaced.
        bits: Of the result.

    Attributes:
        channels: Of the result: 1 or 3, and one for alpha.
        passes: Calls of the network for a window.
    """

    def __init__(self, enlarger: Enlarger, picture: Picture, bits: int) -> None:
        self.enlarger = enlarger
        self.colour, self.alpha = picture.colour, picture.alpha
        self.white = int(np.iinfo(self.colour.dtype).max)
        self.dtype = np.dtype(np.uint16 if bits == 16 else np.uint8)
        self.top = int(np.iinfo(self.dtype).max)
        self.constant_alpha = self.alpha is not None and self.alpha.min() == self.alpha.max()
        if self.alpha is not None and not self.constant_alpha:
            self.colour = fill_hidden(self.colour, self.alpha == 0)
        self.channels = self.colour.shape[2] + (self.alpha is not None)
        self.passes = 2 if self.alpha is not None and not self.constant_alpha else 1

    def __call__(self, rows: slice, columns: slice) -> np.ndarray:
        """A window, enlarged as if it were the picture.

        Args:
            rows: Of the picture.
            columns: Of the picture.

        Returns:
            `[rows * scale, columns * scale, channels]` uint8 or uint16.
        """
        parts = [self._through(self.colour[rows, columns])]
        if self.alpha is not None:
            alpha = self.alpha[rows, columns]
            if self.constant_alpha:
                level = (int(alpha[0, 0]) * self.top + self.white // 2) // self.white
                parts.append(np.full((*parts[0].shape[:2], 1), level, self.dtype))
            else:
                parts.append(self._flat_kept(self._through(alpha[:, :, None]), alpha))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)

    def _through(self, window: np.ndarray) -> np.ndarray:
        """`[h, w, 1 or 3]` integers through the network, to integers again."""
        low = window.astype(np.float32) / np.float32(self.white)
        high = self.enlarger(np.broadcast_to(low, (*low.shape[:2], 3))[None])[0]
        if window.shape[2] == 1:
            high = high.mean(axis=2, keepdims=True)
        else:
            high = _neutral_kept(high, window, self.enlarger.scale)
        if not np.isfinite(high).all():
            raise NonFinite(f"the network {self.enlarger.name} gave values that are not finite", "train it again")
        levels = np.clip(high, 0, 1) * np.float32(self.top) + np.float32(0.5)
        return levels.astype(self.dtype)

    def _flat_kept(self, high: np.ndarray, low: np.ndarray) -> np.ndarray:
        """Keeps alpha exact where a pixel and its neighbours are all opaque, or all transparent."""
        lowest = ndimage.minimum_filter(low, size=3, mode="nearest")
        highest = ndimage.maximum_filter(low, size=3, mode="nearest")
        scale = self.enlarger.scale
        for level, flat in ((self.top, lowest == self.white), (0, highest == 0)):
            high[flat.repeat(scale, 0).repeat(scale, 1)] = level
        return high


def _neutral_kept(high: np.ndarray, low: np.ndarray, scale: int) -> np.ndarray:
    """Takes colour away where there is none within `NEUTRAL` pixels: networks give some to fine black and white."""
    colourful = low.max(axis=2) != low.min(axis=2)
    if colourful.all():
        return high
    near = ndimage.maximum_filter(colourful, size=2 * NEUTRAL + 1, mode="nearest")
    return np.where(near.repeat(scale, 0).repeat(scale, 1)[:, :, None], high, high.mean(axis=2, keepdims=True))


def fill_hidden(colour: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Gives hidden pixels the colour of the nearest visible one.

    Args:
        colour: `[h, w, channels]`.
        hidden: `[h, w]` bool.

    Returns:
        A changed copy; `colour` itself if nothing is hidden, or everything.
    """
    if not hidden.any() or hidden.all():
        return colour
    filled = colour.copy()
    # In bands: the distances of 100 million pixels would take a gigabyte. A band looks as far as it is high.
    for start in range(0, len(colour), BAND):
        first, last = max(0, start - BAND), min(len(colour), start + 2 * BAND)
        window = hidden[first:last]
        if not window[start - first : start - first + BAND].any() or window.all():
            continue
        nearest = ndimage.distance_transform_edt(window, return_distances=False, return_indices=True)
        rows, columns = nearest[:, start - first : start - first + BAND]
        filled[start : start + BAND] = colour[first:last][rows, columns]
    return filled
