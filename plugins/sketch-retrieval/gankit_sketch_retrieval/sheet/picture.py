"""A contact sheet as one picture: the query, the hits by rank, the pages with numbered boxes."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gankit_sketch_retrieval.marks.symbols import font_file
from gankit_sketch_retrieval.sheet.content import ACCENT, OUTSIDE, PageView, Sheet, counted, places, printable, within

WIDTH, EDGE, GAP = 1600, 32, 16  # pixels: of the sheet, its margin, between cells
SIDES, PAD = {24: 160, 60: 130, 10**9: 105}, 10  # of a mark by how many there are at most; around the mark
MARKS, PAGES = 120, 9  # drawn at most
PAGE_WIDTH, PAGE_HEIGHT = 700, 1100  # of a page at most; three share a row, if there are as many
PAPER, CARD, INK, SOFT, LINE = "#ffffff", "#f3f5f7", "#1c2024", "#5b6570", "#d9dee3"


def png(sheet: Sheet) -> bytes:
    """The sheet as a PNG file."""
    buffer = io.BytesIO()
    drawn(sheet).save(buffer, "PNG", compress_level=3)  # scans do not get smaller by more, just slower
    return buffer.getvalue()


def drawn(sheet: Sheet) -> Image.Image:
    """The sheet as an RGB picture, `WIDTH` pixels wide and as high as it has to be."""
    # The room for a mark has the shape of the typical one, and is smaller where there are many.
    stretch, side = sheet.stretch(), next(side for most, side in SIDES.items() if len(sheet.marks) <= most)
    wide, tall = round(side * stretch), round(side / stretch)
    strips = [_head(sheet, round(1.3 * wide), round(1.3 * tall)), *_marks(sheet, wide, tall), *_pages(sheet)]
    height = sum(strip.height + GAP for strip in strips) - GAP
    canvas = Image.new("RGB", (WIDTH, height + 2 * EDGE), PAPER)
    top = EDGE
    for strip in strips:
        canvas.paste(strip, (EDGE, top))
        top += strip.height + GAP
    return canvas


def _head(sheet: Sheet, wide: int, tall: int) -> Image.Image:
    strip = _strip(tall + 2 * PAD)
    draw = ImageDraw.Draw(strip)
    _framed(strip, sheet.query, (0, 0, wide + 2 * PAD, tall + 2 * PAD), ACCENT, 3)
    left, middle = wide + 2 * PAD + 28, strip.height // 2
    room = strip.width - left
    draw.text((left, middle - 44), "Query", SOFT, font(18), "lm")
    draw.text((left, middle - 8), shortened(sheet.title, font(32, True), room), INK, font(32, True), "lm")
    draw.text((left, middle + 34), sheet.summary(), SOFT, font(20), "lm")
    return strip


def _marks(sheet: Sheet, wide: int, tall: int) -> Iterator[Image.Image]:
    """Rows of hits, as many side by side as there is room for."""
    shown = list(zip(sheet.hits, sheet.marks[:MARKS], strict=False))
    room = WIDTH - 2 * EDGE
    columns = (room + GAP) // (wide + 2 * PAD + GAP)
    outer, inner = (room + GAP) // columns - GAP, tall + 2 * PAD
    for first in range(0, len(shown), columns):
        strip = _strip(inner + 50)
        draw = ImageDraw.Draw(strip)
        for column, (hit, mark) in enumerate(shown[first : first + columns]):
            left = column * (outer + GAP)
            _framed(strip, mark, (left, 0, left + outer, inner), LINE, 1)
            wide_chip = _number(draw, hit.rank, left, inner + 5, font(15, True))
            draw.text((left + wide_chip + 8, inner + 15), f"{hit.score:.3f}", INK, font(16), "lm")
            tail = f", p. {hit.page}"
            name = shortened(hit.document, font(13), outer - font(13).getlength(tail))
            draw.text((left, inner + 38), name + tail, SOFT, font(13), "lm")
        yield strip
    if more := len(sheet.hits) - len(shown):
        yield _line(f"and {counted(more, 'more hit')}", font(18), SOFT)


def _pages(sheet: Sheet) -> Iterator[Image.Image]:
    """Rows of pages below a heading."""
    shown = sheet.pages[:PAGES]
    if not shown:
        return
    yield _line("Pages, the one with the best hit first", font(24, True), INK)
    columns = min(3, len(shown))
    outer = (WIDTH - 2 * EDGE + GAP) // columns - GAP
    for first in range(0, len(shown), columns):
        tiles = [_page(view, min(outer, PAGE_WIDTH)) for view in shown[first : first + columns]]
        strip = _strip(max(tile.height for tile in tiles))
        for column, tile in enumerate(tiles):
            strip.paste(tile, (column * (outer + GAP), 0))
        yield strip
    if more := len(sheet.pages) - len(shown) + sheet.more_pages:
        yield _line(f"and {counted(more, 'more page')}", font(18), SOFT)


def _page(view: PageView, wide: int) -> Image.Image:
    """A page below its name, with a numbered box around each hit."""
    small = within(view.picture, wide, PAGE_HEIGHT)
    head = 30
    tile = Image.new("RGB", (wide, head + small.height + 2), PAPER)
    draw = ImageDraw.Draw(tile)
    tail = f", p. {view.number}: {counted(len(view.hits), 'hit')}"
    name = shortened(view.document, font(16, True), wide - font(16, True).getlength(tail))
    draw.text((0, head // 2 - 2), name + tail, INK, font(16, True), "lm")
    page = small.convert("RGB")
    boxed(page, view)
    tile.paste(page, (1, head))
    draw.rectangle((0, head - 1, small.width + 1, head + small.height), outline=LINE)
    return tile


def boxed(page: Image.Image, view: PageView) -> None:
    """Draws the outlines of a page's hits, and their numbers, on a picture of it.

    An outline is two pixels thick and lies `OUTSIDE` pixels off its box, with a white rim towards the page.
    """
    draw, boxes = ImageDraw.Draw(page), view.boxes(page.width, page.height)
    tall = np.median([d - b for _, b, _, d in boxes])
    face = font(int(np.clip(0.6 * tall, 10, 14)), True)  # beside small boxes, large numbers would hide the page
    outlines = [
        (math.floor(a) - OUTSIDE, math.floor(b) - OUTSIDE, math.ceil(c) + OUTSIDE - 1, math.ceil(d) + OUTSIDE - 1)
        for a, b, c, d in boxes
    ]
    for a, b, c, d in outlines:
        draw.rectangle((a - 2, b - 2, c + 2, d + 2), outline="white")
    for a, b, c, d in outlines:
        draw.rectangle((a - 1, b - 1, c + 1, d + 1), outline=ACCENT, width=2)
    sizes = [(round(face.getlength(str(hit.rank))) + 8, face.size + 4) for hit in view.hits]
    around = [(a - 1, b - 1, c + 2, d + 2) for a, b, c, d in outlines]
    for hit, (x, y, _, _) in zip(view.hits, places(around, sizes, page.convert("L")), strict=True):
        _number(draw, hit.rank, round(x), round(y), face)


def _number(draw: ImageDraw.ImageDraw, rank: int, left: int, top: int, face: Any) -> int:
    """Writes a rank in white on the colour of the boxes; returns the width."""
    wide = round(face.getlength(str(rank))) + 8
    draw.rounded_rectangle((left, top, left + wide - 1, top + face.size + 3), 3, ACCENT)
    draw.text((left + wide / 2, top + face.size / 2 + 2), str(rank), "white", face, "mm")
    return wide


def _framed(
    strip: Image.Image, mark: Image.Image | None, frame: tuple[int, int, int, int], line: str, thick: int
) -> None:
    """A mark in the middle of its frame, left, top, right and bottom."""
    draw, (left, top, right, bottom) = ImageDraw.Draw(strip), frame
    draw.rounded_rectangle((left, top, right - 1, bottom - 1), 6, CARD, line, thick)
    centre = ((left + right) // 2, (top + bottom) // 2)
    if mark is None:
        draw.text(centre, "unreadable", SOFT, font(14), "mm")
        return
    small = within(mark, right - left - 2 * PAD, bottom - top - 2 * PAD)
    strip.paste(small, (centre[0] - small.width // 2, centre[1] - small.height // 2))


def _strip(height: int) -> Image.Image:
    return Image.new("RGB", (WIDTH - 2 * EDGE, height), PAPER)


def _line(text: str, face: Any, colour: str) -> Image.Image:
    strip = _strip(face.size + 20)
    ImageDraw.Draw(strip).text((0, strip.height // 2), text, colour, face, "lm")
    return strip


def shortened(text: str, face: Any, room: float) -> str:
    """A text that fits a width: what cannot be printed is replaced, and the middle left out where it is too long."""
    text = printable(text)
    if face.getlength(text) <= room:
        return text
    keep = len(text) - 1
    while keep and face.getlength(made := f"{text[: keep // 3]}…{text[len(text) - (keep - keep // 3) :]}") > room:
        keep -= 1
    return made if keep else "…"


@lru_cache
def font(size: int, bold: bool = False) -> Any:
    """DejaVu Sans, which comes with matplotlib."""
    return ImageFont.truetype(font_file("DejaVuSans-Bold" if bold else "DejaVuSans"), size)
