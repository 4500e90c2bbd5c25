"""Discovery of recipes through entry points.

A distribution offers a recipe with an entry point of the group `gankit.recipes` whose name is the recipe's name and
whose value is its class. Each is imported by itself and guarded: a broken plugin is one line in `gankit list`, and its
traceback shows with `--debug` when it is used. `GANKIT_PLUGINS` (comma-separated distributions, with or without the
prefix `gankit-`; empty for none) limits what is loaded. Plugins are code that you trust: they run with all your rights.
"""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gankit.config import RecipeConfig, Training, from_document
from gankit.errors import ConfigError, PluginError, RecipeError, did_you_mean
from gankit.recipe import Recipe
from gankit.support import loose_file
from gankit.support.blame import blamed, is_authors, recipe_code, short

GROUP = "gankit.recipes"
HEAVY = frozenset({"tensorflow", "keras"})
"""Libraries that take seconds to import: a plugin imports them when a method is called."""
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
        cause: The exception that broke it.
        heavy: What it imports that slows `gankit list` and `--help`, and where; "" if nothing.
    """

    name: str
    distribution: str
    version: str
    recipe: type[Recipe] | None
    error: str = ""
    cause: BaseException | None = None
    heavy: str = ""


class Found(Entry):
    """An entry whose recipe can be used."""

    recipe: type[Recipe]


@dataclass(frozen=True)
class Origin:
    """Where a recipe's code comes from.

    Attributes:
        source: What `find` finds it by, from whatever folder: DISTRIBUTION/NAME, or FILE.py:CLASS with the whole path.
        distribution: The distribution that offers it; "" for a file.
        version: The distribution's version.
        files: Of a file and the modules beside it that it has imported: name -> what ran.
    """

    source: str
    distribution: str = ""
    version: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def file(self) -> Path | None:
        """The file, if it is one."""
        return Path(self.source.rpartition(":")[0]) if self.files else None


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
    known = set(sys.modules)
    try:
        recipe = point.load()
        check_class(recipe, point.name)
    except PluginError as error:
        return Entry(point.name, distribution, version, None, error.message, error)
    except (Exception, SystemExit) as error:
        return Entry(point.name, distribution, version, None, _pointless(point) or blamed(error).message, error)
    return Found(point.name, distribution, version, recipe, heavy=_heavy(known))


def _pointless(point: importlib.metadata.EntryPoint) -> str:
    """What is wrong if a module has no class of the name that its entry point gives; "" if that is not the matter."""
    module = sys.modules.get(point.module)
    if module is None or hasattr(module, point.attr):
        return ""
    near = did_you_mean(point.attr, _recipes_of(module))
    return (
        f"its entry point names {point.value}, and there is no such class; {near or 'the module has no recipe'} "
        "(a changed entry point counts once its distribution is installed again)"
    )


def _recipes_of(module: object) -> list[str]:
    members = inspect.getmembers(module, inspect.isclass)
    return [key for key, value in members if issubclass(value, Recipe) and key != "Recipe"]


def _heavy(known: set[str]) -> str:
    """Which module that was not known before imports TensorFlow or Keras, and in which line."""
    if not HEAVY & set(sys.modules):  # as it should be: then nothing is read, and no time lost
        return ""
    for name, module in list(sys.modules.items()):
        file = "" if name in known else getattr(module, "__file__", None) or ""
        if is_authors(file) and (found := next(heavy_imports(file), None)):
            return f"{short(file)}:{found[1]} imports {found[0]}"
    return "" if HEAVY & known else "a library that it imports imports TensorFlow"


def heavy_imports(file: str) -> Iterator[tuple[str, int]]:
    """The imports of TensorFlow and Keras that run when a file is imported: name and line."""
    try:
        waiting: list[ast.AST] = [ast.parse(Path(file).read_bytes())]
    except (OSError, SyntaxError, ValueError):
        return
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting = [*node.orelse, *waiting]
            continue
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [node.module]
        yield from ((name, node.lineno) for name in names if name.split(".")[0] in HEAVY)  # type: ignore[attr-defined]
        waiting = [*ast.iter_child_nodes(node), *waiting]


def check_class(recipe: object, name: str) -> None:
    """Raises PluginError unless `recipe` is a usable `Recipe` subclass called `name`."""
    if not (inspect.isclass(recipe) and issubclass(recipe, Recipe)):
        raise PluginError(f"{recipe!r} is not a subclass of gankit.Recipe")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,63}", str(recipe.name or "")):
        raise PluginError(
            f"{recipe.__name__}.name is {recipe.name!r}",
            'give it one of lower case, digits and hyphens: name = "my-gan"',
        )
    if recipe.name != name:
        hint = "use one name for both"
        raise PluginError(f"the recipe's name is {recipe.name!r}, but its entry point is {name!r}", hint)
    if name in VERBS:
        raise PluginError(f"the recipe's name {name!r} is a gankit command", "call the recipe something else")
    if not (inspect.isclass(recipe.Config) and issubclass(recipe.Config, RecipeConfig)):
        raise PluginError(f"{recipe.__name__}.Config is not a subclass of gankit.RecipeConfig")
    if clash := set(recipe.Config.model_fields) & {"recipe", *Training.model_fields}:
        raise PluginError(f"{recipe.__name__}.Config redefines the engine's {', '.join(sorted(clash))}")


def check_defaults(recipe: type[Recipe]) -> None:
    """Raises RecipeError if the recipe's own defaults break the limits that it sets: no user can mend that."""
    with recipe_code(f"defaults of {recipe.Config.__name__}", recipe.Config):
        try:
            from_document(recipe.Config, {})
        except ConfigError as error:
            required = "Field required" in error.message
            hint = "give each field a default" if required else "the field's default must keep to its own limits"
            raise RecipeError(error.message, hint) from error


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
        RecipeError: Its own defaults are wrong.
    """
    if file := file_of(name):
        return _from_file(*file)
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


def file_of(name: str) -> tuple[Path, str] | None:
    """File and class of `FILE.py:CLASS`; None if it is the name of an installed recipe.

    Examples:
        >>> file_of("./mine.py:Mine"), file_of("srgan")
        ((PosixPath('mine.py'), 'Mine'), None)
    """
    path, colon, class_name = name.rpartition(":")
    return (Path(path), class_name) if colon and path.endswith(".py") else None


def _from_file(path: Path, class_name: str) -> Found:
    if not path.is_file():
        raise PluginError(f"there is no file {path}", "give the path of a Python file and a class: ./mine.py:MyRecipe")
    known = set(sys.modules)
    try:
        module = loose_file.load(path)
    except (Exception, SystemExit) as error:
        return _usable(Entry(class_name, str(path), "", None, blamed(error).message, error))
    recipe = getattr(module, class_name, None)
    if recipe is None:
        raise PluginError(f"{path} has no class {class_name!r}", did_you_mean(class_name, _recipes_of(module)))
    check_class(recipe, getattr(recipe, "name", ""))
    return _usable(Found(recipe.name, str(path), "", recipe, heavy=_heavy(known)))


def _usable(entry: Entry) -> Found:
    if isinstance(entry, Found):
        check_defaults(entry.recipe)
        return entry
    hint = entry.cause.hint if isinstance(entry.cause, PluginError) else blamed(entry.cause).hint if entry.cause else ""
    raise PluginError(
        f"the recipe {entry.name!r} of {entry.distribution} cannot be loaded: {entry.error}",
        hint or "the same command with --debug shows the traceback",
    ) from entry.cause


def origin(recipe: type[Recipe], source: str = "") -> Origin:
    """Where a recipe's code comes from.

    Args:
        recipe: The class.
        source: What the user called it; "" for a class that was given as such.

    Examples:
        >>> class Mine(Recipe):
        ...     name = "mine"
        >>> origin(Mine, "mine").source
        'mine'
    """
    value = f"{recipe.__module__}:{recipe.__qualname__}"
    for point in entry_points(recipe.name):
        if point.value == value and point.dist:
            return Origin(f"{point.dist.name}/{point.name}", point.dist.name, point.dist.version)
    file = file_of(source)
    if file is None:
        module = sys.modules.get(recipe.__module__)
        path = getattr(module, "__file__", None) or ""
        if path.endswith(".py") and vars(module).get(recipe.__name__) is recipe:
            file = Path(path), recipe.__name__
    if file is None:
        return Origin(source or recipe.name)
    path = file[0].resolve()
    return Origin(f"{path}:{file[1]}", files=loose_file.files(path) or {path.name: loose_file.content(path) or b""})
