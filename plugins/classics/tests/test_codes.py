"""InfoGAN's codes."""

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import norm


@pytest.fixture(scope="module")
def codes():
    from gankit_classics.evaluation import codes

    return codes


def test_the_misread_code_is_its_negative_log_likelihood():
    from gankit_classics.games import codes

    rng = np.random.default_rng(0)
    read, truth = rng.normal(size=(6, 3 + 4)).astype(np.float32), rng.uniform(-1, 1, (6, 2)).astype(np.float32)
    category = np.eye(3, dtype=np.float32)[[0, 1, 2, 2, 1, 0]]
    terms = codes.misread(read, category, truth)
    np.testing.assert_allclose(terms["category"], -(log_softmax(read[:, :3], axis=1) * category).sum(1), rtol=1e-5)
    deviation = np.exp(read[:, 5:]) + codes.LEAST_DEVIATION
    expected = -norm.logpdf(truth, read[:, 3:5], deviation).mean(1) - np.log(2 * np.pi) / 2
    np.testing.assert_allclose(terms["codes"], expected, rtol=1e-4)


def test_purity_counts_the_most_frequent_class(codes):
    assert codes.purity(np.array([0, 0, 0, 1, 1]), np.array([2, 2, 1, 3, 3])) == pytest.approx(4 / 5)


def bars(widths):
    pictures = np.zeros((len(widths), 28, 28, 1), np.uint8)
    for picture, width in zip(pictures, widths, strict=True):
        picture[4:24, 14 - width : 14 + width] = 255
    return pictures


def test_a_code_that_widens_is_found_and_another_is_not(codes):
    rng = np.random.default_rng(1)
    widths = rng.integers(1, 12, 400)
    pictures = bars(widths)
    assert codes.moved(widths[:, None] / 12, pictures) > 0.99
    assert codes.moved(rng.uniform(-1, 1, (400, 1)), pictures) < 0.2
    measured = codes.factors(pictures)
    np.testing.assert_allclose(measured["width"], np.sqrt(((2 * widths) ** 2 - 1) / 12), rtol=1e-6)
    np.testing.assert_allclose(measured["height"], np.sqrt((20**2 - 1) / 12), rtol=1e-6)


def test_slant_has_the_sign_of_the_shear(codes):
    y, x = np.mgrid[:21, :21] - 10
    for shear in (-0.5, 0.5):
        picture = ((np.abs(x - shear * y) < 1.5) & (np.abs(y) < 8)).astype(np.uint8)[None, :, :, None] * 255
        assert codes.factors(picture)["slant"][0] == pytest.approx(shear, abs=0.08)
