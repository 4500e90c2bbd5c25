"""Trained networks as files for other programs.

A file is written aside, opened again by the library that it is meant for, and compared with the network on random
inputs of several sizes. Only then does it get its name: there is never half a file, nor one that computes something
else.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit.errors import GankitError, RecipeError, UsageError, did_you_mean
from gankit.export.formats import READERS, WRITERS, Function, function_of, input_names, output_names
from gankit.support.files import fsync
from gankit.version import __version__

if TYPE_CHECKING:
    from gankit.runs.loading import LoadedRun

TOLERANCE = 1e-4
"""Largest difference to the trained network; relative to its largest output where that is above 1."""

_SUFFIXES = {".onnx": "onnx", ".keras": "keras"}
# Height and width of the trials: single pixels, odd sides, and sides that networks with strides accept.
_SIZES = ((1, 1), (1, 2), (2, 7), (16, 24), (32, 32))

Trial = tuple[list[np.ndarray], Sequence[np.ndarray]]


def check(path: Path | str, format: str = "", *, force: bool = False) -> str:
    """Refuses in advance what cannot end well, and returns the format; the arguments are those of `export`.

    Imports no TensorFlow.

    Raises:
        UsageError: The format is unknown, something stands at `path`, or its folder does not exist.
        GankitError: The packages that write ONNX are not installed.
    """
    path = Path(path)
    format = format or _SUFFIXES.get(path.suffix, "")
    if not format:
        raise UsageError(f"the name {path.name} does not say the format", "give --format: " + ", ".join(WRITERS))
    if format not in WRITERS:
        raise UsageError(f"there is no format {format!r}", did_you_mean(format, WRITERS))
    if format == "keras" and path.suffix != ".keras":
        raise UsageError(f"Keras would not read {path.name}", "let the name end with .keras")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", "make it first")
    if path.exists():
        if not force:
            raise UsageError(f"{path} exists", "choose another name, or replace it with --force")
        # A folder goes as a whole, so it must be nothing but an older export.
        replaceable = (path / "saved_model.pb").is_file() if format == "savedmodel" else path.is_file()
        if not replaceable:
            raise UsageError(f"{path} is not a {format} that --force could replace", "choose another name")
    missing = [name for name in ("onnx", "onnxruntime", "tf2onnx") if not importlib.util.find_spec(name)]
    if format == "onnx" and missing:
        raise GankitError(f"writing ONNX needs {' and '.join(missing)}", "pip install 'gankit[onnx]'")
    return format


def export(
    loaded: LoadedRun, path: Path | str, *, network: str = "", format: str = "", force: bool = False
) -> dict[str, Any]:
    """Writes a trained network to a file, compares the file with the network, and says how far they agree.

    Sizes that the network leaves open (batch, height, width) stay open in the file.

    Args:
        loaded: The run.
        path: The file, or for a SavedModel the folder.
        network: Its name; "" is the first of the recipe's `exports`, or the only one.
        format: "onnx", "keras" or "savedmodel"; "" goes by the path's suffix.
        force: Replace an older export.

    Returns:
        {"file", "format", "bytes", "recipe", "run", "network", "step", "about", "gankit", "inputs", "outputs",
        "difference"}; inputs and outputs are {name: {"shape", "dtype"}}, the difference is by `largest_difference`.

    Raises:
        UsageError: See `check`; or there is no such network, or there are several and none is named.
        RecipeError: The network does not say what its inputs are.
        GankitError: The format cannot express the network, the disk is full, or the file computes something else.

    Examples:
        >>> export(gankit.load("latest"), "generator.onnx")["network"]  # doctest: +SKIP
        'generator'
    """
    path = Path(path)
    format = check(path, format, force=force)
    network = _choose(loaded, network)
    model = loaded.networks[network]
    if not getattr(model, "inputs", None):
        raise RecipeError(
            f"the network {network!r} does not say what its inputs are",
            "build it as keras.Model(inputs, outputs), or as a Sequential that begins with an Input",
        )
    recipe, step = loaded.recipe, loaded.position.total
    note = {"recipe": recipe.name, "run": loaded.run.path.name, "network": network, "step": step}
    note |= {"about": recipe.exports.get(network, ""), "gankit": __version__}
    tried = trials(model)
    partial = path.with_name(f".{os.getpid()}.{path.name}")  # the suffix stays, because Keras looks at it
    try:
        with _explained(f"{network} cannot be written as {format}"):
            WRITERS[format](model, partial, note)
            difference = largest_difference(READERS[format](partial, output_names(model)), tried)
            size = _settle(partial)
        if not difference <= TOLERANCE:
            others = " or ".join(name for name in WRITERS if name != format)
            raise GankitError(
                f"the {format} file would differ from {network} by {difference:.1e}, more than {TOLERANCE:.0e}",
                f"nothing was written; --format {others} may do",
            )
        _replace(partial, path)
    finally:
        _remove(partial)
    shapes = {
        end: {name: {"shape": list(t.shape), "dtype": str(t.dtype)} for name, t in zip(names, tensors, strict=True)}
        for end, names, tensors in (
            ("inputs", input_names(model), model.inputs),
            ("outputs", output_names(model), model.outputs),
        )
    }
    return {"file": str(path), "format": format, "bytes": size, **note, **shapes, "difference": difference}


def _choose(loaded: LoadedRun, network: str) -> str:
    """The network that is meant."""
    names = list(loaded.networks)
    first = [*loaded.recipe.exports, *(names if len(names) == 1 else [])]
    if not network and not first:
        raise UsageError(f"the run has {len(names)} networks", "name one with --network: " + ", ".join(names))
    chosen = network or first[0]
    if chosen not in names:
        raise UsageError(f"the run has no network {chosen!r}", did_you_mean(chosen, names))
    return chosen


def trials(model: Any) -> list[Trial]:
    """Random inputs of the sizes that a network accepts, with its outputs.

    The inputs are uniform in [0, 1) and standard normal in turn, and 0 and 1 where an input wants integers.

    Raises:
        GankitError: It accepts none of them.
    """
    import tensorflow as tf

    rng = np.random.default_rng(0)
    found: list[Trial] = []
    refusal: Exception | None = None
    for number, sizes in enumerate(_SIZES):
        inputs = []
        for tensor in model.inputs:
            shape = [1 + number % 3, *(sizes[i % 2] if s is None else s for i, s in enumerate(tensor.shape[1:]))]
            dtype = np.dtype(tensor.dtype)
            draw = rng.random(shape) if number % 2 == 0 else rng.normal(size=shape)
            inputs.append((draw if dtype.kind == "f" else draw > 0.5).astype(dtype))
        try:
            found.append((inputs, function_of(model)(inputs)))
        except (ValueError, tf.errors.OpError) as error:  # too small for it, or not divisible by its strides
            refusal = error
    if not found:
        raise GankitError(f"the network {model.name} accepts no input of the sizes tried") from refusal
    return found


def largest_difference(function: Function, tried: Sequence[Trial]) -> float:
    """How far a function is from the network that made the trials.

    Returns:
        The largest |difference|, divided by the largest |output| of the trial where that is above 1; NaN if there is
        a NaN.

    Raises:
        GankitError: An output has another shape.
    """
    worst = 0.0
    for inputs, expected in tried:
        for mine, theirs in zip(function(inputs), expected, strict=True):
            if mine.shape != theirs.shape:
                raise GankitError(f"an output of {list(theirs.shape)} would become {list(mine.shape)}")
            apart = np.abs(mine.astype(np.float64) - theirs).max() / max(1.0, float(np.abs(theirs).max()))
            worst = float(np.maximum(worst, apart))  # unlike max(), keeps a NaN
    return worst


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turns whatever the libraries raise into one sentence."""
    try:
        yield
    except GankitError:
        raise
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise GankitError(f"{what}: {lines[0]}", "--debug shows where") from error


def _settle(path: Path) -> int:
    """Forces a file, or all of a folder, to the disk; returns its bytes."""
    files = [file for file in (path, *path.rglob("*")) if file.is_file()]
    for file in files:
        fsync(file)
    return sum(file.stat().st_size for file in files)


def _replace(partial: Path, path: Path) -> None:
    """Gives the export its name; an older folder, which a rename cannot overwrite, is moved aside first."""
    old = path.with_name(f".{os.getpid()}.old.{path.name}")
    if path.is_dir():
        os.replace(path, old)
    os.replace(partial, path)
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
