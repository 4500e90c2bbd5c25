"""`gankit completion SHELL`: completion of verbs, recipes, options and runs."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash: eval "$(gankit completion bash)"
    zsh:  eval "$(gankit completion zsh)"
    fish: gankit completion fish | source
    """  # noqa: D301
    from gankit.cli.app import app

    kind = get_completion_class(shell)
    assert kind is not None  # the choices above are click's own
    click.echo(kind(app, {}, "gankit", "_GANKIT_COMPLETE").source())
