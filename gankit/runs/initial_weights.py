"""Weights that a training starts from: those of a run, or of what a recipe knows by a name of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gankit.engine import checkpoint, contract
from gankit.errors import UsageError
from gankit.recipe import Recipe
from gankit.runs.run import Run, find_run
from gankit.support.files import sha256


@dataclass(frozen=True)
class InitialWeights:
    """What was found.

    Attributes:
        origin: A run's folder, a file, or the name that the recipe knows; stands for the same later on.
        sha256: Of the run's checkpoint; of the arrays where the recipe gave them.
        tensors: Of a run, by the names of `TrainState.variables`.
        arrays: What the recipe gave: network -> arrays in the order of its variables.
    """

    origin: str
    sha256: str
    tensors: Mapping[str, np.ndarray]
    arrays: Mapping[str, Sequence[np.ndarray]]

    def named(self, networks: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """All of them, by the names that the variables of `networks` have in a checkpoint."""
        found = dict(self.tensors)
        for name, arrays in self.arrays.items():
            own = [v.name for v in networks[name].variables] if name in networks else []
            for i, array in enumerate(arrays):  # those beyond the network's are kept: they don't fit, and that is said
                found[f"networks/{name}/{i:03d}/{own[i] if i < len(own) else ''}"] = array
        return found


def find_initial_weights(recipe: Recipe, reference: str, root: Path) -> InitialWeights:
    """The weights that `training.init_from` names: a run's first of all, then those that the recipe knows.

    Args:
        recipe: The recipe that is to be trained.
        reference: What the user wrote.
        root: The folder of all runs.

    Raises:
        UsageError: It is neither a run nor known to the recipe.
        CheckpointError: The run has no usable checkpoint.
    """
    origin, found = _found(recipe, reference, root)
    if not isinstance(found, Run):
        return InitialWeights(origin, _digest(found), {}, found)
    _, tensors, path = checkpoint.restore(found.checkpoints)
    return InitialWeights(origin, sha256(path / checkpoint.TENSORS), tensors, {})


def lasting_reference(recipe: Recipe, reference: str, root: Path) -> str:
    """What names the same weights later on, where "latest" may be another run; raises as `find_initial_weights`."""
    return _found(recipe, reference, root)[0]


def _found(recipe: Recipe, reference: str, root: Path) -> tuple[str, Run | dict[str, list[np.ndarray]]]:
    """A lasting name, and the run or the recipe's arrays."""
    try:
        run = find_run(reference, root)
    except UsageError as missing:
        try:
            arrays = contract.initial_weights(recipe, reference)
        except UsageError as unknown:  # what the recipe would have known is the nearer hint
            raise UsageError(f"{missing.message}; {unknown.message}", unknown.hint or missing.hint) from unknown
        if arrays is None:
            raise
        file = Path(reference).expanduser()
        return str(file.resolve()) if file.suffix and file.is_file() else reference, arrays
    return str(run.path), run


def _digest(networks: Mapping[str, Sequence[np.ndarray]]) -> str:
    digest = hashlib.sha256()
    for name, arrays in sorted(networks.items()):
        for array in arrays:
            digest.update(repr((name, array.dtype.str, array.shape)).encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
