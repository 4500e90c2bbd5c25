"""`gankit evaluate RUN`: held-out figures beside baselines."""

from __future__ import annotations

from pathlib import Path

import click

from gankit.cli.common import (
    common_options,
    json_option,
    open_run,
    print_evaluation,
    print_json,
    ready,
    run_argument,
    runs_dir_option,
)


@click.command("evaluate")
@run_argument
@click.option("--data", help="Other data to evaluate on; the run's own held-out part if left out.")
@runs_dir_option
@json_option
@common_options
def command(run: str, data: str | None, runs_dir: Path | None, as_json: bool) -> None:
    """Print a run's figures beside its baselines.

    RUN is a folder, an id, a recipe's name or 'latest'. The result is stored in the run.
    """
    ready()
    opened = open_run(run, runs_dir)
    from gankit.loading import LoadedRun
    from gankit.report import write_report

    result = LoadedRun(opened).evaluate(data)
    write_report(opened.path)
    if as_json:
        print_json(result)
    else:
        print_evaluation(result)
