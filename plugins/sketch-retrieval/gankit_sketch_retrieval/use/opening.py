"""The encoder that a command uses: of a run, of a file, or the one that comes with the plugin."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from gankit.errors import DataError, UsageError
from gankit_sketch_retrieval.features.encoder import SHIPPED, Encoder, digest

log = logging.getLogger("gankit")

RECIPE = "sketch-retrieval"


def encoder(run: str, runs_dir: Path | None) -> Encoder:
    """Opens an encoder.

    Args:
        run: "" for the shipped one; a run's folder, id or "latest"; or an encoder's file (.safetensors).
        runs_dir: The folder of all runs.

    Raises:
        UsageError: There is no such run, or it is of another recipe.
        DataError: The file is damaged, or the run's training marks are gone.
    """
    if not run:
        return Encoder.load(SHIPPED)
    if run.endswith(".safetensors"):
        if not Path(run).is_file():
            raise UsageError(f"there is no encoder {run}", "leave --run out for the one that comes with the plugin")
        return Encoder.load(Path(run))
    if Path(run).exists() and not (Path(run) / "run.json").is_file():
        raise UsageError(f"{run} is neither a run nor an encoder's file", "'gankit runs' lists runs")
    return _of_run(run, runs_dir)


def _of_run(reference: str, runs_dir: Path | None) -> Encoder:
    """A run's encoder, from its file if it was used before."""
    from gankit.commands import open_run
    from gankit.runs import LoadedRun

    loaded = LoadedRun.of_recipe(open_run(reference, runs_dir), RECIPE)
    config = loaded.recipe.config
    if config.kind != "pooled":
        return Encoder.of(config, loaded.networks)
    weights = [value for name in sorted(loaded.networks) for value in loaded.networks[name].get_weights()]
    # The file's name holds the weights' hash: a run that was resumed meanwhile gets another one.
    path = loaded.run.path / f"encoder-{digest(weights)[:12]}.safetensors"
    if path.is_file():
        return Encoder.load(path)
    log.info("fitting the components of %s to its training marks, once", loaded.run.path.name)
    try:
        train = loaded.data.held_out["opened"].train
    except DataError as error:
        raise DataError(f"the run's training marks cannot be read: {error.message}", error.hint) from error
    fitted = Encoder.of(config, loaded.networks, train.pictures)
    with contextlib.suppress(OSError):  # who may only read the run waits again next time
        fitted.save(path)
    return fitted
