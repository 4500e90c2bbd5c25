"""A contact sheet as one HTML page: hits and boxes on pages link to each other, without network and script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gankit.report import Album, document
from gankit_sketch_retrieval.sheet.content import ACCENT, OUTSIDE, PageView, Sheet, counted, places, printable

ROOM = 12_000_000  # characters of pictures
LISTED = 2000  # hits
LABEL = 31  # height of a number at most, in pixels of a page's picture; most screens show it at half its size


def html(sheet: Sheet) -> str:
    """The page as text: whatever comes from a file is escaped, and all pictures together keep within `ROOM`."""
    body, style = (Path(__file__).with_name(f"contact.{kind}").read_text("utf-8") for kind in ("html", "css"))
    stretch = sheet.stretch()
    return document(
        f"{printable(sheet.title)}: {sheet.summary()}",
        body,
        style=f"{style}:root{{--mark:{ACCENT};--wide:{9 * stretch:.2f}rem;--tall:{9 / stretch:.2f}rem}}\n",
        sheet=sheet,
        album=Album(ROOM),
        shown={(view.document, view.number) for view in sheet.pages},
        listed=LISTED,
        printable=printable,
        counted=counted,
        boxes_on=lambda view: list(_boxes(view)),
    )


def _boxes(view: PageView) -> Iterator[dict[str, Any]]:
    """For each hit on a page the attributes of its outline, its chip and its number in SVG, in the picture's pixels."""
    boxes = [(a - OUTSIDE, b - OUTSIDE, c + OUTSIDE, d + OUTSIDE) for a, b, c, d in view.boxes(*view.picture.size)]
    label = float(np.clip(0.8 * np.median([d - b for _, b, _, d in boxes]), 20, LABEL))
    sizes = [(label * (0.5 * len(str(hit.rank)) + 0.4), label) for hit in view.hits]
    rect = 'x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"'
    text = 'x="{:.1f}" y="{:.1f}" font-size="{:.1f}"'
    for hit, (a, b, c, d), (x, y, right, _) in zip(view.hits, boxes, places(boxes, sizes, view.picture), strict=True):
        yield {
            "rank": hit.rank,
            "title": f"{hit.rank}: score {hit.score:.3f}",
            "outline": rect.format(a, b, c - a, d - b),
            "chip": rect.format(x, y, right - x, label),
            "number": text.format((x + right) / 2, y + 0.78 * label, 0.77 * label),
        }
