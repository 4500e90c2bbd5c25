"""Pages of the command line: one of gankit's own verbs, and one of each recipe of this repository.

mkdocs-click imports a command by its module and name. The options of `gankit run RECIPE` are made when they are asked
for, so the commands of all pages are put into a module of their own.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from gankit import plugins
from gankit.cli.app import VERBS, app
from gankit.cli.run import run_command

ROOT = Path(__file__).parents[2]
MODULE = types.ModuleType("commands_of_the_site")
sys.modules[MODULE.__name__] = MODULE
PAGES: dict[str, str] = {}  # path -> text


def on_config(config: MkDocsConfig) -> None:
    """Makes the pages, and puts them into the navigation where it says COMMANDS."""
    named = {"gankit": verbs_page(), **dict(recipe_pages())}
    PAGES.update({f"reference/commands/{name}.md": text for name, text in named.items()})
    entries = [{name: f"reference/commands/{name}.md"} for name in named]
    for section in config.nav:
        for entry in (part for part in next(iter(section.values())) if isinstance(part, dict)):
            entry.update({title: entries for title, what in entry.items() if what == "COMMANDS"})


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Adds the pages."""
    for path, text in PAGES.items():
        files.append(File.generated(config, path, content=text))


def on_post_build(**_: Any) -> None:
    """The pages must be made without TensorFlow, as the help of every command is."""
    if heavy := {"tensorflow", "keras"} & set(sys.modules):
        raise PluginError(f"the help of a command imports {' and '.join(sorted(heavy))}")


def verbs_page() -> str:
    """Gankit's own verbs; of `run` without recipes, which have pages of their own."""
    context = click.Context(app)
    root = click.Command("gankit", help=app.help, params=app.params)
    commands = {f"gankit {name}": app.get_command(context, name) for name in VERBS}
    run = commands["gankit run"]
    commands["gankit run"] = click.Command("run", help=run.help, options_metavar="RECIPE [OPTIONS]")
    blocks = [block(title, command) for title, command in {"gankit": root, **commands}.items()]
    return "\n\n".join(["# gankit", "What `gankit --help` and `gankit VERB --help` print.", *blocks])


def recipe_pages() -> Iterator[tuple[str, str]]:
    """Name and page of each recipe: the options of its training, and its own commands."""
    ours = {f"gankit-{path.parent.name}" for path in ROOT.glob("plugins/*/setup.cfg")}
    for entry in sorted(plugins.discover(), key=lambda entry: (entry.distribution, entry.name)):
        if entry.distribution not in ours:
            continue
        if entry.recipe is None:
            raise PluginError(f"the recipe {entry.name} cannot be imported: {entry.error}")
        blocks = [block(f"gankit run {entry.name}", run_command(entry.name))]
        if own := entry.recipe.commands():
            blocks.append(block(f"gankit {entry.name}", own))
        guide = f"[All details](../../details/{entry.distribution.removeprefix('gankit-')}.md)"
        yield entry.name, "\n\n".join([f"# {entry.name}", f"From the plugin `{entry.distribution}`. {guide}.", *blocks])


def block(title: str, command: click.Command) -> str:
    """What mkdocs-click replaces by the help of a command."""
    attribute = re.sub(r"\W", "_", title)
    setattr(MODULE, attribute, readable(command))
    options = {"module": MODULE.__name__, "command": attribute, "prog_name": title, "depth": 1}
    return "\n    ".join(["::: mkdocs-click", *(f":{name}: {value}" for name, value in options.items())])


def readable(command: click.Command) -> click.Command:
    r"""The command with help in Markdown: paragraphs that begin with \b are shown as they are typed."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    command.help = "\n\n".join(
        "```text\n" + part.removeprefix("\b\n") + "\n```"
        if part.startswith("\b\n")
        else re.sub(r"([\\*_<\[\]])", r"\\\1", part)
        for part in paragraphs
    )
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            readable(command.get_command(context, name))
    return command
