"""A page that shows the result beside bicubic interpolation: the whole picture, and details where they differ most.

The pictures lie in the page itself, so that it can be sent around; it loads nothing. What it shows of the result is
read from the written file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gankit.images import imresize, to_uint8
from gankit.report import data_uri, document
from gankit.support import write
from gankit_srgan.upscale.differences import eight_bits, worst
from gankit_srgan.upscale.pictures import Picture
from gankit_srgan.upscale.vips import vips

DETAIL = 256  # pixels a side of a detail, in the result
DETAILS = 4
OVERVIEW = 1000  # most pixels a side of the whole picture
HALO = 4  # low-resolution pixels around a detail, so that bicubic interpolation sees what is there

TEMPLATE = """{% macro show(pair, boxes=0) %}
<figure id="{{ pair.id }}">
<div class="pair">
<img src="{{ pair.before }}" alt="bicubic interpolation" draggable="false">
<img src="{{ pair.after }}" alt="the model's result" class="after" draggable="false">
{% for number in range(1, boxes + 1) %}
<i id="box{{ number }}">{{ number }}</i>
{% endfor %}
<b class="left">bicubic</b><b class="right">model</b><u></u>
<input type="range" min="0" max="100" step="0.1" value="50" aria-label="bicubic to the left, the model to the right">
</div>
<figcaption>{{ pair.caption }}</figcaption>
</figure>
{% endmacro %}
<h1>{{ name }}</h1>
<p class="soft">{{ source }}, enlarged {{ factor }} times by the model <strong>{{ model }}</strong>, {{ sizes }}. Drag a
picture: bicubic interpolation lies on the left of the line, the model on the right.</p>
<h2>Whole picture</h2>
{{ show(overview, details | length) }}
<h2>Details, where the two differ most (two screen pixels a pixel)</h2>
<div class="details">
{% for pair in details %}
{{ show(pair) }}
{% endfor %}
</div>"""

STYLE = """
.details { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 1.5rem; }
.pair { position: relative; --at: 50%; overflow: hidden;
  background: repeating-conic-gradient(#bbb 0 25%, #eee 0 50%) 0 0 / 16px 16px; }
.pair img { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 0; user-select: none; }
.details img { image-rendering: pixelated; }
/* Each side shows one picture alone: where they are transparent, the other would shine through. */
.pair img { clip-path: inset(0 calc(100% - var(--at)) 0 0); }
.pair img.after { clip-path: inset(0 0 0 var(--at)); }
.pair u { position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px; margin-left: -1px; background: #fff;
  box-shadow: 0 0 3px #000; }
.pair u::after { content: "\\2194"; position: absolute; top: 50%; left: 1px; width: 32px; height: 32px;
  margin: -16px 0 0 -16px; border-radius: 50%; background: #fff; color: #222; font: 20px/30px system-ui, sans-serif;
  text-align: center; text-decoration: none; box-shadow: 0 0 3px #000; }
.pair b { position: absolute; bottom: 8px; padding: 1px 8px; border-radius: 4px; background: #000a; color: #fff;
  font-size: .8rem; font-weight: 500; }
.pair .left { left: 8px; } .pair .right { right: 8px; }
.pair i { position: absolute; border: 2px solid #ffd400; color: #ffd400; font: 600 12px/1 system-ui, sans-serif;
  text-shadow: 0 0 3px #000, 0 0 3px #000; padding: 1px 2px; min-width: 14px; min-height: 14px; }
.pair input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize; }
.pair:focus-within { outline: 3px solid #3b82f6; outline-offset: 2px; }
"""

SCRIPT = """
for (const pair of document.querySelectorAll(".pair")) {
  const range = pair.querySelector("input");
  range.addEventListener("input", () => pair.style.setProperty("--at", range.value + "%"));
}
"""


def write_page(path: Path, picture: Picture, target: Path, differences: np.ndarray, model: str, factor: float) -> None:
    """Writes the page.

    Args:
        path: The HTML file.
        picture: The input.
        target: The result.
        differences: `Differences.map`.
        model: The network's name.
        factor: Of the result.
    """
    result = vips().Image.new_from_file(str(target))
    height, width = picture.colour.shape[:2]
    scaled = min(1.0, OVERVIEW / max(result.width, result.height))
    size = (max(1, round(result.width * scaled)), max(1, round(result.height * scaled)))
    whole = vips().Image.thumbnail(str(target), size[0], height=size[1], size="force")
    percent = "" if scaled == 1 else f", shown at {100 * scaled:.0f} %"
    caption = f"The whole picture, {result.width:,} x {result.height:,} pixels{percent}"
    overview = _pair("whole", _resized(picture, size), whole, caption, picture, lossless=False)
    style = [STYLE, _shape(overview, whole, 1)]
    side = max(1, min(round(DETAIL / factor), height, width))
    details = []
    for number, (y, x) in enumerate(worst(differences, height, width, side, DETAILS), 1):
        piece = _piece(target, y, x, side, factor)
        caption = f"{number}: {x}, {y} in the input, {side} x {side} pixels"
        details.append(_pair(f"detail{number}", _bicubic(picture, y, x, side, factor), piece, caption, picture))
        style.append(_shape(details[-1], piece, 2))
        place = {"left": x / width, "top": y / height, "width": side / width, "height": side / height}
        style.append(f"#box{number}{{{';'.join(f'{key}:{100 * at:.2f}%' for key, at in place.items())}}}\n")
    page = document(
        f"{target.name}: bicubic and model",
        TEMPLATE,
        style="".join(style),
        script=SCRIPT,
        name=target.name,
        source=picture.header.path.name,
        model=model,
        factor=f"{factor:g}",
        sizes=f"{width:,} x {height:,} to {result.width:,} x {result.height:,} pixels",
        overview=overview,
        details=details,
    )
    write(path, page)


def _pair(name: str, before: Any, after: Any, caption: str, picture: Picture, lossless: bool = True) -> dict[str, str]:
    images = {"before": _inline(before, picture, lossless), "after": _inline(after, picture, lossless)}
    return {"id": name, "caption": caption, **images}


def _shape(pair: dict[str, str], image: Any, zoom: int) -> str:
    """The style of a pair: as large as its pictures, or smaller."""
    box = f"#{pair['id']}{{max-width:{image.width * zoom}px}}"
    return f"{box}#{pair['id']} .pair{{aspect-ratio:{image.width} / {image.height}}}\n"


def _piece(target: Path, y: int, x: int, side: int, factor: float) -> Any:
    """A detail of the written file, which is decoded from the top for it."""
    image = vips().Image.new_from_file(str(target), access="sequential")
    left, top = min(round(x * factor), image.width - 1), min(round(y * factor), image.height - 1)
    length = max(1, round(side * factor))
    return image.crop(left, top, min(length, image.width - left), min(length, image.height - top)).copy_memory()


def _bicubic(picture: Picture, y: int, x: int, side: int, factor: float) -> Any:
    """The same detail of the input, enlarged by MATLAB's bicubic interpolation."""
    top, left = max(0, y - HALO), max(0, x - HALO)
    window = _planes(picture)[top : y + side + HALO, left : x + side + HALO].astype(np.float32)
    large = imresize(window, round(window.shape[0] * factor), round(window.shape[1] * factor))
    first, start, length = round((y - top) * factor), round((x - left) * factor), max(1, round(side * factor))
    return _image(large[first : first + length, start : start + length])


def _resized(picture: Picture, size: tuple[int, int]) -> Any:
    """The whole input at the size of the overview."""
    planes = _image(_planes(picture))
    return planes.resize(size[0] / planes.width, vscale=size[1] / planes.height, kernel="cubic")


def _planes(picture: Picture) -> np.ndarray:
    """`[h, w, channels]` uint8, with alpha."""
    colour = eight_bits(picture.colour)
    if picture.alpha is None:
        return colour
    return np.concatenate([colour, eight_bits(picture.alpha)[:, :, None]], axis=2)


def _image(pixels: np.ndarray) -> Any:
    """Of levels 0..255, uint8 or not yet rounded."""
    levels = pixels if pixels.dtype == np.uint8 else to_uint8(pixels)
    grey = levels.shape[2] < 3
    return vips().Image.new_from_array(np.ascontiguousarray(levels)).copy(interpretation="b-w" if grey else "srgb")


def _inline(image: Any, picture: Picture, lossless: bool) -> str:
    """An image as the address of itself, with the input's profile."""
    if image.format == "ushort":
        image = (image / 257).rint().cast("uchar").copy(interpretation="b-w" if image.bands < 3 else "srgb")
    image = image.copy()
    for name in image.get_fields():
        if name.endswith("-data"):
            image.remove(name)
    if picture.icc:
        image.set_type(vips().GValue.blob_type, "icc-profile-data", picture.icc)
    png = lossless or image.hasalpha()
    return data_uri(image.pngsave_buffer(compression=6) if png else image.jpegsave_buffer(Q=85))
