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
from gankit_srgan.upscale.vips import reason, vips

LOADERS = {"jpegload": "jpg", "pngload": "png", "tiffload": "tif", "webpload": "webp", "gifload": "gif"}
UNKNOWN = 1.0  # libvips' resolution, in pixels a millimetre, of files that name none


@dataclass(frozen=True)
class Header:
    """What a file says of itself before it is decoded.

    Attributes:
        path: The file.
        format: "jpg", "png", "tif", "webp", "gif" or "bmp", by its content.
        width: Pixels, once it is upright.
        height: Pixels, once it is upright.
        colours: 1 for grey, 3 for colour.
        bits: 8 or 16 a channel.
        alpha: Whether it has transparency.
        pages: Pages or frames; the first is taken.
    """

    path: Path
    format: str
    width: int
    height: int
    colours: int
    bits: int
    alpha: bool
    pages: int = 1


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
    notes: list[str] = field(default_factory=list)


def header(path: Path) -> Header:
    """Reads a file's header.

    Raises:
        DataError: It is missing, no picture, too large, or of a kind without a defined white (float, 32 bits).
    """
    with _readable(path):
        image, kind = _open(path)
        image = _plain(image)
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
                f"cannot enlarge {path}: {kind}", "convert it to grey or RGB with 8 or 16 bits a channel first"
            )
        return Header(path, kind, width, height, colours, bits, alpha, _field(image, "n-pages", 1))


def read(header: Header) -> Picture:
    """Decodes a file; upright, its palette resolved, CMYK as sRGB.

    Raises:
        DataError: It is damaged or cut off.
    """
    path = header.path
    with _readable(path):
        source, _ = _open(path)
        image = _plain(source).autorot()
        pixels = image.numpy()
        if pixels.shape[:2] != (header.height, header.width):
            raise DataError(f"{path} has changed while it was being read", "run the command again")
    pixels = pixels.reshape(header.height, header.width, -1)
    picture = Picture(header, pixels[:, :, : header.colours], pixels[:, :, -1] if header.alpha else None)
    picture.icc = _field(image, "icc-profile-data", None)
    picture.xmp = _field(source, "xmp-data", None)
    picture.iptc = _field(source, "iptc-data", None)
    if (source.xres, source.yres) != (UNKNOWN, UNKNOWN):
        picture.density = (source.xres, source.yres)
    try:
        if header.format == "tif":
            picture.exif = exif.of_tiff(path)
        elif _field(source, "exif-data", b""):
            picture.exif = exif.parse(source.get("exif-data"))
    except ValueError as error:
        picture.notes.append(f"its EXIF is left out: {error}")
    if source.interpretation == "cmyk":
        picture.notes.append("CMYK is converted to sRGB")
    if header.pages > 1:
        picture.notes.append(f"only the first of its {header.pages} pages or frames is enlarged")
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


def _open(path: Path) -> tuple[Any, str]:
    """A file as a `pyvips.Image` that has decoded no pixel (but those of BMP), and its format."""
    pyvips = vips()
    if not path.is_file():
        raise FileNotFoundError(path)
    if exif.overlaps(path):
        raise DataError(f"cannot read {path}: its tags ask for more bytes than it has", "the file is damaged")
    try:
        image = pyvips.Image.new_from_file(str(path), fail_on="truncated")
    except pyvips.Error:
        with path.open("rb") as file:
            if file.read(2) != b"BM":
                raise
        return _bitmap(path), "bmp"
    name = LOADERS.get(image.get("vips-loader").removesuffix("_source"))
    if name is None:
        raise DataError(f"cannot read {path}: not a format that gankit knows", "known: JPEG, PNG, TIFF, WebP, GIF, BMP")
    return image, name


def _bitmap(path: Path) -> Any:
    """A BMP file, which libvips does not read by itself."""
    with open_picture(path, ("BMP",)) as bitmap:
        return vips().Image.new_from_array(np.asarray(bitmap.convert("L" if bitmap.mode in ("1", "L") else "RGB")))


def _plain(image: Any) -> Any:
    """CMYK as sRGB, with the profile that then fits; everything else as it is."""
    if image.interpretation == "cmyk":
        depth = 16 if image.format == "ushort" else 8
        return image.icc_transform("srgb", embedded=True, input_profile="cmyk", depth=depth)
    return image


def _field(image: Any, name: str, default: Any) -> Any:
    return image.get(name) if image.get_typeof(name) else default
