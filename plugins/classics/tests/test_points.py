"""Mixtures whose modes can be counted."""

import numpy as np
import pytest
from gankit_classics.kinds.points import GRID, RING


@pytest.mark.parametrize(("mixture", "modes"), [(RING, 8), (GRID, 25)])
def test_the_mixture_itself_is_perfect(mixture, modes):
    figures = mixture.scores(mixture.points(10_000, seed=3))
    assert figures["modes"] == modes
    # Within three deviations of the centre lies 1 - exp(-9/2) of a Gaussian in the plane.
    assert figures["high_quality"] == pytest.approx(1 - np.exp(-4.5), abs=0.004)
    assert figures["balance"] > 0.999
    # E[r^2 | r < 3] of that Gaussian is 2 - 9 q / (1 - q), q = exp(-9/2), of which a coordinate has the half.
    beyond = np.exp(-4.5)
    assert figures["spread"] == pytest.approx(np.sqrt(1 - 4.5 * beyond / (1 - beyond)), abs=0.02)


def test_modes_that_shrank_are_seen():
    centres, deviation = RING.centres, RING.spread
    noise = np.random.default_rng(0).normal(0, 0.4 * deviation, (8000, 2))
    assert RING.scores(centres.repeat(1000, axis=0) + noise)["spread"] == pytest.approx(0.4, abs=0.01)


def test_collapse_on_two_modes_is_counted():
    centres = RING.centres
    points = np.repeat(centres[[1, 4]], [7500, 2500], axis=0)
    figures = RING.scores(points)
    assert figures == {
        "modes": 2.0,
        "high_quality": 1.0,
        "balance": pytest.approx(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25)) / np.log(8)),
        "spread": 0.0,
    }


def test_a_mode_needs_one_sample_in_five_hundred():
    centres = RING.centres
    points = np.repeat(centres[[0, 1, 2]], [961, 20, 19], axis=0).repeat(10, axis=0)
    assert RING.scores(points)["modes"] == 3
    few = np.repeat(centres[[0, 1]], [9981, 19], axis=0)
    assert RING.scores(few)["modes"] == 1


def test_points_between_the_modes_count_for_nothing():
    figures = GRID.scores(np.full((1000, 2), 1.0))
    assert figures["modes"] == 0 and figures["high_quality"] == 0 and np.isfinite(figures["balance"])
