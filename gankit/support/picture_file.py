"""The one place where Pillow opens a file."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from gankit.errors import DataError
from gankit.support.limits import COSTLY_PIXELS, PICTURE_FORMATS, PICTURE_PIXELS

if TYPE_CHECKING:
    from PIL import Image

_OPENING = threading.Lock()
_UNSUPPORTED = {
    (0, b"\xff\x0a"): "JPEG XL",
    (0, b"\0\0\0\x0cJXL "): "JPEG XL",
    (0, b"II\xbc\x01"): "JPEG XR",
    (0, b"8BPS"): "Photoshop",
    (0, b"gimp xcf"): "XCF of GIMP",
    (0, b"\x76\x2f\x31\x01"): "OpenEXR",
    (0, b"#?RADIANCE"): "Radiance HDR",
    (0, b"SIMPLE  ="): "FITS",
    (0, b"DDS "): "DDS",
    (0, b"\0\0\1\0"): "ICO",
    (0, b"%PDF"): "PDF",
    (0, b"%!PS"): "PostScript",
    (0, b"\xc5\xd0\xd3\xc6"): "PostScript",
    (0, b"FUJIFILMCCD-RAW"): "a camera's raw format",
    **{(0, b"P%d%c" % (number, space)): "PPM" for number in range(1, 8) for space in b" \n"},
    **{(4, b"ftyp" + brand): "HEIC" for brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")},
    (4, b"ftypcrx "): "a camera's raw format",
}
"""Where in a file what stands -> the kind of picture that it is, of those that are not read."""
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
        DataError: There is no such file, it is none of these formats (if it is another one that is known, the message
            names it) or damaged, or it claims more than 200 million pixels.

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
        if kind := _unsupported(path):
            raise DataError(f"cannot read {path}: {kind} is not supported", "convert it to PNG first") from error
        known = f"its content must be one of {', '.join(formats)}, whatever its name"
        raise DataError(f"cannot read {path}: not a picture of a known format, or damaged", known) from error
    except Exception as error:  # decoders raise nearly anything on a damaged file
        raise DataError(f"cannot read {path}: {error}", "the file may be damaged; open it or remove it") from error
    most, way_out = PICTURE_PIXELS, "; cut it up first"
    if picture.format in ("AVIF", "JPEG2000"):
        most, way_out = COSTLY_PIXELS, f" of {picture.format}; convert it to TIFF or PNG first"
    if picture.width * picture.height > most:
        picture.close()
        size = f"{picture.width} x {picture.height}"
        raise DataError(f"{path} is too large: {size} pixels", f"at most {most:,} pixels{way_out}")
    return picture


def _unsupported(path: Path) -> str | None:
    """The kind of a picture that is whole, perhaps, but never read here."""
    with path.open("rb") as file:
        head = file.read(4096)
    if b"<svg" in head:
        return "SVG"
    return next((kind for (at, mark), kind in _UNSUPPORTED.items() if head.startswith(mark, at)), None)
