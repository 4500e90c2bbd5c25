"""What a loss sees, and the bookkeeping of shared values.

A shared value (the fakes, say) is computed once, under a tape of its own. A phase that trains one of the networks which
made it goes on recording on that same tape and differentiates through it; a phase that trains others reads it as a
constant. Once a phase has moved a maker, the value is dropped and made anew when it is next read (`Stage.refresh`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import keras
import tensorflow as tf

from gankit.engine import random
from gankit.engine.replicas import global_mean
from gankit.errors import RecipeError, did_you_mean
from gankit.recipe import Stage


def trainable(networks: Mapping[str, keras.Model], names: Any) -> list[keras.Variable]:
    """The trainable variables of some networks, each once, in order."""
    return list({id(v): v for name in names for v in networks[name].trainable_variables}.values())


class TracedTurn:
    """`gankit.recipe.Turn` for one batch on one replica, while the step is traced."""

    def __init__(
        self,
        networks: Mapping[str, keras.Model],
        stage: Stage,
        seed: int,
        batch: Mapping[str, Any],
        knobs: Mapping[str, Any],
    ) -> None:
        self._networks = networks
        self._stage = stage
        self._seed = seed
        self._batch = batch
        self._live = {name for phase in stage.phases for name in phase.trains}
        self._called: set[str] = set()
        self._shared: Mapping[str, Any] | None = None
        self._shared_tape: tf.GradientTape | None = None
        self._makers: set[int] = set()
        self.knobs = knobs

    # What these do is said by the protocol, `gankit.recipe.Turn`.

    def __getitem__(self, field: str) -> Any:
        if field not in self._batch:
            raise RecipeError(f"the batch has no field {field!r}", did_you_mean(field, self._batch))
        return self._batch[field]

    def __call__(self, network: str, *inputs: Any, training: bool | None = None) -> Any:
        if network not in self._networks:
            raise RecipeError(f"there is no network {network!r}", did_you_mean(network, self._networks))
        self._called.add(network)
        model = self._networks[network]
        # A list, since Keras would take a second positional argument for `training`.
        training = network in self._live if training is None else training
        outputs = model(inputs[0] if len(inputs) == 1 else list(inputs), training=training)
        # Losses are computed in full precision whatever the networks compute in.
        floatx = keras.config.floatx()
        return tf.nest.map_structure(lambda x: tf.cast(x, floatx) if x.dtype.is_floating else x, outputs)

    def normal(self, name: str, *shape: int) -> tf.Tensor:
        return random.normal(self._batch["index"], self._seed, name, shape)

    def uniform(self, name: str, *shape: int) -> tf.Tensor:
        return random.uniform(self._batch["index"], self._seed, name, shape)

    def global_mean(self, x: tf.Tensor) -> tf.Tensor:
        return global_mean(x)

    @property
    def shared(self) -> Mapping[str, Any]:
        if self._stage.shared is None:
            raise RecipeError(f"a loss of stage {self._stage.name!r} reads Turn.shared, but Stage.shared is not set")
        if self._shared is None:
            outer, self._called = self._called, set()
            # Persistent only where several phases will differentiate through one value without a refresh: a spent
            # non-persistent tape would silently give gradients of the last part alone.
            self._shared_tape = tf.GradientTape(persistent=not self._stage.refresh)
            with self._shared_tape:
                self._shared = self._stage.shared(self)
            self._makers = {id(v) for v in trainable(self._networks, self._called)}
            self._called |= outer
        return self._shared

    def gradient(self, loss: Any, variables: list[keras.Variable]) -> tuple[Any, list[Any]]:
        """Runs one phase's loss and differentiates it.

        Args:
            loss: () -> (what is minimised, anything else).
            variables: What the phase trains.

        Returns:
            (anything else, the gradients with None where there is no path).
        """
        trained = {id(v) for v in variables}
        # A value made by an earlier phase: its tape must see this phase's use of it. One made inside this phase is
        # seen by the phase's own tape.
        through = self._shared_tape if self._shared is not None and trained & self._makers else None
        own = tf.GradientTape()
        with ExitStack() as tapes:
            tapes.enter_context(own)
            if through is not None:
                tapes.enter_context(through)
            total, extra = loss()
        gradients = (own if through is None else through).gradient(total, variables)
        return extra, gradients

    def forget(self, variables: list[keras.Variable]) -> None:
        """Drops the shared values if they were made by variables that have moved."""
        if self._stage.refresh and self._makers & {id(v) for v in variables}:
            self._shared, self._shared_tape, self._makers = None, None, set()
