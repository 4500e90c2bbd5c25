"""`gankit run RECIPE`: trains a recipe in a new run folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from gankit import plugins
from gankit.cli.data import card_option, data_of_card
from gankit.cli.options import configure, options_of
from gankit.commands import (
    common_options,
    jobs_options,
    json_option,
    print_evaluation,
    print_json,
    ready,
    runs_dir_option,
)
from gankit.engine import contract
from gankit.errors import UsageError
from gankit.runs.run import runs_root
from gankit.support.jobs import Jobs


class RunGroup(click.Group):
    """Each recipe is a subcommand with the options of its own configuration."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Installed recipes."""
        return list(dict.fromkeys(point.name for point in plugins.entry_points()))

    def get_command(self, ctx: click.Context, name: str) -> click.Command:
        """The subcommand of a recipe, a DISTRIBUTION/NAME or a FILE.py:CLASS."""
        return run_command(name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Recipes with their summaries; a broken one must not break the help."""
        rows = [(e.name, e.recipe.summary if e.recipe else f"broken: {e.error}") for e in plugins.discover()]
        if rows:
            with formatter.section("Recipes"):
                formatter.write_dl(rows)


def run_command(source: str) -> click.Command:
    """`gankit run SOURCE` with the recipe's options."""
    found = plugins.find(source)
    recipe = found.recipe
    if found.heavy and plugins.file_of(source):
        click.echo(f"{found.heavy} at its top, so that --help takes seconds: import it in the methods", err=True)
    options = options_of(recipe)
    names = {option.name for option in options}
    takes_card = "data" in names and "card" not in names
    takes_seeds = "seeds" not in names
    # A recipe's own option of one of these names keeps it, and its seeds are trained one after the other.
    shares = (
        jobs_options(work="the seeds of --seeds")
        if names.isdisjoint({"jobs", "backend", "scheduler"})
        else lambda function: function
    )

    @click.command(source, params=options, help=f"{recipe.summary}\n\n{recipe.paper}")
    @click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="YAML file with the configuration; options on the command line win over it.",
    )
    @click.option(
        "--set",
        "sets",
        multiple=True,
        metavar="KEY=VALUE",
        help="Any value by its dotted name, such as training.seed=3; repeatable.",
    )
    @click.option(
        "--dry-run",
        is_flag=True,
        help="Build the networks, evaluate, sample and take a few steps; say what the training will need.",
    )
    @shares
    def command(
        config: Path | None,
        sets: tuple[str, ...],
        dry_run: bool,
        as_json: bool,
        runs_dir: Path | None,
        jobs: Jobs | None = None,
        **given: Any,
    ) -> None:
        ready()
        seeds = given.pop("seeds") if takes_seeds else None
        if jobs and not jobs.here and not seeds:
            raise UsageError("--jobs and --backend share the seeds of --seeds", "add --seeds, or leave them out")
        if seeds and dry_run:
            raise UsageError("--seeds trains and --dry-run does not", "leave --seeds out: all seeds need the same")
        card = given.pop("card", None) if takes_card else None
        if card:
            given["data"] = data_of_card(card, given["data"])
        made = contract.make(recipe, configure(recipe, config, sets, given))
        if card and str(made.config.data) != given["data"]:
            raise UsageError(f"--set chooses other data than --card {card}", "leave one of them out")
        from gankit.cli.seeds import run_seeds
        from gankit.runs import rehearsal, training
        from gankit.support.progress import TrainingBar

        if dry_run:
            return report_plan(rehearsal.dry_run(made, runs_root(runs_dir)), as_json)
        if seeds:
            return run_seeds(source, recipe, made.config, seeds, runs_root(runs_dir), as_json, jobs or Jobs())
        with TrainingBar() as bar:
            run = training.start(source, made, runs_root(runs_dir), argv=["gankit", *sys.argv[1:]], listener=bar)
        return None if run is None else report_end(run.path, as_json)

    if takes_seeds:
        text = "Number of runs, with seeds from --seed on; their mean and spread are printed."
        command.params.append(click.Option(["--seeds"], type=click.IntRange(1), help=text))
    if takes_card:
        card_option(command)
    return common_options(json_option(runs_dir_option(command)))  # type: ignore[return-value]


def report_plan(plan: dict[str, Any], as_json: bool) -> None:
    """What a dry run found."""
    if as_json:
        return print_json(plan)
    for name, count in plan["weights"].items():
        click.echo(f"weights  {name}: {count:,}")
    if begun := plan["init_from"]:
        click.echo(f"init     {', '.join(sorted(begun['networks']))} from {begun['from']}")
        for name, left in sorted(begun["networks"].items()):
            if left:
                click.echo(f"init     {name} begins {len(left)} variables of another shape afresh, first {left[0]}")
    if found := plan["rehearsal"]:
        click.echo(f"evaluate {', '.join(found['metrics'])}, beside {', '.join(found['baselines'])}")
        click.echo(f"sample   {', '.join(found['files'])}")
    for name, stage in plan["stages"].items():
        click.echo(f"stage    {name}: {stage['steps']:,} steps of {stage['seconds_per_step']:.3g} s")
    click.echo(f"device   {plan['device']}")
    memory = plan["memory_mb"]
    click.echo(f"memory   {'unknown on this system' if memory is None else f'{memory:,} MB (peak so far)'}")
    click.echo(f"disk     {plan['disk_mb']:,} MB for checkpoints")
    click.echo(f"time     {plan['minutes']:,} minutes on this machine, evaluation not counted")
    if found:
        click.echo(f"         {found['seconds']:,} s more for each evaluation with its samples")


def report_end(path: Path, as_json: bool) -> None:
    """What a finished training gave."""
    import json

    result = json.loads((path / "evaluation.json").read_text("utf-8"))
    if as_json:
        return print_json(result)
    print_evaluation(result)
    click.echo(f"\nrun       {path}")
    for picture in sorted((path / "samples" / "final").glob("*.png"))[:4]:
        click.echo(f"picture   {picture}")
    click.echo(f"report    {path / 'report.html'}")


command = RunGroup(
    "run",
    help="Train a recipe.\n\nRECIPE is a name from 'gankit list', or FILE.py:CLASS.\n\n"
    "'gankit run RECIPE --help' lists the recipe's options.",
    subcommand_metavar="RECIPE [OPTIONS]",
    no_args_is_help=True,
)
