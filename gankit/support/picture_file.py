"""The one place where Pillow opens a file."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from gankit.errors import DataError
from gankit.support.limits import PICTURE_FORMATS, PICTURE_PIXELS

if TYPE_CHECKING:
    from PIL import Image

_OPENING = threading.Lock()
# Pillow leaves out the tags of which it says this, one warning each: a hostile file has thousands, a damaged one some.
warnings.filterwarnings("ignore", "Tag data larger than file", UserWarning)


def open_picture(path: Path, formats: tuple[str, ...] = PICTURE_FORMATS) -> Image.Image:
    """A picture of which the header, but no pixel, has been read.

    The content decides what it is, and not its name. Of EXIF and other tags Pillow reads no more bytes than the file
    has, whatever they ask for.

    Args:
        path: The file.
        formats: What it may be, in Pillow's words.

    Returns:
        Pillow's picture, to be closed (`with`); of many frames the first.

    Raises:
        DataError: There is no such file, it is none of these formats or damaged, or it claims more than 200 million
            pixels.

    Examples:
        >>> with open_picture(Path("photo.jpg")) as picture:  # doctest: +SKIP
        ...     picture.size
        (4032, 3024)
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with _OPENING:  # Pillow's own limit is a global, warns at 90 million pixels and refuses 179 million
            limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                picture = Image.open(path, formats=formats)
            finally:
                Image.MAX_IMAGE_PIXELS = limit
    except FileNotFoundError as error:
        raise DataError(f"no such image: {path}", "check the path") from error
    except UnidentifiedImageError as error:
        known = f"its content must be one of {', '.join(formats)}, whatever its name"
        raise DataError(f"cannot read {path}: not a picture of a known format, or damaged", known) from error
    except Exception as error:  # decoders raise nearly anything on a damaged file
        raise DataError(f"cannot read {path}: {error}", "the file may be damaged; open it or remove it") from error
    if picture.width * picture.height > PICTURE_PIXELS:
        picture.close()
        size = f"{picture.width} x {picture.height}"
        raise DataError(f"{path} is too large: {size} pixels", f"at most {PICTURE_PIXELS:,} pixels; cut it up first")
    return picture
