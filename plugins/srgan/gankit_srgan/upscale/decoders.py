"""A file as an image of libvips: read by libvips itself, or by Pillow where it reads what libvips does not."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit.errors import DataError
from gankit.support import open_picture
from gankit_srgan.upscale import exif
from gankit_srgan.upscale.vips import vips

if TYPE_CHECKING:
    from PIL import Image

LOADERS = {"jpegload": "jpg", "pngload": "png", "tiffload": "tif", "webpload": "webp", "gifload": "gif"}
BY_PILLOW = {"BMP": "bmp", "AVIF": "avif", "JPEG2000": "jp2", "PNG": "png", "TIFF": "tif"}
INTERPRETATIONS = {("uint8", 1): "b-w", ("uint8", 3): "srgb", ("uint16", 1): "grey16", ("uint16", 3): "rgb16"}
DPI = 25.4  # millimetres an inch


@dataclass
class Opened:
    """An image of which no pixel has been decoded yet (of Pillow's: but those that were asked for).

    Attributes:
        image: Of libvips, as it is stored: not yet upright.
        format: As `pictures.Header.format`.
        notes: What was, or will be, converted.
    """

    image: Any
    format: str
    notes: list[str] = field(default_factory=list)


def opened(path: Path, page: int = 0, pixels: bool = True) -> Opened:
    """Opens a file; CMYK and Lab become sRGB, with the profile that then fits.

    Args:
        path: The file. Its content decides how it is read.
        page: Page or frame.
        pixels: Whether they are wanted. Without them, what Pillow reads is black.

    Raises:
        DataError: It is of a kind that is not supported.
        Exception: Of libvips or Pillow: it is damaged.
    """
    pyvips = vips()
    if not path.is_file():
        raise FileNotFoundError(path)
    if exif.overlaps(path):
        raise DataError(f"cannot read {path}: its tags ask for more bytes than it has", "the file is damaged")
    try:
        image = pyvips.Image.new_from_file(str(path), fail_on="error", **({"page": page} if page else {}))
    except pyvips.Error:
        found = _by_pillow(path, page, pixels)
        if found is None:
            raise
        return found
    found = Opened(image, LOADERS[image.get("vips-loader").removesuffix("_source")])
    if image.interpretation == "cmyk":
        depth = 16 if image.format == "ushort" else 8
        found.image = image.icc_transform("srgb", embedded=True, input_profile="cmyk", depth=depth)
        found.notes.append("CMYK is converted to sRGB")
    elif image.interpretation in ("lab", "labs"):
        found.image = image.icc_export(output_profile="srgb", depth=16)
        found.notes.append("Lab is converted to sRGB")
    return found


def _by_pillow(path: Path, page: int, pixels: bool) -> Opened | None:
    """What libvips does not read: BMP, AVIF, JPEG 2000, Lab of 8 bits, frames of a PNG; None for all else."""
    with open_picture(path) as picture:
        kind = BY_PILLOW.get(str(picture.format))
        if kind is None or (kind == "png" and not page) or (kind == "tif" and picture.mode != "LAB"):
            return None
        pages = getattr(picture, "n_frames", 1)
        picture.seek(page)
        found = Opened(None, kind)
        bits, icc = depth_and_profile(path) if kind in ("avif", "jp2") else (8, None)
        if picture.mode == "LAB":
            found.notes.append("Lab is converted to sRGB")
        elif bits > 8 and not picture.mode.startswith("I;16"):
            found.notes.append(f"its {bits} bits a channel become 8")
        image = found.image = _image(picture, pixels)
        image.set_type(vips().GValue.gint_type, "n-pages", pages)
        turned = kind == "tif"  # by Pillow
        orientation = 1 if turned else picture.getexif().get(exif.ORIENTATION, 1)
        image.set_type(vips().GValue.gint_type, "orientation", orientation)
        info = picture.info
        blocks = {"icc-profile": icc or info.get("icc_profile"), "exif": info.get("exif"), "xmp": info.get("xmp")}
        for name, block in blocks.items():
            if block and picture.mode != "LAB":  # whose profile fits no RGB, and whose tags are read from the file
                image.set_type(vips().GValue.blob_type, f"{name}-data", block)
        across, down = info.get("dpi", (1, 1))
        if min(across, down) > 1:  # Pillow says 1 where a file says nothing
            found.image = image.copy(xres=float(across) / DPI, yres=float(down) / DPI)
        return found


def _image(picture: Image.Image, pixels: bool) -> Any:
    """Of grey, RGB, or either with alpha; black if no pixels are wanted."""
    if picture.mode.startswith("I;16"):
        mode, channels, kind = picture.mode, 1, "uint16"
    else:
        grey, alpha = picture.mode in ("1", "L", "LA", "La"), picture.has_transparency_data
        mode, channels, kind = ("L" if grey else "RGB") + "A" * alpha, (1 if grey else 3) + alpha, "uint8"
    if not pixels:
        black = vips().Image.black(*picture.size, bands=channels).cast("ushort" if kind == "uint16" else "uchar")
        return black.copy(interpretation=INTERPRETATIONS[kind, channels - (channels % 2 == 0)])
    levels = np.asarray(_from_lab(picture) if picture.mode == "LAB" else picture.convert(mode)).astype(kind)
    image = vips().Image.new_from_array(levels.reshape(*levels.shape[:2], channels))
    return image.copy(interpretation=INTERPRETATIONS[kind, channels - (channels % 2 == 0)])


def _from_lab(picture: Image.Image) -> Image.Image:
    from PIL import ImageCms

    converted = ImageCms.profileToProfile(
        picture, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert converted is not None
    return converted


def depth_and_profile(path: Path) -> tuple[int, bytes | None]:
    """What Pillow does not tell: the bits a channel of AVIF and JPEG 2000, and the profile of a JPEG 2000.

    (AV1 in ISO base media, section 2.3.3; ISO/IEC 15444-1, sections A.5.1 and I.5.3.3.)
    """
    with path.open("rb") as file:
        head = file.read(1 << 20)
    icc = None
    at = head.find(b"colr\x02")
    if at >= 4 and head[4:8] == b"jP  ":
        icc = head[at + 7 : at - 4 + int.from_bytes(head[at - 4 : at], "big")]
    if (at := head.find(b"av1C")) >= 0 and len(head) > at + 6:
        flags = head[at + 6]
        return 8 + 2 * bool(flags & 0x40) + 2 * (flags & 0x60 == 0x60), icc
    if (at := head.find(b"\xff\x4f\xff\x51")) >= 0 and len(head) > at + 42:
        return (head[at + 42] & 0x7F) + 1, icc
    return 8, icc


def frames_of_png(path: Path) -> tuple[int, tuple[int, ...], int]:
    """How many frames a PNG has, how long they are shown, and how often.

    Returns:
        Frames, with the picture that stands in for an animation if that is none of its frames; their durations in
        milliseconds, empty if there is such a picture, or no animation; how often they are played, 0 for ever. The
        frames that are there count, and not those that the file claims. (PNG specification, third edition, section
        11.3.6.)
    """
    animated, standing_in, delays, loop = False, False, [], 0
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", head)
            if kind == b"acTL" and size == 8:
                animated, size = True, 0
                (loop,) = struct.unpack(">4xI", file.read(8))
            elif kind == b"IDAT" and not animated:
                break
            elif kind == b"IDAT" and not delays:
                standing_in = True
            if kind == b"fcTL" and size == 26:
                numerator, denominator = struct.unpack(">20xHH2x", file.read(26))
                delays.append(round(1000 * numerator / (denominator or 100)))
                size = 0
            file.seek(size + 4, 1)
    if not animated or len(delays) + standing_in < 2:
        return 1, (), 0
    return len(delays) + standing_in, () if standing_in else tuple(delays), loop
