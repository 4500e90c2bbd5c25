"""Ink told from its ground, and brought to one size."""

import io

import numpy as np
import pytest
from gankit_sketch_retrieval.marks.ink import BRIGHT, DARK, grey, ink, open_grey, polarity
from gankit_sketch_retrieval.marks.normalisation import INNER, SIDE, normalised
from PIL import Image

from gankit import DataError


def drawn(ground=230, stroke=30, side=80):
    pixels = np.full((side, side), ground, np.uint8)
    pixels[20:60, 20:28] = stroke
    pixels[52:60, 20:50] = stroke
    return pixels


@pytest.mark.parametrize(("ground", "stroke", "kind"), [(230, 30, DARK), (30, 230, BRIGHT), (140, 100, DARK)])
def test_kind_and_amount(ground, stroke, kind):
    pixels = drawn(ground, stroke)
    assert polarity(pixels) == kind
    found = ink(pixels)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, (pixels == stroke).astype(np.float32))


def test_rims_are_half_way():
    pixels = drawn()
    pixels[20:60, 28] = 130  # (230 + 30) / 2
    np.testing.assert_allclose(ink(pixels)[30, 26:30], [1, 1, 0.5, 0], atol=1e-6)


def test_noise_of_the_paper_is_no_ink():
    rng = np.random.default_rng(0)
    pixels = np.clip(drawn() + rng.normal(0, 4, (80, 80)), 0, 255).astype(np.uint8)
    clean = drawn() == 30
    assert np.abs(ink(pixels) - clean).mean() < 0.02


def test_bold_ink_in_a_tight_crop_is_told_by_the_border():
    pixels = np.full((60, 60), 240, np.uint8)
    pixels[6:54, 6:54] = 20  # 64 % is ink
    assert polarity(pixels) == DARK


@pytest.mark.parametrize("pixels", [np.zeros((30, 30), np.uint8), np.full((30, 30), 255, np.uint8)])
def test_blank_pictures_have_no_ink(pixels):
    assert not ink(pixels).any() and not normalised(ink(pixels)).any()


def test_noise_of_a_blank_scan_is_no_ink():
    rng = np.random.default_rng(0)
    assert not ink(np.clip(rng.normal(240, 3, (90, 90)), 0, 255).astype(np.uint8)).any()
    assert ink(drawn(200, 170)).any()  # faint pencil is


def test_dust_does_not_decide_the_size():
    pixels = np.full((300, 300), 230, np.uint8)
    pixels[100:200, 100:112] = pixels[188:200, 100:180] = 30
    clean = normalised(ink(pixels))
    dusty = pixels.copy()
    dusty[5, 5] = dusty[290, 30] = 20
    np.testing.assert_array_equal(normalised(ink(dusty)), clean)
    dusty[150, 112] = 190  # a rim, less than the box counts
    assert ink(dusty)[150, 112] == pytest.approx(0.2)


def test_drawn_dots_are_no_dust():
    dot = drawn()
    dot[5:8, 60:63] = 30  # 1.7 % of the ink: the dot of an i
    assert (ink(dot)[5:8, 60:63] == 1).all()
    stippled = np.full((300, 300), 230, np.uint8)
    stippled[::10, ::10] = 30  # 900 pieces of 0.1 % each
    np.testing.assert_array_equal(ink(stippled) == 1, stippled == 30)


def test_kind_can_be_said():
    np.testing.assert_array_equal(ink(drawn(), BRIGHT), (drawn() == 230).astype(np.float32))


def saved(picture, name, tmp_path, **options):
    path = tmp_path / name
    picture.save(path, **options)
    return path


def test_modes_show_the_same_picture(tmp_path):
    plain = Image.fromarray(drawn())
    expected = np.asarray(plain)
    clear = Image.new("RGBA", plain.size)
    clear.paste((30, 30, 30, 255), mask=Image.fromarray((expected == 30).astype(np.uint8) * 255))
    pictures = {
        "grey.png": plain,
        "rgb.png": plain.convert("RGB"),
        "palette.gif": plain.convert("P"),
        "bits16.png": Image.fromarray(expected.astype(np.uint16) * 200),
        "float.tif": Image.fromarray(expected.astype(np.float32) / 255),
        "clear.png": clear,
        "binary.png": plain.point(lambda value: 255 * (value > 128), "1"),
    }
    for name, picture in pictures.items():
        found = ink(open_grey(saved(picture, name, tmp_path)))
        np.testing.assert_array_equal(found, (expected == 30).astype(np.float32), err_msg=name)


def test_white_on_transparent_is_laid_on_black():
    strokes = (drawn() == 30).astype(np.uint8) * 255
    picture = Image.merge("LA", (Image.new("L", (80, 80), 255), Image.fromarray(strokes)))
    np.testing.assert_array_equal(grey(picture), strokes)


def test_a_16_bit_picture_keeps_its_range():
    values = np.array([[100, 600], [350, 100]], np.uint16)
    np.testing.assert_array_equal(grey(Image.fromarray(values)), [[0, 255], [128, 0]])


def test_exif_turns_the_picture(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise
    pixels = drawn()[:, :60]
    path = saved(Image.fromarray(pixels), "turned.jpg", tmp_path, exif=exif, quality=95)
    assert np.abs(open_grey(path).astype(int) - np.rot90(pixels, -1)).mean() < 3


def cut_in_half():
    whole = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 80), np.uint8)).save(whole, "PNG")
    return whole.getvalue()[: len(whole.getvalue()) // 2]


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(40), cut_in_half()])
def test_what_is_no_picture_is_said(content, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.png"):
        open_grey(path)


def test_values_that_are_no_numbers_are_said(tmp_path):
    values = np.full((20, 20), np.nan, np.float32)
    with pytest.raises(DataError, match="not finite"):
        open_grey(saved(Image.fromarray(values), "nan.tif", tmp_path))


def test_normalised_is_centred_and_52_long():
    strokes = np.zeros((200, 150), np.float32)
    strokes[10:114, 90:116] = 1  # 104 x 26
    found = normalised(strokes)
    expected = np.zeros((SIDE, SIDE), np.uint8)
    expected[6:58, 25:38] = 255  # 52 x 13; (64 - 13) // 2 = 25
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("stretch", "width"), [(0, 13), (0.5, 26), (1, 52)])
def test_stretch_raises_the_aspect_ratio_to_a_power(stretch, width):
    strokes = np.ones((208, 52), np.float32)  # a ratio of 1/4
    assert (normalised(strokes, stretch) == 255).any(0).sum() == width
    assert (normalised(strokes.T, stretch) == 255).any(1).sum() == width


def test_shrinking_averages_areas():
    stripes = np.zeros((104, 104), np.float32)
    stripes[:, :52:2] = stripes[:, 53::2] = 1  # one column of each two
    assert set(np.unique(normalised(np.pad(stripes, 3))[6:58, 6:58])) == {128}


def test_stretched_strokes_are_not_blocky():
    """The shorter side grows though the longer one shrinks: values in between appear."""
    strokes = np.zeros((60, 6), np.float32)
    strokes[:, :3] = 1
    strokes[0] = 1
    found = normalised(strokes, 1.0)
    row = found[40, 6:58].astype(int)
    assert ((row > 20) & (row < 235)).sum() >= 4 and np.diff(row).max() <= 0


def test_ink_below_the_level_does_not_count():
    strokes = np.zeros((90, 90), np.float32)
    strokes[40:60, 40:60] = 1
    soft = strokes.copy()
    soft[5, 5] = 0.29
    np.testing.assert_array_equal(normalised(soft), normalised(strokes))
    soft[5, 5] = 0.31
    assert (normalised(soft) != normalised(strokes)).any()


def test_one_pixel_is_a_mark():
    strokes = np.zeros((9, 9), np.float32)
    strokes[3, 4] = 1
    assert (normalised(strokes) == 255).sum() == INNER**2
