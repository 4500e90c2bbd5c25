"""What a recipe is before it trains: its name, its imports, its configuration. These checks start no TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from gankit import plugins
from gankit.config import Training, arguments, from_document, parse_yaml, resolve, to_yaml
from gankit.errors import GankitError
from gankit.recipe import Recipe
from gankit.testing.failure import CheckFailed, ensure
from gankit.testing.tiny_game import tiny

HEAVY = ("tensorflow", "keras")

# Imports the recipe and says which heavy module came first, and through which lines of its author's files.
_WATCHER = """
import json, sys, traceback
from gankit import plugins
from gankit.support.blame import is_authors, short

class Watcher:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in {heavy} and not seen:
            frames = [frame for frame in traceback.extract_stack() if is_authors(frame.filename)]
            seen.update(module=name, places=[f"{{short(frame.filename)}}:{{frame.lineno}}" for frame in frames])

seen = {{}}
sys.meta_path.insert(0, Watcher)
plugins.find({source!r})
print(json.dumps(seen))
"""


def check_identity(recipe: type[Recipe], folder: Path) -> None:
    """Its name and summary can be listed, and every option says what it is."""
    try:
        plugins.check_class(recipe, recipe.name)
    except GankitError as error:
        raise CheckFailed(error.message, error.hint) from error
    ensure(
        recipe.summary and len(recipe.summary) < 100 and "\n" not in recipe.summary,
        f"{recipe.__name__}.summary is {recipe.summary!r}",
        "write one line of less than 100 characters: 'gankit list' shows it",
    )
    bare = [name for name, field in recipe.Config.model_fields.items() if not field.description]
    bare = [name for name in bare if not isinstance(getattr(recipe.Config(), name), BaseModel)]
    ensure(
        not bare,
        f"{recipe.Config.__name__} does not say what {', '.join(bare)} means",
        f'{bare and bare[0]}: ... = Field(..., description="...") is the text of the option\'s help',
    )


def check_light_import(recipe: type[Recipe], folder: Path) -> None:
    """Its module can be imported without TensorFlow and Keras."""
    code = _WATCHER.format(heavy=HEAVY, source=source_of(recipe))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    lines = done.stderr.strip().splitlines() or [""]
    ensure(done.returncode == 0, f"a new process cannot import the recipe: {lines[-1]}")
    seen = json.loads(done.stdout.splitlines()[-1])
    if seen:
        *before, place = seen["places"] or [recipe.__module__]
        ensure(
            False,
            f"{place} imports {seen['module']} as soon as the recipe is listed{_through(before)}",
            "import it inside the methods that use it, or in a module beside the recipe that only its methods import",
        )


def _through(places: list[str]) -> str:
    return f" (imported by {', '.join(reversed(places))})" if places else ""


def source_of(recipe: type[Recipe]) -> str:
    """What `plugins.find` finds a recipe by: its name if it is installed, else its file and class."""
    points = plugins.entry_points(recipe.name)
    module = sys.modules[recipe.__module__]
    # A class within a function can be found in no file: it is a variant of the installed recipe.
    within = vars(module).get(recipe.__name__) is not recipe
    if points and (within or any(plugins.load_entry(point).recipe is recipe for point in points)):
        return recipe.name
    return f"{module.__file__}:{recipe.__name__}"


def check_config_round_trip(recipe: type[Recipe], folder: Path) -> None:
    """Its configuration survives YAML and the command line."""
    for config in (recipe.Config(), tiny(recipe, seed=11, max_minutes=0.5)):
        again = from_document(recipe.Config, parse_yaml(to_yaml(recipe.name, config), "the YAML"))
        ensure(again == config, f"YAML makes {again} of {config}", "give its fields types that JSON has")
        sets = arguments(config)[1::2]
        again = resolve(recipe.Config, {}, {}, sets)
        ensure(again == config, f"the command line makes {again} of {config}", "give its fields types that JSON has")
    flags = list(_flags(recipe))
    twice = sorted({flag for flag in flags if flags.count(flag) > 1})
    ensure(not twice, f"two fields of {recipe.Config.__name__} give one option, {', '.join(twice)}", "rename one")


def _flags(recipe: type[Recipe]) -> Iterator[str]:
    """The options that `gankit run` makes of the fields."""
    for model in (recipe.Config, Training):
        for name, field in model.model_fields.items():
            flag = name.replace("_", "-")
            yield f"--{flag}"
            if field.annotation is bool:
                yield f"--no-{flag}"
