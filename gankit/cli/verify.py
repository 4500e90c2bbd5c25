"""`gankit verify RECIPE`: reproduces the figures that a recipe claims, or says that it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gankit import plugins
from gankit.cli.seeds import spread
from gankit.commands import (
    common_options,
    complete_recipe,
    json_option,
    print_json,
    print_table,
    ready,
    runs_dir_option,
)
from gankit.errors import UsageError
from gankit.support.values import figure

if TYPE_CHECKING:
    from gankit.recipe import Claim
    from gankit.studies.claims import Checked


@click.command("verify")
@click.argument("recipe", shell_complete=complete_recipe)
@click.option(
    "--claim",
    "metrics",
    multiple=True,
    metavar="METRIC",
    help="Metric whose claims are checked; repeatable.  [default: all]",
)
@click.option("--seeds", type=click.IntRange(1), help="Number of runs for a claim, in place of what it says.")
@click.option(
    "--run",
    "existing",
    multiple=True,
    metavar="RUN",
    help="Finished run to check, in place of a training; repeat it for a mean.",
)
@click.option("--list", "listed", is_flag=True, help="Show the claims, and train nothing.")
@click.option("--strict", is_flag=True, help="A claim that is skipped fails, too.")
@runs_dir_option
@json_option
@common_options
@click.pass_context
def command(
    ctx: click.Context,
    recipe: str,
    metrics: tuple[str, ...],
    seeds: int | None,
    existing: tuple[str, ...],
    listed: bool,
    strict: bool,
    runs_dir: Path | None,
    as_json: bool,
) -> None:
    """Train what a recipe claims, and compare the figures.

    RECIPE is a name from 'gankit list', or FILE.py:CLASS. Exits with 1 if a claim is missed or could not be checked;
    a claim that needs a GPU is skipped where there is none. The result is stored beside the recipe's runs.
    """
    if existing and seeds:
        raise UsageError("--run trains nothing and --seeds does", "leave one of them out")
    ready()
    from gankit.runs.results import versions
    from gankit.runs.run import find_run, new_stamp, now, runs_root
    from gankit.studies import claims as study
    from gankit.studies.seeds import store
    from gankit.support.progress import TrainingBar

    cls = plugins.find(recipe).recipe
    claims = study.chosen(cls, metrics, seeds)
    if listed:
        return print_json([study.claim_dict(claim) for claim in claims]) if as_json else print_claims(claims)
    root, stamp = runs_root(runs_dir), new_stamp()
    result: dict[str, Any] = {}
    head = {"recipe": cls.name, "source": recipe, "started": now(), "versions": versions()}

    def record(checked: Sequence[Checked]) -> None:
        passed = study.passed(checked, strict=strict)
        found = {**head, "ended": now(), "passed": passed, "claims": [one.as_dict() for one in checked]}
        result.update(found, file=str(store(found, root, cls.name, "verify", stamp)))

    if existing:
        checked = study.verify_runs(cls, claims, [find_run(reference, root) for reference in existing])
        record(checked)
    else:
        checked = study.verify(recipe, cls, claims, root, listening=TrainingBar, record=record)
    if as_json:
        print_json(result)
    else:
        _print(result, checked)
    if not result["passed"]:
        ctx.exit(1)
    return None


def print_claims(claims: Sequence[Claim]) -> None:
    """Claims in full."""
    for claim in claims:
        click.echo(f"claim: {claim.metric} = {figure(claim.value)} +- {figure(claim.tolerance)} ({claim.source})")
        click.echo(f"  protocol: {claim.protocol}")
        said = [f"{key}={value}" for key, value in claim.options.items()]
        said += [f"{claim.seeds} seeds"] * (claim.seeds > 1) + ["needs a GPU"] * (claim.needs == "gpu")
        if said:
            click.echo(f"  trained with: {', '.join(said)}")


def _print(result: Mapping[str, Any], checked: Sequence[Checked]) -> None:
    rows, colours = [], {"reproduced": "green", "better": "green", "missed": "red", "failed": "red"}
    for one in checked:
        measured = spread({"mean": one.measured, "sd": one.sd})
        rows.append([one.claim.metric, figure(one.claim.value), measured, figure(one.claim.tolerance), one.verdict])
    print_table(["metric", "claimed", "measured", "tolerance", "verdict"], rows, title=f"claims of {result['recipe']}")
    click.echo()
    for one in checked:
        if one.reason:
            label = click.style(f"{one.verdict}:", fg=colours.get(one.verdict, "yellow"))
            click.echo(f"{one.claim.metric} {label} {one.reason}")
    for run in dict.fromkeys(run for one in checked for run in one.runs):
        click.echo(f"run       {run}")
    click.echo(f"stored    {result['file']}")
