"""The root command: verbs, and each recipe's own group behind its name."""

from __future__ import annotations

import logging
import os
from importlib import import_module
from typing import Any

import click

from gankit import __version__
from gankit.errors import PluginError, did_you_mean

# In the order in which a newcomer meets them; the texts stand here so that --help imports no verb.
VERBS = {
    "list": "List the recipes that can be trained.",
    "info": "Describe a recipe: method, source, defaults, claims.",
    "run": "Train a recipe.",
    "resume": "Go on with a stopped run.",
    "evaluate": "Print a run's figures beside its baselines.",
    "sample": "Write a run's sample pictures to a folder.",
    "runs": "List the runs, of RECIPE if it is named.",
    "doctor": "Check the installation.",
    "completion": "Print the completion script of a shell.",
}


class App(click.Group):
    """Imports a verb's module when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs."""
        return list(VERBS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with their texts, and where recipes' own commands are."""
        with formatter.section("Commands"):
            formatter.write_dl([*VERBS.items(), ("RECIPE", "The recipe's own commands: gankit RECIPE --help.")])

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """A verb, or a recipe's group."""
        if name in VERBS:
            return import_module(f"gankit.cli.{name}").command
        return recipe_group(name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click does, with a hint that knows verbs and recipes."""
        from gankit import plugins

        if self.get_command(ctx, args[0]) is None:
            recipes = {point.name for point in plugins.entry_points()}
            if args[0] in recipes:
                raise PluginError(f"the recipe {args[0]!r} has no commands of its own", f"gankit run {args[0]}")
            raise PluginError(f"there is no command {args[0]!r}", did_you_mean(args[0], {*VERBS, *recipes}))
        return super().resolve_command(ctx, args)


def recipe_group(name: str) -> click.Command | None:
    """The commands of an installed recipe; None if there is no such recipe or it has none."""
    from gankit import plugins

    if not plugins.entry_points(name):
        return None
    recipe = plugins.find(name).recipe
    assert recipe is not None  # find() raises for a broken one
    return recipe.commands()


@click.group(cls=App, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gankit", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show tracebacks and debug messages.")
@click.option("--offline", is_flag=True, help="Never open a socket (GANKIT_OFFLINE=1).")
def app(debug: bool, offline: bool) -> None:
    """Train adversarial networks on your own data.

    \b
    gankit list                       what can be trained
    gankit run srgan                  train it on its default data
    gankit run srgan --data photos/   train it on yours
    gankit evaluate latest            its figures beside baselines
    """  # noqa: D301
    if offline:
        os.environ["GANKIT_OFFLINE"] = "1"
    if debug:
        logging.getLogger("gankit").setLevel(logging.DEBUG)
