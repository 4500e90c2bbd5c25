"""The Laplacian pyramid of lapgan."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def pyramid():
    from gankit_classics import pyramid

    return pyramid


@pytest.mark.parametrize(("side", "levels"), [(28, 3), (8, 2), (64, 4)])
def test_the_pyramid_of_a_picture_gives_the_picture(pyramid, side, levels):
    image = np.random.default_rng(0).uniform(-1, 1, (3, side, side, 2)).astype(np.float32)
    parts = pyramid.decompose(image, levels)
    assert [part.shape[1] for part in parts] == [side // 2**i for i in reversed(range(levels))]
    np.testing.assert_allclose(pyramid.compose(parts), image, atol=2e-7)


def test_8_bit_pictures_come_back_exactly(pyramid):
    pixels = np.random.default_rng(1).integers(0, 256, (5, 28, 28, 1), np.uint8)
    image = pixels.astype(np.float32) / 127.5 - 1
    again = np.asarray(pyramid.compose(pyramid.decompose(image, 3)))
    assert np.array_equal(np.rint((again + 1) * 127.5).astype(np.uint8), pixels)


def test_of_a_smooth_picture_the_residuals_are_small(pyramid):
    y, x = np.mgrid[:32, :32] / 32
    image = (x * y)[None, :, :, None].astype(np.float32)
    coarse, fine = pyramid.decompose(image, 2)
    assert np.abs(np.asarray(fine)[:, 4:-4, 4:-4]).max() < 1e-3
    assert np.asarray(coarse).std() > 0.2
