"""Calls of a recipe's methods: what they raise says where in the author's file, what they return is checked.

A mistake is told where it is made: a network that is none when `networks` returns it, not when a phase trains it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from gankit.errors import RecipeError, did_you_mean
from gankit.metrics.evaluation import Evaluation
from gankit.recipe import Data, Recipe, Stage
from gankit.support.blame import defined, recipe_code
from gankit.support.values import finite

if TYPE_CHECKING:
    import click

OPTIONAL = ("test_data", "check", "initial_weights")
"""Methods that a recipe need not have."""

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=Recipe)


def _placed(call: Callable[Concatenate[Recipe, P], R]) -> Callable[Concatenate[Recipe, P], R]:
    """A function that calls the recipe's method of its own name: what it raises begins with that method's place."""
    name = call.__name__

    @functools.wraps(call)
    def placed(recipe: Recipe, *arguments: P.args, **options: P.kwargs) -> R:
        method = getattr(type(recipe), name)
        if method is getattr(Recipe, name) and name not in OPTIONAL:
            missing = RecipeError(f"the class {type(recipe).__name__} has no method {name!r}", "every recipe writes it")
            missing.put(defined(type(recipe)))
            raise missing
        with recipe_code(name, method):
            return call(recipe, *arguments, **options)

    return placed


def _wrong(found: Any, wanted: str) -> RecipeError:
    if found is None:
        return RecipeError("it returned None", f"return {wanted}; is a `return` missing?")
    return RecipeError(f"it returned {_kind(found)}", f"return {wanted}")


def _kind(value: Any) -> str:
    """A value's type with its article, and of an array the shape."""
    name = type(value).__name__
    name = {"ndarray": "NumPy array", "dict": "dictionary", "str": "text"}.get(name, name)
    shape = f" of shape {tuple(value.shape)}" if hasattr(value, "shape") else ""
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}{shape}"


def _named(found: Any, what: str) -> dict[str, Any]:
    """A dictionary with text keys, and nothing else."""
    if not isinstance(found, Mapping):
        raise _wrong(found, f"a dictionary, name -> {what}")
    for key in found:
        if not isinstance(key, str):
            raise RecipeError(f"it returned the key {key!r}, {_kind(key)}", f"return name -> {what}")
    return dict(found)


def make(recipe: type[C], config: Any) -> C:
    """A recipe with its configuration.

    Raises:
        RecipeError: Its `__init__` raises something, or leaves the configuration out.
    """
    with recipe_code("__init__", recipe.__init__):
        made = recipe(config)
        if getattr(made, "config", None) is not config:
            raise RecipeError("self.config is not set", "begin with super().__init__(config)")
    return made


# -- what is trained ---------------------------------------------------------------------------------------------------


@_placed
def data(recipe: Recipe) -> Data:
    """`Recipe.data`, whose sources have a length and whose facts are JSON."""
    return _checked_data(recipe.data())


@_placed
def test_data(recipe: Recipe, source: str) -> Data:
    """`Recipe.test_data`."""
    return _checked_data(recipe.test_data(source))


def _checked_data(found: Any) -> Data:
    if not isinstance(found, Data):
        raise _wrong(found, "a gankit.Data")
    if not isinstance(found.train, Mapping):
        raise RecipeError(
            f"Data.train is {_kind(found.train)}", "give name -> source: {'points': ArraySource(x=array)}"
        )
    for key, source in found.train.items():
        if not callable(getattr(source, "gather", None)) or not hasattr(source, "n"):
            hint = "ArraySource(field=array) makes an array one; others have n and gather"
            raise RecipeError(f"Data.train[{key!r}] is {_kind(source)}, not a source", hint)
    if not isinstance(found.facts, Mapping):
        raise RecipeError(f"Data.facts is {_kind(found.facts)}", "give a dictionary, name -> plain value")
    _check_facts(found.facts, "facts")
    return found


def _check_facts(value: Any, place: str) -> None:
    """Raises RecipeError where a value would not come back from JSON as it is; a tuple comes back as a list."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise RecipeError(
                    f"{place} has the key {key!r}, {_kind(key)}", f"facts are stored as JSON: write {str(key)!r}"
                )
            _check_facts(item, f"{place}[{key!r}]")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            _check_facts(item, f"{place}[{i}]")
    elif isinstance(value, float) and not finite(value):
        raise RecipeError(f"{place} is {value}", "facts are stored as JSON, which has no such number; use None")
    elif not (value is None or isinstance(value, str | bool | int | float)):
        plain = "tolist()" if getattr(value, "ndim", 0) else "item()" if hasattr(value, "item") else "str() or float()"
        raise RecipeError(
            f"{place} is {_kind(value)}", f"facts are stored as JSON: give numbers, texts and lists; {plain} makes one"
        )


@_placed
def initial_weights(recipe: Recipe, reference: str) -> dict[str, list[np.ndarray]] | None:
    """`Recipe.initial_weights`, as arrays."""
    found = recipe.initial_weights(reference)
    if found is None:
        return None
    return {name: [np.asarray(array) for array in arrays] for name, arrays in _named(found, "arrays").items()}


@_placed
def networks(recipe: Recipe, data: Data) -> dict[str, Any]:
    """`Recipe.networks`: name -> built `keras.Model`."""
    import keras

    found = _named(recipe.networks(data), "keras.Model")
    for name, network in found.items():
        if not isinstance(network, keras.Model):
            hint = "return models: keras.Model(inputs, outputs), or keras.Sequential([...])"
            raise RecipeError(f"{name!r} is {_kind(network)}, not a keras.Model", hint)
        if not network.built:
            hint = "begin a Sequential with keras.layers.Input(shape), or call the model once on zeros"
            raise RecipeError(f"{name!r} is not built: nobody knows the shape of its input", hint)
    unknown = [("ema", name) for name in recipe.ema if name not in found]
    if not set(recipe.exports) & set(found):  # some may be there only with certain options, but not none
        unknown += [("exports", name) for name in recipe.exports]
    if unknown:
        attribute, name = unknown[0]
        raise RecipeError(
            f"{type(recipe).__name__}.{attribute} names {name!r}, which is no network", did_you_mean(name, found)
        )
    return found


@_placed
def optimizers(recipe: Recipe) -> dict[str, Any]:
    """`Recipe.optimizers`: key -> `keras.optimizers.Optimizer`, each its own."""
    import keras

    found = _named(recipe.optimizers(), "keras.optimizers.Optimizer")
    for key, optimizer in found.items():
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise RecipeError(
                f"{key!r} is {_kind(optimizer)}, not a Keras optimizer", "return keras.optimizers.Adam(...), say"
            )
    keys: dict[int, str] = {}
    for key, optimizer in found.items():
        if (other := keys.setdefault(id(optimizer), key)) != key:
            hint = f"make one for each, or give both phases optimizer={other!r}"
            raise RecipeError(f"{other!r} and {key!r} are one and the same", hint)
    return found


@_placed
def stages(recipe: Recipe, data: Data) -> list[Stage]:
    """`Recipe.stages`."""
    found = recipe.stages(data)
    if not isinstance(found, list | tuple):
        raise _wrong(found, "a list of gankit.Stage")
    for stage in found:
        if not isinstance(stage, Stage):
            raise RecipeError(f"it returned a list with {_kind(stage)} in it", "return a list of gankit.Stage")
    return list(found)


def commands(recipe: type[Recipe]) -> click.Group | None:
    """`Recipe.commands`."""
    with recipe_code("commands", recipe.commands):
        found = recipe.commands()
        if found is not None and not hasattr(found, "list_commands"):
            raise _wrong(found, "a click.Group, gankit.commands.Commands say")
    return found


@_placed
def check(recipe: Recipe, source: str) -> tuple[dict[str, Any], str]:
    """`Recipe.check`."""
    found = recipe.check(source)
    if not (isinstance(found, tuple) and len(found) == 2 and isinstance(found[0], Mapping)):
        raise _wrong(found, "(facts, lines of text)")
    return found


def misfit(name: str, network: Any, inputs: Any) -> RecipeError | None:
    """The error for inputs of other shapes than a network was built for; None if they fit, or nobody knows.

    Args:
        name: The network's.
        network: `keras.Model`.
        inputs: A tensor, or a list of them.
    """
    wanted = getattr(network, "input_shape", None)
    wanted = wanted if isinstance(wanted, list) else [wanted]
    given = [tuple(x.shape) for x in (inputs if isinstance(inputs, list) else [inputs]) if hasattr(x, "shape")]
    if not all(isinstance(shape, tuple) for shape in wanted) or not given:
        return None
    if len(wanted) == len(given) and all(_fit(a, b) for a, b in zip(wanted, given, strict=True)):
        return None
    shown = " and ".join(_shown(shape) for shape in given)
    return RecipeError(
        f"network {name!r} was given {shown}, and takes {' and '.join(_shown(shape) for shape in wanted)}",
        "make what the loss hands over and the Input of the network the same",
    )


def _fit(wanted: tuple[int | None, ...], given: tuple[int | None, ...]) -> bool:
    return len(wanted) == len(given) and all(
        a is None or b is None or a == b for a, b in zip(wanted, given, strict=True)
    )


def _shown(shape: tuple[int | None, ...]) -> str:
    """`[batch, 28, 28, 1]`; what is open is a question mark."""
    return f"[{', '.join(['batch', *('?' if n is None else str(n) for n in shape[1:])])}]" if shape else "a scalar"


# -- what is looked at -------------------------------------------------------------------------------------------------


@_placed
def evaluate(recipe: Recipe, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """`Recipe.evaluate`, whose figures are finite numbers."""
    found = recipe.evaluate(networks, data)
    if not isinstance(found, Evaluation):
        raise _wrong(found, "a gankit.Evaluation(metrics, baselines, protocol, better)")
    _check_figures("metrics", found.metrics)
    if not isinstance(found.baselines, Mapping):
        raise RecipeError(f"Evaluation.baselines is {_kind(found.baselines)}", "give name -> {metric: figure}")
    for name, figures in found.baselines.items():
        _check_figures(f"baselines[{name!r}]", figures)
    _check_figures("errors", found.errors)
    for metric, direction in found.better.items():
        if direction not in ("higher", "lower"):
            raise RecipeError(f"Evaluation.better[{metric!r}] is {direction!r}", "write 'higher' or 'lower'")
        if metric not in found.metrics:
            raise RecipeError(
                f"Evaluation.better names {metric!r}, which is no metric", did_you_mean(metric, found.metrics)
            )
    return found


def _check_figures(where: str, figures: Any) -> None:
    if not isinstance(figures, Mapping):
        raise RecipeError(f"Evaluation.{where} is {_kind(figures)}", "give name -> figure")
    for name, value in figures.items():
        number = value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value
        if not finite(number):
            shown = f"{number}" if isinstance(number, float) else _kind(value)
            hint = "a figure is one finite number: float(values.mean()), say"
            raise RecipeError(f"Evaluation.{where}[{name!r}] is {shown}", hint)


@_placed
def sample(recipe: Recipe, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
    """`Recipe.sample`: files that are there."""
    found = recipe.sample(networks, data, out)
    wanted = "the list of the files written: [out / 'points.png']"
    if isinstance(found, str | Path) or not isinstance(found, Iterable):
        raise _wrong(found, wanted)
    files = list(found)
    for file in files:
        if not isinstance(file, Path):
            raise RecipeError(f"it returned a list with {_kind(file)} in it: {file!r}", f"return {wanted}")
        if not file.is_file():
            raise RecipeError(f"it returned {file.name}, which it has not written", f"return {wanted}")
    return files
