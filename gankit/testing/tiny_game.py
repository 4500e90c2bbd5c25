"""A recipe made ready to train as small as it can be, and what the checks of one recipe share."""

from __future__ import annotations

import copy
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gankit.config import RecipeConfig, resolve
from gankit.errors import ConfigError, DataError, Offline, RecipeError, UsageError
from gankit.recipe import Phase, Recipe
from gankit.support.blame import recipe_code
from gankit.testing.failure import CheckFailed, ensure

STEPS = 4
"""Steps that the checks train of each stage, at least: with a phase that runs every so many steps, until its third."""
CUT = 2
"""Steps of each stage after which a training is cut, and which bfloat16 trains."""

State = dict[str, np.ndarray]


def tiny(recipe: type[Recipe], **changes: Any) -> RecipeConfig:
    """The recipe's smallest configuration, with its `tiny_data`.

    Args:
        recipe: The recipe.
        **changes: Engine options, `precision="float64"`.

    Examples:
        >>> class Mine(Recipe):
        ...     tiny = {"training.batch_size": 2}
        >>> tiny(Mine, seed=3).training.batch_size
        2
    """
    options = {"training.batch_size": 4, "training.steps_per_call": 7, **recipe.tiny, **shared(recipe).data_options}
    options |= {f"training.{key}": value for key, value in changes.items()}
    with recipe_code(f"{recipe.__name__}.tiny", recipe):
        try:
            return resolve(recipe.Config, {}, options)
        except ConfigError as error:
            raise RecipeError(error.message, error.hint) from error


class TinyGame:
    """A recipe made ready to train as small as it can be, its steps run eagerly.

    Args:
        recipe: With its tiny configuration.
        opened: A game of the same recipe and float type whose opened data are used; None opens them anew.
        **changes: Engine options.

    Attributes:
        eager: Whether steps run eagerly rather than as a graph.
    """

    def __init__(self, recipe: type[Recipe], opened: TinyGame | None = None, **changes: Any) -> None:
        from gankit.engine import contract
        from gankit.runs.trainer import Trainer

        self.eager = True
        try:
            self.training = tiny(recipe, **changes).training
            if opened is None:
                made: Any = contract.make(recipe, tiny(recipe, **changes))
            else:
                # A copy, since opening its data may have settled more of the recipe than `Trainer.data` holds.
                made = copy.copy(opened.trainer.recipe)
                made.config = made.config.model_copy(update={"training": self.training})
                data = opened.trainer.data
                made.data = lambda: data
            with self._setting():
                self.trainer: Any = Trainer(made)
        except (UsageError, DataError, Offline) as error:
            raise CheckFailed(
                f"it cannot be opened with its tiny options: {error.message}",
                "Recipe.tiny holds the options with which it trains in seconds; where its data are the user's own, "
                "Recipe.tiny_data writes some and says where",
            ) from error
        self.begun = self.trainer.state.get_state()

    @contextmanager
    def _setting(self) -> Iterator[None]:
        import tensorflow as tf

        from gankit.engine.mixed_precision import precision

        before = tf.config.functions_run_eagerly(), tf.config.optimizer.get_experimental_options()
        with precision(self.training.precision), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Even though the `tf.config.experimental_run_functions_eagerly`")
            tf.config.run_functions_eagerly(self.eager)
            # Optimising a graph takes a third of the time of making it, and pays after hundreds of steps.
            tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
            try:
                yield
            finally:
                tf.config.run_functions_eagerly(before[0])
                off = before[1].get("disable_meta_optimizer", False)
                tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": off})

    def steps(self, stage: str) -> int:
        """Steps that the checks train of a stage."""
        return max(STEPS, 2 * max(phase.every for phase in self.trainer.stages[stage].stage.phases) + 1)

    def train(self, stage: str, start: int, stop: int, phases: tuple[Phase, ...] = (), **changes: Any) -> None:
        """Trains steps of one stage.

        Args:
            stage: Its name.
            start: The first step.
            stop: The step after the last.
            phases: What is run instead of the stage's own phases; () for these.
            **changes: Further attributes of `Stage` that take the place of the stage's own.
        """
        from gankit.engine.step import CompiledStage

        with self._setting():
            compiled = self.trainer.stages[stage]
            if phases or changes:
                changed = replace(compiled.stage, phases=phases or compiled.stage.phases, **changes)
                compiled = CompiledStage(self.trainer.state, changed, stop)
            compiled.begin(self.trainer.data, start, self.steps(stage))
            while start < stop:
                count = min(stop - start, compiled.per_call)
                bad = compiled.advance(start, count).non_finite()
                ensure(
                    bad is None,
                    f"{bad and bad[1]} is not finite in step {bad and bad[0]} of stage {stage!r}",
                    "look for a division by zero, a logarithm of zero, or a learning rate that is too high",
                )
                start += count


@dataclass(frozen=True)
class Passage:
    """What one stage made of a state: the states in which it began, was cut and ended."""

    begun: State
    cut: State
    ended: State


class Shared:
    """What the checks of one recipe share.

    Args:
        recipe: The recipe.
    """

    def __init__(self, recipe: type[Recipe]) -> None:
        self.recipe = recipe
        self._folder = tempfile.TemporaryDirectory(prefix="gankit-tiny-")  # goes when this does

    @cached_property
    def data_options(self) -> dict[str, Any]:
        """What `Recipe.tiny_data` says of the data that it has written."""
        return dict(self.recipe.tiny_data(Path(self._folder.name)))

    @cached_property
    def game(self) -> TinyGame:
        """The recipe in float32 on one device, in whatever state it was left."""
        return TinyGame(self.recipe)

    @cached_property
    def passages(self) -> dict[str, Passage]:
        """Stage -> what a training in float32 on one device made of it, stage after stage."""
        state, found = self.game.trainer.state, {}
        state.set_state(self.game.begun)
        for name in self.game.trainer.stages:
            begun = state.get_state()
            self.game.train(name, 0, CUT)
            cut = state.get_state()
            self.game.train(name, CUT, self.game.steps(name))
            found[name] = Passage(begun, cut, state.get_state())
        return found


_KEPT: dict[type[Recipe], Shared] = {}


def shared(recipe: type[Recipe]) -> Shared:
    """What the checks of a recipe share. They follow each other, and it may be large: one recipe's is kept."""
    if recipe not in _KEPT:
        _KEPT.clear()
        _KEPT[recipe] = Shared(recipe)
    return _KEPT[recipe]
