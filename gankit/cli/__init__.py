"""The command line: one file a verb. Nothing here imports TensorFlow before a verb needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from gankit.cli.app import app
from gankit.errors import GankitError


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command line and exits.

    An error prints what happened and what to do, and exits with the error's code; `--debug` raises it instead.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    try:
        code = app.main(args=arguments, prog_name="gankit", standalone_mode=False)
    except GankitError as error:
        if debug:
            raise
        print_error(error.message, error.hint)
        code = error.exit_code
    except click.ClickException as error:
        print_error(error.format_message(), _hint(error))
        code = error.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        print_error("interrupted", "")
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except Exception as error:
        if debug:
            raise
        print_error(f"{type(error).__name__}: {error}", "run the command again with --debug for the traceback")
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def print_error(message: str, hint: str) -> None:
    """Writes `error:` and `hint:` lines to stderr."""
    click.echo(f"{click.style('error:', fg='red', bold=True)} {message}", err=True)
    if hint:
        click.echo(f"{click.style('hint:', fg='cyan')} {hint}", err=True)


def _hint(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        return "did you mean " + " or ".join(sorted(error.possibilities)) + "?"
    context = getattr(error, "ctx", None)
    return f"'{context.command_path} --help' lists what can be said" if context else ""
