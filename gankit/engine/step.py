"""A stage as one graph function: many steps a call, each of several phases, on every replica."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gankit.engine.stream import batch_of
from gankit.engine.train_state import TrainState
from gankit.engine.turn import TracedTurn, trainable
from gankit.errors import DataError, RecipeError, did_you_mean
from gankit.recipe import Data, Phase, Stage

NORM = "gradient_norm"


@dataclass(frozen=True)
class Readings:
    """What some steps logged.

    Attributes:
        first: The first of these steps.
        names: "phase/term" and "phase/gradient_norm".
        values: `[steps, names]` float; means over the global batch, unweighted.
        ran: `[steps, names]` bool; False where the term's phase did not run.
    """

    first: int
    names: list[str]
    values: np.ndarray
    ran: np.ndarray

    def non_finite(self) -> tuple[int, str] | None:
        """The first step with a value that is NaN or infinite, and the value's name."""
        bad = np.argwhere(~np.isfinite(self.values) & self.ran)
        return (self.first + int(bad[0, 0]), self.names[int(bad[0, 1])]) if len(bad) else None


class CompiledStage:
    """One stage of a training, ready to run.

    Args:
        state: The networks.
        stage: Its losses.
        per_call: Steps inside one graph call.
    """

    def __init__(self, state: TrainState, stage: Stage, per_call: int) -> None:
        self.state, self.stage, self.per_call = state, stage, per_call
        # Stages must not meet the same examples with the same noise in the same order.
        self.seed = (state.seed * 0x9E3779B1 + zlib.crc32(stage.name.encode())) % 2**31
        self._steps = stage.steps
        self._batches = max(phase.repeats for phase in stage.phases)
        self._lazy = [phase for phase in stage.phases if phase.every > 1]
        self._patterns = self._find_patterns()
        self._knobs = list(stage.knobs)
        self._optimizers = list(dict.fromkeys(phase.optimizer_key for phase in stage.phases))
        self._schedules = {phase.optimizer_key: phase.lr for phase in stage.phases}
        trained = {name for phase in stage.phases for name in phase.trains}
        self._averaged = [name for name in state.averages if name in trained]
        self.names: list[str] = []
        self._call = self._build()

    def begin(self, data: Data, step: int, steps: int, before: Mapping[str, int] | None = None) -> None:
        """Opens the stage's stream at a step.

        Args:
            data: The sources.
            step: The next step of the stage.
            steps: How many steps the stage has in this run; if fewer than `stage.steps`, schedules are stretched so
                that they still end where they were meant to.
            before: Network -> steps of earlier stages that trained it; 0 if it is missing.
        """
        self._steps = steps
        self._before = np.array([(before or {}).get(name, 0) for name in self._averaged], np.int64)
        if unknown := set(self.stage.reads) - set(data.train):
            name = sorted(unknown)[0]
            raise RecipeError(
                f"stage {self.stage.name!r} reads {name!r}, which is no source", did_you_mean(name, data.train)
            )
        sources = {key: data.train[key] for key in self.stage.reads or data.train}
        if not sources or any(source.n < 1 for source in sources.values()):
            raise DataError(f"stage {self.stage.name!r} has no training examples")
        state, place = self.state, self.state.placement
        count = state.batch_size // place.workers
        offset = tf.constant(place.worker * count, tf.int64)
        self._iterator = place.iterate(
            lambda number: batch_of(sources, number, offset, count, state.batch_size, self.seed), step * self._batches
        )

    # -- one phase on one replica ------------------------------------------------------------------------------------

    def _loss(self, phase: Phase, turn: TracedTurn) -> tuple[Any, dict[str, Any]]:
        """The weighted sum of a phase's terms over this replica's examples, divided by the global batch."""
        terms = phase.loss(turn)
        if unknown := set(phase.weights) - set(terms):
            name = sorted(unknown)[0]
            raise RecipeError(f"phase {phase.name!r} weighs {name!r}, which is no term", did_you_mean(name, terms))
        total, logs = 0.0, {}
        local = self.state.batch_size // self.state.replicas
        for name, value in terms.items():
            value = tf.cast(value, keras.config.floatx())
            if value.shape.rank != 1 or value.shape[0] not in (None, local):
                raise RecipeError(
                    f"term {phase.name}/{name} has shape {value.shape}, not one value an example ({local},)",
                    "average over everything but the batch; the engine averages over the batch",
                )
            mean = tf.reduce_sum(value) / self.state.batch_size
            logs[f"{phase.name}/{name}"] = mean
            total += float(phase.weights.get(name, 1.0)) * mean
        if not logs:
            raise RecipeError(f"phase {phase.name!r} has no loss terms")
        return total, logs

    def _update(self, phase: Phase, turn: TracedTurn) -> dict[str, Any]:
        variables = trainable(self.state.networks, phase.trains)
        logs, gradients = turn.gradient(lambda: self._loss(phase, turn), variables)
        reached = {id(v) for v, g in zip(variables, gradients, strict=True) if g is not None}
        for name in phase.trains:
            if not any(id(v) in reached for v in self.state.networks[name].trainable_variables):
                raise RecipeError(f"phase {phase.name!r} trains {name!r}, but no term of its loss depends on it")
        variables = [v for v in variables if id(v) in reached]
        gradients = [tf.convert_to_tensor(g) for g in gradients if g is not None]
        if self.state.replicas > 1:
            gradients = tf.distribute.get_replica_context().all_reduce("sum", gradients)
        norm = tf.linalg.global_norm(gradients)
        if phase.clip is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, phase.clip, use_norm=norm)
        self.state.optimizers[phase.optimizer_key].apply(gradients, variables)
        # Every replica knows the norm; the sum over replicas must give it once.
        return {**logs, f"{phase.name}/{NORM}": tf.cast(norm, keras.config.floatx()) / self.state.replicas}

    # -- one step ----------------------------------------------------------------------------------------------------

    def _find_patterns(self) -> list[frozenset[str]]:
        """The sets of phases that run together in some step, the full one first."""
        always = {phase.name for phase in self.stage.phases if phase.every == 1}
        period = int(np.lcm.reduce([1, *(phase.every for phase in self._lazy)]))
        found = [
            frozenset(always | {phase.name for phase in self._lazy if step % phase.every == 0})
            for step in range(period)
        ]
        return list(dict.fromkeys(found))

    def _pattern(self, step: int) -> int:
        active = {phase.name for phase in self.stage.phases if step % phase.every == 0}
        return self._patterns.index(frozenset(active))

    def _replica_step(self, active: frozenset[str], batches: list[Any], knobs: Mapping[str, Any], ages: Any) -> Any:
        parts = [self.state.placement.part(batch) for batch in batches]
        turns = [TracedTurn(self.state.networks, self.stage, self.seed, part, knobs) for part in parts]
        logs: dict[str, Any] = {}
        for phase in self.stage.phases:
            if phase.name in active:
                for turn in turns[self._batches - phase.repeats :]:
                    logs |= self._update(phase, turn)
                    for other in turns:  # the values of other batches are as old as this one's
                        other.forget(trainable(self.state.networks, phase.trains))
        self._update_averages(ages)
        if len(active) == len(self.stage.phases):
            self.names = list(logs)
        values = tf.stack([logs.get(name, tf.zeros((), keras.config.floatx())) for name in self.names])
        if self.state.replicas == 1:
            return values
        return tf.distribute.get_replica_context().all_reduce("sum", values)

    def _update_averages(self, ages: Any) -> None:
        for i, name in enumerate(self._averaged):
            for v, average in zip(self.state.networks[name].variables, self.state.averages[name], strict=True):
                if v.trainable:
                    count = tf.cast(ages[i], average.dtype)
                    decay = tf.minimum(tf.cast(self.state.ema[name], average.dtype), (1 + count) / (10 + count))
                    average.assign(decay * average + (1 - decay) * tf.cast(v.value, average.dtype))
                else:
                    average.assign(v.value)

    def _build(self) -> Any:
        strategy = self.state.placement.strategy

        def step(iterator: Any, row: Any, ages: Any) -> Any:
            batches = [next(iterator) for _ in range(self._batches)]
            knobs = {name: row[i] for i, name in enumerate(self._knobs)}
            for i, key in enumerate(self._optimizers):
                self.state.optimizers[key].learning_rate = row[len(self._knobs) + i]

            def run(active: frozenset[str]) -> Any:
                replica = tf.autograph.experimental.do_not_convert(
                    lambda batches, knobs, ages: self._replica_step(active, batches, knobs, ages)
                )
                return strategy.experimental_local_results(strategy.run(replica, (batches, knobs, ages)))[0]

            if len(self._patterns) == 1:
                return run(self._patterns[0])
            branches = [lambda active=active: run(active) for active in self._patterns]
            return tf.switch_case(tf.cast(row[-1], tf.int32), branches)

        @tf.function(autograph=False, reduce_retracing=True)
        def call(iterator: Any, table: Any, ages: Any, count: Any) -> Any:
            # All steps run the one loop body: no step is optimised otherwise than the next, so where calls begin and
            # end cannot change a bit of the result.
            floatx = keras.config.floatx()
            logs = tf.TensorArray(floatx, size=count, infer_shape=False)

            def body(i: Any, logs: Any) -> Any:
                return i + 1, logs.write(i, step(iterator, table[i], ages + tf.cast(i, tf.int64)))

            _, logs = tf.while_loop(lambda i, _: i < count, body, (0, logs), parallel_iterations=1)
            return logs.stack()

        return call

    # -- many steps --------------------------------------------------------------------------------------------------

    def _row(self, step: int) -> list[float]:
        # Measuring a stage's speed may take more steps than it has; its schedules are asked for no others.
        planned = self.stage.steps
        stretched = step * planned // self._steps if 0 < self._steps < planned else step
        nominal = max(0, min(stretched, planned - 1))
        knobs = [float(self.stage.knobs[name](nominal)) for name in self._knobs]
        rates = [
            float(schedule(nominal)) if (schedule := self._schedules[key]) else self.state.base_lr[key]
            for key in self._optimizers
        ]
        return [*knobs, *rates, float(self._pattern(step))]

    def rates(self, step: int) -> dict[str, float]:
        """The learning rate of each optimizer in a step."""
        row = self._row(step)
        return dict(zip(self._optimizers, row[len(self._knobs) : -1], strict=True))

    def advance(self, step: int, count: int) -> Readings:
        """Runs some steps.

        Args:
            step: The first of them in the stage; the stream must stand there.
            count: At most `per_call`.

        Returns:
            What they logged.
        """
        rows = [self._row(step + i) for i in range(count)]
        table = np.zeros((self.per_call, len(rows[0])), keras.config.floatx())
        table[:count] = rows
        ages = tf.constant(self._before + step)  # of the averaged networks, in steps that trained them
        values = self._call(self._iterator, tf.constant(table), ages, tf.constant(count)).numpy()
        phase_of = [name.rsplit("/", 1)[0] for name in self.names]
        active = [self._patterns[int(row[-1])] for row in rows]
        ran = np.array([[phase in phases for phase in phase_of] for phases in active])
        return Readings(step, list(self.names), values, ran)
