"""The root command: verbs, each recipe's own group behind its name, and what errors look like."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from gankit.commands import Commands, print_error
from gankit.errors import GankitError, PluginError, RecipeError, Stopped, did_you_mean
from gankit.runs.signals import Ended, stop_on_signals
from gankit.support.blame import blamed, place
from gankit.version import __version__

# In the order in which a newcomer meets them; the texts stand here so that --help imports no verb.
VERBS = {
    "list": "List the recipes that can be trained.",
    "info": "Describe a recipe: method, source, defaults, claims.",
    "run": "Train a recipe.",
    "launch": "Train with several processes on this machine.",
    "resume": "Go on with a stopped run.",
    "evaluate": "Print a run's figures beside its baselines.",
    "sample": "Write a run's sample pictures to a folder.",
    "compare": "Compare runs: figures, curves and pictures side by side.",
    "tune": "Search a recipe's options for the best figure.",
    "verify": "Train what a recipe claims, and compare the figures.",
    "data": "List, fetch and check datasets.",
    "export": "Write a trained network to a file: ONNX, Keras or SavedModel.",
    "runs": "List the runs, of RECIPE if it is named.",
    "new": "Begin a recipe of your own.",
    "check": "Check that a recipe keeps the contract.",
    "doctor": "Check the installation.",
    "completion": "Print the completion script of a shell.",
}
TRACEBACK = "run the command again with --debug for the traceback"


class App(Commands):
    """The verbs, and behind a recipe's name its own commands."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with their texts, and where recipes' own commands are."""
        with formatter.section("Commands"):
            formatter.write_dl([*VERBS.items(), ("RECIPE", "The recipe's own commands, if it has any.")])

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """A verb, or a recipe's group."""
        return super().get_command(ctx, name) or recipe_group(name)

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
    from gankit.engine import contract

    return contract.commands(plugins.find(name).recipe)


@click.group(
    cls=App, package="gankit.cli", names=tuple(VERBS), context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="gankit", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show tracebacks and debug messages.")
@click.option("--offline", is_flag=True, help="Never open a socket (GANKIT_OFFLINE=1).")
def app(debug: bool, offline: bool) -> None:
    """Train adversarial networks on your own data.

    \b
    gankit list                          what can be trained
    gankit run srgan                     train it on its default data
    gankit run srgan --data my-photos/   train it on yours
    gankit evaluate latest               its figures beside baselines
    """  # noqa: D301
    if offline:
        os.environ["GANKIT_OFFLINE"] = "1"
    if debug:
        logging.getLogger("gankit").setLevel(logging.DEBUG)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command line and exits.

    An error prints what happened and what to do, and exits with the error's code; `--debug` raises it instead.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    try:
        with stop_on_signals():
            code = app.main(args=arguments, prog_name="gankit", standalone_mode=False)
    except GankitError as error:
        if debug:
            raise
        hint = error.hint or (TRACEBACK if isinstance(error, RecipeError) and error.place else "")
        print_error(error.message, hint, label="stopped:" if isinstance(error, Stopped) else "error:")
        code = error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = error.exit_code
    except click.ClickException as error:
        print_error(error.format_message(), _hint(error))
        code = error.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt) as error:
        cause = error.__cause__ or error  # click makes an Abort of what is an interrupt
        code = cause.exit_code if isinstance(cause, Ended) else 130
        print_error("interrupted", "") if code == 130 else print_error("by a signal", "", label="stopped:")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        if debug:
            raise
        # A recipe's own command may raise what it likes: then its file is named, too.
        message = blamed(error).message if place(error) else f"{type(error).__name__}: {error}"
        print_error(message, TRACEBACK)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _hint(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        return "did you mean " + " or ".join(sorted(error.possibilities)) + "?"
    context = getattr(error, "ctx", None)
    return f"'{context.command_path} --help' lists what can be said" if context else ""
