"""Proposals on pages drawn by hand, on real ones, and on composed ones."""

import os
from pathlib import Path

import numpy as np
import pytest
from gankit_sketch_retrieval.evaluation.truth import read_truth
from gankit_sketch_retrieval.marks.ink import open_grey
from gankit_sketch_retrieval.pages.boxes import iou
from gankit_sketch_retrieval.pages.composition import Drawing, compose
from gankit_sketch_retrieval.pages.ink import read_ink
from gankit_sketch_retrieval.pages.proposals import propose


def sheet(boxes, shape=(400, 500)):
    pixels = np.full(shape, 220, np.uint8)
    for x0, y0, x1, y1 in boxes:
        pixels[y0:y1, x0:x1] = 40
    return read_ink(pixels)


def writing(words=((0, 3), (4, 9), (11, 13)), rows=range(40, 360, 40)):
    """Letters of 12 x 20 pixels with gaps of 4; a word's last letter is followed by one letter's width."""
    return [(40 + 16 * i, y, 52 + 16 * i, y + 20) for y in rows for first, last in words for i in range(first, last)]


def best(page, *wanted, **options):
    return iou(np.array(wanted), propose(page, **options)).max(1)


@pytest.fixture(scope="module")
def data():
    root = os.environ.get("GANKIT_TEST_DATA")
    if not root:
        pytest.skip("needs GANKIT_TEST_DATA: scanned pages with boxes")
    return Path(root, "sketch")


def test_letters_and_words_are_proposed_exactly():
    page = sheet(writing())
    letters = writing()
    words = [(40 + 16 * a, y, 36 + 16 * b, y + 20) for y in range(40, 360, 40) for a, b in ((0, 3), (4, 9), (11, 13))]
    assert (best(page, *letters) == 1).all() and (best(page, *words) == 1).all()
    assert (best(page, *words, clusters=False) == 1).all() and (best(page, *words, runs=False) == 1).all()
    assert best(page, *words, runs=False, clusters=False).max() < 0.7


def test_words_on_a_page_askew():
    boxes = [(x0, y0 + x0 // 25, x1, y1 + x0 // 25) for x0, y0, x1, y1 in writing()]  # 2.3 degrees
    page = sheet(boxes)
    words = [(40, y + 1, 84, y + 23) for y in range(40, 360, 40)]
    assert page.skew == pytest.approx(2.3, abs=0.3) and best(page, *words).min() > 0.9


def test_strokes_of_a_drawing_and_dots_are_joined():
    strokes = [(400, 60, 404, 100), (412, 60, 416, 100), (400, 108, 440, 112)]
    page = sheet([*writing(), *strokes, (340, 48, 346, 60), (340, 40, 346, 44)])
    assert (best(page, (400, 60, 440, 112), (340, 40, 346, 60)) == 1).all()
    assert best(page, (400, 60, 440, 112), clusters=False, runs=False)[0] < 0.8


def test_touching_letters_are_cut_at_their_bridge():
    page = sheet([*writing(), (300, 80, 320, 100), (320, 90, 324, 92), (324, 80, 344, 100)])
    halves = [(300, 80, 321, 100), (323, 80, 344, 100)]
    assert best(page, *halves).min() > 0.8 and best(page, *halves, parts=False).max() < 0.7


def test_lines_tied_by_a_stroke_are_cut_apart():
    # A tail from the first letter of every second line into the line below.
    page = sheet([*writing(), *[(47, y, 49, y + 40) for y in range(60, 340, 80)]])
    first = [(40, y, 52, y + 20) for y in range(80, 320, 40)]
    assert iou(np.array(first), page.boxes).max() < 0.4
    # Half of a tail goes with each letter.
    assert best(page, *first, clusters=False, runs=False, parts=False).min() > 0.6


def test_specks_rules_and_frames_are_not_proposed():
    page = sheet([*writing(), (400, 300, 402, 302), (20, 375, 220, 378), (0, 0, 8, 400)])
    found = propose(page)
    for box in ((400, 300, 402, 302), (20, 375, 220, 378), (0, 0, 8, 400)):
        assert iou(np.array([box]), found).max() < 0.1


def test_options_and_limits_hold():
    page = sheet(writing())
    found = propose(page)
    overlaps = iou(found, found)
    np.fill_diagonal(overlaps, 0)
    assert found.dtype == np.int32 and overlaps.max() <= 0.85
    np.testing.assert_array_equal(propose(page, limit=20), found[:20])
    roomy = propose(page, margin=0.2)
    np.testing.assert_array_equal(roomy, np.clip(found + np.array([-4, -4, 4, 4]), 0, [500, 400, 500, 400]))
    assert len(propose(page, clusters=False, runs=False, parts=False)) == len(writing())


def test_connected_writing_gets_room():
    words = [(x, y, x + 60, y + 20) for y in range(40, 360, 40) for x in (40, 140, 240)]
    assert (best(sheet(words), (36, 36, 104, 64)) == 1).all()


def test_nothing_on_an_empty_page():
    assert propose(read_ink(np.full((300, 200), 255, np.uint8))).shape == (0, 4)


def boxes_on(page, path, kind=""):
    truth = read_truth(path, kind)
    return truth.boxes[truth.pages == page]


def test_glyphs_of_a_printed_page(data):
    name = "kant1784_0017.jpg"
    found = propose(read_ink(open_grey(data / "pages" / name)))
    truth = {kind: boxes_on(name, data / "pages/kant1784_boxes.csv", kind) for kind in ("glyph", "word")}
    assert (iou(truth["glyph"], found).max(1) >= 0.5).mean() >= 0.95  # 0.968
    assert (iou(truth["word"], found).max(1) >= 0.5).mean() >= 0.95
    assert len(found) < 3200


def test_words_of_a_clerks_hand(data):
    name = "2790279.jpg"  # not one of those it was tuned on
    found = propose(read_ink(open_grey(data / "gw_pages" / name)))
    assert (iou(boxes_on(name, data / "gw_pages/words.csv"), found).max(1) >= 0.5).mean() >= 0.9  # 0.959
    assert len(found) <= 4000


@pytest.fixture(scope="module")
def composed(data):
    with np.load(data / "omniglot/omniglot64.npz") as file:
        marks, labels = file["test"][::40], file["test_labels"][::40]
    background = open_grey(data / "pages/bengel_abriss01_1751-0007.jpg")[:900]
    return background, marks, labels, compose(background, marks, labels, 3)


def test_drawings_on_a_composed_page_are_proposed(composed):
    page = composed[-1]
    assert len(page.boxes) >= 25
    assert (iou(page.boxes, propose(read_ink(page.pixels))).max(1) >= 0.5).mean() >= 0.9


def test_a_composed_page_is_what_it_says(composed):
    background, marks, labels, page = composed
    again = compose(background, marks, labels, 3)
    np.testing.assert_array_equal(page.pixels, again.pixels)
    assert (page.pixels != compose(background, marks, labels, 4).pixels).any()
    np.testing.assert_array_equal(page.labels, labels[page.rows])
    overlaps = iou(page.boxes, page.boxes)
    np.fill_diagonal(overlaps, 0)
    assert overlaps.max() == 0


def test_the_truth_of_a_composed_page_is_its_ink():
    blank, mark = np.full((500, 500), 230, np.uint8), np.zeros((64, 64), np.uint8)
    mark[20:44, 12:52] = 255
    exact = Drawing(rotation=0, scale=(1, 1), strength=(1, 1), blur=0, noise=0)
    page = compose(blank, mark[None], ["a"], 0, exact)
    rows, columns = np.nonzero(page.pixels < 200)
    assert page.boxes.tolist() == [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]
    assert (page.boxes[0, 2:] - page.boxes[0, :2]).tolist() == [40, 24]
    assert len(compose(np.full((20, 20), 230, np.uint8), mark[None], ["a"], 0, exact).boxes) == 0  # no room
