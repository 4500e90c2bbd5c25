"""Contact sheets."""

import base64
import io
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from gankit_sketch_retrieval.hits.hit import Hit
from gankit_sketch_retrieval.sheet import content
from gankit_sketch_retrieval.sheet import html as page_writer
from gankit_sketch_retrieval.sheet import picture as sheet_picture
from gankit_sketch_retrieval.sheet.content import ACCENT, OUTSIDE, PageView, fitted, gathered, places
from PIL import Image, ImageColor

from gankit import DataError

PAGE = np.full((1000, 500), 200, np.uint8)
PINK = ImageColor.getrgb(ACCENT)
DATA = os.environ.get("GANKIT_TEST_DATA")


def hit(rank, document="a.png", page=1, box=(0, 0, 10, 10), score=None):
    return Hit(rank, 1 - rank / 1000 if score is None else score, document, page, box, Path(document))


def flat(value, height=50, width=50):
    return np.full((height, width), value, np.uint8)


def sheet_of(hits, page=None, query=None):
    return gathered(flat(99) if query is None else query, hits, lambda one: flat(one.rank % 200), page, "a title")


@pytest.mark.parametrize("shape", [(5, 5), (3, 200), (900, 7), (64, 64), (1000, 1500)])
def test_marks_keep_their_shape(shape):
    small = fitted(np.zeros(shape, np.uint8), 120, 80)
    factor = min(120 / shape[1], 80 / shape[0], 4)
    assert small.size == (max(1, round(shape[1] * factor)), max(1, round(shape[0] * factor)))
    assert small.width <= 120 and small.height <= 80


def test_boxes_are_scaled_like_the_page():
    view = PageView("a", 1, Image.new("L", (500, 250)), (1000, 500), [hit(1, box=(100, 40, 300, 80))])
    assert view.boxes(500, 250) == [(50, 20, 150, 40)]
    assert view.boxes(250, 500) == [(25, 40, 75, 80)]


def test_outlines_surround_the_box_and_hide_no_ink():
    view = PageView("a", 1, Image.new("L", (400, 300), 200), (800, 600), [hit(1, box=(200, 300, 320, 400))])
    page = view.picture.convert("RGB")
    sheet_picture.boxed(page, view)
    pixels = np.asarray(page).astype(int)
    pink = (pixels == PINK).all(2)
    x0, y0, x1, y1 = 100, 150, 160, 200  # half of the box
    outer = OUTSIDE + 1  # the line is two pixels thick
    for column in (x0 - outer, x0 - outer + 1, x1 + outer - 1, x1 + outer - 2):
        assert pink[y0:y1, column].all()
    for row in (y0 - outer, y0 - outer + 1, y1 + outer - 1, y1 + outer - 2):
        assert pink[row, x0:x1].all()
    inside = pixels[y0 - OUTSIDE + 1 : y1 + OUTSIDE - 1, x0 - OUTSIDE + 1 : x1 + OUTSIDE - 1]
    assert (inside == 200).all()
    assert (pixels[y0:y1, x0 - outer - 1] == 255).all() and (pixels[y0:y1, x1 + outer] == 255).all()
    # Apart from box and number, the page is as it was: the number is at most 18 pixels tall, above the box.
    assert (pixels[: y0 - outer - 20] == 200).all() and (pixels[y1 + outer + 20 :] == 200).all()


def overlap(a, b):
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


def test_numbers_stay_on_the_page_off_boxes_and_off_each_other():
    boxes = [(60.0 * i % 540, 60.0 * (i // 9), 60.0 * i % 540 + 36, 60.0 * (i // 9) + 36) for i in range(63)]
    spots = places(boxes, [(24, 18)] * 63, Image.new("L", (540, 420), 255))
    assert len(spots) == 63
    for i, spot in enumerate(spots):
        assert (spot[2] - spot[0], spot[3] - spot[1]) == (24, 18)
        assert spot[0] >= 0 and spot[2] <= 540 and spot[1] >= 0 and spot[3] <= 420
        assert overlap(spot, boxes[i]) == 0
        x, y = np.clip(((spot[0] + spot[2]) / 2, (spot[1] + spot[3]) / 2), boxes[i][:2], boxes[i][2:])
        assert abs(x - (spot[0] + spot[2]) / 2) <= 12 and abs(y - (spot[1] + spot[3]) / 2) <= 9  # it touches its box
        assert all(overlap(spot, other) == 0 for other in [*boxes, *spots[:i], *spots[i + 1 :]] if other != boxes[i])


def test_numbers_avoid_ink():
    page = np.full((200, 200), 255, np.uint8)
    page[60:80, 90:140] = 0  # above the box
    ((_, top, _, bottom),) = places([(90, 80, 140, 120)], [(20, 18)], Image.fromarray(page))
    assert top >= 80
    ((_, _, _, bottom),) = places([(90, 80, 140, 120)], [(20, 18)], Image.new("L", (200, 200), 255))
    assert bottom <= 80


def test_the_picture_shows_the_query_first_then_hits_by_rank():
    hits = [hit(rank) for rank in (3, 1, 30, *range(4, 30), 2)]
    picture = np.asarray(sheet_picture.drawn(sheet_of(hits)))
    found = {}
    for value in [99, *range(1, 31)]:
        rows, columns = np.nonzero((picture[::20, ::20] == value).all(2))  # of text, hardly a pixel is hit by chance
        rows, columns = np.median(rows), np.median(columns)
        centre = picture[int(rows) * 20, int(columns) * 20]
        assert (centre == value).all()
        found[value] = (rows, columns)
    assert found[99][0] < found[1][0] and found[99][1] < 10
    order = sorted(range(1, 31), key=lambda value: found[value])
    assert order == list(range(1, 31))
    assert picture.shape[1] == 1600


def test_each_source_is_read_once_page_by_page():
    read = []
    hits = [hit(1, "b.tif", 2), hit(2, "b.tif", 1), hit(3, "b.tif", 2)]
    sheet = gathered(
        flat(0), hits, lambda one: read.append(one.rank) or flat(5), lambda *key: read.append(key) or PAGE, "t"
    )
    assert read == [1, 3, ("b.tif", 2), 2, ("b.tif", 1)]
    assert [(view.number, [one.rank for one in view.hits]) for view in sheet.pages] == [(2, [1, 3]), (1, [2])]
    assert sheet.more_pages == 0 and sheet.summary() == "3 hits on 2 pages of 1 file, score 0.999 to 0.997"


@pytest.mark.parametrize(
    ("shape", "boxes", "shown"),
    [
        ((400, 400), [(0, 0, 9, 9)], False),  # as small as a mark
        ((401, 400), [(0, 0, 9, 9)], True),
        ((800, 800), [(0, 0, 800, 800)], False),
        ((800, 800), [(100, 100, 500, 500)], False),  # a quarter of it
        ((800, 800), [(100, 100, 500, 499)], True),
        ((800, 800), [(0, 0, 800, 800), (5, 5, 50, 50)], True),  # one of two is a part
    ],
)
def test_pictures_of_single_marks_are_not_shown_again_as_pages(shape, boxes, shown):
    hits = [hit(rank, box=box) for rank, box in enumerate(boxes, 1)]
    assert len(sheet_of(hits, lambda *_: flat(200, *shape)).pages) == shown


def test_the_number_of_pages_is_limited():
    read = []
    hits = [hit(rank, f"{rank}.png") for rank in range(1, 41)]
    sheet = sheet_of(hits, lambda document, number: read.append(document) or PAGE)
    assert len(sheet.pages) == len(read) == content.PAGES and sheet.more_pages == 40 - content.PAGES


def test_what_cannot_be_read_is_left_out(caplog):
    def crop(one):
        if one.document == "gone.png":
            raise DataError("gone.png cannot be read as a picture")
        return PAGE[2000:] if one.document == "shrunk.png" else flat(7)

    hits = [hit(1, "gone.png"), hit(2), hit(3, "shrunk.png"), hit(4, "gone.png")]
    sheet = gathered(flat(0), hits, crop, lambda *_: PAGE, "t")
    assert [mark is None for mark in sheet.marks] == [True, False, True, True]
    assert [view.document for view in sheet.pages] == ["a.png"]
    assert [record.getMessage() for record in caplog.records] == [
        "page 1 of gone.png is not shown: gone.png cannot be read as a picture",
        "page 1 of shrunk.png is not shown: a hit lies beyond its page",
    ]
    assert page_writer.html(sheet).count("unreadable") == 3
    assert sheet_picture.png(sheet)[:4] == b"\x89PNG"


class Reader(HTMLParser):
    """Collects the start tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


NAMES = ["<script>alert(1)</script>.png", '"><img src=x onerror=alert(1)>.png', "a\n&amp;.png"]


def test_names_are_harmless():
    hits = [hit(rank, name) for rank, name in enumerate(NAMES, 1)]
    page = gathered(flat(0), hits, lambda one: flat(9), lambda *_: PAGE, NAMES[0])
    text = page_writer.html(page)
    read = Reader(text)
    assert not read.of("script") and not any(key.startswith("on") for _, found in read.tags for key in found)
    assert all(image["src"].startswith("data:image/") for image in read.of("img"))
    assert len(read.of("img")) == 1 + 3 + 3
    shown = "".join(read.texts)
    assert all(f"{name}, p. 1" in shown for name in NAMES[:2]) and "a�&amp;.png, p. 1" in shown
    assert "<script" not in text and "default-src 'none'" in read.of("meta")[1]["content"]


def test_hits_and_boxes_link_to_each_other():
    hits = [hit(1, "b.tif", 2, (10, 20, 50, 40)), hit(2, "c.tif", 1), hit(3, "b.tif", 2, (0, 0, 9, 9))]
    read = Reader(page_writer.html(sheet_of(hits, lambda *_: PAGE)))
    ids = [found["id"] for _, found in read.tags if "id" in found]
    assert len(set(ids)) == len(ids) == 6
    links = [link["href"] for link in read.of("a")]
    assert links == [f"#box-{i}" for i in (1, 2, 3)] + [f"#hit-{i}" for i in (1, 3, 1, 3, 2, 2)]  # of boxes, of numbers
    assert {link[1:] for link in links} == set(ids)
    assert [one["viewbox"] for one in read.of("svg")] == ["0 0 750 1500"] * 2  # 1.5 times the page
    box = next(one for one in read.of("rect") if one["class"] == "box")
    found = [float(box[key]) for key in ("x", "y", "width", "height")]
    assert found == [15 - OUTSIDE, 30 - OUTSIDE, 60 + 2 * OUTSIDE, 30 + 2 * OUTSIDE]


def test_pictures_of_the_page_are_those_of_the_hits():
    read = Reader(page_writer.html(sheet_of([hit(2), hit(1)])))
    means = []
    for image in read.of("img"):
        with Image.open(io.BytesIO(base64.b64decode(image["src"].split(",")[1]))) as picture:
            assert picture.size == (int(image["width"]), int(image["height"])) == (200, 200)
            means.append(np.asarray(picture.convert("L")).mean())
    assert means == pytest.approx([99, 1, 2], abs=1)
    assert not read.of("svg")


def test_the_page_keeps_within_its_room(monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 40), np.uint8)
    sheet = gathered(flat(0), [hit(i + 1) for i in range(40)], lambda one: noise[one.rank - 1], None, "t")
    whole = page_writer.html(sheet)
    assert "had no room" not in whole and len(Reader(whole).of("img")) == 41
    monkeypatch.setattr(page_writer, "ROOM", 100_000)
    less = page_writer.html(sheet)
    kept = sum(len(image["src"]) for image in Reader(less).of("img"))
    left = int(re.search(r"(\d+) pictures had no room", less)[1])
    assert 50_000 < kept <= 100_000 and left == 41 - len(Reader(less).of("img"))
    assert len(Reader(less).of("li")) == 40


@pytest.mark.parametrize("shape", [(30, 2000), (2000, 30)])
def test_strips_are_shown(shape):
    sheet = sheet_of([hit(1, box=(5, 5, 20, 25))], lambda *_: flat(200, *shape))
    assert len(Reader(page_writer.html(sheet)).of("svg")) == 1 and len(sheet_picture.png(sheet)) > 1000


def test_nothing_found():
    sheet = gathered(flat(0, 3, 500), [], flat, lambda *_: flat(1), "t")
    assert "Nothing was found." in page_writer.html(sheet) and len(sheet_picture.png(sheet)) > 1000


def test_long_names_are_shortened_in_the_middle():
    face = sheet_picture.font(13)
    text = sheet_picture.shortened("x" * 100 + "-0027.jpg", face, 120)
    assert text.startswith("x") and text.endswith("0027.jpg") and "…" in text and face.getlength(text) <= 120
    assert sheet_picture.shortened("short\n", face, 120) == "short�"


@pytest.mark.skipif(not DATA, reason="GANKIT_TEST_DATA is not set: no scanned pages")
def test_many_hits_on_real_pages():
    import csv

    folder = Path(DATA, "sketch", "gw_pages")
    with (folder / "words.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::24][:100]
    scans = {}
    for row in rows:
        if row["page"] not in scans:
            with Image.open(folder / row["page"]) as picture:
                scans[row["page"]] = np.asarray(picture.convert("L"))
    boxes = [tuple(int(row[key]) for key in ("x0", "y0", "x1", "y1")) for row in rows]
    hits = [hit(i + 1, row["page"], 1, box) for i, (row, box) in enumerate(zip(rows, boxes, strict=True))]
    sheet = gathered(
        flat(0),
        hits,
        lambda one: scans[one.document][one.box[1] : one.box[3], one.box[0] : one.box[2]],
        lambda document, _: scans[document],
        "words",
    )
    text = page_writer.html(sheet)
    assert len(text) < 6_000_000
    read = Reader(text)
    assert len(read.of("svg")) == 10 and len([one for one in read.of("rect") if one["class"] == "box"]) == 100
    wide, tall = sheet_picture.drawn(sheet).size
    assert wide == 1600 and tall < 6500
