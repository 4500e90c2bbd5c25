"""Keeping the weights that scored best on held-out data, rather than the last ones.

Adversarial losses say nothing of quality: a stage that names a `Selection` is scored whenever the training logs, and
the weights of its best score are put back when it ends. They are part of every checkpoint, so that a resumed run ends
in the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from gankit.engine.train_state import TrainState
from gankit.recipe import Selection

PREFIX = "best/"
_SCORE = f"{PREFIX}score"


def split(tensors: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """A checkpoint's tensors as those of the training, and those of `Best.state`."""
    best = {name: value for name, value in tensors.items() if name.startswith(PREFIX)}
    return {name: value for name, value in tensors.items() if name not in best}, best


class Best:
    """The best look of one stage; `state` is from a checkpoint within it, and empty at its beginning."""

    def __init__(self, selection: Selection, training: TrainState, state: Mapping[str, np.ndarray]) -> None:
        self._state = training
        self._roles = tuple(f"{kind}/{name}/" for kind in ("networks", "averages") for name in selection.networks)
        self._score = float(state.get(_SCORE, math.inf))
        self._kept = {name.removeprefix(PREFIX): value for name, value in state.items() if name != _SCORE}

    def offer(self, score: float) -> bool:
        """Keeps the present weights if their score is the lowest so far, and says whether it is."""
        if not score < self._score:  # NaN is not
            return False
        self._score = score
        self._kept = {name: value for name, value in self._state.get_state().items() if name.startswith(self._roles)}
        return True

    def put_back(self) -> None:
        """Gives the networks the weights of the best score, if there was any."""
        self._state.set_state({**self._state.get_state(), **self._kept})

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint must hold; nothing as long as nothing is kept."""
        if not self._kept:
            return {}
        return {_SCORE: np.array(self._score), **{f"{PREFIX}{name}": value for name, value in self._kept.items()}}
