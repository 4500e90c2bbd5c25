"""A page that shows the result beside bicubic interpolation: the whole picture, and details where they differ most.

The pictures lie in the page itself, so that it can be sent around; it loads nothing. What it shows of the result is
read from the written file.
"""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from PIL import Image

from gankit.images import imresize, to_uint8
from gankit_srgan.upscale.page import PAGE, PAIR
from gankit_srgan.upscale.pictures import Picture
from gankit_srgan.upscale.vips import vips

CELL = 8  # low-resolution pixels a side over which differences are averaged
DETAIL = 256  # pixels a side of a detail, in the result
DETAILS = 4
OVERVIEW = 1000  # most pixels a side of the whole picture
HALO = 4  # low-resolution pixels around a detail, so that bicubic interpolation sees what is there


class Differences:
    """A painter that notes how far its windows are from bicubic interpolation.

    Args:
        painter: `planes.Painter`.
        picture: The input.
        scale: Factor of the network.

    Attributes:
        map: `[rows, columns]` float32: mean absolute difference in 8-bit levels, of cells of `CELL` pixels.
    """

    def __init__(self, painter: Callable[[slice, slice], np.ndarray], picture: Picture, scale: int) -> None:
        self.painter, self.picture, self.scale = painter, picture, scale
        height, width, self.channels = picture.colour.shape
        self.map = np.zeros((-(-height // CELL), -(-width // CELL)), np.float32)

    def __call__(self, rows: slice, columns: slice) -> np.ndarray:
        """`planes.Painter.__call__`."""
        high = self.painter(rows, columns)
        low = eight_bits(self.picture.colour[rows, columns])
        size = (high.shape[1], high.shape[0])
        bicubic = np.asarray(Image.fromarray(low.squeeze(2) if self.channels == 1 else low).resize(size, Image.BICUBIC))
        distance = np.abs(eight_bits(high[:, :, : self.channels]).astype(np.int16) - bicubic.reshape(*size[::-1], -1))
        first, left = -(-rows.start // CELL), -(-columns.start // CELL)
        last, right = rows.stop // CELL, columns.stop // CELL  # whole cells; a rest at the border stays 0
        if last > first and right > left:
            inside = distance.mean(axis=2, dtype=np.float32)[
                (first * CELL - rows.start) * self.scale : (last * CELL - rows.start) * self.scale,
                (left * CELL - columns.start) * self.scale : (right * CELL - columns.start) * self.scale,
            ]
            step = CELL * self.scale
            cells = inside.reshape(last - first, step, right - left, step).mean(axis=(1, 3))
            self.map[first:last, left:right] = cells
        return high


def eight_bits(pixels: np.ndarray) -> np.ndarray:
    """uint8 or uint16 -> uint8."""
    return pixels if pixels.dtype == np.uint8 else ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def worst(differences: np.ndarray, height: int, width: int, side: int, count: int) -> list[tuple[int, int]]:
    """Windows with the largest differences that do not overlap.

    Args:
        differences: `Differences.map`.
        height: Of the input.
        width: Of the input.
        side: Of a window, in low-resolution pixels.
        count: Most windows.

    Returns:
        Top left corners, in low-resolution pixels, the largest difference first.
    """
    cells = max(1, side // CELL)
    total = np.pad(differences.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    tall, wide = (min(cells, size) for size in differences.shape)
    sums = total[tall:, wide:] - total[:-tall, wide:] - total[tall:, :-wide] + total[:-tall, :-wide]
    found: list[tuple[int, int]] = []
    for _ in range(count):
        row, column = np.unravel_index(sums.argmax(), sums.shape)
        if not np.isfinite(sums[row, column]):
            break
        y, x = max(0, min(int(row) * CELL, height - side)), max(0, min(int(column) * CELL, width - side))
        found.append((y, x))
        sums[max(0, row - cells) : row + cells + 1, max(0, column - cells) : column + cells + 1] = -np.inf
    return found


def write_page(path: Path, picture: Picture, target: Path, differences: Differences, model: str, factor: float) -> None:
    """Writes the page.

    Args:
        path: The HTML file.
        picture: The input.
        target: The result.
        differences: Which watched it being made.
        model: The network's name.
        factor: Of the result.
    """
    result = vips().Image.new_from_file(str(target))
    height, width = picture.colour.shape[:2]
    scaled = min(1.0, OVERVIEW / max(result.width, result.height))
    size = (max(1, round(result.width * scaled)), max(1, round(result.height * scaled)))
    side = max(1, min(round(DETAIL / factor), height, width))
    corners = worst(differences.map, height, width, side, DETAILS)
    pairs = []
    for number, (y, x) in enumerate(corners, 1):
        caption = f"{number}: {x}, {y} in the input, {side} x {side} pixels"
        pairs.append(
            _pair(_bicubic(picture, y, x, side, factor), _piece(target, y, x, side, factor), caption, picture, 2)
        )
    whole = vips().Image.thumbnail(str(target), size[0], height=size[1], size="force")
    boxes = "".join(
        f'<i style="left:{100 * x / width:.2f}%;top:{100 * y / height:.2f}%;width:{100 * side / width:.2f}%;'
        f'height:{100 * side / height:.2f}%">{number}</i>'
        for number, (y, x) in enumerate(corners, 1)
    )
    percent = "" if scaled == 1 else f", shown at {100 * scaled:.0f} %"
    caption = f"The whole picture, {result.width:,} x {result.height:,} pixels{percent}"
    overview = _pair(_resized(picture, size), whole, caption, picture, 1, boxes, lossless=False)
    page = Template(PAGE).substitute(
        title=html.escape(target.name),
        source=html.escape(picture.header.path.name),
        model=html.escape(model),
        factor=f"{factor:g}",
        sizes=f"{width:,} x {height:,} to {result.width:,} x {result.height:,} pixels",
        overview=overview,
        details="\n".join(pairs),
    )
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.write_text(page, "utf-8")
    os.replace(partial, path)


def _pair(
    before: Any, after: Any, caption: str, picture: Picture, zoom: int, boxes: str = "", lossless: bool = True
) -> str:
    return Template(PAIR).substitute(
        before=_inline(before, picture, lossless),
        after=_inline(after, picture, lossless),
        width=after.width * zoom,
        ratio=f"{after.width} / {after.height}",
        caption=html.escape(caption),
        boxes=boxes,
    )


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
    if lossless or image.hasalpha():
        kind, data = "png", image.pngsave_buffer(compression=6)
    else:
        kind, data = "jpeg", image.jpegsave_buffer(Q=85)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
