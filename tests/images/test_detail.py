"""Detail: against a brute-force loop, and crops in proportion to it."""

import numpy as np
import pytest

from gankit.images.crops import ImageCrops
from gankit.images.detail import cells, detail
from gankit.images.pixels import Pixels


def half_busy(height=64, width=96):
    """Flat on the left, noise on the right."""
    image = np.full((height, width, 3), 100, np.uint8)
    image[:, width // 2 :] = np.random.default_rng(0).integers(0, 255, (height, width - width // 2, 3))
    return image


def test_detail_against_a_loop():
    image = np.random.default_rng(1).integers(0, 255, (21, 14, 3), np.uint8)
    grey = image.mean(axis=2)
    for (y, x), found in np.ndenumerate(detail(image)):
        block = grey[4 * y : 4 * y + 4, 4 * x : 4 * x + 4]
        assert found == pytest.approx(np.abs(block - block.mean()).mean(), rel=1e-5)
    assert detail(image).shape == (5, 3)


@pytest.mark.parametrize("shape", [(64, 96), (33, 50), (16, 90), (15, 15)])
def test_cells_cover_the_picture(shape):
    image = np.random.default_rng(2).integers(0, 255, (*shape, 3), np.uint8)
    seen = np.zeros(shape, bool)
    for cell in cells(image, 32):
        assert (cell.height, cell.width) == tuple(min(32, size) for size in shape)
        assert cell.top + cell.height <= shape[0] and cell.left + cell.width <= shape[1]
        seen[cell.top : cell.top + cell.height, cell.left : cell.left + cell.width] = True
    assert seen.all()


def test_a_cells_weight_is_the_mean_of_its_blocks():
    image = half_busy()
    for cell in cells(image, 32):
        inside = image[cell.top : cell.top + 32, cell.left : cell.left + 32]
        assert cell.weight == pytest.approx(detail(inside).mean(), rel=1e-4, abs=1e-6)


def test_rows_are_in_proportion_to_detail():
    image = half_busy()
    source = ImageCrops([image], 16, by="detail", repeat=5000)
    counts = np.diff(source.ends, prepend=0)
    weights = np.array([cell.weight for cell in cells(image, 32)])
    np.testing.assert_allclose(counts, 5000 * weights / weights.sum(), atol=1)
    assert source.n == 5000 and (counts[weights == 0] == 0).all() and (weights == 0).any()


@pytest.mark.parametrize("backing", ["memory", "file"])
def test_crops_of_a_cell_lie_in_it(tmp_path, backing):
    import tensorflow as tf

    flat, busy = np.zeros((40, 40, 3), np.uint8), half_busy()
    images = Pixels.of([flat, busy])
    if backing == "file":
        (tmp_path / "pixels").write_bytes(flat.tobytes() + busy.tobytes())
        images = Pixels([40, 64], [40, 96], images.hashes, images.names, tmp_path / "pixels")
    source = ImageCrops(images, 16, by="detail", repeat=100, augment=False)
    rows = tf.range(source.n, dtype=tf.int64)
    crops = np.rint(source.gather(rows, rows, 3)["hr"].numpy() * 255).astype(np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(busy, (16, 16), (0, 1)).transpose(0, 1, 3, 4, 2)
    lefts = []
    for crop in crops[crops.std((1, 2, 3)) > 0]:
        _, x = np.argwhere((windows == crop).all((2, 3, 4)))[0]  # exists: every crop is a slice of the busy picture
        lefts.append(x)
    # The squares with detail begin at 32 at the earliest.
    assert crops.std((1, 2, 3)).any() and min(lefts) >= 33 and max(lefts) > 70 and len(set(lefts)) > 20


def test_pictures_without_detail_are_cropped_everywhere():
    source = ImageCrops([np.zeros((64, 64, 3), np.uint8)], 16, by="detail", repeat=90)
    assert (np.diff(source.ends, prepend=0) == 10).all()
