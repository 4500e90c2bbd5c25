"""A contact sheet as one HTML page: hits and boxes on pages link to each other, without network and script."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from html import escape

import numpy as np
from PIL import Image

from gankit.report import html as pages
from gankit.report import run_page as report
from gankit_sketch_retrieval.use.thumbnails import ACCENT, OUTSIDE, PageView, Sheet, counted, places

ROOM = 12_000_000  # characters of pictures
LISTED = 2000  # hits
LABEL = 31  # height of a number at most, in pixels of a page's picture; most screens show it at half its size

STYLE = f"""
html{{scroll-padding:4rem}}:root{{--mark:{ACCENT}}}
header{{display:flex;flex-wrap:wrap;gap:1.2rem 1.8rem;align-items:center}}
.frame{{background:#fff;border:1px solid var(--line);border-radius:.5rem;padding:.5rem;display:flex;
align-items:center;justify-content:center}}
.frame img{{max-width:100%;max-height:100%;width:auto;height:auto;display:block}}
header .frame{{border:3px solid var(--mark);width:calc(1.4*var(--wide));height:calc(1.4*var(--tall));max-width:100%}}
header div+div{{flex:1 1 18rem;min-width:0}}h1{{display:block;overflow-wrap:anywhere}}
.chip{{background:var(--mark);color:#fff;border-radius:.25rem;padding:0 .4em;font-weight:700}}
.hits{{list-style:none;margin:0;padding:0;display:grid;gap:1.1rem;
grid-template-columns:repeat(auto-fill,minmax(min(100%,var(--wide)),1fr))}}
.hits li{{min-width:0;border-radius:.5rem}}.hits a{{color:inherit;text-decoration:none;display:block}}
.hits .frame{{height:var(--tall);margin-bottom:.35rem}}.hits a:hover .frame{{border-color:var(--mark)}}
.name{{display:block;color:var(--soft);font-size:.85rem;line-height:1.3;overflow-wrap:anywhere}}
li:target,.hits li:focus-within{{outline:3px solid var(--mark);outline-offset:4px}}
.pages{{display:grid;gap:1.6rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));align-items:start}}
.pages figure{{max-width:58rem}}
.pages figcaption{{color:var(--ink);font-weight:600;margin-bottom:.3rem;overflow-wrap:anywhere}}
.scan{{position:relative;border:1px solid var(--line)}}.scan img{{width:100%;height:auto;display:block}}
.scan svg{{position:absolute;inset:0;width:100%;height:100%;overflow:visible;font:700 1em system-ui,sans-serif}}
.rim{{fill:none;stroke:#fff;stroke-width:6}}.box{{fill:transparent;stroke:var(--mark);stroke-width:3}}
.label{{fill:var(--mark)}}.scan text{{fill:#fff;text-anchor:middle}}
.scan a:hover .box,.scan a:focus .box{{fill:#d6249f26}}.scan a:target .box{{fill:#ffe60055;stroke-width:7}}
@media print{{.frame,.chip,.label{{print-color-adjust:exact}}}}
"""


def html(sheet: Sheet) -> str:
    """The page as text: whatever comes from a file is escaped, and all pictures together keep within `ROOM`."""
    album = _Album(ROOM)
    shown = {(view.document, view.number) for view in sheet.pages}
    sections = [_head(sheet, album), "<h2>Hits</h2>", _hits(sheet, album, shown), *_pages(sheet, album)]
    if album.left_out:
        sections.append(f'<p class="soft">{counted(album.left_out, "picture")} had no room on this page.</p>')
    stretch = sheet.stretch()
    cell = f":root{{--wide:{9 * stretch:.2f}rem;--tall:{9 / stretch:.2f}rem}}\n"
    return pages.document(f"{_text(sheet.title)}: {_text(sheet.summary())}", report.STYLE + STYLE + cell, sections)


class _Album:
    """Pictures as data URIs, as long as there is room; `left_out` counts those without."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.left_out = 0

    def image(self, picture: Image.Image, alt: str) -> str:
        """An `img` element, or "" if there is no more room."""
        kind, raw = min(_encoded(picture), key=lambda pair: len(pair[1]))
        uri = f"data:image/{kind};base64,{base64.b64encode(raw).decode()}"
        if len(uri) > self.room:
            self.left_out += 1
            return ""
        self.room -= len(uri)
        return f'<img src="{uri}" width="{picture.width}" height="{picture.height}" alt="{_text(alt)}">'


def _encoded(picture: Image.Image) -> Iterator[tuple[str, bytes]]:
    """The picture as a file of each kind that may be the smallest."""
    for kind in ("jpeg", "png") if picture.width * picture.height < 100_000 else ("jpeg",):
        out = io.BytesIO()
        picture.save(out, kind, **({"quality": 82, "optimize": True} if kind == "jpeg" else {}))
        yield kind, out.getvalue()


def _head(sheet: Sheet, album: _Album) -> str:
    image = album.image(sheet.query, "the query")
    words = f'<p class="soft">Query</p>\n<h1>{_text(sheet.title)}</h1>\n<p>{_text(sheet.summary())}</p>'
    return f'<header>\n<div class="frame">{image}</div>\n<div>{words}</div>\n</header>'


def _hits(sheet: Sheet, album: _Album, shown: set[tuple[str, int]]) -> str:
    """The hits by rank; those on a page that is shown link to their boxes."""
    items = []
    for number, hit in enumerate(sheet.hits[:LISTED]):
        frame = ""
        if number < len(sheet.marks):
            mark = sheet.marks[number]
            image = album.image(mark, f"hit {hit.rank}") if mark else '<span class="soft">unreadable</span>'
            frame = f'<div class="frame">{image}</div>'
        where = ", ".join(map(str, hit.box))
        text = (
            f'{frame}<span class="chip">{hit.rank}</span> {hit.score:.3f}'
            f'<span class="name" title="box {where}">{_text(hit.document)}, p. {hit.page}</span>'
        )
        link = f'<a href="#box-{hit.rank}">{text}</a>' if (hit.document, hit.page) in shown else text
        items.append(f'<li id="hit-{hit.rank}">{link}</li>')
    more = len(sheet.hits) - len(items)
    note = f'\n<p class="soft">and {counted(more, "more hit")}</p>' if more else ""
    return '<ol class="hits">\n' + "\n".join(items) + f"\n</ol>{note}"


def _pages(sheet: Sheet, album: _Album) -> Iterator[str]:
    if not sheet.pages:
        return
    yield '<h2>Pages</h2>\n<p class="soft">The one with the best hit first. Boxes and hits link to each other.</p>'
    yield '<div class="pages">' + "\n".join(_page(view, album) for view in sheet.pages) + "</div>"
    if sheet.more_pages:
        yield f'<p class="soft">and {counted(sheet.more_pages, "more page")}</p>'


def _page(view: PageView, album: _Album) -> str:
    """A page with a box around each hit, as SVG in the pixels of the picture."""
    wide, tall = view.picture.size
    boxes = [(a - OUTSIDE, b - OUTSIDE, c + OUTSIDE, d + OUTSIDE) for a, b, c, d in view.boxes(wide, tall)]
    label = float(np.clip(0.8 * np.median([d - b for _, b, _, d in boxes]), 20, LABEL))
    sizes = [(label * (0.5 * len(str(hit.rank)) + 0.4), label) for hit in view.hits]
    outlines, numbers = "", ""
    for hit, (a, b, c, d), (x, y, right, _) in zip(view.hits, boxes, places(boxes, sizes, view.picture), strict=True):
        shape = f'x="{a:.1f}" y="{b:.1f}" width="{c - a:.1f}" height="{d - b:.1f}"'
        link = f'href="#hit-{hit.rank}"><title>{hit.rank}: score {hit.score:.3f}</title>'
        outlines += f'<a id="box-{hit.rank}" {link}<rect class="rim" {shape}/><rect class="box" {shape}/></a>'
        chip = f'x="{x:.1f}" y="{y:.1f}" width="{right - x:.1f}" height="{label:.1f}" rx="4"'
        spot = f'x="{(x + right) / 2:.1f}" y="{y + 0.78 * label:.1f}" font-size="{0.77 * label:.1f}"'
        numbers += f'<a {link}<rect class="label" {chip}/><text {spot}>{hit.rank}</text></a>'
    name = f"{_text(view.document)}, p. {view.number}: {counted(len(view.hits), 'hit')}"
    image = album.image(view.picture, f"{view.document}, page {view.number}")
    svg = f'<svg viewBox="0 0 {wide} {tall}">{outlines}{numbers}</svg>'
    return f'<figure><figcaption>{name}</figcaption><div class="scan">{image}{svg if image else ""}</div></figure>'


def _text(text: str) -> str:
    """Escaped, for text and for attributes; what cannot be printed is replaced."""
    return escape("".join(sign if sign.isprintable() else "�" for sign in text))
