"""Pictures in a grid: every one where it belongs."""

import numpy as np
import pytest

from gankit.images import picture_grid


def test_each_picture_stands_where_it_belongs():
    pictures = np.arange(6, dtype=np.uint8).repeat(56 * 56).reshape(6, 56, 56, 1) * 40
    grid = np.asarray(picture_grid(pictures, 3))
    assert grid.shape == (2 * 56 + 2, 3 * 56 + 2 * 2)
    assert grid[56 + 2, 2 * (56 + 2)] == 200 and grid[0, 0] == 0 and grid[56, 0] == 255


def test_small_pictures_are_enlarged_without_smoothing():
    pictures = np.array([[[0, 255], [255, 0]]] * 2, np.uint8)
    grid = np.asarray(picture_grid(pictures, 1, gap=1, least=6))
    assert grid.shape == (15, 6)
    np.testing.assert_array_equal(grid[:6], np.kron(pictures[0], np.ones((3, 3), np.uint8)))
    assert (grid[6:9] == 255).all()


def test_only_rows_with_labels_have_room_for_them():
    pictures = np.full((4, 20, 30, 3), 128, np.uint8)
    heads = np.asarray(picture_grid(pictures, 2, gap=4, labels=("left", "right")))
    assert heads.shape == (16 + 20 + 4 + 20, 64, 3)
    for left in (0, 34):
        assert (heads[:16, left : left + 30] < 100).any() and (heads[16:36, left : left + 30] == 128).all()
    assert (heads[40:60, :30] == 128).all()
    assert picture_grid(pictures, 2, gap=4, labels=("a",) * 4).size == (64, 2 * (16 + 20) + 4)


def test_frames_and_a_column_apart():
    red, grey = (255, 0, 0), (9, 9, 9)
    pictures = np.zeros((4, 10, 10), np.uint8)
    grid = np.asarray(picture_grid(pictures, 2, gap=4, frames=(red, grey) * 2, apart=12))
    assert grid.shape == (2 * 16 + 3 * 4, 2 * 16 + 3 * 4 + 12, 3)
    assert (grid[:4] == 255).all() and (grid[4, 4] == red).all() and (grid[7, 7] == 0).all()
    assert (grid[4, 20:36] == 255).all() and (grid[4, 36] == grey).all()


def test_pictures_of_several_sizes_and_colours():
    grid = np.asarray(picture_grid([np.zeros((4, 6), np.uint8), np.full((8, 2, 3), 7, np.uint8)], 2, gap=0))
    assert grid.shape == (8, 12, 3) and (grid[:4, :6] == 0).all() and (grid[4:, :6] == 255).all()
    assert (grid[:, 6:8] == 7).all() and (grid[:, 8:] == 255).all()
    with pytest.raises(ValueError, match="zip"):
        picture_grid(np.zeros((2, 4, 4), np.uint8), 2, frames=((0, 0, 0),))
