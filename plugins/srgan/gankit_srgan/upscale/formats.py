"""What the file formats can hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gankit.errors import UsageError


@dataclass(frozen=True)
class Format:
    """What a file format can hold.

    Attributes:
        name: For messages.
        suffixes: Of its files; the first is ours.
        longest: Most pixels a side.
        alpha: Whether it has transparency.
        bits: Most bits a channel.
        ratio: Bytes of a file for a byte of its pixels, at most, in photographs.
        quality: The default; None for a lossless format.
    """

    name: str
    suffixes: tuple[str, ...]
    longest: int
    alpha: bool
    bits: int
    ratio: float
    quality: int | None = None


FORMATS = {
    "png": Format("PNG", (".png",), 2**31 - 1, True, 16, 0.7),
    "jpg": Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), 65_535, False, 8, 0.25, 95),
    "tif": Format("TIFF", (".tif", ".tiff"), 2**31 - 1, True, 16, 0.7),
    "webp": Format("WebP", (".webp",), 16_383, True, 8, 0.2, 90),
}
BY_SUFFIX = {suffix: name for name, form in FORMATS.items() for suffix in form.suffixes}


def what_is_lost(path: Path, format: str, width: int, height: int, alpha: bool, bits: int) -> list[str]:
    """What a format cannot hold of a picture.

    Args:
        path: The file, for messages.
        format: A key of `FORMATS`.
        width: Pixels.
        height: Pixels.
        alpha: Whether it has transparency.
        bits: A channel.

    Returns:
        Sentences.

    Raises:
        UsageError: It cannot hold the picture at all.
    """
    form = FORMATS[format]
    if max(width, height) > form.longest:
        raise UsageError(
            f"{path}: {form.name} holds at most {form.longest:,} pixels a side, not {width:,} x {height:,}",
            "--format tif or --format png",
        )
    if alpha and not form.alpha:
        raise UsageError(f"{path}: {form.name} holds no transparency", "--format png, tif or webp")
    return [f"16 bits a channel become 8, the most that {form.name} holds"] if bits > form.bits else []
