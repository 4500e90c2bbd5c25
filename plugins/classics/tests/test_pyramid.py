"""The Laplacian pyramid of lapgan: what a level has to add, and that nothing is lost."""

import numpy as np
import pytest
from gankit_classics.lapgan import LAPGAN

from gankit import Data
from gankit.config import resolve


class Residuals:
    """In place of a generator: the true residual of each picture, on the guide that it is given."""

    def __init__(self, pictures):
        self.pictures = pictures

    def __call__(self, given, training):
        return self.pictures - np.asarray(given[1]) if isinstance(given, list) else self.pictures


def halved(image, times):
    from gankit_classics.games import pyramid

    return np.asarray(pyramid.coarse(image, times))


@pytest.mark.parametrize(("side", "levels"), [(28, 3), (8, 2), (64, 4)])
def test_with_the_true_residuals_the_levels_give_the_picture(side, levels):
    pixels = np.random.default_rng(0).integers(0, 256, (5, side, side, 1), np.uint8)
    image = pixels.astype(np.float32) / 127.5 - 1
    recipe = LAPGAN(resolve(LAPGAN.Config, {}, {**LAPGAN.tiny, "levels": levels}))
    data = Data({}, {}, {"side": side, "channels": 1})
    networks = {f"generator-{level}": Residuals(halved(image, levels - 1 - level)) for level in range(levels)}
    noise = recipe.noise(data, 5, seed=0)
    assert [x.shape[1] for x in recipe.grown(networks, noise)] == [side // 2**i for i in reversed(range(levels))]
    np.testing.assert_allclose(recipe.grown(networks, noise)[-1], image, atol=2e-7)
    assert np.array_equal(recipe.pictures(networks, noise), pixels)


def test_of_a_smooth_picture_the_residual_is_small():
    from gankit_classics.games import pyramid

    y, x = np.mgrid[:32, :32] / 32
    image = (x * y)[None, :, :, None].astype(np.float32)
    coarse = halved(image, 1)
    assert np.abs(image - np.asarray(pyramid.enlarged(coarse)))[:, 4:-4, 4:-4].max() < 1e-3
    assert coarse.std() > 0.2


@pytest.mark.parametrize(("given", "coarsest"), [({"steps": 40}, 300), ({"steps": 40, "coarsest_steps": 7}, 7)])
def test_the_coarsest_level_follows_the_others_unless_it_is_told(given, coarsest):
    recipe = LAPGAN(resolve(LAPGAN.Config, {}, {**LAPGAN.tiny, **given}))
    stages = recipe.stages(Data({}, {}, {"side": 8, "channels": 1}))
    assert [stage.steps for stage in stages] == [coarsest, 40]


def test_digits_by_name_are_framed_for_three_levels():
    recipe = LAPGAN(resolve(LAPGAN.Config, {}, {**LAPGAN.tiny, "levels": 3}))
    assert recipe.data().facts["side"] == 16
