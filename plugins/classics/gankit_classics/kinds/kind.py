"""What the recipe `gan` asks of a kind of data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gankit import Data, Evaluation
from gankit_classics.config import PictureFields
from gankit_classics.data import Draw


class DataKind(Protocol):
    """A kind of data whose examples a network makes as rows of numbers.

    `gankit_classics.kinds.registry` holds one object of each.
    """

    @property
    def latent(self) -> int:
        """Numbers of noise that make a sample, unless the user asks for others."""

    def open(self, config: PictureFields) -> Data:
        """Opens the data that `config.data` names, as a source with the field `row`.

        The facts give the sizes of the networks: `width` of a row; perhaps `groups`, the sizes of groups of
        probabilities with which it ends; and whether all other numbers are `bounded` to [-1, 1].
        """

    def check(self, config: PictureFields, source: str) -> tuple[dict[str, Any], str]:
        """`gankit.Recipe.check`."""

    def decode(self, rows: np.ndarray, facts: Mapping[str, Any]) -> Any:
        """Rows that a generator makes, `[n, width]` -> what they mean: points, columns of a table, pictures."""

    def evaluate(self, config: PictureFields, data: Data, draw: Draw, untrained: Draw) -> Evaluation:
        """Scores of what `draw` makes, which is decoded."""

    def sample(self, config: PictureFields, data: Data, draw: Draw, out: Path) -> list[Path]:
        """Writes what a person looks at into a folder, and returns the files."""
