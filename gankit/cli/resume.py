"""`gankit resume RUN`: goes on exactly where a run stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gankit.commands import common_options, json_option, open_run, ready, run_argument, runs_dir_option


@click.command("resume")
@run_argument
@click.option(
    "--strategy", type=click.Choice(["single", "mirrored", "multiworker"]), help="Strategy, if another than before."
)
@click.option("--devices", type=click.IntRange(1), help="Devices of the mirrored strategy.")
@click.option(
    "--cluster", type=click.Choice(["auto", "tf-config", "slurm", "kubernetes"]), help="Who tells the workers."
)
@click.option("--communication", type=click.Choice(["auto", "ring", "nccl"]), help="How workers add up gradients.")
@click.option("--wait-minutes", type=click.FloatRange(0, min_open=True), help="Minutes to wait for other workers.")
@runs_dir_option
@json_option
@common_options
def command(run: str, runs_dir: Path | None, as_json: bool, **changes: Any) -> None:
    """Go on with a stopped run.

    RUN is a folder, an id, a recipe's name or 'latest'. The configuration is the run's own, frozen when it began.
    On one device the final weights are those of the run never stopped, bit by bit.
    """
    ready()
    opened = open_run(run, runs_dir)
    from gankit.cli.run import report_end
    from gankit.runs import training
    from gankit.support.progress import TrainingBar

    with TrainingBar() as bar:
        done = training.resume(opened, listener=bar, **changes)
    if done is not None:
        report_end(done.path, as_json)
