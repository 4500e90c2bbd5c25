"""`gankit evaluate RUN`: held-out figures beside baselines."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from gankit.cli.data import card_option, data_of_card
from gankit.cli.options import weights_option
from gankit.commands import (
    common_options,
    json_option,
    open_run,
    ready,
    rows_options,
    run_argument,
    runs_dir_option,
    show_evaluation,
)

log = logging.getLogger("gankit")


@click.command("evaluate")
@run_argument
@click.option("--data", help="Other data to evaluate on; the run's own held-out part if left out.")
@card_option
@weights_option
@rows_options
@runs_dir_option
@json_option
@common_options
def command(run: str, data: str | None, card: Path | None, weights: Any, runs_dir: Path | None, **shown: Any) -> None:
    """Print a run's figures beside its baselines.

    RUN is a folder, an id, a recipe's name or 'latest'. The result is stored in the run.
    """
    ready()
    data = data_of_card(card, data)
    opened = open_run(run, runs_dir)
    from gankit.report.run_page import write_report
    from gankit.runs.loading import LoadedRun

    loaded = LoadedRun(opened, weights=weights)
    if opened.info.get("status") != "done":
        log.warning("the run is %s: these are figures of its newest checkpoint", opened.info.get("status"))
    result = loaded.evaluate(data)
    write_report(opened.path)
    show_evaluation(result, **shown)
