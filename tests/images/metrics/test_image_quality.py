"""Image metrics against closed forms, scikit-image, a loop and the published bicubic figures."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gankit.images.metrics.image_quality import luma, psnr, shave, ssim_daala, ssim_wang, super_resolution_scores
from gankit.images.resize import imresize

# Ledig et al. (2017), table 2, bicubic: PSNR and daala's SSIM. Wang's SSIM as later papers print it.
PUBLISHED = {
    "Set5": (28.43, 0.8211, 0.8113),
    "Set14": (25.99, 0.7486, 0.7030),
    "BSD100": (25.94, 0.6935, 0.6682),
}


def pair(height=40, width=30, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.uniform(0, 255, (height, width))
    return a, np.clip(a + rng.normal(0, 30, a.shape), 0, 255)


def test_luma_of_the_corners_of_the_cube():
    corners = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    np.testing.assert_allclose(luma(corners)[0], [16, 235, 81.481, 144.553, 40.966], atol=1e-12)
    grey = np.array([[0, 51, 255]], np.uint8)
    np.testing.assert_allclose(luma(grey), luma(np.repeat(grey[..., None], 3, axis=2)), atol=1e-12)
    np.testing.assert_allclose(luma(grey[..., None]), luma(grey))
    with pytest.raises(ValueError):
        luma(np.zeros((4, 4, 2)))


def test_psnr_closed_form():
    a = np.zeros((5, 7), np.uint8)
    assert psnr(a, a + 255) == 0  # also: no wrap-around of bytes
    assert psnr(a + 255, a) == 0
    assert psnr(a, a + 5) == pytest.approx(20 * math.log10(51))
    assert psnr(np.zeros(4), np.full(4, 0.1), peak=1.0) == pytest.approx(20)
    assert psnr(a, a) == math.inf
    with pytest.raises(ValueError, match="shapes"):
        psnr(np.zeros((4, 4)), np.zeros((4, 1)))


def test_ssim_wang_equals_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    a, b = pair()
    _, full = metrics.structural_similarity(
        a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True
    )
    assert ssim_wang(a, b) == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-12)
    assert ssim_wang(a, a) == pytest.approx(1, abs=1e-12)
    with pytest.raises(ValueError, match="11"):
        ssim_wang(a[:10], b[:10])


@pytest.mark.parametrize("height, width", [(40, 30), (64, 5), (3, 3)])
def test_ssim_daala_equals_a_loop(height, width):
    a, b = pair(height, width)
    sigma = height * 1.5 / 256
    radius = int(max(0, sigma * math.sqrt(max(0, -2 * math.log(math.sqrt(math.pi / 2) * sigma / 256)))))
    radius = min(radius, min(height, width) - 1)
    side = [
        int(256 / math.sqrt(2 * math.pi) / sigma * math.exp(-(k**2) / 2 / sigma**2) + 0.5) for k in range(1, radius + 1)
    ]
    kernel = {0: 256 - 2 * sum(side)} | {s * k: side[k - 1] for k in range(1, radius + 1) for s in (-1, 1)}
    total = weights = 0.0
    for y in range(height):
        for x in range(width):
            near = [
                (kernel[i] * kernel[j], a[y + i, x + j], b[y + i, x + j])
                for i in kernel
                for j in kernel
                if 0 <= y + i < height and 0 <= x + j < width
            ]
            w, p, q = np.array(near, float).T
            mean_p, mean_q = np.average(p, weights=w), np.average(q, weights=w)
            var_p, var_q = np.average((p - mean_p) ** 2, weights=w), np.average((q - mean_q) ** 2, weights=w)
            cov = np.average((p - mean_p) * (q - mean_q), weights=w)
            c1, c2 = 2.55**2, 7.65**2
            local = (2 * mean_p * mean_q + c1) * (2 * cov + c2) / (mean_p**2 + mean_q**2 + c1) / (var_p + var_q + c2)
            total, weights = total + w.sum() * local, weights + w.sum()
    assert ssim_daala(a, b) == pytest.approx(total / weights, abs=1e-10)
    assert ssim_daala(a, a) == pytest.approx(1, abs=1e-12)


def test_shave():
    image = np.arange(48).reshape(6, 8)
    np.testing.assert_array_equal(shave(image, 2), [[18, 19, 20, 21], [26, 27, 28, 29]])
    assert shave(image, 0).shape == (6, 8)
    with pytest.raises(ValueError, match="8 x 6"):
        shave(image, 3)


def test_scores_are_of_what_a_file_would_hold_inside_the_border():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (30, 30, 3), dtype=np.uint8)
    output = truth + rng.uniform(-0.49, 0.49, truth.shape)
    output[:4] = 0  # the border doesn't count
    assert super_resolution_scores(truth, output, 4)["psnr_y"] == math.inf
    white = np.full((30, 30, 3), 255, np.uint8)
    assert super_resolution_scores(white, white + 80.0, 2)["psnr_y"] == math.inf
    # one level of grey: 219 / 255 of a level of luma where three channels are stored, a whole one where one is
    grey = np.full((30, 30), 100, np.uint8)
    assert super_resolution_scores(grey, grey + 1, 2)["psnr_y"] == pytest.approx(20 * math.log10(255))
    color = np.repeat(grey[..., None], 3, axis=2)
    assert super_resolution_scores(grey, color + 1, 2)["psnr_y"] == pytest.approx(20 * math.log10(255))
    assert super_resolution_scores(color, color + 1, 2)["psnr_y"] == pytest.approx(20 * math.log10(255 * 255 / 219))


@pytest.mark.parametrize("name", ["Set5", "Set14", pytest.param("BSD100", marks=pytest.mark.slow)])
def test_bicubic_reproduces_the_published_figures(name):
    root = os.environ.get("GANKIT_TEST_DATA")
    if not root or not (Path(root) / "sr" / name).is_dir():
        pytest.skip(f"needs sr/{name} below $GANKIT_TEST_DATA")
    scores = []
    for path in sorted((Path(root) / "sr" / name / "HR").iterdir()):
        truth = np.asarray(Image.open(path))
        small = np.asarray(Image.open(path.parent.parent / "LR_x4" / path.name))
        scores.append(super_resolution_scores(truth, imresize(small, *truth.shape[:2]), 4))
    mean = {key: np.mean([score[key] for score in scores]) for key in scores[0]}
    print(name, mean)
    psnr_y, daala, wang = PUBLISHED[name]
    assert mean["psnr_y"] == pytest.approx(psnr_y, abs=0.03)
    assert mean["ssim_daala"] == pytest.approx(daala, abs=0.002)
    assert mean["ssim_wang"] == pytest.approx(wang, abs=0.002)
