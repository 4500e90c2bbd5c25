"""`gankit cgan ...`: what one does with a trained conditional GAN. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gankit.commands import common_options, complete_run, json_option, open_run, print_json, ready, runs_dir_option
from gankit.errors import UsageError


@click.group("cgan")
def group() -> None:
    """Use a trained conditional GAN."""


@group.command("augment")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=complete_run)
@click.option("--steps", type=click.IntRange(min=1), default=800, show_default=True, help="Updates of a classifier.")
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, help="Classifiers for each run.")
@runs_dir_option
@json_option
@common_options
def augment(runs: tuple[str, ...], steps: int, repeats: int, runs_dir: Path | None, as_json: bool) -> None:
    """Measure what a classifier gains from generated pictures.

    Each RUN is one of 'gankit run cgan', best with --per-class: classifiers are trained on its training pictures, plain
    and shifted, with and without generated ones beside them, and tested on real pictures.
    """
    ready()
    opened = [open_run(run, runs_dir) for run in runs]
    if others := {run.info["recipe"] for run in opened} - {"cgan"}:
        raise UsageError(f"a run of {', '.join(sorted(others))} has no classes to ask for", "give runs of cgan")
    from gankit.runs import LoadedRun
    from gankit_classics.augment import measure

    loaded = [LoadedRun(run) for run in opened]
    result = measure(loaded, steps, repeats, lambda text: click.echo(text, err=True))
    if as_json:
        return print_json(result)
    show(result)


def show(result: dict[str, Any]) -> None:
    """The table of `measure`."""
    counts = sorted(set(result["protocol"]["training_pictures"]))
    click.echo(f"Trained on {' or '.join(f'{n:,}' for n in counts)} pictures, tested on real ones.\n")
    for arm, figures in result["arms"].items():
        for figure, value in figures.items():
            gain = result["gains"].get(arm, {}).get(figure)
            said = "" if gain is None else f"  {100 * gain['mean']:+.2f}"
            if gain is not None and gain["low"] is not None:
                said += f"  [{100 * gain['low']:+.2f}, {100 * gain['high']:+.2f}]"
            click.echo(f"{arm:<24}{figure:<10}{100 * value['mean']:>7.2f} %{said}")
    many = len(result["runs"]) > 1
    click.echo(f"\nGains over 'real' in percentage points{', with 95 % intervals over the runs' if many else ''}.")
