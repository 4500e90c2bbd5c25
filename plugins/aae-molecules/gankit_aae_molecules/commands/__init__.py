"""`gankit aae-molecules ...`: what one does with a trained run, one file a command. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gankit.commands import (
    Commands,
    common_options,
    complete_run,
    json_option,
    open_run,
    print_csv,
    ready,
    runs_dir_option,
)

if TYPE_CHECKING:
    from gankit.runs import LoadedRun

RECIPE, DISTRIBUTION = "aae-molecules", "gankit-aae-molecules"


@click.group(RECIPE, cls=Commands, package=__name__, names=("generate", "screen", "predict", "embed"))
def group() -> None:
    """Generate fingerprints, screen libraries, predict responses, look at the latent space."""


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The run, and what every command has."""
    run = click.option(
        "--run",
        default=RECIPE,
        shell_complete=complete_run,
        help="Run: a folder, an id or 'latest'.  [default: newest]",
    )
    return run(runs_dir_option(json_option(common_options(command))))


def request_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What to generate."""
    for option in (
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the noise."),
        click.option(
            "-n", "--count", type=click.IntRange(1, 10**6), default=1000, show_default=True,
            help="Number of fingerprints to generate.",
        ),
        click.option(
            "--gi", type=float,
            help="Response to ask for: percent growth (0), pGI50 (the highest), or of labels a probability (0.9).",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def folder_option(verb: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """-o, a folder."""
    folder = click.Path(path_type=Path)
    return click.option(
        "-o", "--output", type=folder, help=f"Folder for the results.  [default: {verb}-<time> in the run]"
    )


table_option = click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file for the table, with its provenance beside.  [default: standard output]",
)  # fmt: skip


def opened(run: str, runs_dir: Path | None) -> LoadedRun:
    """The run, ready for use; the file that it was trained on is not needed."""
    ready()
    from gankit.runs import LoadedRun

    return LoadedRun.of_recipe(open_run(run, runs_dir), RECIPE)


def write_table(rows: Sequence[dict[str, Any]], output: Path | None, provenance: dict[str, Any]) -> None:
    """Rows as CSV, to a file with their provenance beside it, or to standard output."""
    from gankit.support import write_csv, write_json

    if output is None:
        return print_csv(rows)
    write_csv(output, rows)
    write_json(output.with_suffix(".provenance.json"), provenance)
    click.echo(str(output))


def say_left_out(bad: Sequence[str]) -> None:
    """Names the molecules that could not be used."""
    more = [f"{len(bad) - 5} more"] if len(bad) > 5 else []
    for text in [*bad[:5], *more]:
        click.echo(f"left out: {text}", err=True)
