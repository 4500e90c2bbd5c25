"""A query: a picture, or a region of a page, as vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gankit import DataError, UsageError
from gankit_sketch_retrieval.features.encoder import Encoder
from gankit_sketch_retrieval.marks.ink import ink
from gankit_sketch_retrieval.marks.normalisation import normalised
from gankit_sketch_retrieval.pages.cutouts import AUTO, PAGES, marks_in, page_ink
from gankit_sketch_retrieval.pages.files import page_of, region


@dataclass(frozen=True)
class Query:
    """What is searched for.

    Attributes:
        text: As the user named it.
        pixels: Its picture, `[h, w]` uint8 grey.
        vectors: `[rotations, dim]` float32.
    """

    text: str
    pixels: np.ndarray
    vectors: np.ndarray


def angles(reach: float, step: float = 10.0) -> list[float]:
    """Rotations up to some degrees either way: 0 first, then in steps of about 10 degrees."""
    count = int(np.ceil(reach / step))
    return [0.0, *(sign * reach * i / count for i in range(1, count + 1) for sign in (-1, 1))]


def read_query(reference: str, encoder: Encoder, rotations: float, kind: str = AUTO) -> Query:
    """Reads a query.

    Args:
        reference: A file, `page.png#x0,y0,x1,y1`, or `scans.tif#3/x0,y0,x1,y1`.
        encoder: Makes the vectors.
        rotations: Degrees, either way, by which it may be turned.
        kind: How the pictures that are searched became marks, as of `cutting`.

    Raises:
        DataError: It cannot be read, or there is no ink in it.
        UsageError: There is no such file, the region reaches beyond the page, or a whole page is searched for.
    """
    place = region(reference)
    if not place.path.is_file():
        raise UsageError(f"there is no file {place.path}", "name a picture of a mark, or a region of a page")
    pixels = page_of(place.path, place.page).pixels
    height, width = pixels.shape
    # Whoever indexed all pictures as pages may still search for a picture of a mark.
    seen = page_ink(pixels, AUTO if kind == PAGES and place.box is None else kind)
    x0, y0, x1, y1 = place.box or (0, 0, width, height)
    if x1 > width or y1 > height:
        raise UsageError(f"{reference} reaches beyond the page, which is {width} x {height} pixels", "name x0,y0,x1,y1")
    if place.box is None and seen is not None:
        raise UsageError(f"{reference} looks like a whole page", f"name a region of it: {place.path.name}#x0,y0,x1,y1")
    # What is ink in a region the whole picture tells, as it did when it was indexed.
    if seen is None:
        mark = normalised(ink(pixels)[y0:y1, x0:x1], encoder.stretch)
    else:
        mark = marks_in(seen, np.array([place.box]), encoder.stretch)[0]
    if not mark.any():
        raise DataError(f"there is no ink in {reference}", "name a picture of a mark, or a region around one")
    return Query(reference, pixels[y0:y1, x0:x1], encoder.expand(mark, angles(rotations)))
