"""Baselines: what each computes, and the table that they are known by."""

import os
from pathlib import Path

import numpy as np
import pytest
from gankit_sketch_retrieval.evaluation.retrieval import scores
from gankit_sketch_retrieval.features.baselines import FUNCTIONS, fitted
from gankit_sketch_retrieval.marks.normalisation import normalised
from scipy import ndimage

NAMES = ("pixels", "PCA-64", "blurred pixels", "HOG", "HOG tuned")


@pytest.fixture(scope="module")
def marks():
    rng = np.random.default_rng(0)
    return (255 * (ndimage.gaussian_filter(rng.random((12, 64, 64)), (0, 2, 2)) > 0.5)).astype(np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_unit_rows_that_do_not_depend_on_their_neighbours(marks, name):
    embed = fitted(marks)[name]
    rows = embed(marks)
    assert rows.dtype == np.float32 and len(rows) == 12
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(embed(marks[3:5]), rows[3:5], atol=1e-5)
    assert embed(marks[:0]).shape == (0, rows.shape[1])


@pytest.mark.parametrize("name", NAMES)
def test_no_ink_is_no_fault(marks, name):
    assert np.isfinite(fitted(marks)[name](np.zeros((1, 64, 64), np.uint8))).all()


def test_pixels_are_compared_as_they_are(marks):
    rows = FUNCTIONS["pixels"](marks)
    a, b = marks[0].astype(float), marks[1].astype(float)
    assert rows[0] @ rows[1] == pytest.approx((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()), abs=1e-5)


def test_blur_is_a_gaussian_of_sigma_2(marks):
    soft = ndimage.gaussian_filter(marks[4].astype(float), 2)[::2, ::2].ravel()
    np.testing.assert_allclose(FUNCTIONS["blurred pixels"](marks[4:5])[0], soft / np.linalg.norm(soft), atol=1e-6)


def test_hog_has_the_settings_of_its_name(marks):
    from skimage.feature import hog

    plain = hog(marks[2].astype(float))
    soft = ndimage.gaussian_filter(marks[2] / 255, 1.5)
    tuned = hog(soft, orientations=9, pixels_per_cell=(12, 12), cells_per_block=(2, 2))
    for name, expected in (("HOG", plain), ("HOG tuned", tuned)):
        np.testing.assert_allclose(FUNCTIONS[name](marks[2:3])[0], expected / np.linalg.norm(expected), atol=1e-4)


def test_pca_is_the_leading_singular_vectors():
    # Six directions carry nearly all variance, so that the 64 kept are sure to hold them.
    rng = np.random.default_rng(1)
    basis = rng.normal(size=(6, 4096))
    marks = np.clip(128 + rng.normal(size=(90, 6)) @ basis * 8, 0, 255).astype(np.uint8).reshape(90, 64, 64)
    flat = marks.reshape(90, -1) / 255
    mean = flat.mean(0)
    axes = np.linalg.svd(flat - mean, full_matrices=False)[2][:64]
    expected = (flat - mean) @ axes.T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    rows = fitted(marks)["PCA-64"](marks)
    assert rows.shape == (90, 64)
    np.testing.assert_allclose(rows @ rows.T, expected @ expected.T, atol=0.01)
    assert fitted(marks[:20])["PCA-64"](marks).shape == (90, 19)


TABLE = {  # mAP, P@1, P@10 of the clean query, and mAP of the query rotated by 15 and by 30 degrees
    "pixels": (23.9, 53.5, 32.4, 14.8, 6.6),
    "PCA-64": (27.1, 56.4, 35.8, 18.0, 8.0),
    "blurred pixels": (32.5, 66.4, 42.4, 19.7, 8.2),
    "HOG": (42.5, 73.1, 53.0, 24.2, 9.4),
    "HOG tuned": (47.0, 77.3, 58.0, 27.3, 9.6),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_table_on_omniglot(name):
    root = os.environ.get("GANKIT_TEST_DATA")
    if not root:
        pytest.skip("GANKIT_TEST_DATA is not set: it names the folder with sketch/omniglot/omniglot64.npz")
    with np.load(Path(root) / "sketch/omniglot/omniglot64.npz") as data:
        train, test, labels = (data[key] for key in ("train", "test", "test_labels"))
    embed = fitted(np.stack([normalised(mark / np.float32(255)) for mark in train]))[name]
    room = np.pad(test, ((0, 0), (16, 16), (16, 16))) / np.float32(255)
    found = []
    rows = {}
    for angle in (0, 15, 30):
        turned = np.clip(ndimage.rotate(room, angle, axes=(1, 2), reshape=False, order=1), 0, 1)
        rows[angle] = embed(np.stack([normalised(mark) for mark in turned]))
        result = scores(rows[angle], rows[0], labels, labels, same=True)
        found += result.figures.values() if not angle else [result.map]
    assert 100 * np.array(found) == pytest.approx(np.array(TABLE[name]), abs=0.6)
