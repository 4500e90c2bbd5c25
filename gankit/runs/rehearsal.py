"""What a training will need, and whether it will get through: everything in small, before hours are spent."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gankit.engine import contract
from gankit.engine.mixed_precision import precision
from gankit.recipe import Data, Recipe
from gankit.runs.initial_weights import find_initial_weights
from gankit.runs.trainer import Trainer
from gankit.support.memory import peak_mb


@dataclass(frozen=True)
class Rehearsal:
    """What `evaluate` and `sample` gave.

    Attributes:
        evaluation: As `Evaluation.as_dict` gives it.
        files: Those written.
        seconds: Time that both took.
    """

    evaluation: Mapping[str, Any]
    files: list[Path]
    seconds: float


def rehearse(recipe: Recipe, networks: Mapping[str, Any], data: Data, folder: Path) -> Rehearsal:
    """Evaluates and samples networks, as the end of a training does.

    Args:
        recipe: The recipe.
        networks: As `gankit.runs.build_networks` gives them.
        data: The recipe's.
        folder: An empty folder for what is written.

    Raises:
        RecipeError: One of the two raises, or returns what it must not; says where.

    Examples:
        >>> rehearse(recipe, build_networks(recipe, data), data, Path("empty")).files  # doctest: +SKIP
        [PosixPath('empty/samples/grid.png')]
    """
    samples = folder / "samples"
    samples.mkdir(parents=True)
    began = time.perf_counter()
    evaluation = contract.evaluate(recipe, networks, data).as_dict()
    files = contract.sample(recipe, networks, data, samples)
    return Rehearsal(evaluation, files, time.perf_counter() - began)


def dry_run(recipe: Recipe, root: Path) -> dict[str, Any]:
    """Builds everything, evaluates and samples, takes two steps of each stage, and says what the training will need.

    Args:
        recipe: With its configuration.
        root: The folder of all runs, in which `training.init_from` is looked for.

    Returns:
        {"weights": {network: n}, "init_from": {"from", "sha256", "networks": {name: variables that begin afresh}} or
        None, "rehearsal": {"seconds", and the names of "metrics", "baselines" and "files"} or None in workers other
        than the chief, "stages": {stage: {"steps", "seconds_per_step"}}, "minutes", "memory_mb" (the peak of this
        process), "disk_mb" (three checkpoints), and what `Trainer.describe` says}.

    Raises:
        CheckpointError: No network fits what `training.init_from` names.
        RecipeError: The recipe breaks the contract; says where.
    """
    training = recipe.config.training
    with precision(training.precision):
        trainer = Trainer(recipe)
        begun = None
        if training.init_from:
            origin = find_initial_weights(recipe, training.init_from, root)
            begun = {"from": origin.origin, "sha256": origin.sha256, "networks": trainer.initialise_from(origin)}
        rehearsal = None
        if trainer.placement.chief:  # which alone evaluates
            with tempfile.TemporaryDirectory(prefix="gankit-rehearsal-") as folder:
                found = rehearse(recipe, trainer.viewed(), trainer.data, Path(folder))
                files = [str(file.relative_to(Path(folder) / "samples")) for file in found.files]
            rehearsal = {
                "seconds": round(found.seconds, 2),
                "metrics": list(found.evaluation["metrics"]),
                "baselines": list(found.evaluation["baselines"]),
                "files": files,
            }
        stages, minutes = {}, 0.0
        for name, stage in trainer.stages.items():
            stage.begin(trainer.data, 0, stage.stage.steps)
            stage.advance(0, 1)  # traces
            began = time.perf_counter()
            readings = stage.advance(1, 1)
            seconds = time.perf_counter() - began
            trainer.check_finite(None, name, readings)
            stages[name] = {"steps": stage.stage.steps, "seconds_per_step": round(seconds, 4)}
            minutes += stage.stage.steps * seconds / 60
    budget = training.max_minutes
    return {
        "recipe": recipe.name,
        **trainer.describe(),
        "init_from": begun,
        "rehearsal": rehearsal,
        "stages": stages,
        "minutes": round(min(minutes, budget or minutes), 1),
        "memory_mb": peak_mb(),
        "disk_mb": round(3 * trainer.checkpoint_bytes() / 1e6, 1),
    }
