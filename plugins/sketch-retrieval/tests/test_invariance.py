"""Transforms against scipy and arithmetic; curves and retrieval against features whose answer is known."""

import csv

import numpy as np
import pytest
from gankit_sketch_retrieval.evaluation import invariance
from gankit_sketch_retrieval.evaluation.invariance import curves, draw_curves, marks_under, retrieval_under, transformed
from gankit_sketch_retrieval.features.baselines import blurred, pixels
from gankit_sketch_retrieval.marks.normalisation import normalised
from PIL import Image
from scipy import ndimage

from gankit.support import write_csv

RNG = np.random.default_rng(0)


def blobs(n, side=64):
    noise = ndimage.gaussian_filter(RNG.random((n, side, side)), (0, 3, 3))
    inside = np.zeros((side, side), bool)
    inside[12:52, 16:48] = True
    return (255 * ((noise > 0.5) & inside)).astype(np.uint8)


def middle(canvas, side=64):
    margin = (len(canvas) - side) // 2
    return canvas[margin : margin + side, margin : margin + canvas.shape[1] - 2 * margin]


@pytest.mark.parametrize("value", [("clean", 0), ("rotation", 0), ("scale", 1), ("shift x", 0)])
def test_nothing_done_changes_nothing(value):
    picture = blobs(1)[0]
    np.testing.assert_array_equal(middle(transformed(picture, *value)), picture)


def test_quarter_turns_are_exact_and_counter_clockwise():
    picture = RNG.integers(0, 255, (64, 64), np.uint8)
    for quarters in (1, 2, 3, -1):
        found = middle(transformed(picture, "rotation", 90 * quarters)).astype(int)
        assert np.abs(found - np.rot90(picture, quarters)).max() <= 1


def test_rotation_is_that_of_scipy():
    picture = ndimage.gaussian_filter(blobs(1)[0], 1)
    found = transformed(picture, "rotation", 21.5)
    margin = (len(found) - 64) // 2
    expected = ndimage.rotate(np.pad(picture, margin).astype(float), 21.5, reshape=False, order=1)
    assert np.abs(found - expected).mean() < 0.5 and np.abs(found - expected).max() < 12


def test_unknown_transforms_are_refused():
    with pytest.raises(ValueError, match="no transform 'skew'"):
        transformed(blobs(1)[0], "skew", 1)


def test_shifts_by_whole_pixels_are_exact():
    picture = blobs(1)[0]
    for transform, axis in (("shift x", 1), ("shift y", 0)):
        np.testing.assert_array_equal(middle(transformed(picture, transform, -5)), np.roll(picture, -5, axis))


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.5])
def test_scale_keeps_the_centre_and_multiplies_area(scale):
    picture = np.zeros((64, 64), np.uint8)
    picture[10:50, 20:60] = 200
    found = transformed(picture, "scale", scale).astype(float)
    assert found.sum() == pytest.approx(scale**2 * picture.sum(), rel=0.02)
    centre = (np.array(found.shape) - 1) / 2 + scale * (np.array([29.5, 39.5]) - 31.5)
    np.testing.assert_allclose(ndimage.center_of_mass(found), centre, atol=0.1)


def test_smaller_pictures_are_averaged():
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 200
    inner = middle(transformed(stripes, "scale", 0.6), 28)
    assert np.ptp(inner) < 90 and inner.mean() == pytest.approx(100, abs=3)


@pytest.mark.parametrize("shape", [(64, 64), (40, 90)])
@pytest.mark.parametrize("value", [("rotation", 45), ("scale", 1.5), ("shift x", 12)])
def test_nothing_is_cut_off(shape, value):
    frame = np.full(shape, 255, np.uint8)
    found = transformed(frame, *value)
    factor = value[1] ** 2 if value[0] == "scale" else 1
    assert found.sum() == pytest.approx(factor * frame.sum(), rel=0.02)
    assert not np.concatenate([found[0], found[-1], found[:, 0], found[:, -1]]).any()


def test_normalised_marks_do_not_know_shift_and_hardly_scale():
    pictures = blobs(3)
    plain = marks_under(pictures, "clean", 0)
    np.testing.assert_array_equal(plain, [normalised(one / np.float32(255)) for one in pictures])
    np.testing.assert_array_equal(marks_under(pictures, "shift y", 12), plain)
    assert np.abs(marks_under(pictures, "scale", 1.4).astype(float) - plain).mean() < 16


def test_the_papers_protocol_cuts_off_at_the_frame():
    pictures = blobs(2)
    moved = marks_under(pictures, "shift x", 20, normalise=False)
    np.testing.assert_array_equal(moved[:, :, 20:], pictures[:, :, :-20])
    assert not moved[:, :, :20].any()
    with pytest.raises(ValueError, match="64 x 64"):
        marks_under([np.zeros((50, 64), np.uint8)], "clean", 0, normalise=False)


def test_curves_are_the_loop(monkeypatch):
    monkeypatch.setattr(invariance, "BATCH", 10)
    pictures = blobs(4)
    angles, scales, shifts = np.array([-30, 0, 12.5]), np.array([0.8, 1]), np.array([-3, 0])
    found = curves(blurred, pictures, "b", normalise=False, angles=angles, scales=scales, shifts=shifts)
    assert [curve.transform for curve in found] == ["rotation", "scale", "shift x", "shift y"]
    for curve in found:
        for value, mean, spread in zip(curve.values, curve.similarity, curve.deviation, strict=True):
            each = []
            for picture in pictures:
                other = marks_under([picture], curve.transform, value, normalise=False)
                each.append(float(blurred(picture[None])[0] @ blurred(other)[0]))
            assert (mean, spread) == pytest.approx((np.mean(each), np.std(each)), abs=1e-5)


def test_shift_curve_by_closed_form():
    """Of a filled square of side 20 moved by k pixels, 1 - k/20 overlaps."""
    square = np.zeros((1, 64, 64), np.uint8)
    square[0, 22:42, 22:42] = 255
    shifts = np.arange(-12, 13)
    found = curves(pixels, square, "p", normalise=False, angles=shifts[:1], scales=np.ones(1), shifts=shifts)
    for curve in found[2:]:
        np.testing.assert_allclose(curve.similarity, 1 - np.abs(shifts) / 20, atol=1e-5)
    assert curves(pixels, square, "p", angles=shifts[:1], scales=np.ones(1), shifts=shifts)[2].similarity.min() > 0.9999


def test_sample_is_bounded_and_seeded():
    few = {"angles": np.array([10.0]), "scales": np.ones(1), "shifts": np.zeros(1), "most": 3}
    pictures = blobs(20)
    first, again, other = (curves(pixels, pictures, "p", **few, seed=seed)[0] for seed in (1, 1, 2))
    assert first.marks == 3 and first.similarity == again.similarity != other.similarity


def test_retrieval_under_transforms():
    pictures, labels = np.repeat(blobs(6), 2, 0), np.repeat(np.arange(6), 2)
    rows = retrieval_under(pixels, pictures, labels, "p", transforms=(("shift x", 6.0), ("rotation", 90.0)))
    assert [(row["transform"], row["value"]) for row in rows] == [("clean", 0), ("shift x", 6), ("rotation", 90)]
    assert rows[0]["map"] == rows[1]["map"] == 1 and rows[0]["ratio"] == 1
    assert rows[2]["ratio"] == pytest.approx(rows[2]["map"]) and rows[2]["map"] < 0.9

    def views(marks):  # the queries turned back
        return np.stack([pixels(marks), pixels(np.rot90(marks, -1, (1, 2)))], 1)

    turned = retrieval_under(pixels, pictures, labels, "p", transforms=(("rotation", 90.0),), queries=views)[1]
    assert turned["map"] == 1


def test_ratio_is_to_plain_clean_queries():
    pictures, labels = blobs(12), np.repeat(np.arange(4), 3)
    rows = retrieval_under(pixels, pictures, labels, "p", transforms=(("rotation", 20.0),))
    assert rows[0]["map"] < 0.9 and rows[1]["ratio"] == rows[1]["map"] / rows[0]["map"]
    other = retrieval_under(pixels, pictures, labels, "p", transforms=(), queries=lambda marks: pixels(marks[::-1]))
    assert other[0]["ratio"] == other[0]["map"] / rows[0]["map"] != 1


def test_tables_and_figure(tmp_path):
    pictures = blobs(3)
    few = {"angles": np.arange(-20, 21, 10.0), "scales": np.array([0.8, 1.0, 1.2]), "shifts": np.array([-2.0, 0, 2])}
    found = [
        *curves(pixels, pictures, "pixels", **few),
        *curves(pixels, pictures, "pixels", normalise=False, **few),
        *curves(blurred, pictures, "blurred", **few),
    ]
    path = tmp_path / "curves.csv"
    write_csv(path, [row for curve in found for row in curve.rows()])
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * (5 + 3 + 3 + 3)
    assert list(rows[0]) == ["model", "normalised", "transform", "marks", "value", "similarity", "deviation"]
    assert rows[2] | {"similarity": float(rows[2]["similarity"])} == {
        "model": "pixels", "normalised": "1", "transform": "rotation", "value": "0.0",
        "similarity": pytest.approx(1, abs=2e-6), "deviation": rows[2]["deviation"], "marks": "3",
    }  # fmt: skip
    picture = Image.open(draw_curves(found, tmp_path / "curves.png", "three marks"))
    assert picture.size == (1000, 640)
    drawn = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    for colour in ((0xD5, 0x5E, 0x00), (0x00, 0x72, 0xB2)):
        assert (drawn == colour).all(1).sum() > 100
