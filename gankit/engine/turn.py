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

from gankit.engine import random, replicas
from gankit.engine.contract import misfit
from gankit.engine.example_key import ExampleKey, keyed_by
from gankit.errors import RecipeError, did_you_mean
from gankit.recipe import Stage
from gankit.support.blame import recipe_code


def trainable(networks: Mapping[str, keras.Model], names: Any) -> list[keras.Variable]:
    """The trainable variables of some networks, each once, in order."""
    return list({id(v): v for name in names for v in networks[name].trainable_variables}.values())


class _Named(dict[str, Any]):
    """Values by name, whose error says what would have been understood."""

    def __init__(self, what: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._what = what

    def __missing__(self, name: str) -> Any:
        raise RecipeError(f"{self._what} {name!r}", did_you_mean(name, self) or "it has none at all")


class TracedTurn:
    """`gankit.recipe.Turn` for one batch on one replica, while the step is traced."""

    def __init__(
        self,
        networks: Mapping[str, keras.Model],
        stage: Stage,
        seed: int,
        batch: Mapping[str, Any],
        knobs: Mapping[str, Any],
        state: Mapping[str, Any],
    ) -> None:
        self._networks = networks
        self._stage = stage
        self._seed = seed
        self._batch = batch
        self._live = {name for phase in stage.phases for name in phase.trains}
        self._called: set[str] = set()
        self._shared: Mapping[str, Any] | None = None
        self._shared_tape: tf.GradientTape | None = None
        self._read: Mapping[str, Any] | None = None  # the shared values that a loss read last
        self._makers: set[int] = set()
        self._logged: dict[str, Any] | None = None  # None where nothing may be logged
        self._terms: Mapping[str, Any] | None = None  # of the step, once its phases have run
        self.knobs: Mapping[str, Any] = _Named(f"stage {stage.name!r} has no knob", knobs)
        self.state: Mapping[str, Any] = _Named(f"stage {stage.name!r} has no state", state)

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
        with keyed_by(ExampleKey(self._batch["index"], self._seed, network)):
            given = inputs[0] if len(inputs) == 1 else list(inputs)
            try:
                outputs = model(given, training=training)
            except Exception as error:
                if wrong := misfit(network, model, given):
                    raise wrong from error
                raise
        # Losses are computed in full precision whatever the networks compute in.
        floatx = keras.config.floatx()
        return tf.nest.map_structure(lambda x: tf.cast(x, floatx) if x.dtype.is_floating else x, outputs)

    def normal(self, name: str, *shape: int) -> tf.Tensor:
        return random.normal(self._batch["index"], self._seed, name, shape)

    def uniform(self, name: str, *shape: int) -> tf.Tensor:
        return random.uniform(self._batch["index"], self._seed, name, shape)

    def global_mean(self, x: tf.Tensor) -> tf.Tensor:
        return replicas.global_mean(x)

    def gather(self, x: Any) -> tf.Tensor:
        return replicas.gather(tf.convert_to_tensor(x))[0]

    def own(self, x: Any) -> tf.Tensor:
        return replicas.own(x, self._batch["index"].shape[0])

    @property
    def terms(self) -> Mapping[str, Any]:
        if self._terms is None:
            raise RecipeError("Turn.terms are known when the phases have run", "read them in Stage.update")
        return self._terms

    def log(self, name: str, value: Any) -> None:
        if self._logged is None:
            raise RecipeError(
                f"Turn.log({name!r}) stands outside of a loss", "log in a phase's loss or in Stage.update"
            )
        if name in self._logged:
            raise RecipeError(f"{name!r} is logged twice", "give each figure a name of its own")
        self._logged[name] = value

    @property
    def shared(self) -> Mapping[str, Any]:
        if self._stage.shared is None:
            raise RecipeError(f"a loss of stage {self._stage.name!r} reads Turn.shared, but Stage.shared is not set")
        if self._terms is not None and self._shared is None and self._read is not None:
            return self._read
        if self._shared is None:
            outer, self._called = self._called, set()
            logged, self._logged = self._logged, None
            # Persistent only where several phases will differentiate through one value without a refresh: a spent
            # non-persistent tape would silently give gradients of the last part alone.
            self._shared_tape = tf.GradientTape(persistent=not self._stage.refresh)
            with recipe_code(f"Stage.shared of {self._stage.name!r}", self._stage.shared):
                with self._shared_tape:
                    made = self._stage.shared(self)
                if not isinstance(made, Mapping):
                    raise RecipeError(f"it returned {type(made).__name__}", "return {name: value}")
                self._check_watched(self._shared_tape)
            self._shared = _Named(f"Stage.shared of {self._stage.name!r} gives no", made)
            self._makers = {id(v) for v in trainable(self._networks, self._called)}
            self._called |= outer
            self._logged = logged
        self._read = self._shared
        return self._shared

    # -- for the step ------------------------------------------------------------------------------------------------

    def gradient(self, loss: Any, variables: list[keras.Variable]) -> tuple[Any, dict[str, Any], list[Any]]:
        """Runs one phase's loss and differentiates it.

        Args:
            loss: () -> (what is minimised, anything else).
            variables: What the phase trains.

        Returns:
            (anything else, what the loss logged, the gradients with None where there is no path).
        """
        trained = {id(v) for v in variables}
        # A value made by an earlier phase: its tape must see this phase's use of it. One made inside this phase is
        # seen by the phase's own tape.
        through = self._shared_tape if self._shared is not None and trained & self._makers else None
        own = tf.GradientTape()
        self._logged = {}
        with ExitStack() as tapes:
            tapes.enter_context(own)
            if through is not None:
                tapes.enter_context(through)
            total, extra = loss()
        self._check_watched(own)
        logged, self._logged = self._logged, None
        gradients = (own if through is None else through).gradient(total, variables)
        return extra, logged, gradients

    def _check_watched(self, tape: tf.GradientTape) -> None:
        """Raises RecipeError if a loss has read a variable that is of no network of the game.

        Such a loss calls a model that it kept, say, of which there may be copies: it would train nothing, silently.
        Keras' frozen variables are watched like any other.
        """
        known = {id(v.value) for network in self._networks.values() for v in network.variables}
        for v in tape.watched_variables():
            if id(v) not in known:
                raise RecipeError(
                    f"a loss reads the variable {v.name.split(':')[0]!r} {tuple(v.shape)}, which is of no network of "
                    "the game",
                    "return each model from networks(), and call it by its name: turn('generator', x), not "
                    "self.generator(x); one that no phase trains is frozen",
                )

    def forget(self, variables: list[keras.Variable]) -> None:
        """Drops the shared values if they were made by variables that have moved."""
        if self._stage.refresh and self._makers & {id(v) for v in variables}:
            self.drop()

    def drop(self) -> None:
        """Drops the shared values; the next loss that reads them makes them anew."""
        self._shared, self._shared_tape, self._makers = None, None, set()

    def after(self, done: list[Any]) -> TracedTurn:
        """The same turn anew, nothing of which is computed before `done`."""
        with tf.control_dependencies(done):
            batch = {name: tf.identity(value) for name, value in self._batch.items()}
        return TracedTurn(self._networks, self._stage, self._seed, batch, self.knobs, self.state)

    def update(self, terms: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
        """What `Stage.update` makes of the step: the new values, and what it logged."""
        assert self._stage.update is not None
        self._terms, self._logged = _Named("in this step there is no term", terms), {}
        new = self._stage.update(self)
        return new, self._logged
