"""A short training learns what an untrained network of the same shape does not know."""

import numpy as np
import pytest
from gankit_sketch_retrieval.config import SketchConfig
from gankit_sketch_retrieval.evaluation.held_out import Views
from gankit_sketch_retrieval.features.encoder import Encoder
from gankit_sketch_retrieval.recipe import SketchRetrieval

from gankit.config import resolve
from gankit.runs import build_networks, fit


def figures(begun=True, **options):
    """Before, where `begun` says so, and after 150 steps on drawn symbols, of kinds that were held out."""
    fixed = {"data": "symbols", "width": 8, "steps": 150, "training.batch_size": 64, "training.steps_per_call": 25}
    recipe = SketchRetrieval(resolve(SketchConfig, {}, {**fixed, **options}))
    data = recipe.data()
    opened = data.held_out["opened"]
    assert not set(opened.train.labels) & set(opened.test.labels)
    views = Views.of(opened.test, 0.0)
    found = [build_networks(recipe, data)] * begun + [fit(recipe)]
    return [views.figures(Encoder.of(recipe.config, networks, opened.train.pictures).embed) for networks in found]


@pytest.mark.slow
def test_the_contrast_learns_to_find():
    before, after = figures()
    assert after["map"] > before["map"] + 15
    assert after["kept_15"] > before["kept_15"] + 10
    assert after["p1"] > before["p1"]


@pytest.mark.slow
def test_a_game_alone_runs_to_the_end():
    """A BiGAN; that of the discriminator's features is run to its figures and pictures in test_variants.py."""
    options = {"network": "sketch-gan", "game": "bigan", "steps": 20, "training.batch_size": 16}
    (after,) = figures(begun=False, **options)
    assert all(np.isfinite(value) for value in after.values())
    assert after["map"] > 20
