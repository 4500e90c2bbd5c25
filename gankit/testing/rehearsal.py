"""What a recipe says of networks that have learned nothing: cheap, and it is what a long training ends with."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gankit.recipe import Recipe
from gankit.support.picture_file import open_picture
from gankit.testing.failure import ensure
from gankit.testing.tiny_game import shared


def check_rehearsal(recipe: type[Recipe], folder: Path) -> None:
    """Figures, a baseline and samples come of fresh networks, before one trains."""
    from gankit.runs.loading import build_networks
    from gankit.runs.rehearsal import rehearse

    trainer = shared(recipe).game.trainer
    made = copy.copy(trainer.recipe)  # what building networks leaves in it must not reach the game's
    networks = build_networks(made, trainer.data)
    for name, network in networks.items():
        ensure(
            network is not trainer.state.networks[name],
            f"networks() gives the same {name!r} twice",
            "build new networks at each call: the engine makes copies of them to look at",
        )
    found = rehearse(made, networks, trainer.data, folder)
    check_evaluation(found.evaluation)
    check_pictures(found.files)


def check_evaluation(evaluation: Mapping[str, Any]) -> None:
    """Fails unless the networks and a baseline have figures; an evaluation as JSON has it."""
    metrics, baselines = evaluation["metrics"], evaluation["baselines"]
    ensure(metrics, "the evaluation has no figure", "return an Evaluation with metrics={name: number}")
    ensure(
        baselines,
        "the evaluation has no baseline",
        "a figure alone says little: give those of something simpler, baselines={'untrained': {name: number}}",
    )
    for name, figures in baselines.items():
        more = sorted(set(figures) - set(metrics))
        ensure(
            not more,
            f"the baseline {name!r} has {more and more[0]!r}, which the networks' own figures have not",
            "compare like with like: give it for both, or leave it out",
        )


def check_pictures(files: list[Path]) -> None:
    """Fails unless the pictures among the files open and show something."""
    for path in files:
        if path.suffix in (".png", ".jpg"):
            with open_picture(path) as image:
                low, high = np.asarray(image.convert("L")).min(), np.asarray(image.convert("L")).max()
            ensure(low < high, f"the picture {path.name} is one flat colour", "scale its values to 0..255")
