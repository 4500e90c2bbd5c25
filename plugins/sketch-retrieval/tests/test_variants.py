"""The compliance kit over the games, which the default does not play."""

import json

import numpy as np
import pytest
from gankit_sketch_retrieval.config import SketchConfig
from gankit_sketch_retrieval.marks.symbols import symbols
from gankit_sketch_retrieval.recipe import SketchRetrieval

from gankit.testing import check_recipe

VARIANTS = {
    "beside a contrast": {"adversarial": 0.1, "play_every": 2},
    "sketch-gan": {"network": "sketch-gan", "feature": "paper"},
    "bigan": {"network": "thin-gan", "game": "bigan"},
    "spectral, R1": {"contrast": 0.0, "spectral": True, "r1": 1.0},
}


class Few(SketchRetrieval):
    """Of 25 kinds of symbols; the figures of all that can be drawn take most of a tiny run's time."""

    @classmethod
    def tiny_data(cls, folder):
        images, labels = symbols(classes=25)
        np.savez(folder / "marks.npz", images=images, labels=labels)
        return {"data": str(folder / "marks.npz")}


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_each_phase_moves_what_it_trains(name, tmp_path):
    class Variant(Few):
        tiny = {**SketchRetrieval.tiny, **VARIANTS[name]}

    check_recipe(Variant, "phases", tmp_path)


@pytest.mark.slow
def test_a_game_ends_with_pictures_of_its_generator(tmp_path):
    class Variant(Few):
        tiny = {**SketchRetrieval.tiny, **VARIANTS["sketch-gan"]}

    check_recipe(Variant, "run", tmp_path)
    (found,) = tmp_path.rglob("evaluation.json")
    # 95 here; features that say nothing of a mark find one in 25.
    assert json.loads(found.read_text())["metrics"]["map"] > 60


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"contrast": 0.0, "adversarial": 0.0}, "one of contrast and adversarial"),
        ({"game": "bigan", "contrast": 1.0}, "bigan needs contrast 0"),
        ({"augment": False}, "contrast needs augment"),
        ({"r1": 1.0}, "r1 is a penalty of the game"),
        ({"network": "sketch-gan", "r1": 1.0}, "without batch normalisation"),
        ({"network": "sketch-gan", "feature": "contrast"}, "feature contrast needs contrast"),
        ({"width": 6}, "multiple"),
    ],
)
def test_options_that_do_not_go_together(options, said):
    with pytest.raises(ValueError, match=said):
        SketchConfig(**options)


def test_what_is_left_out_follows_from_the_network():
    ours, paper = SketchConfig(), SketchConfig(network="sketch-gan")
    assert (ours.contrast_weight, ours.adversarial_weight, ours.kind) == (1.0, 0.0, "contrast")
    assert (paper.contrast_weight, paper.adversarial_weight, paper.kind) == (0.0, 1.0, "pooled")
    assert SketchConfig(game="bigan").reader == "encoder"
    assert (ours.lr_discriminator, ours.lr_resisting) == (1e-3, 2e-4)
    assert (paper.lr_discriminator, paper.lr_resisting) == (2e-3, 2e-3)
    for larger in (SketchConfig(contrast=0.0), SketchConfig(network="sketch-gan", game="bigan")):
        assert (larger.lr_discriminator, larger.lr_resisting) == (2e-4, 2e-4)
    given = SketchConfig(lr=3e-4, lr_generator=5e-4)
    assert (given.lr_discriminator, given.lr_resisting) == (3e-4, 5e-4)
