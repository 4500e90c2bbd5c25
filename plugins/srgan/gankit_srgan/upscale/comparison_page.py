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
TEMPLATE, STYLE, SCRIPT = (Path(__file__).with_suffix(f".{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
HALO = 4  # low-resolution pixels around a detail, so that bicubic interpolation sees what is there


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
