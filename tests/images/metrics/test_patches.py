"""Wasserstein distances of patches, and the pyramid that they come from, against SciPy and loops."""

import numpy as np
import pytest
from scipy import ndimage

from gankit.errors import DataError
from gankit.images.metrics import patches as module
from gankit.images.metrics.patches import patch_wasserstein, pyramid_down, pyramid_up
from gankit.metrics import samples


def test_the_pyramid_equals_a_two_dimensional_filter():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, 10, 7, 3))
    line = np.array([1, 4, 6, 4, 1]) / 16
    window = np.outer(line, line)
    down = pyramid_down(images)
    assert down.shape == (2, 5, 4, 3)
    up = pyramid_up(down, 10, 7)
    for i, c in np.ndindex(2, 3):
        expected = ndimage.convolve(images[i, :, :, c], window, mode="mirror")[::2, ::2]
        np.testing.assert_allclose(down[i, :, :, c], expected, rtol=1e-12, atol=1e-14)
        spread = np.zeros((10, 7))
        spread[::2, ::2] = expected
        expected = ndimage.convolve(spread, 4 * window, mode="mirror")
        np.testing.assert_allclose(up[i, :, :, c], expected, rtol=1e-12, atol=1e-14)
    flat = np.full((1, 8, 8, 1), 3.0)
    np.testing.assert_allclose(pyramid_up(pyramid_down(flat), 8, 8), flat)


def test_patches_are_parts_of_the_level(monkeypatch):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(9, 16, 20, 2))
    images[:, :, :, 0] = np.arange(9)[:, None, None] * 1e4 + np.arange(16)[:, None] * 100 + np.arange(20)
    whole = module._patches(images, 0, True, 200, np.random.default_rng(5))
    found = whole.reshape(9, 200, 7, 7, 2)
    corner = found[:, :, 0, 0, 0]
    i, y, x = corner // 1e4, corner % 1e4 // 100, corner % 100
    np.testing.assert_array_equal(i, np.repeat(np.arange(9)[:, None], 200, axis=1))
    assert set(np.unique(y)) == set(range(10)) and set(np.unique(x)) == set(range(14))
    assert len(np.unique(y * 100 + x)) == 140  # rows and columns are drawn apart
    at, row, column = 4, int(y[4, 17]), int(x[4, 17])
    np.testing.assert_array_equal(found[4, 17], images[at, row : row + 7, column : column + 7].astype(np.float32))
    monkeypatch.setattr(samples, "_PIECE", 1)
    monkeypatch.setattr(module, "pieces", lambda n, width: (slice(j, j + 2) for j in range(0, n, 2)))
    np.testing.assert_array_equal(module._patches(images, 0, True, 200, np.random.default_rng(5)), whole)


@pytest.mark.parametrize("level, last", [(0, False), (1, False), (1, True)])
def test_patches_of_each_level(level, last):
    images = np.random.default_rng(0).normal(size=(1, 32, 40, 2))
    x = pyramid_down(images) if level else images
    if not last:
        x = x - pyramid_up(pyramid_down(x), *x.shape[1:3])
    every = np.lib.stride_tricks.sliding_window_view(x[0], (7, 7), axis=(0, 1)).transpose(0, 1, 3, 4, 2).reshape(-1, 98)
    found = module._patches(images, level, last, 10, np.random.default_rng(5))
    assert found.shape == (10, 98)
    distances = np.abs(found[:, None] - every).max(axis=2)
    assert distances.min(axis=1).max() < 1e-6
    assert len(set(distances.argmin(axis=1))) > 5


def test_places_are_drawn_by_seed_and_apart_for_each_set(monkeypatch):
    seen = []
    monkeypatch.setattr(module, "along_directions", lambda real, fake, *_: seen.extend((real, fake)) or np.ones(2))
    images = np.random.default_rng(0).normal(size=(4, 16, 16, 1))
    for seed in (1, 1, 2):
        patch_wasserstein(images, images, patches=8, seed=seed)
    np.testing.assert_array_equal(seen[0], seen[2])
    assert np.abs(seen[0] - seen[1]).max() > 1 and np.abs(seen[0] - seen[4]).max() > 1


def test_channels_are_brought_to_mean_zero_and_deviation_one():
    rng = np.random.default_rng(0)
    patches = (rng.normal(size=(500, 49, 3)) * [1, 5, 0.1] + [0, 100, -3]).astype(np.float32).reshape(500, 147)
    found = module._normalised(patches, 3).reshape(-1, 3)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(found.std(axis=0), 1, rtol=1e-4)


def test_each_level_sees_its_own_damage():
    rng = np.random.default_rng(0)
    real = ndimage.gaussian_filter(rng.normal(size=(120, 64, 64, 1)), (0, 1, 1, 0))
    real, other = np.split(real, 2)
    same = patch_wasserstein(real, other, directions=64)
    assert list(same) == [64, 32, 16]
    blurred = patch_wasserstein(real, ndimage.gaussian_filter(other, (0, 2, 2, 0)), directions=64)
    assert blurred[64].value > 5 * same[64].value
    assert max(score.value for score in same.values()) < 0.06
    yy = np.sin(np.arange(64) / 64 * 2 * np.pi)[None, :, None, None]  # a slow wave disturbs the coarsest level alone
    waved = patch_wasserstein(real, other + 0.6 * yy, directions=64)
    assert waved[16].value > 3 * same[16].value
    assert waved[64].value < 2 * same[64].value
    # brightness and contrast of a level don't count, of one set as of both
    assert patch_wasserstein(real, 3 * other + 8, directions=64)[64].value == pytest.approx(same[64].value, rel=1e-3)


def test_the_patch_scores():
    rng = np.random.default_rng(0)
    real, fake = rng.integers(0, 256, (6, 35, 40, 3), dtype=np.uint8), rng.uniform(0, 255, (5, 35, 40, 3))
    scores = patch_wasserstein(real, fake, patches=20, directions=4, seed=2)
    assert list(scores) == [35, 18]
    assert scores == patch_wasserstein(real, fake, patches=20, directions=4, seed=2)
    assert scores[18].value != patch_wasserstein(real, fake, patches=20, directions=4, seed=3)[18].value
    assert scores[18].protocol == {
        "size": "40 x 35 x 3",
        "level": 1,
        "levels": 2,
        "real": 6,
        "fake": 5,
        "patches_an_image": 3,
        "p": 1,
        "directions": 4,
        "seed": 2,
        "error": "standard error over directions",
    }
    assert patch_wasserstein(real, fake, directions=1)[35].protocol["patches_an_image"] == 128
    assert list(patch_wasserstein(real[:, :28, :28], fake[:, :28, :28], directions=1)) == [28]


def test_patch_refusals():
    images = np.random.default_rng(0).normal(size=(4, 32, 32, 3))
    for real, fake, message in (
        (images, images[:, :, :30], r"\[4, 32, 30, 3\]"),
        (images[0], images[0], r"\[32, 32, 3\]"),
        (images[:0], images, r"\[0, 32"),
        (images[:, :15], images[:, :15], "not 32 x 15"),
        (images, images * np.nan, "finite"),
        (images, np.ones_like(images), "contrast"),
    ):
        with pytest.raises(DataError, match=message):
            patch_wasserstein(real, fake, directions=2)
    with pytest.raises(ValueError, match="leave some images out"):
        patch_wasserstein(images, images, patches=3)
