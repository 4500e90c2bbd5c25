"""Pictures of any size brought to one: what is kept, and what is said of the rest."""

import logging

import numpy as np
import pytest
from PIL import Image

from gankit.errors import DataError, UsageError
from gankit.images.fitting import Fit
from gankit.images.reductions import too_small

RNG = np.random.default_rng(0)


def grid(height, width):
    """A picture whose first two channels are the row and the column of each pixel."""
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    return np.stack([rows, columns, 0 * rows], -1).astype(np.uint8)


@pytest.mark.parametrize(
    ("fit", "image", "kept"),
    [
        (Fit(8), (8, 20), (0, 6, 8, 14)),
        (Fit(8), (21, 8), (6, 0, 14, 8)),
        (Fit((8, 12)), (8, 20), (0, 4, 8, 16)),
        (Fit((8, 4)), (20, 4), (6, 0, 14, 4)),
        (Fit(8, "middle"), (9, 13), (0, 2, 8, 10)),
        (Fit((8, 12), "middle"), (20, 12), (6, 0, 14, 12)),
    ],
)
def test_what_is_cut_out(fit, image, kept):
    top, left, bottom, right = kept
    np.testing.assert_array_equal(fit(grid(*image)), grid(*image)[top:bottom, left:right])


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (7, 9), (200, 320)])
def test_the_rest_is_pillows_lanczos(shape):
    image = RNG.integers(0, 256, (*shape, 3), np.uint8)
    height, width = shape
    side = min(shape)
    middle = Image.fromarray(image).crop(
        ((width - side) // 2, (height - side) // 2, (width - side) // 2 + side, (height - side) // 2 + side)
    )
    for fit, source, size in (
        (Fit(16), middle, (16, 16)),
        (Fit(16, "squeeze"), Image.fromarray(image), (16, 16)),
        (Fit((12, 20), "squeeze"), Image.fromarray(image), (20, 12)),
    ):
        expected = source.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        np.testing.assert_array_equal(fit(image), np.asarray(expected))
    grey = Fit(16, "squeeze", 1)(image)
    expected = Image.fromarray(image).convert("L").resize((16, 16), Image.Resampling.LANCZOS, reducing_gap=3.0)
    np.testing.assert_array_equal(grey[..., 0], np.asarray(expected))
    assert grey.shape == (16, 16, 1)


def test_grey_pictures_come_to_the_same_by_one_channel_and_by_three():
    """A folder that turns out to be grey is read as grey: the pixels must be those that three channels would give."""
    for shape in ((40, 60), (16, 16), (700, 500)):
        image = np.repeat(RNG.integers(0, 256, (*shape, 1), np.uint8), 3, -1)
        np.testing.assert_array_equal(Fit(16, channels=1)(image), Fit(16)(image)[..., :1])


def test_halves_are_fitted_each_by_itself():
    image = RNG.integers(0, 256, (20, 50, 3), np.uint8)
    for width, first, second in ((50, slice(0, 25), slice(25, 50)), (49, slice(0, 24), slice(25, 49))):
        left, right = Fit(8, halves=True).copies(image[:, :width])
        np.testing.assert_array_equal(left, Fit(8)(image[:, first]))
        np.testing.assert_array_equal(right, Fit(8)(image[:, second]))
    assert Fit(8, halves=True).shapes(20, 50) == [(8, 8), (8, 8)] and Fit((4, 8)).shapes(20, 50) == [(4, 8)]


def said(caplog, fit, *sizes):
    caplog.clear()
    fit.accept([f"{number}.png" for number in range(len(sizes))], sizes)
    return caplog.messages


def test_what_is_cut_off_is_said(caplog):
    caplog.set_level(logging.INFO, "gankit")
    lines = said(caplog, Fit(8), (8, 8), (10, 40), (16, 20))
    assert lines == [
        "2 of 3 pictures lose what lies outside of their middle, 48 % on average and up to 75 %; "
        "fit='squeeze' keeps the whole"
    ]
    assert said(caplog, Fit(8, "squeeze"), (8, 8), (10, 40)) == []
    assert said(caplog, Fit((8, 16)), (8, 16), (10, 20)) == []
    (line,) = said(caplog, Fit(8, "middle"), (16, 16))
    assert line.endswith("75 % on average and up to 75 %")
    assert said(caplog, Fit(8, halves=True), (8, 16), (8, 17)) == []
    assert "up to 50 %" in said(caplog, Fit(8, halves=True), (8, 32))[0]


def test_what_is_enlarged_or_too_small_is_said(caplog):
    caplog.set_level(logging.INFO, "gankit")
    assert said(caplog, Fit(8), (8, 8), (7, 7)) == ["1 of 2 pictures were smaller than 8 pixels and have been enlarged"]
    assert "than 9 x 8 pixels" in said(caplog, Fit((8, 9), "squeeze"), (8, 8))[0]
    with pytest.raises(DataError, match=r"smaller than a crop of 9 x 8 pixels: 1.png \(8 x 30\)$") as caught:
        said(caplog, Fit((8, 9), "middle"), (8, 9), (30, 8))
    assert caught.value.hint
    with pytest.raises(DataError, match=r"0.png \(0 x 8\)"):
        said(caplog, Fit(8, halves=True), (8, 1))
    assert "e.png (1 x 1) and 2 more" in too_small([f"{name}.png (1 x 1)" for name in "abcdefg"], 8, 8).message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 3}, "pictures of 3 x 3 pixels"),
        ({"size": (8, 2)}, "pictures of 8 x 2 pixels"),
        ({"size": (8,)}, "pictures of 8 pixels"),
        ({"size": 8, "channels": 4}, "4 channels"),
        ({"size": 8, "how": "pad"}, "by 'pad'"),
    ],
)
def test_wrong_fits(options, message):
    with pytest.raises(UsageError, match=message) as caught:
        Fit(**options)
    assert caught.value.hint


def test_fits_that_give_other_pixels_have_other_rules():
    fits = [Fit(8), Fit(8, "squeeze"), Fit(8, "middle"), Fit(8, channels=1), Fit(8, halves=True)]
    assert len({fit.rule for fit in fits}) == 5
