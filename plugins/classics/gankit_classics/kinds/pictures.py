"""Pictures: as they are for convolutions, and as rows of pixels for the recipe `gan`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gankit import ArraySource, Data, Evaluation
from gankit.images import check_pictures, open_pictures
from gankit_classics.config import PictureFields
from gankit_classics.data import Draw, facts_of, in_range, open_data, to_pixels
from gankit_classics.evaluation.pictures import check_features, picture_evaluation
from gankit_classics.latent import save_sheet


class Pictures:
    """Small pictures as the field `image`, with their labels if they have any."""

    latent = 32

    def open(self, config: PictureFields) -> Data:
        """Opens the pictures, and finds the network of the scores: better before the training than after it."""
        data = open_data(config)
        check_features(config, data)
        return data

    def check(self, config: PictureFields, source: str) -> tuple[dict[str, Any], str]:
        """Which pictures open, their sizes, and how many each class has."""
        return check_pictures(source, config.size)

    def decode(self, rows: np.ndarray, facts: Mapping[str, Any]) -> np.ndarray:
        """What the generator makes -> `[n, side, side, channels]` uint8."""
        return to_pixels(rows.reshape(-1, facts["side"], facts["side"], facts["channels"]))

    def evaluate(self, config: PictureFields, data: Data, draw: Draw, untrained: Draw) -> Evaluation:
        """Scores of the pictures between their floor and their ceiling."""
        return picture_evaluation(config, data, draw, untrained)

    def sample(self, config: PictureFields, data: Data, draw: Draw, out: Path) -> list[Path]:
        """A sheet of pictures from fixed noise."""
        return [save_sheet(draw(100), out / "samples.png")]


class FlatPictures(Pictures):
    """Pictures whose pixels stand in one row, as in the first paper."""

    def open(self, config: PictureFields) -> Data:
        """Pictures as the field `row` in [-1, 1]."""
        found = open_pictures(config.data, size=config.size)
        rows = in_range(found.train.images.reshape(len(found.train.images), -1))
        facts = {**facts_of(found), "width": rows.shape[1], "bounded": True}
        return Data({"pictures": ArraySource(row=rows)}, {"set": found}, facts)


PICTURES, FLAT_PICTURES = Pictures(), FlatPictures()
