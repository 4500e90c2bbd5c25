"""NIQE against a published figure of MATLAB's, a second implementation, closed forms and a loop."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage, special
from skimage import data

from gankit.images.metrics import naturalness as module
from gankit.images.metrics.image_quality import luma
from gankit.images.metrics.naturalness import fit_aggd, mscn, niqe
from gankit.images.resize import to_uint8

# basicsr 1.4.2, `calculate_niqe(image[..., ::-1], crop_border)`, of images in scikit-image 0.26.0: its luma, or grey
# for camera (`input_order="HW"`). It computes in float32, which is felt where an image has flat areas.
SECOND = [
    ("camera", 0, 3.096206619345783, 1e-6),
    ("camera", 4, 3.0465181612260595, 2e-4),
    ("coffee", 0, 4.115241615372862, 4e-6),
    ("coffee", 4, 4.079406018889277, 4e-5),
    ("chelsea", 0, 2.6255243812915023, 4e-6),
    ("chelsea", 4, 2.6893133463072423, 4e-6),
    ("astronaut", 0, 3.0649476661847754, 4e-4),
    ("astronaut", 4, 2.9912960484545486, 2e-4),
]


def picture(name):
    image = getattr(data, name)()
    return luma(image) if image.ndim == 3 else image


def test_the_figure_that_matlab_gives(test_data):
    # Printed in basicsr's documentation: the authors' release in MATLAB R2021a, of the baboon's rounded luma.
    path = test_data / "sr" / "Set14" / "HR" / "img_001.png"
    if not path.is_file():
        pytest.skip("needs sr/Set14 below $GANKIT_TEST_DATA")
    assert niqe(luma(np.asarray(Image.open(path)))) == pytest.approx(5.72957338, abs=1e-6)


@pytest.mark.parametrize("name, border, value, tolerance", SECOND)
def test_equals_a_second_implementation(name, border, value, tolerance):
    assert niqe(picture(name), border) == pytest.approx(value, rel=tolerance)


def test_rises_with_blur_and_noise():
    clean = data.chelsea().astype(float)
    noise = np.random.default_rng(0).normal(size=clean.shape)
    blurred = [niqe(ndimage.gaussian_filter(clean, (sigma, sigma, 0))) for sigma in (1, 2, 4)]
    noisy = [niqe(clean + sigma * noise) for sigma in (5, 15, 40)]
    for figures in (blurred, noisy):
        assert np.all(np.diff([niqe(clean), *figures]) > 0.5), figures


def quantiles(shape, left, right, n):
    """A sample without chance: the two halves of generalised Gaussians, each side as frequent as it is wide."""
    parts = []
    for width, sign in ((left, -1), (right, 1)):
        count = round(n * width / (left + right))
        at = (np.arange(count) + 0.5) / count
        parts.append(sign * width * special.gammaincinv(1 / shape, at) ** (1 / shape))
    return np.concatenate(parts)


def test_aggd_is_recovered():
    known = np.array([(0.6, 1.0, 1.0), (1.0, 0.5, 1.5), (2.0, 3.0, 1.0), (2.0, 1.0, 1.0), (5.0, 0.2, 0.3)])
    samples = np.stack([quantiles(*row, n=60_000) for row in known])
    np.testing.assert_allclose(np.stack(fit_aggd(samples), axis=1), known, rtol=4e-3)
    scaled = fit_aggd(samples[:, ::-1] * 7)
    np.testing.assert_allclose(np.stack(scaled, axis=1), known * [1, 7, 7], rtol=4e-3)


def test_aggd_of_a_few_values_by_hand():
    # sides: sqrt(mean(1, 9)) and 2; ratio 2^2 / (14/3), and the shape whose moments come closest to it
    skew = math.sqrt(5) / 2
    ratio = 4 / (14 / 3) * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    grid = np.arange(0.2, 10.0005, 0.001)
    moments = [math.gamma(2 / g) ** 2 / math.gamma(1 / g) / math.gamma(3 / g) for g in grid]
    best = grid[np.argmin(np.abs(np.array(moments) - ratio))]
    width = math.sqrt(math.gamma(1 / best) / math.gamma(3 / best))
    fitted = fit_aggd(np.array([[-1.0, -3.0, 2.0]]))
    np.testing.assert_allclose(np.ravel(fitted), [best, math.sqrt(5) * width, 2 * width], rtol=1e-12)
    # every shape of the table comes back, so that neighbours in it are told apart
    shapes = np.array([0.201, 0.35, 1.234, 3.456, 9.999])
    at = np.rint((shapes - 0.2) * 1000).astype(int)
    np.testing.assert_allclose(module._SHAPES[at], shapes)
    np.testing.assert_allclose(module._RATIOS[at], [moments[i] for i in at])


def test_aggd_without_a_side():
    shape, left, right = fit_aggd(np.array([[1.0, 2.0], [0.0, 0.0], [-1.0, 0.0]]))
    np.testing.assert_array_equal(shape, [0.2, 0.2, 0.2])
    assert np.isnan(left[:2]).all() and left[2] > 0
    assert right[0] > 0 and np.isnan(right[1:]).all()


def test_mscn_equals_a_loop():
    grey = np.random.default_rng(0).integers(0, 256, (9, 12)).astype(float)
    window = np.array([[math.exp(-(y * y + x * x) / (2 * (7 / 6) ** 2)) for x in range(-3, 4)] for y in range(-3, 4)])
    window /= window.sum()
    expected = np.empty_like(grey)
    for y, x in np.ndindex(grey.shape):
        rows, columns = (np.clip(np.arange(v - 3, v + 4), 0, n - 1) for v, n in zip((y, x), grey.shape, strict=True))
        near = grey[np.ix_(rows, columns)]
        mean = (window * near).sum()
        deviation = math.sqrt((window * (near - mean) ** 2).sum())
        expected[y, x] = (grey[y, x] - mean) / (deviation + 1)
    np.testing.assert_allclose(mscn(grey), expected, atol=1e-9)


def test_flat_areas_have_no_sign():
    for level in range(256):
        assert not mscn(np.full((12, 12), float(level))).any()
    step = np.zeros((24, 24))
    step[:, 12:] = 201
    assert not mscn(step)[:, [*range(9), *range(15, 24)]].any()
    assert mscn(step)[:, 9:15].all()


def test_neighbours_in_four_directions():
    rng = np.random.default_rng(0)
    block = rng.normal(size=(1, 6, 6)) ** 3
    features = module._band_features(block)[0]
    shape, left, right = (v[0] for v in fit_aggd(block.reshape(1, -1)))
    np.testing.assert_allclose(features[:2], [shape, (left + right) / 2])
    for i, (dy, dx) in enumerate(((0, 1), (1, 0), (1, 1), (1, -1))):
        products = [[block[0, y, x] * block[0, (y - dy) % 6, (x - dx) % 6] for x in range(6) for y in range(6)]]
        shape, left, right = (v[0] for v in fit_aggd(np.array(products)))
        mean = (right - left) * math.gamma(2 / shape) / math.gamma(1 / shape)
        np.testing.assert_allclose(features[2 + 4 * i : 6 + 4 * i], [shape, mean, left, right])


def test_what_counts_of_an_image():
    image = data.chelsea()  # 300 x 451: 3 x 4 blocks and a rest
    whole = niqe(image)
    assert niqe(image[:288, :384]) == whole
    assert niqe(image[12:, 67:]) != pytest.approx(whole, rel=1e-3)
    assert niqe(image, border=6) == niqe(image[6:294, 6:445])
    assert niqe(image.astype(np.float32) + 0.4) == whole  # as a file of 8 bits would hold it
    # grey as MATLAB makes it: the first row of the inverse of NTSC's matrix, rounded to 8 bits
    weights = np.linalg.inv([[1, 0.956, 0.621], [1, -0.272, -0.647], [1, -1.106, 1.703]])[0]
    colours = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    np.testing.assert_array_equal(module._grey(colours), to_uint8(colours @ weights))
    grey = to_uint8(image @ weights)
    assert niqe(grey) == niqe(grey[:, :, None]) == pytest.approx(whole, rel=1e-9)
    assert niqe(np.repeat(grey[:, :, None], 3, axis=2)) == niqe(grey)


@pytest.mark.parametrize("level, value", [(0, 8.3001653253703), (255, 8.321305209657439)])
def test_a_flat_block_counts_as_it_does_in_the_second_implementation(level, value):
    grey = data.camera().copy()
    grey[:200, 90:390] = level
    assert niqe(grey) == pytest.approx(value, rel=3e-4)


def test_refusals():
    image = data.chelsea()
    assert math.isfinite(niqe(image[:192, :96]))
    for small in (image[:191, :96], image[:96, :191], image[:95]):
        with pytest.raises(ValueError, match="at least two blocks of 96"):
            niqe(small)
    with pytest.raises(ValueError, match=r"not 351 x 94"):
        niqe(image[:194, :452], border=50)
    with pytest.raises(ValueError, match="not flat, and found 0"):
        niqe(np.full((200, 300), 255, np.uint8))
    one = np.full((96, 288), 128, np.uint8)
    one[:, :90] = data.camera()[:96, :90]
    with pytest.raises(ValueError, match="not flat, and found 1"):
        niqe(one)
    for shape in ((200, 200, 4), (200, 200, 2), (2, 200, 200, 3), (200,)):
        with pytest.raises(ValueError, match="grey"):
            niqe(np.zeros(shape))
    with pytest.raises(ValueError, match="finite"):
        niqe(np.full((200, 200), np.nan))
    with pytest.raises(ValueError, match="-1"):
        niqe(image, border=-1)


def test_the_model_and_its_notice():
    mean, covariance = module._pristine()
    assert mean.shape == (36,) and covariance.shape == (36, 36)
    # shape and width of the coefficients at each scale
    np.testing.assert_allclose(mean[[0, 1, 18, 19]], [2.60131, 0.90570, 2.96949, 0.96123], atol=1e-5)
    np.testing.assert_array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance)[0] > 0
    notice = Path(module.__file__).with_name("niqe_pristine.LICENSE.txt").read_text(encoding="utf-8")
    assert "The University of Texas at Austin" in notice and "Permission is hereby granted" in notice
