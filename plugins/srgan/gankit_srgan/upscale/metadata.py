"""What a picture carries beside its pixels, made true for the enlarged one."""

from __future__ import annotations

from typing import Any

from gankit_srgan.upscale import xmp
from gankit_srgan.upscale.exif import Exif
from gankit_srgan.upscale.pictures import Picture

SEGMENT = 65_000  # most bytes of XMP in a JPEG file, and of EXIF that libvips can write
MAKER_NOTE = 0x927C
DESCRIPTION, ASCII = 0x10E, 2


def carry(
    picture: Picture, format: str, width: int, height: int, mark: xmp.Mark | None
) -> tuple[dict[str, Any], list[str]]:
    """Metadata of the output.

    Args:
        picture: The input.
        format: Of the output, a key of `formats.FORMATS`.
        width: Pixels of the output.
        height: Pixels of the output.
        mark: What the XMP says of how it was made; None to say nothing of it.

    Returns:
        Fields of `encoder.Output`; what had to be left out.
    """
    notes = []
    exif = picture.exif.corrected(width, height) if picture.exif else None
    if (format == "webp" and picture.density) or (format in ("webp", "tif") and picture.comment):
        exif = exif or Exif()  # to which libvips adds the density: WebP has no other place for it
        if picture.comment:
            exif.image.setdefault(DESCRIPTION, (ASCII, picture.comment + b"\0"))
    if exif and format != "tif" and len(exif.to_bytes()) > SEGMENT:
        notes.append("the maker's note of its EXIF is left out: there is room for 64 KB")
        exif.photo.pop(MAKER_NOTE, None)
        if len(exif.to_bytes()) > SEGMENT:
            notes[-1], exif = "its EXIF is left out: there is room for 64 KB", None

    try:
        packet = xmp.rewritten(picture.xmp, width, height, mark)
        if packet and format == "jpg" and len(packet) > SEGMENT:
            raise ValueError("JPEG holds 64 KB of it")
    except (ValueError, RecursionError) as error:
        notes.append(f"its XMP is left out: {error}")
        packet = xmp.rewritten(None, width, height, mark)
    # The block has another layout in each format that can hold it.
    iptc = picture.iptc if picture.header.format == format else None
    kept = {"density": picture.density, "icc": picture.icc, "exif": exif, "xmp": packet, "iptc": iptc}
    return kept | {"comment": picture.comment}, notes
