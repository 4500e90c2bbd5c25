"""The pictures of a report: sample images of a run as data URIs, so that the page is one file.

The newest set of samples is shown large, earlier ones as a strip of thumbnails. Each has a room in characters, so that
a page stays below 15 MB; what does not fit is counted.
"""

from __future__ import annotations

import base64
import io
import math
import re
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

NEWEST_ROOM, EARLIER_ROOM = 9_000_000, 3_000_000  # characters of data URIs
NEWEST_PICTURES, EARLIER_SETS, PICTURES_A_SET = 24, 20, 4
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")

STYLE = """
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1rem}
.strip,.strip div{display:flex;flex-wrap:wrap;gap:.9rem}.strip div{gap:.25rem}.strip figure{max-width:100%}
img{max-width:100%;height:auto;display:block;border-radius:.25rem}
.tiny{image-rendering:pixelated;width:min(100%,16rem)}.strip img{width:auto;height:4.2rem;object-fit:contain}
@media(max-width:30rem){.strip img{height:2.9rem}}
"""


class Album:
    """Pictures as data URIs, as long as there is room.

    Args:
        room: Characters for all URIs together.

    Attributes:
        left_out: How many pictures had no room or could not be read.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self.left_out = 0

    def image(self, path: Path, side: int, limit: int, alt: str) -> str:
        """An `img` element, at most `side` pixels a side and about `limit` bytes; empty if it is left out."""
        try:
            raw = path.read_bytes()
            with Image.open(io.BytesIO(raw)) as picture:
                picture.load()
                size, kind = picture.size, (picture.format or "").lower()
                if max(size) > side or len(raw) > limit or kind not in ("png", "jpeg", "webp"):
                    raw, size, kind = _smaller(picture, side, limit)
            uri = f"data:image/{kind};base64,{base64.b64encode(raw).decode()}"
        except Exception:  # Pillow raises many kinds on a half-written file, which a running run may well have
            uri = ""
        if not uri or len(uri) > self.room:
            self.left_out += 1
            return ""
        self.room -= len(uri)
        tiny = ' class="tiny"' if max(size) < 200 else ""  # a few dozen pixels are shown as squares, not as a blur
        return f'<img{tiny} src="{uri}" width="{size[0]}" height="{size[1]}" alt="{escape(alt)}">'


def _smaller(picture: Image.Image, side: int, limit: int) -> tuple[bytes, tuple[int, int], str]:
    """The file, the size and the kind of a picture scaled down to `side`."""
    if picture.mode.startswith(("I", "F")):  # 16 bits or floats: Pillow's own conversion would clip, not scale
        values = np.asarray(picture, "float64")
        picture = Image.fromarray((255 * (values - values.min()) / (np.ptp(values) or 1)).astype("uint8"))
    small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    if small.width * small.height < 100_000:  # PNG keeps a small one sharp, and takes seconds for a large one
        out = io.BytesIO()
        small.save(out, "PNG")
        if out.tell() <= limit:
            return out.getvalue(), small.size, "png"
    paper, out = Image.new("RGB", small.size, "white"), io.BytesIO()
    paper.paste(small, mask=small if small.mode == "RGBA" else None)
    paper.save(out, "JPEG", quality=88)
    return out.getvalue(), small.size, "jpeg"


class SampleSet(NamedTuple):
    """The files of one folder of samples; sets sort by their step, the final one last."""

    step: float
    label: str
    pictures: list[Path]
    others: list[str]


def samples(folder: Path) -> str:
    """The section on a run's `samples/`, as HTML; the folder may be missing, its files may be torn."""
    found = sets(folder)
    if not found:
        return '<h2>Samples</h2>\n<p class="soft">No samples were written.</p>'
    *earlier, newest = found
    album, figures = Album(NEWEST_ROOM), ""
    for path in newest.pictures[:NEWEST_PICTURES]:
        if image := album.image(path, 1600, 1_500_000, path.name):
            figures += f"<figure>{image}<figcaption>{escape(path.name)}</figcaption></figure>\n"
    parts = ["<h2>Samples</h2>", f"<h3>{newest.label}</h3>", f'<div class="pictures">\n{figures}</div>']
    if missing := album.left_out + max(0, len(newest.pictures) - NEWEST_PICTURES):
        parts.append(f'<p class="soft">{missing} more not shown: too many, too large or unreadable.</p>')
    if newest.others:
        parts.append(f'<p class="soft">Beside them: {escape(", ".join(newest.others[:40]))}</p>')
    return "\n".join([*parts, _strip(earlier)])


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


def _strip(sets: list[SampleSet]) -> str:
    """Thumbnails of the first and the last set and of evenly spaced ones between them."""
    picks = np.unique(np.linspace(0, len(sets) - 1, min(len(sets), EARLIER_SETS)).round().astype(int))
    album, figures = Album(EARLIER_ROOM), ""
    for _, label, pictures, _ in (sets[i] for i in picks):
        if thumbs := "".join(album.image(p, 160, 30_000, f"{label}: {p.name}") for p in pictures[:PICTURES_A_SET]):
            figures += f"<figure><div>{thumbs}</div><figcaption>{label}</figcaption></figure>\n"
    some = f" ({len(picks)} of {len(sets)} sets)" if len(picks) < len(sets) else ""
    return f'<h3>Earlier{some}</h3>\n<div class="strip">\n{figures}</div>' if figures else ""
