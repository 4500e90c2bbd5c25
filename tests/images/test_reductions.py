"""The sizes at which photographs enter."""

import numpy as np
import pytest

from gankit.images.reductions import Reductions
from gankit.images.resize import imresize


@pytest.mark.parametrize(
    "options, size, shapes",
    [
        ({}, (30, 41), [(30, 41)]),
        ({"factors": (0.25, 1.0, 0.5)}, (40, 62), [(40, 62), (20, 31), (10, 16)]),  # 15.5 is rounded up
        ({"factors": (0.5, 0.5)}, (40, 62), [(20, 31)]),
        ({"factors": (1.0, 0.5, 0.25), "smallest": 20}, (40, 62), [(40, 62), (20, 31)]),
        ({"factors": (1.0, 0.5), "smallest": 41}, (40, 62), []),
        ({"largest": 60}, (40, 60), [(40, 60)]),
        ({"largest": 60}, (60, 120), [(30, 60)]),
        ({"largest": 60}, (120, 60), [(60, 30)]),
        ({"largest": 60, "factors": (1.0, 0.5)}, (100, 200), [(30, 60), (15, 30)]),
        ({"largest": 60, "factors": (1.0, 0.5), "smallest": 16}, (100, 200), [(30, 60)]),
        ({"largest": 2048}, (4000, 6000), [(1365, 2048)]),
    ],
)
def test_shapes(options, size, shapes):
    reductions = Reductions(**options)
    assert reductions.shapes(*size) == shapes
    assert reductions.shapes(*size[::-1]) == [shape[::-1] for shape in shapes]


def test_copies_are_reduced_from_the_photograph_itself():
    image = np.random.default_rng(0).integers(0, 256, (60, 84, 3), np.uint8)
    copies = Reductions((1.0, 0.5, 0.25), 42, 9).copies(image)
    assert [copy.shape for copy in copies] == [(30, 42, 3), (15, 21, 3)]
    for copy in copies:
        np.testing.assert_array_equal(copy, imresize(image, *copy.shape[:2]))
    assert Reductions((0.5, 1.0)).copies(image)[0] is image


@pytest.mark.parametrize(
    "wrong", [{"factors": ()}, {"factors": (0.0,)}, {"factors": (1.5,)}, {"factors": (float("nan"),)}, {"largest": 0},
              {"smallest": 0}]
)  # fmt: skip
def test_what_is_no_reduction_is_refused(wrong):
    with pytest.raises(ValueError, match=r"at least 1|above 0"):
        Reductions(**wrong)
