"""Looking at a training: what the discriminator and the generator of a stage do on one fixed batch.

The networks are copies, run with `training=False` on this process' own device: a look draws no number and moves no
weight of the training, so that it can neither disturb a resume nor a comparison of devices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from gankit.engine.source_errors import reading
from gankit.engine.stream import batch_of
from gankit.engine.turn import TracedTurn
from gankit.recipe import Data, Stage
from gankit.support.blame import recipe_code

KEYS = ("real", "fake", "examples", "generated")


class _LookingTurn(TracedTurn):
    """A turn in which nothing is trained."""

    def __init__(
        self, networks: Mapping[str, Any], stage: Stage, seed: int, batch: Any, knobs: Any, state: Any
    ) -> None:
        super().__init__(networks, stage, seed, batch, knobs, state)
        self._live = set()


class MonitorReader:
    """Runs `Monitor.outputs` of one stage.

    Args:
        stage: With a monitor.
        data: The recipe's.
        networks: Copies, whose weights the caller sets.
        seed: Of the stage's stream.
        state: The stage's state, by name, as it is each time.
    """

    def __init__(
        self, stage: Stage, data: Data, networks: Mapping[str, Any], seed: int, state: Mapping[str, Any] | None = None
    ) -> None:
        assert stage.monitor is not None
        self._state = dict(state or {})
        self._stage, self._monitor, self._networks, self._seed = stage, stage.monitor, networks, seed
        self._sources = {key: data.train[key] for key in self._monitor.reads or stage.reads or data.train}
        # More examples than there are would stand in the batch twice, and look like duplicates.
        self.n = min(source.n for source in self._sources.values())
        self.size = min(self._monitor.examples, self.n)
        self._call = tf.function(self._outputs, autograph=False)

    def _outputs(
        self, number: Any, knobs: Mapping[str, Any], state: Mapping[str, Any], keys: tuple[str, ...]
    ) -> dict[str, Any]:
        batch = batch_of(self._sources, number, tf.constant(0, tf.int64), self.size, self.size, self._seed)
        turn = _LookingTurn(self._networks, self._stage, self._seed, batch, knobs, state)
        with recipe_code(f"Monitor.outputs of stage {self._stage.name!r}", self._monitor.outputs):
            found = self._monitor.outputs(turn)
        return {key: value for key, value in found.items() if key in keys}

    def read(self, step: int) -> dict[str, np.ndarray]:
        """What `Monitor.outputs` gives for the fixed batch, with the knobs of a step."""
        return self._run(0, step, KEYS)

    def examples(self, most: int) -> Iterator[np.ndarray]:
        """Batches of training examples, each row of the source once, up to so many; none if the monitor gives none."""
        for start in range(0, min(self.n, most), self.size):
            found = self._run(start // self.size, 0, ("examples",))
            if not found:
                return
            yield found["examples"][: min(self.n, most) - start]  # beyond the last row, the next epoch begins

    def _run(self, number: int, step: int, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
        knobs = {name: tf.constant(float(schedule(step))) for name, schedule in self._stage.knobs.items()}
        state = {name: tf.convert_to_tensor(v.numpy()) for name, v in self._state.items()}
        with reading():
            found = self._call(tf.constant(number, tf.int64), knobs, state, keys)
        return {key: value.numpy() for key, value in found.items()}
