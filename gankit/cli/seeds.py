"""`gankit run RECIPE --seeds N`: several trainings, and how far their figures spread."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from gankit.commands import print_json, print_table
from gankit.config import RecipeConfig
from gankit.recipe import Recipe
from gankit.support.jobs import Jobs
from gankit.support.values import figure


def run_seeds(
    source: str, recipe: type[Recipe], config: RecipeConfig, count: int, root: Path, as_json: bool, jobs: Jobs
) -> None:
    """Trains several seeds, and prints mean and spread; exits with 1 if one failed."""
    from gankit.runs.run import new_stamp
    from gankit.studies import seeds
    from gankit.support.progress import TrainingBar

    stamp = new_stamp()
    result: dict[str, Any] = {}

    def record(done: seeds.SeedRuns) -> None:
        found = done.as_dict()
        result.update(found, file=str(seeds.store(found, root, recipe.name, "seeds", stamp)))

    seeds.train_seeds(source, recipe, config, count, root, listening=TrainingBar, record=record, jobs=jobs)
    if as_json:
        print_json(result)
    else:
        report_seeds(result)
        click.echo(f"stored    {result['file']}")
    if result["failed"]:
        click.get_current_context().exit(1)


def report_seeds(result: dict[str, Any]) -> None:
    """Mean, sample standard deviation and range of every metric, beside the means of the baselines."""
    rows = []
    for metric, found in result["metrics"].items():
        known = [value for value in found["values"] if value is not None]
        baselines = [figures.get(metric, {}).get("mean") for figures in result["baselines"].values()]
        ends = (min(known), max(known)) if known else (None, None)
        rows.append([metric, spread(found), *("-" if x is None else figure(x) for x in (*ends, *baselines))])
    count = len(result["runs"])
    title = f"{result['recipe']}, {count} seed{'s' * (count != 1)}"
    print_table(["metric", "mean +- sd", "least", "greatest", *result["baselines"]], rows, title=title)
    click.echo()
    for seed, path in result["runs"].items():
        click.echo(f"seed {seed:4} {path}")
    for seed, failure in result["failed"].items():
        click.echo(f"seed {seed:4} failed: {failure['error']} ({failure['run'] or 'no run folder'})")


def spread(found: Mapping[str, Any]) -> str:
    """Mean and standard deviation as of `gankit.studies.seeds.aggregate`; a dash where a run has no figure."""
    if found["mean"] is None:
        return "-"
    return figure(found["mean"]) + ("" if found["sd"] is None else f" +- {figure(found['sd'])}")
