"""Pictures as a user keeps them: grey or colour, with alpha, 8 or 16 bits, CMYK, with profile and metadata."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gankit.errors import DataError
from gankit.images import MAX_PIXELS
from gankit.support import open_picture
from gankit_srgan.upscale import exif
from gankit_srgan.upscale.decoders import frames_of_png, opened
from gankit_srgan.upscale.vips import reason

UNKNOWN = (1.0, 72 / 25.4, 2.834)  # libvips' resolutions, in pixels a millimetre, of files that name none


@dataclass(frozen=True)
class Header:
    """What a file says of itself before it is decoded.

    Attributes:
        path: The file.
        format: "jpg", "png", "tif", "webp", "gif", "bmp", "avif" or "jp2", by its content.
        width: Pixels, once it is upright.
        height: Pixels, once it is upright.
        colours: 1 for grey, 3 for colour.
        bits: 8 or 16 a channel.
        alpha: Whether it has transparency.
        pages: Pages or frames of the file.
        page: The one that is meant, from 0.
        delays: How long each frame is shown, in milliseconds; empty if that is not known.
        loop: How often an animation is played; 0 for ever.
    """

    path: Path
    format: str
    width: int
    height: int
    colours: int
    bits: int
    alpha: bool
    pages: int = 1
    page: int = 0
    delays: tuple[int, ...] = ()
    loop: int = 0

    @property
    def parts(self) -> str:
        """What there are several of, for people."""
        return "pages" if self.format == "tif" else "frames"


@dataclass
class Picture:
    """A decoded picture.

    Attributes:
        header: Of its file.
        colour: `[h, w, 1 or 3]` uint8 or uint16.
        alpha: `[h, w]` of the same dtype; None without transparency.
        icc: Colour profile.
        exif: What the camera wrote; as in the file, hence with the old orientation.
        xmp: XMP packet.
        iptc: IPTC block of JPEG and TIFF.
        density: Pixels a millimetre, horizontally and vertically; None if the file names none.
        comment: What a JPEG, GIF or PNG file says under that name, in an encoding that nobody knows.
        notes: What a user should hear about it.
    """

    header: Header
    colour: np.ndarray
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    exif: exif.Exif | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    density: tuple[float, float] | None = None
    comment: bytes | None = None
    notes: list[str] = field(default_factory=list)


def header(path: Path, page: int = 0) -> Header:
    """Reads a file's header.

    Args:
        path: The file.
        page: Page or frame, from 0.

    Raises:
        DataError: It is missing, no picture, too large, or of a kind without a defined white (float, 32 bits).
    """
    with _readable(path):
        found = opened(path, page, pixels=False)
        image = found.image
        width, height = image.width, image.height
        if _field(image, "orientation", 1) >= 5:
            width, height = height, width
        if width * height > MAX_PIXELS:
            raise DataError(
                f"{path} is too large: {width} x {height} pixels", f"at most {MAX_PIXELS:.0f} pixels; cut it up first"
            )
        alpha = bool(image.hasalpha())
        colours = image.bands - alpha
        bits = {"uchar": 8, "ushort": 16}.get(image.format)
        if bits is None or colours not in (1, 3):
            kind = f"{image.bands} channels of type {image.format}"
            raise DataError(
                f"cannot enlarge {path}: {kind} are not supported",
                "convert it to grey or RGB with 8 or 16 bits a channel first",
            )
        pages, delays, loop = (_field(image, *field) for field in (("n-pages", 1), ("delay", ()), ("loop", 0)))
        if found.format == "png":
            pages, delays, loop = frames_of_png(path)
        return Header(path, found.format, width, height, colours, bits, alpha, pages, page, tuple(delays), loop)


def read(header: Header) -> Picture:
    """Decodes a page of a file; upright, its palette resolved, CMYK and Lab as sRGB.

    Raises:
        DataError: It is damaged or cut off.
    """
    path = header.path
    with _readable(path):
        found = opened(path, header.page)
        source, image = found.image, found.image.autorot()
        pixels = image.numpy()
        if pixels.shape[:2] != (header.height, header.width):
            raise DataError(f"{path} has changed while it was being read", "run the command again")
    pixels = pixels.reshape(header.height, header.width, -1)
    picture = Picture(header, pixels[:, :, : header.colours], pixels[:, :, -1] if header.alpha else None)
    picture.icc = _field(image, "icc-profile-data", None)
    picture.xmp = _field(source, "xmp-data", None)
    picture.iptc = _field(source, "iptc-data", None)
    picture.notes = found.notes
    if source.xres not in UNKNOWN or source.get_typeof("resolution-unit"):
        picture.density = (source.xres, source.yres)
    picture.comment = _comment(path) if header.format in ("jpg", "gif", "png") else None
    try:
        if header.format == "tif":
            picture.exif = exif.of_tiff(path, header.page)
        elif _field(source, "exif-data", b""):
            picture.exif = exif.parse(source.get("exif-data"))
    except ValueError as error:
        picture.notes.append(f"its EXIF is left out: {error}")
    return picture


@contextlib.contextmanager
def _readable(path: Path) -> Any:
    """Turns what decoders raise into one clear error."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"no such picture: {path}", "check the path") from error
    except Exception as error:
        raise DataError(
            f"cannot read {path}: {reason(error)}", "the file may be damaged; open it or remove it"
        ) from error


def _field(image: Any, name: str, default: Any) -> Any:
    return image.get(name) if image.get_typeof(name) else default


def _comment(path: Path) -> bytes | None:
    """Of a JPEG, GIF or PNG file; libvips has only some of them."""
    try:
        with open_picture(path, ("JPEG", "GIF", "PNG")) as picture:
            many = [text for kind, text in getattr(picture, "applist", []) if kind == "COM"]
            found = b"\n".join(many) or picture.info.get("comment") or picture.info.get("Comment")
    except DataError:  # where Pillow is stricter than libvips
        return None
    found = found.encode() if isinstance(found, str) else found
    return found.strip(b"\0") or None if found else None
