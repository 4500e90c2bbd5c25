"""The compliance kit: what every recipe must keep, ours and third parties'.

    import pytest
    from gankit.testing import CHECKS, check_recipe

    @pytest.mark.xdist_group("mine")
    @pytest.mark.parametrize("check", CHECKS)
    def test_recipe(check, tmp_path):
        check_recipe(MyRecipe, check, tmp_path)

The checks train the recipe with its options `Recipe.tiny`. They share what they train, so with pytest-xdist the checks
of one recipe belong to one group (`--dist loadgroup`). One of them compares one device with two logical ones, which
must be made before TensorFlow starts: call `gankit.engine.distribution.logical_cpus(2)` in conftest.

Making a graph of a step takes as long as running ten steps without one, and a tiny training has fewer. So most checks
run the very steps of the engine eagerly. Two make graphs: `replicas` one for two devices, and `run` all for one.
"""

from __future__ import annotations

import copy
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from gankit import plugins
from gankit.config import RecipeConfig, arguments, from_document, parse_yaml, resolve, to_yaml
from gankit.recipe import Recipe

__all__ = ["CHECKS", "check_recipe"]

STEPS = 5
"""Steps that the checks train of each stage, at least: with a phase that runs every so many steps, until its third."""
CUT = 3
"""Steps of each stage after which a training is cut, and which two replicas train in float32."""

State = dict[str, np.ndarray]


def tiny(recipe: type[Recipe], **changes: Any) -> RecipeConfig:
    """The recipe's smallest configuration.

    Args:
        recipe: The recipe.
        **changes: Engine options, `precision="float64"`.

    Examples:
        >>> class Mine(Recipe):
        ...     tiny = {"training.batch_size": 2}
        >>> tiny(Mine, seed=3).training.batch_size
        2
    """
    options = {"training.batch_size": 4, "training.steps_per_call": 7, **recipe.tiny}
    return resolve(recipe.Config, {}, {**options, **{f"training.{key}": value for key, value in changes.items()}})


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
        from gankit.runs.trainer import Trainer

        self.eager = True
        self.training = tiny(recipe, **changes).training
        if opened is None:
            made: Any = recipe(tiny(recipe, **changes))
        else:
            # A copy, since opening its data may have settled more of the recipe than `Trainer.data` holds.
            made = copy.copy(opened.trainer.recipe)
            made.config = made.config.model_copy(update={"training": self.training})
            data = opened.trainer.data
            made.data = lambda: data
        with self._setting():
            self.trainer: Any = Trainer(made)
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

    def train(self, stage: str, start: int, stop: int, only: str | None = None) -> None:
        """Trains steps of one stage.

        Args:
            stage: Its name.
            start: The first step.
            stop: The step after the last.
            only: The phase that alone is run; None for all of them.
        """
        from gankit.engine.step import CompiledStage

        with self._setting():
            compiled = self.trainer.stages[stage]
            if only is not None:
                phases = tuple(phase for phase in compiled.stage.phases if phase.name == only)
                compiled = CompiledStage(self.trainer.state, replace(compiled.stage, phases=phases), stop)
            compiled.begin(self.trainer.data, start, self.steps(stage))
            while start < stop:
                count = min(stop - start, compiled.per_call)
                readings = compiled.advance(start, count)
                assert readings.non_finite() is None, f"{readings.non_finite()} is not finite"
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


def _shared(recipe: type[Recipe]) -> Shared:
    # The checks of one recipe follow each other, and what they share may be large: one recipe's is kept.
    if recipe not in _KEPT:
        _KEPT.clear()
        _KEPT[recipe] = Shared(recipe)
    return _KEPT[recipe]


def difference(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> float:
    """Largest |a - b| over the networks' variables, relative to the largest value of each."""
    assert set(a) == set(b)
    found = [
        np.abs(a[key] - b[key]).max() / max(np.abs(a[key]).max(), 1e-3)
        for key in a
        if key.startswith("networks/") and a[key].size and a[key].dtype.kind == "f"
    ]
    return float(max(found))


def drift(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> float:
    """Largest distance |a - b| of a network's weights over their length |a|, all its variables taken together.

    For float32, whose rounding decides the sign of gradients that are nearly 0: there Adam makes full steps, so a few
    weights differ by as much as they have moved, on one CPU more than on another, and say nothing of the rest.
    """
    assert set(a) == set(b)
    squares: dict[str, list[float]] = {}
    for key in a:
        role, network, *_ = key.split("/")
        if role == "networks" and a[key].size and a[key].dtype.kind == "f":
            apart, length = squares.setdefault(network, [0.0, 0.0])
            squares[network] = [apart + float(((a[key] - b[key]) ** 2).sum()), length + float((a[key] ** 2).sum())]
    return max(math.sqrt(apart / length) for apart, length in squares.values())


def check_identity(recipe: type[Recipe], folder: Path) -> None:
    """Name, summary and configuration are usable, and every field says what it is."""
    plugins.check_class(recipe, recipe.name)
    assert recipe.summary and len(recipe.summary) < 100, "summary: one line"
    undocumented = [name for name, field in recipe.Config.model_fields.items() if not field.description]
    groups = [name for name in undocumented if isinstance(getattr(recipe.Config(), name), BaseModel)]
    assert set(undocumented) <= set(groups), f"fields without a description: {undocumented}"


def check_light_import(recipe: type[Recipe], folder: Path) -> None:
    """The recipe's module imports neither TensorFlow nor Keras."""
    code = (
        f"import sys; from gankit import plugins; plugins.find({_source(recipe)!r}); "
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=_environment())
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]", f"importing the recipe imports {done.stdout.strip()}"


def _source(recipe: type[Recipe]) -> str:
    """What `plugins.find` finds the recipe by: its name if it is installed, else its file and class."""
    if plugins.entry_points(recipe.name):
        return recipe.name
    return f"{sys.modules[recipe.__module__].__file__}:{recipe.__name__}"


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def check_config_round_trip(recipe: type[Recipe], folder: Path) -> None:
    """Configuration -> YAML -> configuration, and -> command line -> configuration, lose nothing."""
    from gankit.cli.options import options_of

    for config in (recipe.Config(), tiny(recipe, seed=11, max_minutes=0.5)):
        assert from_document(recipe.Config, parse_yaml(to_yaml(recipe.name, config), "the YAML")) == config
        sets = arguments(config)[1::2]
        assert resolve(recipe.Config, {}, {}, sets) == config
    flags = [flag for option in options_of(recipe) for flag in option.opts]
    assert len(set(flags)) == len(flags), "two fields give one option"


def check_phases(recipe: type[Recipe], folder: Path) -> None:
    """Each phase alone moves the trainable weights of the networks that it names, and of no others."""
    game = _shared(recipe).game
    networks = game.trainer.state.networks
    for stage in game.trainer.state.stages:
        for phase in stage.phases:
            before = {name: [np.array(w) for w in net.get_weights()] for name, net in networks.items()}
            game.train(stage.name, 0, 2, phase.name)
            moved = {name for name, net in networks.items() if _moved(net, before[name])}
            assert moved == set(phase.trains), f"phase {phase.name!r} of {stage.name!r} moved {sorted(moved)}"


def _moved(network: Any, before: list[np.ndarray]) -> bool:
    ids = {id(v) for v in network.trainable_variables}
    return any(
        id(v) in ids and not np.array_equal(old, new)
        for v, old, new in zip(network.weights, before, network.get_weights(), strict=True)
    )


def check_replicas(recipe: type[Recipe], folder: Path) -> None:
    """Two replicas train what one device trains.

    To 1e-4 of each network in float32 over the first steps of each stage (see `drift`); to 1e-8 of each variable in
    float64 over all stages, of which the one with the most phases is made a graph for the two replicas.
    """
    shared = _shared(recipe)
    two = TinyGame(recipe, shared.game, strategy="mirrored", devices=2)
    for name, passage in shared.passages.items():
        two.trainer.state.set_state(passage.begun)
        two.train(name, 0, CUT)
        apart = drift(passage.cut, two.trainer.state.get_state())
        assert apart <= 1e-4, f"float32: one and two replicas differ by {apart:.1e} after {CUT} steps of {name!r}"
    one = TinyGame(recipe, precision="float64")
    two = TinyGame(recipe, one, precision="float64", strategy="mirrored", devices=2)
    largest = max(two.trainer.state.stages, key=lambda stage: len(stage.phases)).name
    for name in one.trainer.stages:
        two.eager = name != largest
        for game in (one, two):
            game.train(name, 0, game.steps(name))
    apart = difference(one.trainer.state.get_state(), two.trainer.state.get_state())
    assert apart <= 1e-8, f"float64: one and two replicas differ by {apart:.1e} at the end"


def check_resume(recipe: type[Recipe], folder: Path) -> None:
    """A training saved in the middle of each stage, and restored into one that is built anew, ends in the same bits."""
    from gankit.engine import checkpoint

    shared, again = _shared(recipe), TinyGame(recipe)
    passages = shared.passages
    for number, (name, passage) in enumerate(passages.items()):
        # Eagerly, a stage learns the names of what it logs in a step of all phases, which the cut need not be.
        again.trainer.stages[name].names = shared.game.trainer.stages[name].names
        checkpoint.save(folder / name, checkpoint.Position(number, CUT, CUT, {}), passage.cut)
        again.trainer.state.set_state(checkpoint.restore(folder / name)[1])
        again.train(name, CUT, again.steps(name))
        ended = again.trainer.state.get_state()
        unequal = [key for key, value in passage.ended.items() if not np.array_equal(value, ended[key])]
        assert not unequal, f"{len(unequal)} variables differ after a resume in {name!r}, first {unequal[0]}"


def check_bfloat16(recipe: type[Recipe], folder: Path) -> None:
    """bfloat16 trains to finite float32 weights."""
    game = TinyGame(recipe, _shared(recipe).game, precision="bfloat16")
    for name in game.trainer.stages:
        game.train(name, 0, CUT)
    state = game.trainer.state.get_state()
    assert all(np.isfinite(v).all() for v in state.values() if v.dtype.kind == "f")
    halves = {str(v.dtype) for k, v in state.items() if k.startswith("networks/") and v.itemsize < 4}
    assert not halves, f"weights of the networks are kept in {', '.join(sorted(halves))}"


def check_run(recipe: type[Recipe], folder: Path) -> None:
    """A whole tiny run: figures beside baselines, pictures that open and show something, a report, a reload."""
    from PIL import Image

    from gankit.runs.loading import LoadedRun
    from gankit.runs.training import start

    run = start(_source(recipe), recipe(tiny(recipe)), folder)
    assert run is not None and run.info["status"] == "done"
    assert (run.path / "report.html").stat().st_size > 1000
    loaded = LoadedRun(run)
    again = loaded.evaluate()
    assert again["metrics"] and again["baselines"], "an evaluation has metrics and at least one baseline"
    for name, figures in {"ours": again["metrics"], **again["baselines"]}.items():
        assert all(isinstance(v, float | int) and math.isfinite(v) for v in figures.values()), f"{name}: {figures}"
        assert set(figures) <= set(again["metrics"]), f"{name} has figures that ours has not"
    assert set(again["better"]) <= set(again["metrics"])
    pictures = [file for file in loaded.sample(folder / "pictures") if file.suffix in (".png", ".jpg")]
    for picture in pictures:
        with Image.open(picture) as image:
            low, high = np.asarray(image.convert("L")).min(), np.asarray(image.convert("L")).max()
        assert low < high, f"{picture.name} is one flat colour"


_CHECKS: dict[str, Callable[[type[Recipe], Path], None]] = {
    "identity": check_identity,
    "light_import": check_light_import,
    "config_round_trip": check_config_round_trip,
    "phases": check_phases,
    "replicas": check_replicas,
    "resume": check_resume,
    "bfloat16": check_bfloat16,
    "run": check_run,
}
CHECKS = tuple(_CHECKS)


def check_recipe(recipe: type[Recipe], check: str, folder: Path) -> None:
    """Runs one of `CHECKS`.

    Args:
        recipe: The class.
        check: Name of the check.
        folder: An empty folder.

    Raises:
        AssertionError: The recipe fails it; says how.

    Examples:
        >>> from pathlib import Path
        >>> check_recipe(MyRecipe, "identity", Path("empty"))  # doctest: +SKIP
    """
    _CHECKS[check](recipe, folder)
