"""Damage to judge by: always the same, made by programs that users' pictures come from, and not by the training's."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from scipy import ndimage

from gankit.errors import UsageError, did_you_mean
from gankit.images import imresize, to_uint8


@dataclass(frozen=True)
class Track:
    """A kind of damage: blur, reduction by antialiased bicubic, noise, and JPEG with chroma of half the resolution.

    Attributes:
        blur: Standard deviation of the Gaussian blur, in pixels of the truth.
        noise: Standard deviation of Gaussian noise that differs in each colour, in levels of 255.
        jpeg: Pillow's quality; 0 for none.
    """

    blur: float = 0.0
    noise: float = 0.0
    jpeg: int = 0

    def __str__(self) -> str:
        if not any((self.blur, self.noise, self.jpeg)):
            return "antialiased bicubic (MATLAB's imresize), 8 bits"
        jpeg = f", JPEG of quality {self.jpeg}" if self.jpeg else ""
        return f"blur of {self.blur:g} pixels, antialiased bicubic, noise of {self.noise:g} levels{jpeg}"


TRACKS: Mapping[str, Track] = {
    "clean": Track(),
    "mild": Track(1.2, 2, 75),
    "medium": Track(2.4, 4, 40),
    "strong": Track(3.2, 10, 25),
}
"""By name, the least damage first."""


def named(text: str, scale: int) -> list[str]:
    """The tracks in a text: names with commas between them, or "all".

    Args:
        text: As the user typed it.
        scale: Factor; at 1 a clean picture is the truth, so that there is no such track.

    Raises:
        UsageError: A name is none.
    """
    known = [name for name in TRACKS if scale > 1 or name != "clean"]
    names = known if text == "all" or (text == "clean" and scale == 1) else [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise UsageError(f"there is no track {name!r} at x{scale}", did_you_mean(name, known))
    return [name for name in known if name in names]


def reduced(truth: np.ndarray, scale: int, track: Track, name: str) -> np.ndarray:
    """The small picture that belongs to a large one.

    Args:
        truth: `[h, w, 3]` or grey `[h, w]` uint8; sides divisible by `scale`.
        scale: Factor by which it shrinks; 1 keeps its size.
        track: The damage.
        name: Of the picture; its noise is a hash of it.

    Returns:
        `[h / scale, w / scale(, 3)]` uint8.

    Examples:
        >>> reduced(np.full((8, 8), 90, np.uint8), 4, TRACKS["clean"], "plain").tolist()
        [[90, 90], [90, 90]]
    """
    size = truth.shape[0] // scale, truth.shape[1] // scale
    if track == Track():
        return imresize(truth, *size)
    spread = (track.blur, track.blur, 0)[: truth.ndim]
    low = imresize(ndimage.gaussian_filter(truth.astype(np.float64), spread), *size)
    low = to_uint8(low + np.random.default_rng(zlib.crc32(name.encode())).normal(0, track.noise, low.shape))
    if track.jpeg:
        file = io.BytesIO()
        Image.fromarray(low).save(file, "JPEG", quality=track.jpeg, subsampling="4:2:0")
        file.seek(0)
        low = np.asarray(JpegImageFile(file))
    return low
