"""A page's ink on pages drawn by hand: polarity, uneven light, components, skew, and intruders."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gankit_sketch_retrieval.marks.ink import open_grey
from gankit_sketch_retrieval.pages.ink import cut, page_polarity, read_ink
from PIL import Image, ImageDraw


def sheet(boxes, shape=(300, 400), ground=220, ink=40):
    pixels = np.full(shape, ground, np.uint8)
    for x0, y0, x1, y1 in boxes:
        pixels[y0:y1, x0:x1] = ink
    return pixels


def straight(pixels):
    """Some boxes are no lines of writing: whatever skew is read into them must not turn the crops."""
    return replace(read_ink(pixels), skew=0.0)


GRID = [(x, y, x + 4, y + 20) for y in range(30, 260, 40) for x in range(30, 370, 20)]


def test_components_have_the_boxes_and_areas_drawn():
    page = read_ink(sheet(GRID))
    assert sorted(map(tuple, page.boxes.tolist())) == sorted(GRID)
    assert (page.areas == 80).all() and page.height == 20 and page.kind == "dark" and page.skew == 0
    np.testing.assert_array_equal(page.labels > 0, sheet(GRID) == 40)
    np.testing.assert_allclose(page.soft[page.labels > 0], 1, atol=0.02)
    assert page.soft[page.owners == 0].max() == 0


def test_bright_ink_is_the_same_page():
    dark, bright = read_ink(sheet(GRID)), read_ink(255 - sheet(GRID))
    assert bright.kind == "bright"
    np.testing.assert_array_equal(dark.labels, bright.labels)
    np.testing.assert_allclose(dark.soft, bright.soft, atol=1e-5)


def test_a_dark_table_around_the_sheet_does_not_make_the_ink_bright():
    pixels = np.full((600, 700), 20, np.uint8)  # more than half, and all of the border
    pixels[150:450, 150:550] = sheet(GRID)
    assert page_polarity(pixels) == "dark" and page_polarity(255 - pixels) == "bright"


def test_faint_ink_under_uneven_light_counts_as_much():
    pixels = sheet(GRID).astype(float)
    faint = np.linspace(1.0, 0.6, 400)  # the contrast falls from left to right
    light = np.linspace(1.0, 0.6, 300)[:, None]  # and the light from top to bottom
    page = read_ink(((220 - (220 - pixels) * faint) * light).astype(np.uint8))
    assert len(page.boxes) == len(GRID)
    assert page.soft[pixels == 40].min() > 0.7


@pytest.mark.parametrize("angle", [-2.0, 1.3, 4.0])
def test_skew_is_found_to_a_tenth_or_so(angle):
    long = sheet([(x, y, x + 12, y + 14) for y in range(60, 560, 40) for x in range(60, 740, 16)], (620, 800))
    turned = Image.fromarray(long).rotate(-angle, Image.Resampling.BICUBIC, fillcolor=220)  # Pillow turns to the left
    assert read_ink(np.asarray(turned)).skew == pytest.approx(angle, abs=0.2)
    assert read_ink(long).skew == 0


def test_cut_erases_what_merely_intrudes():
    #      the mark            a long stroke from above        a dot fully inside
    page = straight(sheet([(100, 100, 120, 130), (126, 20, 130, 112), (110, 136, 115, 141), *GRID[-17:]]))
    (whole,) = cut(page, np.array([[95, 95, 135, 145]]))
    assert whole.shape == (50, 40) and whole.dtype == np.float32
    assert whole[10:30, 8:22].min() > 0.9 and whole[42:45, 16:19].min() > 0.9
    assert whole[:, 28:].max() == 0  # the stroke, with its rim


def test_cut_keeps_a_part_of_what_it_halves_if_there_is_little_else():
    page = straight(sheet([(100, 100, 180, 120), *GRID[-17:]]))
    (part,) = cut(page, np.array([[98, 95, 130, 125]]))
    assert part[6:24, 4:].min() > 0.9


def test_cut_beyond_the_page_and_of_nothing():
    page = read_ink(sheet(GRID))
    found = cut(page, np.array([[-10, -10, 40, 60], [500, 500, 510, 510], [390, 290, 500, 400]]))
    assert [one.shape for one in found] == [(60, 40), (1, 1), (10, 10)] and found[1].sum() == 0
    assert cut(page, np.zeros((0, 4), int)) == []


@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (3, 900), (200, 150)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_empty_pages_have_no_ink(shape, value):
    page = read_ink(np.full(shape, value, np.uint8))
    assert len(page.boxes) == 0 and page.soft.max() == 0 and page.skew == 0 and page.height > 0


def test_real_pages_have_dark_ink_and_are_cut_fast():
    import time

    root = os.environ.get("GANKIT_TEST_DATA")
    if not root:
        pytest.skip("needs GANKIT_TEST_DATA: scanned pages")
    pixels = open_grey(Path(root, "sketch/pages/kant1784_0017.jpg"))
    page = read_ink(pixels)
    assert page.kind == "dark" and 20 < page.height < 40 and page.skew == 0
    random = np.random.default_rng(0)
    boxes = page.boxes[random.integers(len(page.boxes), size=1000)] + [-15, -10, 15, 10]
    start = time.process_time()
    assert len(cut(page, boxes)) == 1000
    assert time.process_time() - start < 1  # 0.1 s on a free machine


def test_crops_of_a_skewed_page_are_turned_upright():
    page = Image.new("L", (900, 700), 235)
    pen = ImageDraw.Draw(page)
    for line in range(8):
        for word in range(9):
            pen.rectangle((60 + 90 * word, 60 + 75 * line, 60 + 90 * word + 60, 60 + 75 * line + 12), fill=20)
    straight = np.asarray(page)
    tilted = np.asarray(page.rotate(-3, Image.Resampling.BICUBIC, fillcolor=235))  # clockwise: lines descend
    seen = read_ink(tilted)
    assert seen.skew == pytest.approx(3, abs=0.2)
    middle = [box for box in seen.boxes.tolist() if 300 < box[0] < 600 and 250 < box[1] < 450]
    assert len(middle) >= 4
    for crop in cut(seen, np.array(middle)):
        rows = np.flatnonzero((crop > 0.5).any(1))
        assert rows[-1] - rows[0] + 1 <= 15  # a bar of 13 pixels; tilted, 60 pixels of it would rise by 3 more
    assert read_ink(straight).skew == 0
