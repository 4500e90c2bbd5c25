"""A model's file, which may come from anybody."""

from dataclasses import replace

import numpy as np
import pytest
from gankit_srgan.model import KIND, Model
from gankit_srgan.models import BOX, Choice
from mutation import altered

from gankit.errors import CheckpointError, GankitError, UsageError
from gankit.support import read_network, write_network

FACTS = {"name": "mine", "generator": "fast", "scale": 4, "options": {"blocks": 1, "width": 4}, "radius": 3}
WEIGHTS = {"000/kernel": np.ones((3, 3, 3, 100), np.float32)}


def test_the_models_in_the_box_are_models():
    for path in BOX.glob("*.safetensors"):
        model = Model.read(path)
        assert model.options == read_network(path, KIND, "")[0]["options"]


@pytest.mark.parametrize(
    "change",
    [
        {"generator": "discriminator"},
        {"generator": "keras"},
        {"generator": None},
        {"scale": "4"},
        {"scale": 0},
        {"scale": 10**9},
        {"options": []},
        {"options": {"blocks": 10**9}},
        {"options": {"blocks": 900, "width": 9000}},
        {"options": {"call": 1}},
        {"options": {}},
        {"generator": "unet", "options": {"blocks": 0, "width": 10_000}},
        {"radius": -1},
        {"more": 1},
        {"name": 3},
    ],
)
def test_facts_are_checked(tmp_path, change):
    path = write_network(tmp_path / "a.safetensors", WEIGHTS, KIND, FACTS | change)
    with pytest.raises(CheckpointError, match="is damaged") as caught:
        Model.read(path)
    assert caught.value.hint


def test_between_two_networks_lie_others():
    base = Model("base", "fast", 4, {"blocks": 1, "width": 4}, 3, {"a": np.float16([1, 2]), "b": np.ones((2, 2))})
    game = replace(base, name="game", weights={"a": np.float32([3, 6]), "b": np.zeros((2, 2))}, generative=True)
    half = game.towards(base, 0.25)
    assert half.weights["a"].tolist() == [1.5, 3] and (half.weights["b"] == 0.75).all() and half.generative
    assert half.name == "game, strength 0.25" and not game.towards(base, 0).generative
    assert game.towards(base, 1).weights["a"].tolist() == [3, 6]
    with pytest.raises(UsageError, match="different shapes"):
        game.towards(replace(base, weights={"a": np.zeros(3)}), 0.5)
    with pytest.raises(UsageError, match="needs two networks, and compact is one"):
        Choice("compact", None, None, 4, strength=0.5).model()


def test_any_other_facts_give_a_model_or_an_error(tmp_path):
    rng = np.random.default_rng(0)
    for _ in range(300):
        facts = altered(FACTS, rng)
        if isinstance(facts, dict):
            path = write_network(tmp_path / "a.safetensors", WEIGHTS, KIND, facts)
            try:
                Model.read(path)
            except GankitError as error:
                assert error.hint
