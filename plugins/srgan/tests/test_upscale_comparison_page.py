"""The page that shows the result beside bicubic interpolation."""

import base64
import io
import re

import numpy as np
import pytest
from gankit_srgan.upscale.differences import CELL, worst
from PIL import Image, ImageCms

from gankit.images import imresize

PIXELS = np.random.default_rng(0).integers(60, 196, (300, 400, 3), np.uint8)
PIXELS = imresize(imresize(PIXELS, 30, 40), 300, 400)  # smooth: repeating its pixels is almost bicubic interpolation


@pytest.fixture
def spoils(repeat):
    """Repeats pixels, but inverts those that are pure white."""

    class Spoils(repeat):
        name = "spoils <all>"

        def __call__(self, low):
            return super().__call__(np.where(low.min(axis=3, keepdims=True) == 1, 0, low))

    return Spoils


def pictures(page):
    """The pictures of a page, in pairs of bicubic and model."""
    found = re.findall(r'src="data:image/(\w+);base64,([^"]+)"', page)
    images = [Image.open(io.BytesIO(base64.b64decode(data))) for _, data in found]
    assert [image.format.lower() for image in images] == [kind for kind, _ in found]
    return list(zip(images[::2], images[1::2], strict=True))


def test_page_shows_where_they_differ(tmp_path, upscale, spoils):
    source = PIXELS.copy()
    source[200:230, 310:340] = 255
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(source).save(tmp_path / "photo.png", icc_profile=profile)
    result = upscale(spoils(4), tmp_path / "photo.png", tmp_path / "out.png", compare=True, tile=90)
    page = (tmp_path / "out.png.compare.html").read_text("utf-8")
    assert result.compare == str(tmp_path / "out.png.compare.html")
    assert not re.search(r"https?://|<link|src=\"(?!data:)", page)  # it loads nothing
    assert "spoils &lt;all&gt;" in page and "400 x 300 to 1,600 x 1,200 pixels" in page and "shown at 62 %" in page
    assert len(page) < 3e6
    (before, after), *details = pictures(page)
    assert before.size == after.size == (1000, 750)
    assert len(details) == 4 and all(image.size == (256, 256) for pair in details for image in pair)
    assert all(image.info["icc_profile"] == profile for pair in details for image in pair)
    x, y = map(int, re.search(r"1: (\d+), (\d+) in the input, 64 x 64", page).groups())
    assert x <= 310 and x + 64 >= 340 and y <= 200 and y + 64 >= 230  # the spot is in the first detail
    before, after = (np.asarray(image) for image in details[0])
    written = np.asarray(Image.open(tmp_path / "out.png"))
    np.testing.assert_array_equal(after, written[4 * y : 4 * y + 256, 4 * x : 4 * x + 256])
    whole = imresize(source.astype(np.float32), 1200, 1600)
    expected = np.floor(np.clip(whole[4 * y : 4 * y + 256, 4 * x : 4 * x + 256], 0, 255) + 0.5)
    assert np.abs(before - expected).max() <= 1


@pytest.mark.parametrize("corner", [(0, 0), (0, 120), (90, 0), (90, 120), (40, 60)])
def test_tiles_do_not_hide_differences(tmp_path, upscale, spoils, corner):
    y, x = corner
    source = PIXELS[:100, :130].copy()
    source[y : y + 10, x : x + 10] = 255
    Image.fromarray(source).save(tmp_path / "photo.png")
    upscale(spoils(2), tmp_path / "photo.png", tmp_path / "out.png", compare=True, tile=33)
    page = (tmp_path / "out.png.compare.html").read_text("utf-8")
    left, top = map(int, re.search(r"1: (\d+), (\d+) in the input", page).groups())
    side = 100
    assert left <= x + 5 < left + side and top <= y + 5 < top + side


def test_details_of_a_factor_between_two_lie_at_the_same_place(tmp_path, upscale, repeat):
    Image.fromarray(PIXELS).save(tmp_path / "photo.png")
    upscale(repeat(4), tmp_path / "photo.png", tmp_path / "out.png", 2.7, compare=True)
    for before, after in pictures((tmp_path / "out.png.compare.html").read_text("utf-8")):
        difference = np.abs(np.asarray(before).astype(int) - np.asarray(after))
        assert before.size == after.size and difference.mean() < 2
        shifted = np.abs(np.asarray(before).astype(int) - np.roll(np.asarray(after), 3, axis=1))
        assert shifted.mean() > 1.5 * difference.mean()


@pytest.mark.parametrize("kind", ["L", "LA", "RGBA", "I;16"])
def test_page_of_other_kinds(tmp_path, upscale, repeat, kind):
    grey = PIXELS[:, :, 0]
    image = {
        "L": Image.fromarray(grey),
        "LA": Image.fromarray(np.dstack([grey, grey]), "LA"),
        "RGBA": Image.fromarray(np.dstack([PIXELS, grey])),
        "I;16": Image.fromarray(grey.astype(np.uint16) * 257),
    }[kind]
    image.save(tmp_path / "photo.png")
    upscale(repeat(2), tmp_path / "photo.png", tmp_path / "out.png", compare=True)
    for before, after in pictures((tmp_path / "out.png.compare.html").read_text("utf-8")):
        assert before.mode == after.mode == (kind if kind != "I;16" else "L")
        assert np.abs(np.asarray(before).astype(int) - np.asarray(after)).mean() < 3


def test_windows_are_the_worst_and_apart():
    differences = np.zeros((20, 30), np.float32)
    differences[3:5, 4:6], differences[15, 25], differences[3, 20] = 9, 5, 7
    found = worst(differences, 20 * CELL, 30 * CELL, 4 * CELL, 3)
    for (y, x), (row, column) in zip(found, [(3, 4), (3, 20), (15, 25)], strict=True):
        assert y <= row * CELL < y + 4 * CELL and x <= column * CELL < x + 4 * CELL
    assert worst(np.zeros((1, 1), np.float32), 3, 5, 3, 4) == [(0, 0)]


def test_without_compare_there_is_no_page(tmp_path, upscale, repeat):
    Image.fromarray(PIXELS).save(tmp_path / "photo.png")
    assert upscale(repeat(2), tmp_path / "photo.png", tmp_path / "out.png").compare is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.png", "photo.png"]
