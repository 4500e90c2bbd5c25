"""Tiles against the whole picture, and their sizes."""

import numpy as np
import pytest
from gankit_srgan.enlarger import CELLS, in_cells
from gankit_srgan.upscale.pictures import Header, Picture
from gankit_srgan.upscale.planes import Ensemble, Painter
from gankit_srgan.upscale.tiles import LARGEST, cuts, side, strips
from scipy import ndimage

from gankit.errors import UsageError


def picture(height, width, colours=3, bits=8, alpha=False, seed=0):
    rng = np.random.default_rng(seed)
    dtype = np.uint8 if bits == 8 else np.uint16
    colour = rng.integers(0, 2**bits, (height, width, colours), dtype)
    header = Header(None, "png", width, height, colours, bits, alpha)
    return Picture(header, colour, rng.integers(0, 2**bits, (height, width), dtype) if alpha else None)


def whole(enlarger, of, tile):
    height, width = of.colour.shape[:2]
    rows, columns = (cuts(size, tile, enlarger.radius, enlarger.cell) for size in (height, width))
    painter = Painter(enlarger, of, of.header.bits)
    return np.concatenate(list(strips(painter, rows, columns, enlarger.scale)))


@pytest.mark.parametrize("radius", [0, 1, 7, 20])
@pytest.mark.parametrize("tile", [41, 48, 100, 384])
@pytest.mark.parametrize("size", [1, 2, 40, 41, 42, 99, 500, 12_001])
def test_cuts_tile_an_axis(size, tile, radius):
    found = cuts(size, tile, radius)
    assert found[0].begin == 0 and found[-1].end == size
    for i, cut in enumerate(found):
        assert 0 <= cut.start <= cut.begin < cut.end <= cut.stop <= size
        assert cut.stop - cut.start == found[0].stop - found[0].start <= tile
        # Far from a cut, or at the border of the picture.
        assert cut.start == 0 or cut.begin - cut.start >= radius
        assert cut.stop == size or cut.stop - cut.end >= radius
        assert i == 0 or cut.begin == found[i - 1].end


@pytest.mark.parametrize("tile", [49, 100, 384])
@pytest.mark.parametrize("size", [1, 50, 99, 501, 12_001])
def test_cuts_begin_where_cells_do(size, tile):
    found = cuts(size, tile, 7, cell=4)
    assert found[0].begin == 0 and found[-1].end == found[-1].stop == size
    for i, cut in enumerate(found):
        assert cut.start % 4 == 0 and cut.stop - cut.start <= tile
        assert cut.start == 0 or cut.begin - cut.start >= 7
        assert cut.stop == size or cut.stop - cut.end >= 7
        assert i == 0 or cut.begin == found[i - 1].end
    assert len({-(cut.start - cut.stop) // 4 for cut in found[:-1]}) <= 1


@pytest.mark.parametrize("ensemble", [False, True])
@pytest.mark.parametrize("size", [(37, 61), (64, 93)])
def test_tiles_of_a_network_of_cells_equal_the_whole(size, ensemble):
    network = Cells()
    network = Ensemble(network) if ensemble else network
    of = picture(*size)
    np.testing.assert_array_equal(whole(network, of, 24), whole(network, of, 0))


class Cells:
    """Each pixel becomes the mean of its cell of four pixels and of both neighbouring cells, enlarged by two."""

    name, scale, radius, cell, generative, bytes_per_pixel = "cells", 2, 7, 4, False, 4000

    def __call__(self, low):
        return in_cells(self.means, 4, 2)(low)

    def means(self, low):
        batch, height, width, channels = low.shape
        cells = low.reshape(batch, height // 4, 4, width // 4, 4, channels).mean((2, 4))
        cells = ndimage.uniform_filter(cells.astype(np.float64), (0, 3, 3, 0), mode="constant")
        return np.floor(cells.repeat(8, 1).repeat(8, 2) * 2**20) / 2**20


def test_cuts_are_as_few_as_possible_and_waste_little():
    assert len(cuts(384, 384, 16)) == 1
    assert len(cuts(385, 384, 16)) == 2
    assert len(cuts(2 * 368, 384, 16)) == 2
    assert len(cuts(2 * 368 + 1, 384, 16)) == 3
    assert cuts(400, 384, 16)[0].stop == 216  # two of 216, not two of 384


def test_tiles_that_are_all_overlap_are_refused():
    with pytest.raises(UsageError, match="too small") as error:
        cuts(100, 40, 20)
    assert "--tile 104" in error.value.hint
    assert cuts(40, 40, 20)  # the whole picture has no overlap


@pytest.mark.parametrize("tile", [11, 13, 24, 37])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (37, 41), (64, 93)])
def test_tiles_equal_the_whole(blur, size, tile):
    network = blur(3, 5)
    if tile == 11:  # of each tile one pixel is kept, so that a picture takes as many calls as it has pixels
        size = [min(side, 24) for side in size]
    for colours, alpha in ((3, False), (1, True)):
        of = picture(*size, colours, alpha=alpha)
        np.testing.assert_array_equal(whole(network, of, tile), whole(network, of, 0))


def test_a_radius_too_small_would_be_noticed(blur):
    network, of = blur(3, 5), picture(64, 93)
    network.radius = 4
    assert (whole(network, of, 24) != whole(network, of, 0)).any()


def test_tiles_have_one_shape(blur):
    network = blur(2, 5)
    whole(network, picture(93, 150), 40)
    assert len(network.shapes) == 1


@pytest.mark.parametrize("generator", ["compact", "unet"])
def test_tiles_of_a_trained_network_equal_the_whole(generator):
    import keras
    from gankit_srgan import networks
    from gankit_srgan.footprint import receptive_radius

    keras.utils.set_random_seed(1)
    net = getattr(networks, generator)(2, 2, 8)
    for layer in net.layers:  # the last one starts at zero
        layer.set_weights([np.random.default_rng(2).normal(0, 0.1, w.shape) for w in layer.get_weights()])

    class Network:
        name, scale, radius, cell = "small", 2, receptive_radius(net), CELLS.get(generator, 1)

        def __call__(self, low):
            return in_cells(lambda low: net(low, training=False), self.cell, self.scale)(low)

    of = picture(83, 121) if generator == "compact" else picture(183, 221)
    expected = whole(Network(), of, 0)
    assert expected.std() > 10
    for tile in (33, 48, 64) if generator == "compact" else (108, 133, 200):
        tiled = whole(Network(), of, tile)
        assert np.abs(tiled.astype(int) - expected).max() <= 1
        assert (tiled == expected).all(axis=2).mean() >= 0.9999


def test_ensemble_is_the_mean_over_the_symmetries(blur):
    network = blur(2, 3)
    low = np.random.default_rng(0).uniform(size=(1, 9, 14, 3)).astype(np.float32)
    expected = []
    for flip in (False, True):
        for turns in range(4):
            x = np.rot90(low[0, ::-1] if flip else low[0], turns)
            y = np.rot90(network(x[None])[0], -turns)
            expected.append(y[::-1] if flip else y)
    np.testing.assert_allclose(Ensemble(network)(low)[0], np.mean(expected, 0), atol=1e-6)
    # It has the symmetries itself; the network has not.
    turned = np.rot90(low, 1, (1, 2))
    np.testing.assert_allclose(np.rot90(Ensemble(network)(turned), -1, (1, 2)), Ensemble(network)(low), atol=1e-6)
    assert np.abs(np.rot90(network(turned), -1, (1, 2)) - network(low)).max() > 0.01


def test_tiles_of_an_ensemble_equal_the_whole(blur):
    network, of = Ensemble(blur(2, 3)), picture(40, 61)
    tiled, one = whole(network, of, 24), whole(network, of, 0)
    assert np.abs(tiled.astype(int) - one).max() <= 1 and (tiled == one).mean() >= 0.9999


def test_side_of_a_tile_fits_the_memory():
    assert side(100 * 100 * 1000, 1000, 10) == 96
    assert side(1e12, 1000, 10) == LARGEST
    assert side(-5, 1000, 10) == 48  # half of it is kept, however little memory there is


def test_activation_bytes_of_a_network_are_those_of_its_widest_place():
    import keras
    from gankit_srgan.footprint import activation_bytes
    from gankit_srgan.networks import compact

    x = keras.Input((None, None, 3))
    y = keras.layers.Conv2D(10, 3, padding="same")(x)
    z = keras.layers.Conv2D(20, 3, padding="same")(y)
    out = keras.layers.Conv2D(3, 3, padding="same")(z)
    # The first convolution's 10 channels and the second's 20 live at once; the input is needed no more.
    assert activation_bytes(keras.Model(x, out)) == 4 * 30
    skip = keras.Model(x, keras.layers.Concatenate()([x, out]))
    assert activation_bytes(skip) == 4 * 33
    assert activation_bytes(compact(4)) == pytest.approx(780)


def test_done_counts_every_pixel_once(blur):
    network, of, seen = blur(2, 5), picture(50, 70), []
    rows, columns = cuts(50, 24, 5), cuts(70, 24, 5)
    list(strips(Painter(network, of, 8), rows, columns, 2, seen.append))
    assert sum(seen) == 50 * 70 and len(seen) == len(rows) * len(columns)
