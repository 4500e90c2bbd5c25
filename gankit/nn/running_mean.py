"""A mean over the steps of a stage, which a loss can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gankit.recipe import Turn


@dataclass(frozen=True)
class RunningMean:
    """The exponential moving mean of a term, such as the path length of StyleGAN2 (Karras et al. 2020, section 3.2).

    A step in which the term's phase does not run leaves it as it is.

    Attributes:
        of: "phase/term", a term of a loss or a figure that it logs.
        decay: Of the mean, for each step that has the term; 0.99 in StyleGAN2.
        name: Of its state.

    Examples:
        The loss has a term `(lengths - mean.value(turn)) ** 2` and logs `turn.log("length", lengths)`; the stage has
        `state=mean.state, update=mean.update`.

        >>> mean = RunningMean("path/length")
        >>> mean.state
        {'mean': 0.0}
    """

    of: str
    decay: float = 0.99
    name: str = "mean"

    @property
    def state(self) -> dict[str, Any]:
        """For `Stage.state`: the mean, which begins at 0."""
        return {self.name: 0.0}

    def value(self, turn: Turn) -> Any:
        """The mean over the steps before this one, a scalar."""
        return turn.state[self.name]

    def update(self, turn: Turn) -> Mapping[str, Any]:
        """The mean after this step, for `Stage.update`."""
        if self.of not in turn.terms:
            return {}
        before, now = turn.state[self.name], turn.global_mean(tf.stop_gradient(turn.terms[self.of]))
        return {self.name: before + (1 - self.decay) * (tf.cast(now, before.dtype) - before)}
