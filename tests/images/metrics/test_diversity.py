"""MS-SSIM against TensorFlow's figures, a loop and closed forms; duplicates against known copies."""

import math

import numpy as np
import pytest
from scipy import ndimage

from gankit.errors import DataError
from gankit.images.metrics import diversity
from gankit.images.metrics.diversity import WEIGHTS, duplicate_rate, ms_ssim, ms_ssim_diversity, scales_for
from gankit.images.metrics.image_quality import ssim_wang

# tf.image.ssim_multiscale of TensorFlow 2.21 (float32), of `pair` and with the weights of `scales_for`.
TENSORFLOW = [
    ((192, 176, 3), 5, [0.8593784, 0.8502862]),
    ((163, 170, 1), 5, [0.8572563, 0.8510033]),
    ((64, 64, 3), 3, [0.8000922, 0.7768056]),
    ((33, 47, 1), 2, [0.7739954, 0.8149330]),
]


def pair(height, width, channels):
    rng = np.random.default_rng(0)
    a = ndimage.gaussian_filter(rng.uniform(0, 255, (2, height, width, channels)), (0, 3, 3, 0))
    a = np.round((a - a.min()) / (a.max() - a.min()) * 255).astype(np.uint8)
    return a, np.clip(np.round(a * 0.8 + 20 + rng.normal(0, 25, a.shape)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape, scales, expected", TENSORFLOW)
def test_equals_tensorflow(shape, scales, expected):
    assert scales_for(*shape[:2]) == scales
    np.testing.assert_allclose(ms_ssim(*pair(*shape)), expected, rtol=5e-6)


def test_one_scale_is_ssim():
    a, b = pair(20, 18, 1)
    assert scales_for(20, 18) == 1
    expected = [ssim_wang(x[:, :, 0], y[:, :, 0]) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(ms_ssim(a, b), expected, rtol=1e-12)


def test_only_the_coarsest_scale_feels_brightness():
    """Of flat images contrast and structure are 1, and luminance is known."""
    a, b = np.full((1, 64, 64, 1), 100.0), np.full((1, 64, 64, 1), 160.0)
    c1 = 2.55**2
    luminance = (2 * 100 * 160 + c1) / (100**2 + 160**2 + c1)
    weight = WEIGHTS[2] / sum(WEIGHTS[:3])
    assert ms_ssim(a, b)[0] == pytest.approx(luminance**weight, rel=1e-12)
    assert ms_ssim(a / 255, b / 255, peak=1.0)[0] == pytest.approx(luminance**weight, rel=1e-12)


def test_equal_and_opposite():
    a, b = pair(32, 32, 3)
    np.testing.assert_allclose(ms_ssim(a, a), 1, rtol=1e-12)
    np.testing.assert_allclose(ms_ssim(a, b), ms_ssim(b, a), rtol=1e-12)
    np.testing.assert_allclose(ms_ssim(a / 255, b / 255, peak=1.0), ms_ssim(a, b), rtol=1e-12)
    checkers = (np.indices((32, 32)).sum(axis=0) % 2 * 255)[None, :, :, None]
    assert ms_ssim(checkers, 255 - checkers)[0] == 0  # negative structure, cut off


def test_scales():
    sides = {11: 1, 20: 1, 21: 2, 28: 2, 32: 2, 40: 2, 41: 3, 64: 3, 128: 4, 160: 4, 161: 5, 5000: 5}
    assert {side: scales_for(side, side + 9) for side in sides} == sides
    assert scales_for(500, 28) == 2
    with pytest.raises(DataError, match="not 40 x 10"):
        scales_for(10, 40)


def test_in_pieces(monkeypatch):
    a, b = pair(24, 24, 1)
    whole = ms_ssim(a, b)
    monkeypatch.setattr(diversity, "_PIXELS", 1)
    np.testing.assert_allclose(ms_ssim(a, b), whole, rtol=1e-14)
    assert ms_ssim(a[:0], b[:0]).shape == (0,)


def test_diversity_is_the_mean_of_random_pairs(monkeypatch):
    rng = np.random.default_rng(0)
    images = ndimage.gaussian_filter(rng.uniform(0, 255, (5, 24, 24, 1)), (0, 2, 2, 0))
    every = [ms_ssim(images[i : i + 1], images[j : j + 1])[0] for i in range(5) for j in range(i)]
    score = ms_ssim_diversity(images, pairs=600)
    assert score.value == pytest.approx(np.mean(every), abs=4 * np.std(every) / math.sqrt(600))
    assert score.value < 0.9  # none with itself
    assert score.error == pytest.approx(np.std(every) / math.sqrt(2), rel=0.15)  # no more than two pairs are disjoint
    assert ms_ssim_diversity(images[:2], pairs=3).value == pytest.approx(every[0], rel=1e-12)
    few = ms_ssim_diversity(images, pairs=7, seed=3)
    monkeypatch.setattr(diversity, "_PIXELS", 2 * 24 * 24)
    assert ms_ssim_diversity(images, pairs=7, seed=3).value == pytest.approx(few.value, rel=1e-12)
    assert (few.metric, few.better) == ("ms_ssim", None)
    assert few.protocol == {
        "size": "24 x 24 x 1",
        "fake": 5,
        "pairs": 7,
        "seed": 3,
        "peak": 255.0,
        "scales": 2,
        "error": "standard error over pairs",
    }


def test_a_collapsed_generator_is_at_one():
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (40, 16, 16, 1))
    diverse = ms_ssim_diversity(images)
    assert diverse.value < 0.1
    assert 0 < diverse.error < 0.02
    collapsed = ms_ssim_diversity(np.repeat(images[:1], 40, axis=0))
    assert collapsed.value == pytest.approx(1) and collapsed.error == pytest.approx(0, abs=1e-12)


def test_ms_ssim_refusals():
    a = np.zeros((4, 16, 16, 1))
    with pytest.raises(DataError, match=r"\[4, 16, 16, 1\] and \[4, 16, 16, 3\]"):
        ms_ssim(a, np.zeros((4, 16, 16, 3)))
    with pytest.raises(DataError, match=r"\[16, 16, 1\]"):
        ms_ssim(a[0], a[0])
    with pytest.raises(DataError, match="11 x 11 pixels, not 16 x 9"):
        ms_ssim_diversity(a[:, :9])
    with pytest.raises(DataError, match="at least two images"):
        ms_ssim_diversity(a[:1])
    for bad in (a - 1, a + 256, a * np.nan):
        with pytest.raises(DataError, match=r"not in 0\.\.255"):
            ms_ssim_diversity(bad)
    with pytest.raises(ValueError):
        ms_ssim_diversity(a, pairs=0)


# --- duplicates ------------------------------------------------------------------------------------------------------


def test_duplicates_are_counted_on_both_sides():
    x = np.random.default_rng(0).normal(size=(20, 300)).astype(np.float32)
    assert duplicate_rate(x, features="").value == 0
    x[3] = x[17]
    assert duplicate_rate(x, features="").value == 2 / 20
    x[4] = x[17]
    x[0] = x[1]
    assert duplicate_rate(x, features="").value == 5 / 20
    assert duplicate_rate(np.ones((9, 4)), features="").value == 1
    assert duplicate_rate(np.arange(12, dtype=np.uint8)[:, None], features="").value == 0


def test_near_duplicates_by_their_distance():
    x = np.array([[0.0, 0], [3, 4], [100, 0], [106, 8]])
    assert [duplicate_rate(x, features="", tolerance=t).value for t in (4.9, 5, 9.9, 10)] == [0, 0.5, 0.5, 1]
    score = duplicate_rate(x, features="pixels", tolerance=1)
    assert (score.metric, score.error, score.better) == ("duplicate_rate", None, "lower")
    assert score.protocol == {"features": "pixels", "width": 2, "fake": 4, "tolerance": 1.0}


def test_duplicate_refusals():
    with pytest.raises(DataError, match="1 samples, and at least 2"):
        duplicate_rate(np.zeros((1, 3)), features="")
    with pytest.raises(DataError, match="finite"):
        duplicate_rate(np.full((3, 3), np.nan), features="")
    for tolerance in (-1, math.nan):
        with pytest.raises(ValueError):
            duplicate_rate(np.zeros((3, 3)), features="", tolerance=tolerance)
