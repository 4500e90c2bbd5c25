"""The compliance kit: what every recipe must keep, ours and third parties'.

    import pytest
    from gankit.testing import CHECKS, check_recipe

    @pytest.mark.parametrize("check", CHECKS)
    def test_recipe(check, tmp_path):
        check_recipe(MyRecipe, check, tmp_path)

The checks train the recipe with its options `Recipe.tiny`. One of them compares one device with two logical ones, which
must be made before TensorFlow starts: call `gankit.engine.distribution.logical_cpus(2)` in conftest.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gankit import plugins
from gankit.config import RecipeConfig, arguments, from_document, parse_yaml, resolve, to_yaml
from gankit.recipe import Recipe

STEPS = 20


def tiny(recipe: type[Recipe], **changes: Any) -> RecipeConfig:
    """The recipe's smallest configuration.

    Args:
        recipe: The recipe.
        **changes: Engine options, `precision="float64"`.
    """
    options = {"training.batch_size": 4, "training.steps_per_call": 7, **recipe.tiny}
    return resolve(recipe.Config, {}, {**options, **{f"training.{key}": value for key, value in changes.items()}})


def train_steps(
    recipe: type[Recipe], steps: int, folder: Path | None = None, cut: int = 0, **changes: Any
) -> dict[str, np.ndarray]:
    """Trains some steps of each stage and returns the state.

    Args:
        recipe: With its tiny configuration.
        steps: Of each stage.
        folder: Where to put the checkpoint of a cut.
        cut: Step of each stage at which everything is saved, thrown away, built again and restored; 0 for never.
        **changes: Engine options.
    """
    from gankit.engine import checkpoint
    from gankit.engine.mixed_precision import precision
    from gankit.runs.trainer import Trainer

    config = tiny(recipe, **changes)
    with precision(config.training.precision):
        trainer = Trainer(recipe(config))
        for number, name in enumerate(trainer.stages):
            done = 0
            trainer.stages[name].begin(trainer.data, 0, steps)
            while done < steps:
                if done == cut != 0:
                    assert folder is not None
                    checkpoint.save(folder, checkpoint.Position(number, done, done, {}), trainer.state.get_state())
                    trainer = Trainer(recipe(config))
                    trainer.state.set_state(checkpoint.restore(folder)[1])
                    trainer.stages[name].begin(trainer.data, done, steps)
                ends = [steps - done, config.training.steps_per_call, *([cut - done] if cut > done else [])]
                readings = trainer.stages[name].advance(done, min(ends))
                assert readings.non_finite() is None, f"{readings.non_finite()} is not finite"
                done += min(ends)
        return trainer.state.get_state()


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
    groups = [name for name in undocumented if isinstance(getattr(recipe.Config(), name), RecipeConfig.__base__)]
    assert set(undocumented) <= set(groups), f"fields without a description: {undocumented}"


def check_light_import(recipe: type[Recipe], folder: Path) -> None:
    """The recipe's module imports neither TensorFlow nor Keras."""
    code = (
        f"import sys; from gankit import plugins; plugins.find({recipe.name!r}); "
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    if not plugins.entry_points(recipe.name):  # not installed: a recipe in a test
        code = code.replace(f"{recipe.name!r}", f"{sys.modules[recipe.__module__].__file__ + ':' + recipe.__name__!r}")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=_environment())
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]", f"importing the recipe imports {done.stdout.strip()}"


def _environment() -> dict[str, str]:
    import os

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
    from gankit.engine.mixed_precision import precision
    from gankit.engine.step import CompiledStage
    from gankit.runs.trainer import Trainer

    config = tiny(recipe)
    with precision(config.training.precision):
        trainer = Trainer(recipe(config))
        networks = trainer.state.networks
        for stage in trainer.state.stages:
            for phase in stage.phases:
                before = {name: [np.array(w) for w in net.get_weights()] for name, net in networks.items()}
                compiled = CompiledStage(trainer.state, replace(stage, phases=(phase,)), 2)
                compiled.begin(trainer.data, 0, stage.steps)
                readings = compiled.advance(0, 2)
                assert readings.non_finite() is None
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

    To 1e-8 of each variable in float64 over 20 steps; to 1e-4 of each network in float32 over 5 (see `drift`).
    """
    for precision, steps, limit, measure in (("float64", STEPS, 1e-8, difference), ("float32", 5, 1e-4, drift)):
        one = train_steps(recipe, steps, precision=precision)
        two = train_steps(recipe, steps, precision=precision, strategy="mirrored", devices=2)
        apart = measure(one, two)
        assert apart <= limit, f"{precision}: one and two replicas differ by {apart:.1e} after {steps} steps"


def check_resume(recipe: type[Recipe], folder: Path) -> None:
    """A training saved, thrown away and restored in the middle of each stage ends in the same bits."""
    whole = train_steps(recipe, STEPS)
    cut = train_steps(recipe, STEPS, folder, cut=STEPS // 2 + 1)
    unequal = [key for key in whole if not np.array_equal(whole[key], cut[key])]
    assert not unequal, f"{len(unequal)} variables differ after a resume, first {unequal[0]}"


def check_bfloat16(recipe: type[Recipe], folder: Path) -> None:
    """bfloat16 trains to finite float32 weights."""
    state = train_steps(recipe, 5, precision="bfloat16")
    assert all(np.isfinite(v).all() for v in state.values() if v.dtype.kind == "f")
    assert all(v.dtype != np.float16 and v.itemsize >= 4 for k, v in state.items() if k.startswith("networks/"))


def check_run(recipe: type[Recipe], folder: Path) -> None:
    """A whole tiny run: figures beside baselines, pictures that open and show something, a report, a reload."""
    from PIL import Image

    from gankit.runs.loading import LoadedRun
    from gankit.runs.training import start

    made = recipe(tiny(recipe))
    source = recipe.name
    if not plugins.entry_points(recipe.name):
        source = f"{sys.modules[recipe.__module__].__file__}:{recipe.__name__}"
    run = start(source, made, folder)
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
    """
    _CHECKS[check](recipe, folder)
