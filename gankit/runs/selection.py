"""Keeping the weights that were best on held-out data, beside the last ones or instead of them.

Adversarial losses say nothing of quality: a stage that names a `Selection` is probed whenever the training logs, and
the weights of its best figure are put back when it ends, or kept. They are part of every checkpoint, so that a resumed
run ends in the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from gankit.errors import CheckpointError
from gankit.recipe import Selection

if TYPE_CHECKING:
    from gankit.engine.train_state import TrainState

PREFIX = "best/"
_SCORE = f"{PREFIX}score"


def best_weights(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A checkpoint's tensors with the best weights in the place of the last ones.

    Raises:
        CheckpointError: It holds none.
    """
    last, best = split(tensors)
    if not best:
        raise CheckpointError(
            "the run keeps no best weights beside its last ones",
            "leave the choice out: a recipe keeps them with Selection(restore=False)",
        )
    return last | {name.removeprefix(PREFIX): value for name, value in best.items() if name != _SCORE}


def split(tensors: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """A checkpoint's tensors as those of the training, and those of `Best.state`."""
    best = {name: value for name, value in tensors.items() if name.startswith(PREFIX)}
    return {name: value for name, value in tensors.items() if name not in best}, best


class Best:
    """The best weights of one stage; `state` is from a checkpoint within it, and empty at its beginning."""

    def __init__(self, selection: Selection, training: TrainState, state: Mapping[str, np.ndarray]) -> None:
        self._state = training
        self.selection = selection
        self._sign = 1.0 if selection.better == "lower" else -1.0
        self._roles = tuple(f"{kind}/{name}/" for kind in ("networks", "averages") for name in selection.networks)
        self._score = float(state.get(_SCORE, math.inf))
        self._kept = {name.removeprefix(PREFIX): value for name, value in state.items() if name != _SCORE}

    def offer(self, figure: float) -> bool:
        """Keeps the present weights if their figure is the best so far, and says whether it is."""
        score = self._sign * figure
        if not score < self._score:  # NaN is not
            return False
        self._score = score
        self._kept = {name: value for name, value in self._state.get_state().items() if name.startswith(self._roles)}
        return True

    def end(self) -> dict[str, np.ndarray]:
        """The stage ends: the networks get their best weights, or these are returned to be kept beside the last."""
        if not self.selection.restore:
            return self.state()
        self._state.set_state({**self._state.get_state(), **self._kept})
        return {}

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint must hold; nothing as long as nothing is kept."""
        if not self._kept:
            return {}
        return {_SCORE: np.array(self._score), **{f"{PREFIX}{name}": value for name, value in self._kept.items()}}
