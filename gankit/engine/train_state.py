"""What a training changes: a recipe's networks, optimizers and averages, built in a strategy's scope and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gankit.config import Training
from gankit.engine import contract
from gankit.engine.distribution import Placement
from gankit.engine.turn import trainable
from gankit.errors import ConfigError, RecipeError, did_you_mean
from gankit.recipe import Data, Recipe, Stage
from gankit.support.blame import recipe_code

UPDATE = "update"
"""What stands before the figures that `Stage.update` logs, where a phase's name stands before its terms."""


class TrainState:
    """Networks that improve against each other.

    Args:
        recipe: What to build.
        data: Its data; only `facts` is read here.
        placement: Where to compute.
        training: Seed and batch size.

    Attributes:
        networks: Name -> model. Those that no phase trains are frozen.
        optimizers: Key -> optimizer, those that a phase uses.
        base_lr: Key -> the optimizer's own learning rate.
        averages: Network -> its variables' moving averages, in the order of `model.variables`.
        held: Stage -> the variables of its `Stage.state`.
        trained: Names of the networks that some phase trains.

    Raises:
        RecipeError: The recipe breaks the contract; says where.
    """

    def __init__(self, recipe: Recipe, data: Data, placement: Placement, training: Training) -> None:
        if training.batch_size % placement.replicas:
            raise ConfigError(
                f"a batch of {training.batch_size} cannot be split evenly over {placement.replicas} replicas",
                "choose a --batch-size that is a multiple of the number of replicas",
            )
        self.placement = placement
        self.replicas = placement.replicas
        self.seed = training.seed
        self.batch_size = training.batch_size
        self.ema = dict(recipe.ema)
        keras.utils.set_random_seed(training.seed)
        self.stages = contract.stages(recipe, data)
        self.trained = {name for stage in self.stages for phase in stage.phases for name in phase.trains}
        with placement.strategy.scope():
            self.networks: dict[str, keras.Model] = contract.networks(recipe, data)
            with recipe_code("stages", recipe.stages):
                check_stages(self.stages, self.networks, self.replicas)
            name_layers(self.networks)
            self.held = {stage.name: _open(stage, data) for stage in self.stages}
            for name, network in self.networks.items():
                if name not in self.trained:
                    network.trainable = False
            with recipe_code("optimizers", recipe.optimizers):
                self.optimizers, self.base_lr = self._build_optimizers(contract.optimizers(recipe))
            self.averages = {
                name: [_average_of(v) for v in self.networks[name].variables]
                for name in self.ema
                if name in self.trained
            }

    def _build_optimizers(self, offered: dict[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
        uses: dict[str, list[str]] = {}
        for stage in self.stages:
            for phase in stage.phases:
                uses.setdefault(phase.optimizer_key, []).extend(phase.trains)
        for key, names in uses.items():
            if key not in offered:
                raise RecipeError(f"there is no optimizer {key!r}", did_you_mean(key, offered))
            check_optimizer(key, offered[key])
            offered[key].build(trainable(self.networks, names))
            if self.replicas > 1:
                _reduce_outside(offered[key])
        used = {key: offered[key] for key in uses}
        return used, {key: float(keras.ops.convert_to_numpy(o.learning_rate)) for key, o in used.items()}

    def variables(self) -> Iterator[tuple[str, Any]]:
        """All state that training changes, under names that do not depend on the process.

        Keras' own paths count layers per process; a role, a position and the variable's local name do not.

        Yields:
            ("networks/generator/003/kernel", variable), optimizers and averages likewise.
        """
        for name in sorted(self.trained):
            for i, v in enumerate(self.networks[name].variables):
                yield f"networks/{name}/{i:03d}/{v.name}", v
        for name, averages in sorted(self.averages.items()):
            for i, (v, average) in enumerate(zip(self.networks[name].variables, averages, strict=True)):
                yield f"averages/{name}/{i:03d}/{v.name}", average
        for key, optimizer in sorted(self.optimizers.items()):
            for i, v in enumerate(optimizer.variables):
                yield f"optimizers/{key}/{i:03d}", v  # their names hold layer names, which count per process
        for stage, held in self.held.items():
            for name, v in held.items():
                yield f"state/{stage}/{name}", v

    def get_state(self) -> dict[str, np.ndarray]:
        """Copies of all values."""
        return {name: np.array(keras.ops.convert_to_numpy(_plain(v))) for name, v in self.variables()}

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Assigns all values.

        Raises:
            RecipeError: Names or shapes differ from this state's.
        """
        variables = dict(self.variables())
        if missing := sorted(set(variables) ^ set(state)):
            raise RecipeError(
                f"the saved state and the networks differ in {len(missing)} variables, first {missing[0]}"
            )
        for name, v in variables.items():
            if tuple(v.shape) != state[name].shape:
                raise RecipeError(f"{name}: saved with shape {state[name].shape}, needed {tuple(v.shape)}")
            v.assign(state[name])

    def reset_averages(self) -> None:
        """Starts the averages again at the networks' present values."""
        for name, averages in self.averages.items():
            for v, average in zip(self.networks[name].variables, averages, strict=True):
                average.assign(keras.ops.convert_to_numpy(v.value))


def _plain(v: Any) -> Any:
    """The readable value of a Keras or a TensorFlow variable, mirrored or not."""
    return v.value if isinstance(v, keras.Variable) else v


def _average_of(v: keras.Variable) -> tf.Variable:
    return _equal_on_replicas(keras.ops.convert_to_numpy(v.value))


def _equal_on_replicas(value: Any) -> tf.Variable:
    """A variable that is no weight, to which every replica assigns the same."""
    return tf.Variable(value, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)


def _open(stage: Stage, data: Data) -> dict[str, tf.Variable]:
    """The variables of a stage's state, at their initial values."""
    held = {}
    for name, initial in stage.state.items():
        with recipe_code(f"state {name!r} of stage {stage.name!r}"):
            value = np.asarray(initial(data) if callable(initial) else initial)
        if value.dtype.kind not in "fiub":
            raise RecipeError(f"state {name!r} of stage {stage.name!r} is no number and no array: {value.dtype}")
        held[name] = _equal_on_replicas(value.astype(keras.config.floatx()) if value.dtype.kind == "f" else value)
    return held


def change(held: Mapping[str, tf.Variable], new: Mapping[str, Any], stage: str) -> None:
    """Gives a stage's state the values that its `Stage.update` returned; to be called in a replica.

    Raises:
        RecipeError: A value has no place, or another shape or type than the state.
    """
    if not isinstance(new, Mapping):
        raise RecipeError(f"Stage.update of {stage!r} returned {type(new).__name__}", "return {name: new value}")
    for name, value in new.items():
        if name not in held:
            raise RecipeError(f"Stage.update of {stage!r} gives {name!r}, which is no state", did_you_mean(name, held))
        v, value = held[name], tf.convert_to_tensor(value)
        if value.dtype.is_floating and v.dtype.is_floating:
            value = tf.cast(value, v.dtype)
        if value.dtype != v.dtype or not value.shape.is_compatible_with(v.shape):
            raise RecipeError(
                f"the update of state {name!r} is {value.dtype.name} {value.shape}, and its initial value "
                f"{v.dtype.name} {v.shape}",
                "both must be alike: 0.0 begins a float, 0 an int",
            )
        v.assign(value)


def name_layers(networks: Mapping[str, keras.Model]) -> None:
    """Tells layers that draw by the example their place in their network.

    Keras counts its layers' names in each process, so that they would differ after a resume.
    """
    for network in networks.values():
        for i, layer in enumerate(network._flatten_layers()):
            if hasattr(layer, "place"):
                layer.place = i


def _reduce_outside(optimizer: Any) -> None:
    """The engine reduces gradients itself, since clipping and the finiteness test come after; Keras must not again."""
    if not hasattr(type(optimizer), "_all_reduce_sum_gradients"):
        raise RecipeError("this Keras version reduces gradients in another way", "install keras>=3.15.1,<3.16")
    optimizer._all_reduce_sum_gradients = lambda gradients: gradients


def check_stages(stages: list[Stage], networks: dict[str, Any], replicas: int) -> None:
    """Raises RecipeError where names do not fit together, ConfigError where a stage's batch does not fit replicas."""
    if not stages:
        raise RecipeError("the recipe has no stages")
    names = [stage.name for stage in stages]
    if len(set(names)) != len(names):
        raise RecipeError(f"stage names must differ: {names}")
    for stage in stages:
        phases = [phase.name for phase in stage.phases]
        if len(set(phases)) != len(phases):
            raise RecipeError(f"stage {stage.name!r}: phase names must differ: {phases}")
        if stage.update and UPDATE in phases:
            raise RecipeError(
                f"a phase of stage {stage.name!r} is called {UPDATE!r}", f"what Stage.update logs is {UPDATE}/..."
            )
        if stage.batch_size % replicas:
            raise ConfigError(
                f"stage {stage.name!r} has batches of {stage.batch_size}, which cannot be split evenly over {replicas} "
                "replicas",
                "choose a number of devices that divides it",
            )
        for name in stage.selection.networks if stage.selection else ():
            if name not in networks:
                raise RecipeError(
                    f"stage {stage.name!r} selects {name!r}, which is no network", did_you_mean(name, networks)
                )
        schedules: dict[str, Any] = {}
        for phase in stage.phases:
            for name in phase.trains:
                if name not in networks:
                    raise RecipeError(
                        f"phase {phase.name!r} trains {name!r}, which is no network", did_you_mean(name, networks)
                    )
                if not networks[name].trainable_variables:
                    raise RecipeError(f"phase {phase.name!r} trains {name!r}, which has no trainable weights")
            if schedules.setdefault(phase.optimizer_key, phase.lr) is not phase.lr:
                raise RecipeError(
                    f"stage {stage.name!r}: phases that share the optimizer {phase.optimizer_key!r} need one schedule",
                    "give them the same lr",
                )


def check_optimizer(key: str, optimizer: Any) -> None:
    """Raises RecipeError for optimizer options that the engine provides, since Keras' are wrong under replicas."""
    if optimizer.clipnorm or optimizer.clipvalue or optimizer.global_clipnorm:
        raise RecipeError(f"optimizer {key!r} clips by itself, on each replica", "use Phase.clip")
    if isinstance(optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        raise RecipeError(f"optimizer {key!r} has a schedule that counts updates", "use Phase.lr, by step of the stage")
    if optimizer.use_ema:
        raise RecipeError(f"optimizer {key!r} averages weights by itself", "use Recipe.ema")
    if optimizer.gradient_accumulation_steps:
        raise RecipeError(f"optimizer {key!r} accumulates gradients", "use Phase.accumulate")
    if hasattr(optimizer, "inner_optimizer"):
        raise RecipeError(f"optimizer {key!r} scales the loss", "use bfloat16, which needs no scaling")
