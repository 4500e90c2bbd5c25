"""A query: a picture, or a region of a page, as vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gankit.errors import DataError
from gankit_sketch_retrieval.features.encoder import Encoder
from gankit_sketch_retrieval.marks.ink import ink
from gankit_sketch_retrieval.marks.normalise import normalised
from gankit_sketch_retrieval.pages.ink import read_ink
from gankit_sketch_retrieval.pages.reading import page_of, region
from gankit_sketch_retrieval.use.cutting import marks_in


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


def query(reference: str, encoder: Encoder, rotations: float) -> Query:
    """Reads a query.

    Args:
        reference: A file, `page.png#x0,y0,x1,y1`, or `scans.tif#3/x0,y0,x1,y1`.
        encoder: Makes the vectors.
        rotations: Degrees, either way, by which it may be turned.

    Raises:
        DataError: It cannot be read, or there is no ink in it.
        UsageError: The region is no region, or lies beyond the page.
    """
    place = region(reference)
    page = page_of(place.path, place.page)
    if place.box is None:
        mark, pixels = normalised(ink(page.pixels), encoder.stretch), page.pixels
    else:
        # The whole page tells what is ink in the region, as it did when the page was indexed.
        mark = marks_in(read_ink(page.pixels), np.array([place.box]), encoder.stretch)[0]
        x0, y0, x1, y1 = place.box
        pixels = page.pixels[y0:y1, x0:x1]
    if not mark.any():
        raise DataError(f"there is no ink in {reference}", "name a picture of a mark, or a region around one")
    return Query(reference, pixels, encoder.expand(mark, angles(rotations)))
