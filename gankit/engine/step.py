"""A stage as one graph function: many steps a call, each of several phases, on every replica."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gankit.engine.drawing import NOISE, keyed_alone
from gankit.engine.source_errors import reading
from gankit.engine.stream import batch_of, check_sources
from gankit.engine.train_state import UPDATE, TrainState, change
from gankit.engine.turn import TracedTurn, trainable
from gankit.errors import RecipeError, did_you_mean
from gankit.recipe import Data, Phase, Stage
from gankit.support.blame import recipe_code

NORM = "gradient_norm"


@dataclass(frozen=True)
class Readings:
    """What some steps logged.

    Attributes:
        first: The first of these steps.
        names: "phase/term", "phase/gradient_norm", and "update/figure" of what `Stage.update` logs.
        values: `[steps, names]` float; means over the global batch, unweighted.
        ran: `[steps, names]` bool; False where a step did not log it: its phase did not run.
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
        self.batch_size = stage.batch_size or state.batch_size
        self._steps = stage.steps
        self._batches = max(phase.batches for phase in stage.phases)
        self._lazy = [phase for phase in stage.phases if phase.every > 1]
        self._patterns = self._find_patterns()
        self._knobs = list(stage.knobs)
        self._optimizers = list(dict.fromkeys(phase.optimizer_key for phase in stage.phases))
        self._schedules = {phase.optimizer_key: phase.lr for phase in stage.phases}
        trained = {name for phase in stage.phases for name in phase.trains}
        self._averaged = [name for name in state.averages if name in trained]
        self.names: list[str] = []
        self._logged: dict[frozenset[str], set[str]] = {}
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
        check_sources(sources, self.stage.name)
        place = self.state.placement
        count = self.batch_size // place.workers
        offset = tf.constant(place.worker * count, tf.int64)
        self._iterator = place.iterate(
            lambda number: batch_of(sources, number, offset, count, self.batch_size, self.seed), step * self._batches
        )

    # -- one phase on one replica ------------------------------------------------------------------------------------

    def _loss(self, phase: Phase, turn: TracedTurn) -> tuple[Any, dict[str, Any]]:
        """The weighted sum of a phase's terms over this replica's examples, divided by the global batch; the terms."""
        with keyed_alone(NOISE):
            terms = phase.loss(turn)
        if not isinstance(terms, Mapping) or not terms:
            nothing = terms is None or isinstance(terms, Mapping)
            raise RecipeError(
                f"it returned {'nothing' if nothing else f'a {type(terms).__name__}'}",
                "return {term: one value an example}; is a `return` missing?",
            )
        if unknown := set(phase.weights) - set(terms):
            name = sorted(unknown)[0]
            raise RecipeError(f"phase {phase.name!r} weighs {name!r}, which is no term", did_you_mean(name, terms))
        total, found = 0.0, {}
        local = self.batch_size // self.state.replicas
        for name, value in terms.items():
            value = tf.cast(value, keras.config.floatx())
            if value.shape.rank != 1 or value.shape[0] not in (None, local):
                raise RecipeError(
                    f"term {phase.name}/{name} has shape {value.shape}, not one value an example ({local},)",
                    "average over all axes but the first; the engine averages over the batch. Where [batch, 1] meets "
                    "[batch], take x[:, 0] of the one",
                )
            found[name] = value
            total += float(phase.weights.get(name, 1.0)) * self._mean(value)
        return total, found

    def _mean(self, value: Any) -> Any:
        """This replica's part of a mean over the global batch; the sum over replicas gives a scalar once."""
        value = tf.cast(value, keras.config.floatx())
        return value / self.state.replicas if value.shape.rank == 0 else tf.reduce_sum(value) / self.batch_size

    def _named(self, where: str, terms: Mapping[str, Any], logged: Mapping[str, Any]) -> dict[str, Any]:
        """Terms and logged figures by their names in the log."""
        if twice := set(terms) & set(logged):
            raise RecipeError(f"{where}/{min(twice)} is logged, but it is a term, too", "give it another name")
        for name, value in logged.items():
            shape = tf.convert_to_tensor(value).shape
            if shape.rank not in (0, 1):
                raise RecipeError(
                    f"{where}/{name} is logged with shape {shape}", "log one value an example, `[batch]`, or a scalar"
                )
        return {f"{where}/{name}": value for name, value in {**terms, **logged}.items()}

    def _update(self, phase: Phase, turns: list[TracedTurn], first: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """One update, of the mean gradient over `phase.accumulate` batches; what is logged, and the last terms."""
        variables = trainable(self.state.networks, phase.trains)
        sums: list[Any] = []
        logs: dict[str, Any] = {}
        for i in range(first, first + phase.accumulate):
            if phase.accumulate > 1:
                # One batch after the other, and none of their activations kept: that is what saves the memory.
                turns[i] = turns[i].after(sums)
            with recipe_code(f"loss of phase {phase.name!r}", phase.loss):
                terms, logged, gradients = turns[i].gradient(lambda i=i: self._loss(phase, turns[i]), variables)
                reached = {id(v) for v, g in zip(variables, gradients, strict=True) if g is not None}
                for name in phase.trains:
                    if not any(id(v) in reached for v in self.state.networks[name].trainable_variables):
                        raise RecipeError(
                            f"phase {phase.name!r} trains {name!r}, but no term of its loss depends on it",
                            f"call it in the loss, turn({name!r}, ...), outside of tf.stop_gradient",
                        )
            found = [tf.convert_to_tensor(g) for g in gradients if g is not None]
            sums = [a + b for a, b in zip(sums, found, strict=True)] if sums else found
            last = self._named(phase.name, terms, logged)
            for name, value in last.items():
                logs[name] = logs.get(name, 0.0) + self._mean(value) / phase.accumulate
            if phase.accumulate > 1:
                turns[i].drop()
        variables = [v for v in variables if id(v) in reached]
        means = [g / phase.accumulate for g in sums] if phase.accumulate > 1 else sums
        if self.state.replicas > 1:
            means = tf.distribute.get_replica_context().all_reduce("sum", means)
        norm = tf.linalg.global_norm(means)
        if phase.clip is not None:
            means, _ = tf.clip_by_global_norm(means, phase.clip, use_norm=norm)
        self.state.optimizers[phase.optimizer_key].apply(means, variables)
        return {**logs, f"{phase.name}/{NORM}": self._mean(norm)}, last

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
        held = self.state.held[self.stage.name]
        state = {name: tf.identity(v) for name, v in held.items()}
        turns = [TracedTurn(self.state.networks, self.stage, self.seed, part, knobs, state) for part in parts]
        logs: dict[str, Any] = {}
        terms: dict[str, Any] = {}
        for phase in self.stage.phases:
            if phase.name in active:
                for first in range(self._batches - phase.batches, self._batches, phase.accumulate):
                    found, last = self._update(phase, turns, first)
                    logs |= found
                    terms |= last
                    for turn in turns:  # the values of other batches are as old as this one's
                        turn.forget(trainable(self.state.networks, phase.trains))
        if self.stage.update:
            with recipe_code(f"Stage.update of {self.stage.name!r}", self.stage.update), keyed_alone(NOISE):
                new, logged = turns[-1].update(terms)
                logs |= {name: self._mean(value) for name, value in self._named(UPDATE, {}, logged).items()}
                change(held, new, self.stage.name)
        self._update_averages(ages)
        if len(active) == len(self.stage.phases):
            self.names = list(logs)
        self._logged[active] = set(logs)
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
        knobs = []
        for name in self._knobs:
            with recipe_code(f"knob {name!r} of stage {self.stage.name!r}", self.stage.knobs[name]):
                knobs.append(float(self.stage.knobs[name](nominal)))
        rates = []
        for key in self._optimizers:
            schedule = self._schedules[key]
            with recipe_code(f"learning rate of {key!r} in stage {self.stage.name!r}", schedule):
                rates.append(float(schedule(nominal)) if schedule else self.state.base_lr[key])
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
        with reading():
            values = self._call(self._iterator, tf.constant(table), ages, tf.constant(count)).numpy()
        active = [self._patterns[int(row[-1])] for row in rows]
        ran = np.array([[name in self._logged[phases] for name in self.names] for phases in active])
        return Readings(step, list(self.names), values, ran)
