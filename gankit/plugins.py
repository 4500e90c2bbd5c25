"""Discovery of recipes through entry points.

A distribution offers a recipe with an entry point of the group `gankit.recipes` whose name is the recipe's name and
whose value is its class. Each is imported by itself and guarded: a broken plugin is one line in `gankit list`, and its
traceback shows when it is used. `GANKIT_PLUGINS` (comma-separated distributions, with or without the prefix `gankit-`;
empty for none) limits what is loaded. Plugins are code that you trust: they run with all your rights.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gankit.config import RecipeConfig, Training
from gankit.errors import PluginError, did_you_mean
from gankit.recipe import Recipe

GROUP = "gankit.recipes"
VERBS = {  # no recipe may be called like one of these
    *("list", "info", "init", "run", "resume", "evaluate", "sample", "verify", "export", "data", "runs", "doctor"),
    *("new", "check", "report", "compare", "launch", "completion", "help", "plugins"),
}


@dataclass(frozen=True)
class Entry:
    """One entry point: a recipe, or the reason why it cannot be used.

    Attributes:
        name: The recipe's name.
        distribution: The distribution that offers it, or the file it was read from.
        version: The distribution's version.
        recipe: The class; None if it is broken.
        error: What is wrong, in one line; "" if nothing is.
        details: The traceback, if there is one.
    """

    name: str
    distribution: str
    version: str
    recipe: type[Recipe] | None
    error: str = ""
    details: str = ""


class Found(Entry):
    """An entry whose recipe can be used."""

    recipe: type[Recipe]


def normalized(distribution: str) -> str:
    """A distribution's name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def entry_points(wanted: str | None = None) -> list[importlib.metadata.EntryPoint]:
    """The entry points of recipes, as far as `GANKIT_PLUGINS` allows; those called `wanted` if it is given."""
    found = list(importlib.metadata.entry_points(group=GROUP))
    allowed = os.environ.get("GANKIT_PLUGINS")
    if allowed is not None:
        names = {normalized(part.strip()) for part in allowed.split(",") if part.strip()}
        names |= {f"gankit-{name}" for name in names}
        found = [point for point in found if point.dist and normalized(point.dist.name) in names]
    return sorted((point for point in found if wanted in (None, point.name)), key=lambda point: point.name)


def load_entry(point: importlib.metadata.EntryPoint) -> Entry:
    """Imports one recipe; whatever goes wrong is told in the entry, not raised."""
    distribution, version = (point.dist.name, point.dist.version) if point.dist else ("?", "?")
    try:
        recipe = point.load()
        check_class(recipe, point.name)
    except (Exception, SystemExit) as error:
        line = f"{type(error).__name__}: {error}".splitlines()[0]
        return Entry(point.name, distribution, version, None, line, traceback.format_exc())
    return Found(point.name, distribution, version, recipe)


def check_class(recipe: object, name: str) -> None:
    """Raises PluginError unless `recipe` is a usable `Recipe` subclass called `name`."""
    if not (inspect.isclass(recipe) and issubclass(recipe, Recipe)):
        raise PluginError(f"{recipe!r} is not a subclass of gankit.Recipe")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,63}", recipe.name or "") or recipe.name != name:
        raise PluginError(
            f"the recipe's name is {recipe.name!r}, but its entry point is {name!r}",
            "use one name for both: lower case, digits and hyphens",
        )
    if name in VERBS:
        raise PluginError(f"the recipe's name {name!r} is a gankit command", "call the recipe something else")
    if not issubclass(recipe.Config, RecipeConfig):
        raise PluginError(f"{recipe.__name__}.Config is not a subclass of gankit.RecipeConfig")
    if clash := set(recipe.Config.model_fields) & {"recipe", *Training.model_fields}:
        raise PluginError(f"{recipe.__name__}.Config redefines the engine's {', '.join(sorted(clash))}")


def discover() -> list[Entry]:
    """All installed recipes, sorted by name; broken ones and duplicates included."""
    return [load_entry(point) for point in entry_points()]


def duplicates(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """Names that several distributions offer -> those distributions."""
    offered: dict[str, list[str]] = {}
    for entry in entries:
        offered.setdefault(entry.name, []).append(entry.distribution)
    return {name: owners for name, owners in offered.items() if len(owners) > 1}


def find(name: str) -> Found:
    """The recipe called `name`.

    Args:
        name: A recipe's name; `DISTRIBUTION/NAME` where two distributions offer it; or `FILE.py:CLASS`.

    Raises:
        PluginError: It is unknown, broken, or offered twice.
    """
    path, colon, class_name = name.rpartition(":")
    if colon and path.endswith(".py"):
        return _from_file(Path(path), class_name)
    if name.endswith(".py"):
        raise PluginError(f"{name} does not say which class", f"write {name}:CLASS")
    distribution, _, bare = name.rpartition("/")
    points = entry_points(bare)
    if distribution:
        wanted = normalized(distribution)
        points = [point for point in points if point.dist and normalized(point.dist.name) == wanted]
    if not points:
        hint = did_you_mean(bare, {point.name for point in entry_points()}) or "pip install gankit-srgan installs one"
        raise PluginError(f"no recipe is called {name!r}", hint)
    if len(points) > 1:
        owners = sorted(point.dist.name for point in points if point.dist)
        raise PluginError(
            f"the recipe {name!r} is offered by {' and '.join(owners)}",
            f"say which: {owners[0]}/{name}, or uninstall one, or limit them with GANKIT_PLUGINS",
        )
    return _usable(load_entry(points[0]))


def _from_file(path: Path, class_name: str) -> Found:
    if not path.is_file():
        raise PluginError(f"there is no file {path}", "give the path of a Python file and a class: ./mine.py:MyRecipe")
    # The whole path is hashed into the module's name, so that two files called mine.py do not meet in sys.modules.
    module_name = f"gankit_file_{path.stem}_{abs(hash(str(path.resolve()))):x}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None  # a .py file always has a loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
        recipe = getattr(module, class_name, None)
        if recipe is None:
            members = inspect.getmembers(module, inspect.isclass)
            recipes = [key for key, value in members if issubclass(value, Recipe) and key != "Recipe"]
            raise PluginError(f"{path} has no class {class_name!r}", did_you_mean(class_name, recipes))
        check_class(recipe, getattr(recipe, "name", ""))
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        line = f"{type(error).__name__}: {error}".splitlines()[0]
        return _usable(Entry(class_name, str(path), "", None, line, traceback.format_exc()))
    return Found(recipe.name, str(path), "", recipe)


def _usable(entry: Entry) -> Found:
    if isinstance(entry, Found):
        return entry
    raise PluginError(
        f"the recipe {entry.name!r} of {entry.distribution} cannot be loaded: {entry.error}",
        entry.details.strip() or "reinstall the plugin",
    )
