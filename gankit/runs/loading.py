"""Using what a run has trained."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gankit.config import from_document, read_yaml
from gankit.engine import checkpoint, contract
from gankit.errors import CheckpointError, UsageError
from gankit.metrics.evaluation import Evaluation
from gankit.recipe import Data, Recipe
from gankit.runs import recipe_record
from gankit.runs.record import DAMAGED
from gankit.runs.run import Run, find_run, runs_root
from gankit.runs.selection import best_weights
from gankit.support.files import read_json, slug, write_json
from gankit.support.stored import read_stored

log = logging.getLogger("gankit")


def load(
    run: str | Path = "latest",
    *,
    weights: Literal["last", "best"] = "last",
    runs_dir: Path | str | None = None,
    trust_recipe: bool = False,
) -> LoadedRun:
    """Opens a run for use.

    Args:
        run: A run's folder or id, a recipe's name, or "latest".
        weights: "last", those that it ended with; "best", those that its recipe kept beside them
            (`Selection(restore=False)`), or has kept so far.
        runs_dir: The folder of all runs; `$GANKIT_RUNS` or `./runs` if None.
        trust_recipe: Execute the file that the run names as its recipe. An installed recipe needs no trust.

    Returns:
        The recipe with its trained networks.

    Raises:
        UsageError: There is no such run.
        CheckpointError: It has no usable checkpoint, or no best weights.

    Examples:
        >>> run = gankit.load("latest")  # doctest: +SKIP
        >>> run.networks["generator"](low_resolution)  # doctest: +SKIP
    """
    found = find_run(str(run), runs_root(Path(runs_dir) if runs_dir else None))
    found.trusted = trust_recipe
    return LoadedRun(found, weights=weights)


def recipe_of(run: Run) -> Recipe:
    """The recipe of a run with its frozen configuration."""
    recipe = recipe_record.found_again(run)
    return contract.make(recipe, from_document(recipe.Config, read_yaml(run.path / "config.yaml")))


def build_networks(recipe: Recipe, data: Data) -> dict[str, Any]:
    """The recipe's networks in float32 on this process' own device, frozen: for use, not for training.

    Examples:
        >>> sorted(build_networks(recipe, data))  # doctest: +SKIP
        ['discriminator', 'generator']
    """
    import keras

    from gankit.engine.mixed_precision import precision

    with precision("float32"):
        keras.utils.set_random_seed(recipe.config.training.seed)
        networks = contract.networks(recipe, data)
    for network in networks.values():
        network.trainable = False
    return networks


def assign(
    networks: Mapping[str, Any], tensors: Mapping[str, np.ndarray], *, average: bool = True, partial: bool = False
) -> dict[str, list[str]]:
    """Puts saved values into networks.

    Args:
        networks: From `build_networks`.
        tensors: From a checkpoint; the names of `TrainState.variables`.
        average: Prefer the moving average where there is one.
        partial: Leave variables of another shape as they are, in networks of the same layers otherwise.

    Returns:
        The networks that the checkpoint holds, and the names of the variables that were left.

    Raises:
        CheckpointError: A network has other variables than the checkpoint.

    Examples:
        >>> assign(build_networks(recipe, data), tensors)  # doctest: +SKIP
        {'generator': []}
    """
    filled = {}
    for name, network in networks.items():
        saved = {key.split("/", 2)[2]: value for key, value in tensors.items() if key.startswith(f"networks/{name}/")}
        if not saved:
            continue
        if average:
            saved |= {key.split("/", 2)[2]: v for key, v in tensors.items() if key.startswith(f"averages/{name}/")}
        variables = {f"{i:03d}/{v.name}": v for i, v in enumerate(network.variables)}
        left = [key for key, v in variables.items() if key in saved and saved[key].shape != tuple(v.shape)]
        if variables.keys() != saved.keys() or (left and not partial) or len(left) == len(variables):
            hint = "was it trained with other options, or another version of the plugin?"
            if left and variables.keys() == saved.keys():
                key = left[0]
                hint += f" {key} is {saved[key].shape} there and {tuple(variables[key].shape)} here"
            raise CheckpointError(f"the saved {name} has other weights than the configuration builds", hint)
        for key in variables.keys() - set(left):
            variables[key].assign(saved[key])
        filled[name] = left
    return filled


def fingerprints(data: Data) -> dict[str, str]:
    """Hash of each source that knows its own."""
    return {name: str(source.fingerprint) for name, source in data.train.items() if hasattr(source, "fingerprint")}


class LoadedRun:
    """A run's recipe, its networks (moving averages where the recipe keeps them), and what can be done with them.

    Args:
        run: The run.
        recipe: Its recipe; found again by the run's record if None.
        weights: As for `gankit.load`.

    Attributes:
        run: The run.
        recipe: The recipe, with the run's configuration.
        position: Where the loaded checkpoint stands.
        weights: Which of its weights were loaded.

    Examples:
        >>> gankit.load("latest").networks["generator"].name  # doctest: +SKIP
        'generator'
    """

    def __init__(self, run: Run, recipe: Recipe | None = None, *, weights: Literal["last", "best"] = "last") -> None:
        self.run = run
        self.recipe = recipe or recipe_of(run)
        self.position, self._tensors, self.checkpoint = checkpoint.restore(run.checkpoints)
        self.weights = weights
        if weights == "best":
            self._tensors = best_weights(self._tensors)
        self.facts = read_stored(run.path / "facts.json", dict[str, Any], DAMAGED)

    @classmethod
    def of_recipe(cls, run: Run, recipe: str) -> LoadedRun:
        """Opens a run for a command of its recipe.

        Raises:
            UsageError: It is a run of another recipe.
            CheckpointError: It has no usable checkpoint.
        """
        if run.info["recipe"] != recipe:
            raise UsageError(f"{run.path.name} is a run of {run.info['recipe']}", f"give a run of {recipe}")
        found = cls(run)
        if (status := run.info.get("status")) != "done":
            log.warning(
                "%s is not finished (%s, after %d of %d steps): gankit resume %s",
                run.path.name, status, found.position.total, sum(found.position.steps.values()), run.path,
            )  # fmt: skip
        return found

    @cached_property
    def networks(self) -> dict[str, Any]:
        """Name -> `keras.Model`."""
        networks = build_networks(self.recipe, Data(facts=self.facts))
        assign(networks, self._tensors)
        return networks

    @cached_property
    def data(self) -> Data:
        """The data that the run was trained on, opened again; a warning says if they have changed since."""
        data = contract.data(self.recipe)
        if fingerprints(data) != self.run.info.get("data", {}).get("fingerprint"):
            log.warning(
                "the data of %s have changed since it was trained: its figures would be of others", self.run.path
            )
        return data

    def evaluate(self, data: str | None = None) -> dict[str, Any]:
        """Held-out figures beside baselines; stored in the run.

        Args:
            data: Other data to evaluate on; the run's own held-out part if None.

        Returns:
            {"recipe", "run", "data", "protocol", "metrics", "baselines", "better", "rows", "errors", "limits",
            "verdict"}.
        """
        if data is None:
            evaluation = contract.evaluate(self.recipe, self.networks, self.data)
            return store_evaluation(self.run, self.recipe, evaluation, weights=self.weights)
        other = contract.test_data(self.recipe, data)
        other = replace(other, facts={**self.facts, **other.facts})  # with those of the data that trained
        evaluation = contract.evaluate(self.recipe, self.networks, other)
        return store_evaluation(self.run, self.recipe, evaluation, data, self.weights)

    def sample(self, out: Path | str) -> list[Path]:
        """Writes the recipe's pictures to a folder, which is made if need be."""
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        return contract.sample(self.recipe, self.networks, self.data, folder)


def store_evaluation(
    run: Run, recipe: Recipe, evaluation: Evaluation, data: str | None = None, weights: str = "last"
) -> dict[str, Any]:
    """Writes an evaluation into the run, and returns what `evaluate --json` prints.

    That of the last weights on the run's own data is evaluation.json; those of others lie in evaluations/.
    """
    path = run.path / "evaluation.json"
    if data is not None or weights != "last":
        name = "-".join(part for part in (slug(data, 80) if data else "", weights if weights != "last" else "") if part)
        path = run.path / "evaluations" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
    name = str(getattr(recipe.config, "data", recipe.name)) if data is None else data
    result = {"recipe": recipe.name, "run": str(run.path), "data": name, **evaluation.as_dict()}
    if weights != "last":
        result["weights"] = weights
    return dict(read_json(write_json(path, result)))  # NumPy's numbers, which a recipe may give, have become plain ones
