"""Photographs: finding them and reading them, one or many."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps

from gankit.errors import DataError
from gankit.support.limits import PICTURE_PIXELS
from gankit.support.picture_file import open_picture

Item = TypeVar("Item")
T = TypeVar("T")
EXTENSIONS = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".avif", ".jp2"}
    | {".j2k", ".j2c", ".jpc", ".jpf", ".jpx"}
)
"""Endings of the files that are taken for pictures, in lower case."""
MAX_PIXELS = PICTURE_PIXELS
"""Most pixels of a picture that is opened: 600 MB decoded. A file of a few kilobytes can claim any size."""


def list_images(folder: Path) -> list[Path]:
    """The image files below a folder.

    Args:
        folder: A folder, or a single file, which is returned whatever its name.

    Returns:
        Paths in sorted order, by extension (any case), without hidden files (such as macOS' `._photo.jpg`).

    Raises:
        DataError: The folder doesn't exist or holds no image.

    Examples:
        >>> [path.name for path in list_images(Path("photos"))]  # doctest: +SKIP
        ['a.jpg', 'b.png']
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
        DataError: The file is missing, broken, no image, without a defined white (32-bit, float) or in Lab, or
            claims more than `MAX_PIXELS` (found before it is decoded).

    Examples:
        >>> read_image(Path("photo.jpg")).shape  # doctest: +SKIP
        (3024, 4032, 3)
    """
    with open_picture(path) as image:
        if kind := {"I": "of 32 bits", "F": "of floating point", "LAB": "in Lab"}.get(image.mode):
            raise DataError(
                f"cannot read {path}: pixels {kind} are not supported", "convert it to 8 or 16 bits of RGB or grey"
            )
        try:
            return _eight_bits(ImageOps.exif_transpose(image), keep_grey)
        except Exception as error:  # decoders raise nearly anything on a damaged file
            raise DataError(f"cannot read {path}: {error}", "the file may be damaged; open it or remove it") from error


def image_size(path: Path) -> tuple[int, int]:
    """Height and width of an image as it is stored, from its header alone.

    An orientation in EXIF may exchange the two. It is left alone: PNG can keep it behind the pixels.

    Raises:
        DataError: As `read_image`, as far as the header shows it.

    Examples:
        >>> image_size(Path("photo.jpg"))  # doctest: +SKIP
        (3024, 4032)
    """
    with open_picture(path) as image:
        return image.height, image.width


def read_each(
    items: Sequence[Item], read: Callable[[Item], T], done: Callable[[T], object] = lambda result: None
) -> list[T]:
    """Reads many files in a few threads; decoding, hashing and resizing let go of the interpreter's lock.

    Args:
        items: Paths, or whatever `read` takes.
        read: Reads one.
        done: Is given each result, in order and in the caller's thread.

    Returns:
        What `read` gave, in the order of the items.

    Raises:
        DataError: `read` raised it; the message names up to ten such files.

    Examples:
        >>> read_each([1, 2, 3], lambda item: item**2)
        [1, 4, 9]
    """

    def attempt(item: Item) -> T | DataError:
        try:
            return read(item)
        except DataError as error:
            return error

    found, bad = [], []
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for result in pool.map(attempt, items):
            if isinstance(result, DataError):
                bad.append(result)
            else:
                found.append(result)
                done(result)
    if bad:
        more = f"; and {len(bad) - 10} more" if len(bad) > 10 else ""
        hint = bad[0].hint if len(bad) == 1 else "remove them, or put whole files in their place"
        raise DataError("; ".join(error.message for error in bad[:10]) + more, hint)
    return found


def _eight_bits(image: Image.Image, keep_grey: bool) -> np.ndarray:
    """Any mode of Pillow to uint8, RGB or (with `keep_grey`) grey."""
    if image.mode.startswith("I;16"):
        wide = np.asarray(image).astype(np.uint32)
        image = Image.fromarray(((wide + 128) // 257).astype(np.uint8))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    grey = keep_grey and image.mode in ("1", "L")
    return np.array(image.convert("L" if grey else "RGB"))
