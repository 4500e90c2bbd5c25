"""`gankit sample RUN`: pictures and tables from a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gankit.cli.options import weights_option
from gankit.commands import common_options, json_option, open_run, print_json, ready, run_argument, runs_dir_option
from gankit.support.files import vacant


@click.command("sample")
@run_argument
@click.option(
    "-o", "--output", "out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder to make."
)
@weights_option
@runs_dir_option
@json_option
@common_options
def command(run: str, out: Path, weights: Any, runs_dir: Path | None, as_json: bool) -> None:
    """Write a run's sample pictures to a folder.

    RUN is a folder, an id, a recipe's name or 'latest'.
    """
    ready()
    opened = open_run(run, runs_dir)
    vacant(out)
    from gankit.runs.loading import LoadedRun

    files = LoadedRun(opened, weights=weights).sample(out)
    if as_json:
        return print_json(files)
    for file in files:
        click.echo(str(file))
    return None
