"""Overlaps and suppression against loops over single pixels and single boxes."""

import numpy as np
import pytest
from gankit_sketch_retrieval.pages.boxes import area, best_first, iou, neighbours, shared


def some(n, seed=0, size=30):
    random = np.random.default_rng(seed)
    corner, sides = random.integers(0, size, (n, 2)), random.integers(1, size // 2, (n, 2))
    return np.hstack([corner, corner + sides])


def painted(box, size=50):
    pixels = np.zeros((size, size), bool)
    pixels[box[1] : box[3], box[0] : box[2]] = True
    return pixels


def test_iou_counts_pixels():
    a, b = some(12), some(9, 1)
    for i, one in enumerate(a):
        assert area(a)[i] == painted(one).sum()
        for j, other in enumerate(b):
            both, either = painted(one) & painted(other), painted(one) | painted(other)
            assert shared(a, b)[i, j] == both.sum()
            assert iou(a, b)[i, j] == pytest.approx(both.sum() / either.sum(), abs=1e-12)


def test_iou_of_boxes_that_touch_and_of_empty_ones_is_0():
    boxes = np.array([[0, 0, 4, 4], [4, 0, 8, 4], [2, 2, 2, 2]])
    np.testing.assert_array_equal(iou(boxes, boxes), [[1, 0, 0], [0, 1, 0], [0, 0, 0]])


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.85])
def test_neighbours_are_those_of_the_full_matrix(threshold):
    boxes = some(400, 2, 200)  # several chunks
    overlaps = iou(boxes, boxes) > threshold
    np.fill_diagonal(overlaps, True)
    for row, found in enumerate(neighbours(boxes, threshold)):
        np.testing.assert_array_equal(found, np.flatnonzero(overlaps[row]))


def slow_suppress(boxes, scores, threshold):
    left = sorted(range(len(boxes)), key=lambda row: -scores[row])
    kept = []
    while left:
        best, *left = left
        kept.append(best)
        left = [row for row in left if iou(boxes[[best]], boxes[[row]])[0, 0] <= threshold]
    return kept


@pytest.mark.parametrize("seed", range(4))
def test_the_best_first_is_the_loop_with_ties(seed):
    boxes = some(150, seed, 60)
    scores = np.random.default_rng(seed).integers(0, 20, 150) / 20
    kept = best_first(neighbours(boxes, 0.3), np.argsort(-scores, kind="stable"))
    assert kept.tolist() == slow_suppress(boxes, scores, 0.3)
    overlaps = iou(boxes[kept], boxes[kept])
    np.fill_diagonal(overlaps, 0)
    assert overlaps.max() <= 0.3 and len(kept) < 150


def test_nothing_gives_nothing():
    assert best_first(neighbours(np.zeros((0, 4)), 0.5), np.zeros(0, int)).shape == (0,)
    assert iou(np.zeros((0, 4)), some(3)).shape == (0, 3)
