"""`gankit runs`: what has been trained here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gankit.commands import common_options, json_option, print_json, print_table, runs_dir_option
from gankit.runs.run import Run, all_runs, runs_root
from gankit.support.files import read_json
from gankit.support.values import figure


def describe(run: Run) -> dict[str, Any]:
    """One run in a line. One that says "running" though nobody holds it was killed."""
    info = run.info
    status = info.get("status", "?")
    if status in ("created", "running") and not run.alive:
        status = "killed"
    metrics = read_json(run.path / "evaluation.json").get("metrics", {})
    started, seconds = info.get("started"), info.get("seconds")
    return {"run": str(run.path), "status": status, "started": started, "seconds": seconds, "metrics": metrics}


@click.command("runs")
@click.argument("recipe", default="")
@runs_dir_option
@json_option
@common_options
def command(recipe: str, runs_dir: Path | None, as_json: bool) -> None:
    """List the runs, of RECIPE if it is named."""
    root = runs_root(runs_dir)
    found = [describe(run) for run in all_runs(root, recipe)]
    if as_json:
        return print_json(found)
    if not found:
        click.echo(f"there are no runs in {root}", err=True)
        return None
    rows = [
        [
            item["run"],
            item["status"],
            item["started"] or "",
            "" if item["seconds"] is None else f"{item['seconds']:.0f} s",
            ", ".join(f"{key} {figure(value)}" for key, value in list(item["metrics"].items())[:3]),
        ]
        for item in found
    ]
    return print_table(["run", "status", "started (UTC)", "time", "figures"], rows)
