"""Pictures for the recipe `gan`: rows of pixels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit import Data, Evaluation
from gankit_classics.data import facts, to_pixels
from gankit_classics.sheets import sheet

if TYPE_CHECKING:
    from gankit_classics.gan import GAN, GANConfig


def open_data(config: GANConfig) -> Data:
    """Pictures as the field `row` in [-1, 1]."""
    from gankit import ArraySource
    from gankit.images import open_pictures

    found = open_pictures(config.data, size=config.size)
    rows = found.train.images.reshape(len(found.train.images), -1) / np.float32(127.5) - 1
    return Data(
        {"pictures": ArraySource(row=rows)},
        {"set": found},
        {**facts(found), "width": rows.shape[1], "bounded": True},
    )


def decode(rows: np.ndarray, facts: Mapping[str, Any]) -> np.ndarray:
    """What the generator makes -> `[n, side, side, channels]` uint8."""
    return to_pixels(rows.reshape(-1, facts["side"], facts["side"], facts["channels"]))


def evaluate(recipe: GAN, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """Scores of the pictures between their floor and their ceiling."""
    from gankit_classics.evaluation import evaluate

    return evaluate(recipe, networks, data)


def sample(recipe: GAN, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
    """A sheet of pictures from fixed noise."""
    return [sheet(recipe.draw(networks, data, 100, seed=1), out / "samples.png", columns=10)]
