"""Photographs: finding them, reading them, and a source of random crops.

Decoding a JPEG costs far more than cropping it, so `ImageCrops` keeps the decoded images in memory (ask `memory_bytes`
first) as one flat list of pixels, out of which a single gather cuts a whole batch.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps

from gankit.errors import DataError

if TYPE_CHECKING:
    import tensorflow as tf

EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"})
MAX_PIXELS = 200e6  # 600 MB decoded; a file of a few kilobytes can claim any size

_OPENING = threading.Lock()


def list_images(folder: Path) -> list[Path]:
    """The image files below a folder.

    Args:
        folder: A folder, or a single file, which is returned whatever its name.

    Returns:
        Paths in sorted order, by extension (any case), without hidden files (such as macOS' `._photo.jpg`).

    Raises:
        DataError: The folder doesn't exist or holds no image.
    """
    folder = Path(folder)
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise DataError(f"no such folder: {folder}", "give a folder of images or a single image file")
    found = (path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS)
    paths = sorted(path for path in found if path.is_file() and not path.name.startswith("."))
    if not paths:
        raise DataError(f"no image in {folder}", "looked, in subfolders too, for " + " ".join(sorted(EXTENSIONS)))
    return paths


def read_image(path: Path, keep_grey: bool = False) -> np.ndarray:
    """Reads an image as 8-bit RGB, the way a viewer shows it.

    EXIF orientation is applied, transparency laid over white, 16-bit grey divided by 257, grey and palettes expanded,
    CMYK converted without a profile. Of several frames the first counts.

    Args:
        path: The file.
        keep_grey: Return an image that is *stored* as grey with one channel. Benchmarks score those differently.

    Returns:
        `[h, w, 3]` uint8, or `[h, w]` uint8 of a grey file with `keep_grey`.

    Raises:
        DataError: The file is missing, broken, no image, of a kind without a defined white (32-bit, float), or claims
            more than `MAX_PIXELS` (found before it is decoded).
    """
    with _opened(path) as image:
        try:
            return _eight_bits(ImageOps.exif_transpose(image), keep_grey)
        except Exception as error:  # decoders raise nearly anything on a damaged file
            raise DataError(f"cannot read {path}: {error}", "the file may be damaged; open it or remove it") from error


def memory_bytes(paths: Sequence[Path]) -> int:
    """Memory that images take once decoded, from their headers alone.

    Args:
        paths: Image files.

    Returns:
        Bytes: height * width * 3, summed.

    Raises:
        DataError: As `read_image`, as far as the header shows it.
    """
    total = 0
    for path in paths:
        with _opened(path) as image:
            total += 3 * image.width * image.height
    return total


class ImageCrops:
    """A source of square crops at random positions, uniform over all pixels of a set of images.

    A row belongs to an image, and larger images have more rows; where the crop lies and how it is turned is a hash of
    the example's index. An epoch is `repeat` crops an image on average. The source holds its own copy of the pixels,
    and twice that for a moment at the first batch.

    Args:
        images: Each `[h, w, 3]` uint8 with both sides >= `crop`.
        crop: Side of a crop in pixels.
        names: Names of the images for messages; their numbers if empty.
        field: Key of the crops in a batch.
        augment: Turn each crop by one of the 8 symmetries of the square.
        repeat: Crops an image and epoch, on average.

    Attributes:
        n: Number of rows: about `repeat * len(images)`, shared out by area with at least one an image.
        fingerprint: SHA-256 (hex) of pixels and settings.

    Raises:
        DataError: There is no image, or one is too small or not `[h, w, 3]` uint8.
        ValueError: `crop` or `repeat` is below 1.
    """

    def __init__(
        self,
        images: Sequence[np.ndarray],
        crop: int,
        *,
        names: Sequence[str] = (),
        field: str = "hr",
        augment: bool = True,
        repeat: int = 1,
    ) -> None:
        if crop < 1 or repeat < 1:
            raise ValueError(f"crop and repeat must be at least 1, not {crop} and {repeat}")
        if not len(images):
            raise DataError("no image to crop", "give at least one image")
        _check(images, crop, names)
        self.field, self.crop, self.augment = field, crop, augment
        self.heights = np.array([image.shape[0] for image in images], np.int64)
        self.widths = np.array([image.shape[1] for image in images], np.int64)
        areas = self.heights * self.widths
        self.offsets = np.cumsum(areas) - areas
        rows = np.maximum(1, np.rint(repeat * len(images) * areas / areas.sum())).astype(np.int64)
        self.ends = np.cumsum(rows)  # row r belongs to the first image whose end is above r
        self.n = int(self.ends[-1])
        self._pixels: np.ndarray | tf.Tensor = np.concatenate([image.reshape(-1, 3) for image in images])
        digest = hashlib.sha256(repr((self.heights.tolist(), self.widths.tolist())).encode())
        digest.update(repr((crop, field, augment, repeat)).encode())
        digest.update(self._pixels)
        self.fingerprint = digest.hexdigest()

    def gather(self, rows: tf.Tensor, index: tf.Tensor, seed: int) -> Mapping[str, Any]:
        """Cuts a batch of crops.

        Args:
            rows: `[batch]` int64 in [0, n): which row.
            index: `[batch]` int64: the example's index in the stream, from which position and turn are hashed.
            seed: The run's seed.

        Returns:
            `{field: [batch, crop, crop, 3] floatx in [0, 1]}`.
        """
        import keras
        import tensorflow as tf

        from gankit.engine import random

        if isinstance(self._pixels, np.ndarray):
            # Outside the graph being traced, which would otherwise hold the pixels as a constant (2 GB at most).
            with tf.init_scope(), tf.device("CPU:0"):
                self._pixels = tf.convert_to_tensor(self._pixels)
        image = tf.searchsorted(self.ends, rows, side="right")
        height, width = tf.gather(self.heights, image), tf.gather(self.widths, image)
        # float64: u * count rounds up to count itself in float32, one pixel outside, where u is close to 1.
        where = random.uniform(index, seed, f"{self.field}/crop", (3,), "float64")

        def below(column: int, count: tf.Tensor) -> tf.Tensor:
            return tf.cast(where[:, column] * tf.cast(count, tf.float64), tf.int64)

        top, left = below(0, height - self.crop + 1), below(1, width - self.crop + 1)
        down, right = width, tf.ones_like(width)  # steps in the flat list of pixels
        if self.augment:
            turn = below(2, tf.constant(8, tf.int64))
            flip_rows, flip_columns, transpose = turn % 2, turn // 2 % 2, turn // 4 == 1
            top, down = top + flip_rows * (self.crop - 1), down * (1 - 2 * flip_rows)
            left, right = left + flip_columns * (self.crop - 1), right * (1 - 2 * flip_columns)
            down, right = tf.where(transpose, right, down), tf.where(transpose, down, right)
        corner = tf.gather(self.offsets, image) + top * width + left
        steps = tf.range(self.crop, dtype=tf.int64)
        pixels = (corner[:, None] + steps * down[:, None])[:, :, None] + (steps * right[:, None])[:, None, :]
        crops = tf.cast(tf.gather(self._pixels, pixels), keras.config.floatx()) / 255
        return {self.field: tf.ensure_shape(crops, (rows.shape[0], self.crop, self.crop, 3))}


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """An image whose header, but no pixel, has been read, and whose size is acceptable."""
    try:
        with _OPENING:  # Pillow's own limit is a global, warns at 90 million pixels and refuses 179 million
            limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                image = Image.open(path)
            finally:
                Image.MAX_IMAGE_PIXELS = limit
    except FileNotFoundError as error:
        raise DataError(f"no such image: {path}", "check the path") from error
    except Exception as error:
        raise DataError(f"cannot read {path}: not an image, or damaged", "open the file or remove it") from error
    with image:
        if image.width * image.height > MAX_PIXELS:
            size = f"{image.width} x {image.height}"
            raise DataError(f"{path} is too large: {size} pixels", f"at most {MAX_PIXELS:.0f} pixels; cut it up first")
        yield image


def _eight_bits(image: Image.Image, keep_grey: bool) -> np.ndarray:
    """Any mode of Pillow to uint8, RGB or (with `keep_grey`) grey."""
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels of type {image.mode!r} have no defined white; convert it to 8 or 16 bits")
    if image.mode.startswith("I;16"):
        wide = np.asarray(image).astype(np.uint32)
        image = Image.fromarray(((wide + 128) // 257).astype(np.uint8))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    grey = keep_grey and image.mode in ("1", "L")
    return np.array(image.convert("L" if grey else "RGB"))


def _check(images: Sequence[np.ndarray], crop: int, names: Sequence[str]) -> None:
    """Refuses images that cannot be cropped, by name."""
    small = []
    for number, image in enumerate(images):
        name = names[number] if names else f"image {number}"
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise DataError(f"{name} is {image.dtype} {image.shape}, not uint8 [h, w, 3]", "read it with read_image")
        if min(image.shape[:2]) < crop:
            small.append(f"{name} ({image.shape[1]} x {image.shape[0]})")
    if small:
        listed = ", ".join(small[:5]) + (f" and {len(small) - 5} more" if len(small) > 5 else "")
        raise DataError(
            f"smaller than a crop of {crop} x {crop} pixels: {listed}", "take a smaller crop or leave them out"
        )
