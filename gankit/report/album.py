"""The pictures of a report: sample images of a run as data URIs, so that the page is one file.

The newest set of samples is shown large, earlier ones as a strip of thumbnails. Each has a room in characters, so that
a page stays below 15 MB; what does not fit is counted.
"""

from __future__ import annotations

import base64
import io
import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup
from PIL import Image

from gankit.support.picture_file import open_picture

NEWEST_ROOM, EARLIER_ROOM = 9_000_000, 3_000_000  # characters of data URIs
NEWEST_PICTURES, EARLIER_SETS, PICTURES_A_SET = 24, 20, 4
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


class Album:
    """Pictures as data URIs, as long as there is room.

    Args:
        room: Characters for all URIs together.

    Attributes:
        left_out: How many pictures had no room or could not be read.

    Examples:
        >>> album = Album(10_000)
        >>> print(album.image(Image.new("L", (8, 8)), "a < b")[-36:])
        width="8" height="8" alt="a &lt; b">
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self.left_out = 0

    def image(self, picture: Image.Image | Path, alt: str, *, side: int = 0, limit: int = 0) -> Markup:
        """An `img` element.

        Args:
            picture: A picture, or its file.
            alt: What the picture shows, for those who do not see it.
            side: Pixels a side that it is reduced to, if it has more; 0 keeps them all.
            limit: As of `data_uri`. A PNG, JPEG or WebP file of at most this many bytes is kept as it is.

        Returns:
            The element; empty if the picture is left out.
        """
        try:
            uri, (width, height) = _stored(picture, side, limit)
        except Exception:  # Pillow raises many kinds on a half-written file, which a running run may well have
            uri = ""
        if not uri or len(uri) > self.room:
            self.left_out += 1
            return Markup()
        self.room -= len(uri)
        tiny = Markup(' class="tiny"') if max(width, height) < 200 else ""  # shown as squares, not as a blur
        return Markup('<img{} src="{}" width="{}" height="{}" alt="{}">').format(tiny, uri, width, height, alt)


def data_uri(picture: Image.Image | bytes, limit: int = 0) -> str:
    """The address that holds a picture itself, for `src`.

    Args:
        picture: A picture; or the content of a PNG, JPEG or WebP file, which is kept as it is.
        limit: A small picture is stored without loss if that takes at most this many bytes, or fewer than JPEG.

    Examples:
        >>> data_uri(Image.new("L", (8, 8)))[:22]
        'data:image/png;base64,'
    """
    raw = picture if isinstance(picture, bytes) else _encoded(_smaller(picture), limit)
    kind = "png" if raw[:1] == b"\x89" else "webp" if raw[:4] == b"RIFF" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(raw).decode()}"


def _stored(picture: Image.Image | Path, side: int, limit: int) -> tuple[str, tuple[int, int]]:
    """The address and the size of a picture, reduced to `side`."""
    if isinstance(picture, Path):
        raw = picture.read_bytes()
        with open_picture(picture) as opened:
            opened.load()
        if max(opened.size) <= (side or math.inf) and len(raw) <= limit and opened.format in ("PNG", "JPEG", "WEBP"):
            return data_uri(raw), opened.size
        picture = opened
    small = _smaller(picture, side)
    return data_uri(small, limit), small.size


def _smaller(picture: Image.Image, side: int = 0) -> Image.Image:
    """A picture in 8 bits, scaled down to `side`."""
    if picture.mode.startswith(("I", "F")):  # 16 bits or floats: Pillow's own conversion would clip, not scale
        values = np.asarray(picture, "float64")
        picture = Image.fromarray((255 * (values - values.min()) / (np.ptp(values) or 1)).astype("uint8"))
    small = picture.convert("RGBA" if picture.has_transparency_data else "L" if picture.mode == "L" else "RGB")
    if side:
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def _encoded(picture: Image.Image, limit: int) -> bytes:
    """The content of a file: PNG keeps a small picture sharp, and takes seconds for a large one."""
    png, jpeg = io.BytesIO(), io.BytesIO()
    small = picture.width * picture.height < 100_000
    if small:
        picture.save(png, "PNG")
        if png.tell() <= limit:
            return png.getvalue()
    clear = picture.mode == "RGBA"
    paper = Image.new("RGB", picture.size, "white") if clear else picture
    if clear:
        paper.paste(picture, mask=picture)
    paper.save(jpeg, "JPEG", quality=85, optimize=True)
    return min((png, jpeg), key=io.BytesIO.tell).getvalue() if small else jpeg.getvalue()


class SampleSet(NamedTuple):
    """The files of one folder of samples; sets sort by their step, the final one last."""

    step: float
    label: str
    pictures: list[Path]
    others: list[str]


def samples(folder: Path) -> dict[str, Any]:
    """What `run.html` shows of a run's `samples/`; {} if there are none. Files may be torn."""
    found = sets(folder)
    if not found:
        return {}
    *earlier, newest = found
    figures, left_out = _shown(Album(NEWEST_ROOM), newest, NEWEST_PICTURES, side=1600, limit=1_500_000)
    notes = [f"{left_out} more not shown: too many, too large or unreadable."] if left_out else []
    if newest.others:
        notes.append(f"Beside them: {', '.join(newest.others[:40])}")
    # Thumbnails of the first and the last set and of evenly spaced ones between them.
    picks = np.unique(np.linspace(0, len(earlier) - 1, min(len(earlier), EARLIER_SETS)).round().astype(int))
    album = Album(EARLIER_ROOM)
    strip = [(earlier[i].label, _shown(album, earlier[i], PICTURES_A_SET, side=160, limit=30_000)[0]) for i in picks]
    some = f" ({len(strip)} of {len(earlier)} sets)" if len(strip) < len(earlier) else ""
    thumbs = [(label, Markup().join(image for image, _ in images)) for label, images in strip if images]
    return {"label": newest.label, "figures": figures, "notes": notes, "strip": thumbs, "some": some}


def _shown(album: Album, one: SampleSet, most: int, **size: int) -> tuple[list[tuple[Markup, str]], int]:
    """Elements and names of a set's pictures, and how many are left out."""
    images = [(album.image(path, f"{one.label}: {path.name}", **size), path.name) for path in one.pictures[:most]]
    shown = [(image, name) for image, name in images if image]
    return shown, len(one.pictures) - len(shown)


def sets(folder: Path) -> list[SampleSet]:
    """The folders that hold anything, in the order of their steps."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        step = re.fullmatch(r"step-(\d+)", path.name)
        if path.is_dir() and (step or path.name == "final"):
            files = [file for file in sorted(path.iterdir()) if file.is_file() and not file.name.startswith(".")]
            pictures = [file for file in files if file.suffix.lower() in SUFFIXES]
            others = [file.name for file in files if file not in pictures]
            label = f"step {int(step[1]):,}" if step else "final"
            if files:
                found.append(SampleSet(int(step[1]) if step else math.inf, label, pictures, others))
    return sorted(found)
