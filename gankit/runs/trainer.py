"""One process' part in one training: prepares a recipe, runs its steps, and records them if it is the chief."""

from __future__ import annotations

import json
import logging
import math
import shutil
import signal
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gankit.engine import checkpoint, contract
from gankit.engine.budget import fix_steps
from gankit.engine.checkpoint import Position
from gankit.engine.cluster import Cluster
from gankit.engine.distribution import place
from gankit.engine.step import CompiledStage, Readings
from gankit.engine.train_state import TrainState
from gankit.errors import CheckpointError, DataError, NonFinite, RecipeError, Stopped, did_you_mean
from gankit.recipe import Recipe
from gankit.runs import loading
from gankit.runs.initial_weights import InitialWeights
from gankit.runs.metrics_log import MetricsLog
from gankit.runs.monitoring import Monitoring
from gankit.runs.run import Run
from gankit.runs.selection import Best, split
from gankit.runs.signals import Stop, exit_code
from gankit.support.blame import recipe_code
from gankit.support.progress import Listener, Progress

log = logging.getLogger("gankit")

Callback = Callable[[Progress, Mapping[str, Any]], None]
"""Told of a training's progress each time that it logs, with its networks as a run's user would get them: copies."""


class Trainer:
    """A recipe made ready to train.

    Open it inside `precision(recipe.config.training.precision)`.

    Args:
        recipe: With its configuration.
        cluster: The workers of the multiworker strategy; found in the environment if None.

    Attributes:
        data: The recipe's data.
        state: Its networks, optimizers and averages.
        stages: Stage -> compiled stage, in order.
    """

    def __init__(self, recipe: Recipe, cluster: Cluster | None = None) -> None:
        self.started = time.perf_counter()
        self.recipe = recipe
        self.training = recipe.config.training
        self.cluster = cluster
        self.placement = place(self.training.strategy, self.training.devices, cluster, self.training.communication)
        self.data = contract.data(recipe)
        self._check_same_data()
        self.state = TrainState(recipe, self.data, self.placement, self.training)
        self.stages = {
            stage.name: CompiledStage(self.state, stage, self.training.steps_per_call) for stage in self.state.stages
        }
        self._viewed: dict[str, Any] | None = None
        self._best: Best | None = None  # of the stage that is being trained
        self._kept: dict[str, np.ndarray] = {}  # the best weights of the checkpoint that is resumed, or of a past stage

    def _check_same_data(self) -> None:
        """Raises DataError in all workers if one of them has opened other data than the others."""
        if self.placement.workers == 1:
            return
        known = loading.fingerprints(self.data)
        facts: dict[str, Any] = {"the names of their sources": sorted(self.data.train)}
        facts |= {f"source {name!r}": [self.data.train[name].n, known.get(name)] for name in sorted(self.data.train)}
        for what, value in facts.items():
            number = float(zlib.crc32(json.dumps(value).encode()))  # the sum of some is exact
            if self.placement.agree(float(self.placement.agree(number) != number)):
                raise DataError(f"the data of the workers differ in {what}", "give all of them the same files")

    # -- what the run's record says ----------------------------------------------------------------------------------

    def describe(self) -> dict[str, Any]:
        """Device, data and weights, for run.json."""
        return {
            "device": self.placement.device,
            "strategy": self.placement.kind,
            "replicas": self.placement.replicas,
            "data": {
                "examples": {name: source.n for name, source in self.data.train.items()},
                "fingerprint": loading.fingerprints(self.data),
            },
            "weights": {name: int(network.count_params()) for name, network in self.state.networks.items()},
        }

    def checkpoint_bytes(self) -> int:
        """Size of one checkpoint."""
        return sum(int(np.prod(v.shape)) * 4 for _, v in self.state.variables())

    # -- beginning ---------------------------------------------------------------------------------------------------

    def initialise_from(self, weights: InitialWeights) -> dict[str, list[str]]:
        """Takes weights (averages where there are any) for the networks that this run trains.

        Returns:
            The networks that were filled, and the names of their variables that began afresh (`init_partial`).

        Raises:
            CheckpointError: None fits.
        """
        mine = {name: self.state.networks[name] for name in self.state.trained}
        filled = loading.assign(mine, weights.named(mine), partial=self.training.init_partial)
        if not filled:
            raise CheckpointError(
                f"{weights.origin} has trained none of {', '.join(sorted(mine))}", "choose another run"
            )
        self.state.reset_averages()
        return filled

    def restore(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Takes the state of a checkpoint of this very run."""
        state, self._kept = split(tensors)
        self.state.set_state(state)

    def plan(self) -> Position:
        """Fixes the number of steps of each stage for good."""
        return Position(0, 0, 0, fix_steps(self.stages, self.state, self.data, self.training, self.started))

    # -- training ----------------------------------------------------------------------------------------------------

    def train(
        self,
        run: Run | None,
        position: Position,
        stop: Stop,
        listener: Listener | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> Position:
        """Trains from a position, where the state stands, to the end, and returns the last position, saved.

        The run is None in workers other than the chief. `stop` is asked after every call of the graph. `listener` and
        `callbacks` are called each time that the training logs; `callbacks` are given copies of the networks, too.

        Raises:
            Stopped: A signal asked for it; the position is saved.
            NonFinite: A loss or a gradient is not a number.
        """
        if run is not None:
            self._check_disk(run)
        metrics = MetricsLog(run, position)
        monitoring = Monitoring(run, position.steps) if run else None
        for number, (name, stage) in enumerate(self.stages.items()):
            if number < position.stage:
                continue
            begin, steps = (position.step if number == position.stage else 0), position.steps[name]
            position = replace(position, stage=number, step=begin)
            if begin < steps:
                stage.begin(self.data, begin, steps, self._trained_before(number, position.steps))
                metrics.enter(name, steps, stage.batch_size)
                if selection := stage.stage.selection:
                    self._best = Best(selection, self.state, self._kept if begin else {})
                    self._kept = {}
                if monitoring:
                    monitoring.enter(stage, self.data, lambda: self.viewed(average=False))
            while position.step < steps:
                count = self._count(position, steps)
                readings = stage.advance(position.step, count)
                self.check_finite(run, name, readings)
                position = replace(position, step=position.step + count, total=position.total + count)
                metrics.add(readings, position, stage.rates(position.step - 1))
                stopped = self.placement.agree(float(stop.signal)) > 0
                on_time = position.total % self.training.log_every == 0 or position.step == steps
                if on_time:
                    watched = monitoring.read(position.step) if monitoring else {}
                    held_out = self._probe(stage)
                    if self._best and position.step == steps:
                        self._kept = self._best.end()
                        self._best = None
                    progress = metrics.write(watched, held_out)
                    if monitoring:
                        monitoring.raise_alarms(position.step, watched, progress.terms)
                    if listener:
                        listener(progress)
                    for callback in callbacks:
                        callback(progress, self.viewed())
                if position.total % self.training.checkpoint_every == 0 or position.step == steps or stopped:
                    self.save(run, replace(position, window=metrics.window()))
                if position.total % self.training.sample_every == 0 and not stopped:
                    self.sample(run, f"step-{position.total:09d}")
                if stopped:
                    raise Stopped(
                        f"by a signal, after step {position.total}",
                        f"gankit resume {run.path}" if run else "",
                        exit_code(stop.signal or signal.SIGTERM),  # 0 where another worker's signal stops us, too
                    )
        return position

    def _probe(self, stage: CompiledStage) -> dict[str, float]:
        """The held-out figures of the present weights, which are kept if the stage's selection finds them best."""
        name, probe, selection = stage.stage.name, stage.stage.probe, stage.stage.selection
        if probe is None:
            return {}
        with recipe_code(f"Stage.probe of {name!r}", probe):
            found = probe(self.viewed(), self.data)
            if not isinstance(found, Mapping):
                raise RecipeError(f"it returned {type(found).__name__}", "return {figure: number}")
            if selection and selection.figure not in found:
                raise RecipeError(
                    f"stage {name!r} selects by {selection.figure!r}, which its probe does not give",
                    did_you_mean(selection.figure, found),
                )
            # Workers agree on the mean, so that none keeps other weights for a difference in rounding.
            figures = {key: self.placement.agree(float(found[key])) for key in sorted(found)}
        if selection and self._best:
            self._best.offer(figures[selection.figure])
        return {key: value for key, value in figures.items() if math.isfinite(value)}

    def _trained_before(self, number: int, steps: Mapping[str, int]) -> dict[str, int]:
        """Network -> steps of the first `number` stages that trained it."""
        found: dict[str, int] = defaultdict(int)
        for name, stage in list(self.stages.items())[:number]:
            for network in {network for phase in stage.stage.phases for network in phase.trains}:
                found[network] += steps[name]
        return found

    def _count(self, position: Position, steps: int) -> int:
        """Steps until the next thing that happens between calls."""
        rhythms = (self.training.log_every, self.training.checkpoint_every, self.training.sample_every)
        due = min(every - position.total % every for every in rhythms)
        return min(self.training.steps_per_call, steps - position.step, due)

    def check_finite(self, run: Run | None, stage: str, readings: Readings) -> None:
        """Raises NonFinite if something logged is NaN or infinite."""
        if bad := readings.non_finite():
            step, name = bad
            phase = name.rsplit("/", 1)[0]
            good = checkpoint.checkpoints(run.checkpoints)[-1:] if run else []
            raise NonFinite(
                f"{name} is not finite in step {step} of stage {stage!r}",
                f"the last good checkpoint is {good[0].name if good else 'none'}; lower the learning rate of phase "
                f"{phase!r}, or give it a clip",
            )

    def _check_disk(self, run: Run) -> None:
        free, needed = shutil.disk_usage(run.path).free, 3 * self.checkpoint_bytes()
        if free < needed:
            raise CheckpointError(
                f"{run.path} has {free / 1e6:.0f} MB free, and three checkpoints need {needed / 1e6:.0f} MB",
                "free some space, or choose another folder with --runs-dir",
            )

    def save(self, run: Run | None, position: Position) -> None:
        """Writes a checkpoint; only the chief has a run."""
        if run is not None:
            tensors = self.state.get_state()
            for name, value in tensors.items():
                if value.dtype.kind == "f" and not np.isfinite(value).all():
                    raise NonFinite(f"{name} is not finite after step {position.total}", "lower the learning rate")
            checkpoint.save(run.checkpoints, position, tensors | (self._best.state() if self._best else self._kept))

    # -- looking -----------------------------------------------------------------------------------------------------

    def viewed(self, *, average: bool = True) -> dict[str, Any]:
        """Copies of the networks as a user of the run would get them: averaged, float32, on one device.

        Without `average` they have the weights that are being trained.
        """
        if self._viewed is None:
            self._viewed = loading.build_networks(self.recipe, self.data)
        loading.assign(self._viewed, self.state.get_state(), average=average)
        return self._viewed

    def sample(self, run: Run | None, name: str, *, required: bool = False) -> None:
        """Writes the recipe's pictures; unless they are required, an error in it is told and does not end the training.

        Raises:
            RecipeError: They are required, and failed.
        """
        if run is None:
            return
        folder = run.path / "samples" / name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            contract.sample(self.recipe, self.viewed(), self.data, folder)
        except Exception as error:
            if required:
                raise
            log.warning("samples of %s failed: %s", name, error)
            log.debug("traceback", exc_info=True)

    def evaluate(self, run: Run) -> dict[str, Any]:
        """The recipe's held-out figures, stored in the run."""
        return loading.store_evaluation(run, self.recipe, contract.evaluate(self.recipe, self.viewed(), self.data))
