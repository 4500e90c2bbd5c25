"""What a contact sheet shows: the query, the hits and the pages they lie on, small, and each read once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from gankit import DataError
from gankit_sketch_retrieval.hits.hit import Hit, by_page
from gankit_sketch_retrieval.pages.boxes import shared
from gankit_sketch_retrieval.pages.cutouts import SMALL

Box = tuple[float, float, float, float]  # x0, y0, x1, y1

MARK, PAGE = (400, 300), (1000, 1500)  # frames that pictures are scaled into: width, height
ENLARGED = 4.0  # a mark of a few pixels is not blown up further
MARKS, PAGES = 500, 24  # pictures of a sheet
ACCENT = "#d6249f"  # of boxes and their numbers: a colour that neither ink nor paper has
OUTSIDE = 2  # pixels between a box and its outline, which thus hides no ink


@dataclass(frozen=True)
class PageView:
    """A page, small, with what was found on it.

    Attributes:
        document: Its file.
        number: From 1.
        picture: The page, grey.
        size: (width, height) of the page as scanned.
        hits: Those on it, best first.
    """

    document: str
    number: int
    picture: Image.Image
    size: tuple[int, int]
    hits: Sequence[Hit]

    def boxes(self, width: float, height: float) -> list[Box]:
        """Where the hits lie when the page is drawn at a width and a height."""
        across, down = width / self.size[0], height / self.size[1]
        return [(h.box[0] * across, h.box[1] * down, h.box[2] * across, h.box[3] * down) for h in self.hits]


@dataclass(frozen=True)
class Sheet:
    """The content of a contact sheet.

    Attributes:
        title: What was searched for, in words.
        query: Its picture, grey.
        hits: All, best first.
        marks: Pictures of the first of them, grey; None where one cannot be read.
        pages: The pages with the best hits, in the order of these.
        more_pages: How many further pages have hits.
    """

    title: str
    query: Image.Image
    hits: Sequence[Hit]
    marks: Sequence[Image.Image | None]
    pages: Sequence[PageView]
    more_pages: int

    def summary(self) -> str:
        """How much was found, and how good it is."""
        if not self.hits:
            return "Nothing was found."
        count, pages, files = len(self.hits), len(by_page(self.hits)), len({hit.document for hit in self.hits})
        where = f"on {pages} pages of" if pages > files else "in"
        found = f"{counted(count, 'hit')} {where} {counted(files, 'file')}"
        best, last = self.hits[0].score, self.hits[-1].score
        return f"{found}, score {best:.3f}" + (f" to {last:.3f}" if count > 1 else "")

    def stretch(self) -> float:
        """The square root of width by height of the typical mark, which cells are to have."""
        shapes = [one.width / one.height for one in self.marks if one] or [self.query.width / self.query.height]
        return float(np.sqrt(np.clip(np.median(shapes), 0.6, 3.0)))


def counted(number: int, noun: str) -> str:
    """The number and the noun, in the plural where that is due."""
    return f"{number} {noun}{'s' * (number != 1)}"


def printable(text: str) -> str:
    """A text with what cannot be printed replaced.

    Examples:
        >>> printable("a" + chr(10) + ".png") == "a�.png"
        True
    """
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def gathered(
    query: np.ndarray,
    hits: Sequence[Hit],
    crop: Callable[[Hit], np.ndarray],
    page: Callable[[str, int], np.ndarray] | None,
    title: str,
) -> Sheet:
    """Reads the pictures that a sheet shows, page by page; what cannot be read is left out, and said in the log.

    Args:
        query: `[height, width]` uint8 grey.
        hits: Any order.
        crop: A hit's own pixels, `[height, width]` uint8 grey; called once for each of the best `MARKS` hits, those of
            a page one after the other, just before the page itself.
        page: A page, by document and number, `[height, width]` uint8 grey; called once a page until `PAGES` are found
            that are more than pictures of one mark. None shows no pages.
        title: What was searched for, in words.
    """
    hits = sorted(hits, key=lambda hit: hit.rank)
    pictured = {hit.rank for hit in hits[:MARKS]}
    marks: dict[int, Image.Image] = {}
    views: list[PageView] = []
    more = 0
    for (document, number), group in by_page(hits).items():
        try:
            for hit in group:
                if hit.rank in pictured:
                    marks[hit.rank] = fitted(crop(hit), *MARK)
            if len(views) == PAGES:
                more += 1
            elif page:
                scan = page(document, number)
                size = (scan.shape[1], scan.shape[0])
                if not _is_mark(size, group):
                    views.append(PageView(document, number, fitted(scan, *PAGE), size, group))
        except DataError as error:
            logging.getLogger("gankit").warning("page %d of %s is not shown: %s", number, document, error.message)
    return Sheet(title, fitted(query, *MARK), hits, [marks.get(hit.rank) for hit in hits[:MARKS]], views, more)


def _is_mark(size: tuple[int, int], hits: Sequence[Hit]) -> bool:
    """Whether a picture shows little but the hits themselves, so that it need not be shown beside them."""
    area = min((hit.box[2] - hit.box[0]) * (hit.box[3] - hit.box[1]) for hit in hits)
    return max(size) <= SMALL or 4 * area >= size[0] * size[1]


def fitted(pixels: np.ndarray, width: int, height: int) -> Image.Image:
    """A picture `[height, width]` uint8 as `within` makes it.

    Raises:
        DataError: There are no pixels.
    """
    if not pixels.size:
        raise DataError("a hit lies beyond its page", "the file was changed after it was indexed: index it again")
    return within(Image.fromarray(pixels), width, height)


def within(picture: Image.Image, width: int, height: int) -> Image.Image:
    """A picture scaled by one factor, at most `ENLARGED`, to lie within a frame of so many pixels."""
    factor = min(width / picture.width, height / picture.height, ENLARGED)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def places(boxes: Sequence[Box], sizes: Sequence[tuple[float, float]], picture: Image.Image) -> list[Box]:
    """Where to write the numbers of boxes: beside each, on little ink, off other boxes and numbers.

    Args:
        boxes: In pixels of the picture.
        sizes: (width, height) of each number.
        picture: The page, grey, which no number leaves.
    """
    pixels = np.asarray(picture, np.float32)
    ink = np.abs(pixels - np.median(pixels)) / 255
    sums = np.pad(ink.cumsum(0).cumsum(1), ((1, 0), (1, 0)))  # of ink above and left of each pixel
    # Widened, so that a number beside one box does not touch another, to which it would seem to belong.
    others = np.asarray(boxes, np.float32).reshape(-1, 4) + np.array([-6, -6, 6, 6], np.float32)
    taken = np.empty((0, 4), np.float32)
    for (x0, y0, x1, y1), (wide, tall) in zip(boxes, sizes, strict=True):
        corners = [(x0, y0 - tall), (x1 - wide, y0 - tall), (x0, y1), (x1 - wide, y1), (x0 - wide, y0), (x1, y0)]
        best, least = (0.0, 0.0, wide, tall), np.inf
        for order, (x, y) in enumerate(corners):
            x, y = max(0.0, min(x, picture.width - wide)), max(0.0, min(y, picture.height - tall))
            spot = (x, y, x + wide, y + tall)
            a, b, c, d = (min(int(value), side) for value, side in zip(spot, picture.size * 2, strict=True))
            covered = sums[d, c] - sums[b, c] - sums[d, a] + sums[b, a]
            hidden, clash = (shared(np.array([spot]), boxed).sum() for boxed in (others, taken))
            cost = covered + 0.5 * hidden + 3 * clash + 0.03 * wide * tall * order
            if cost < least:
                best, least = spot, cost
        taken = np.vstack([taken, best])
    return [tuple(map(float, spot)) for spot in taken]
