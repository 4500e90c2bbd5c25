"""`gankit tune RECIPE`: searches a recipe's options for the best figure."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gankit import plugins
from gankit.cli.options import configure, options_of
from gankit.cli.run import RunGroup
from gankit.commands import common_options, jobs_options, json_option, print_json, print_table, ready, runs_dir_option
from gankit.errors import GankitError, UsageError
from gankit.runs.run import new_stamp, runs_root
from gankit.support.files import slug
from gankit.support.values import figure

if TYPE_CHECKING:
    from gankit.studies.tuning import Study, Trial
    from gankit.support.jobs import Jobs


class TuneGroup(RunGroup):
    """Each recipe is a subcommand with the options of its own configuration."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command:
        """The subcommand of a recipe."""
        return tune_command(name)


def tune_command(source: str) -> click.Command:
    """`gankit tune SOURCE` with the recipe's options."""
    recipe = plugins.find(source).recipe

    @click.command(source, params=options_of(recipe), help=f"Search the options of {source} for the best figure.")
    @click.option("--metric", required=True, help="Figure of the evaluation that counts, such as fid.")
    @click.option("--trials", type=click.IntRange(1), default=20, show_default=True, help="Number of runs in all.")
    @click.option(
        "--search",
        "searched",
        multiple=True,
        metavar="KEY=VALUES",
        help="Option to search: lr=1e-5:1e-2:log, batch_size=16:64 or loss=hinge,wasserstein; repeatable.  "
        "[default: the learning rates, a tenth to ten times theirs]",
    )
    @click.option("--study", "name", help="Name of the study; one that is there goes on.  [default: a new one]")
    @click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="YAML file with what all trials have in common.",
    )
    @click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Any value of all trials; repeatable.")
    @jobs_options(work="the trials")
    def command(
        metric: str, trials: int, searched: tuple[str, ...], name: str | None, config: Path | None,
        sets: tuple[str, ...], jobs: Jobs, as_json: bool, runs_dir: Path | None, **given: Any,
    ) -> None:  # fmt: skip
        ready()
        base = configure(recipe, config, sets, given)
        from gankit.studies import search_space, tuning
        from gankit.studies.seeds import command as seed_command
        from gankit.studies.seeds import of_many, store
        from gankit.support.progress import TrainingBar

        root, name = runs_root(runs_dir), name or new_stamp()
        base = of_many(recipe, base, root)
        if slug(name) != name:
            raise UsageError(f"--study {name} cannot name a file", f"--study {slug(name)}")
        searches = tuple(search_space.search(text, base) for text in searched) or tuple(search_space.usual(base))
        journal = root / recipe.name / f"tune-{name}.journal"
        values = base.model_dump(mode="json")
        study = tuning.Study(journal, source, values, metric, searches, trials, root)
        click.echo(f"study {name} searches {', '.join(map(str, searches))}", err=True)
        found = tuning.tune(
            study, recipe, base, listening=TrainingBar, told=lambda trial: tell(trial, metric), jobs=jobs
        )
        result = tuning.as_dict(study, found)
        best = search_space.with_values(base, found[0].values if found and found[0].figure is not None else {})
        again = [*seed_command(source, best), "--seeds", "3", *(["--runs-dir", str(root)] if runs_dir else [])]
        result["file"] = str(store(result, root, recipe.name, "tune", name))
        print_json(result) if as_json else report(study, found, result["file"], again)
        if not found or found[0].figure is None:
            raise GankitError(f"no trial has a {metric}", "the reasons stand above; 'gankit runs' lists the runs")

    return common_options(json_option(runs_dir_option(command)))  # type: ignore[return-value]


def tell(trial: Trial, metric: str) -> None:
    """One trial that has ended, on stderr."""
    said = f"{metric} {figure(trial.figure)}" if trial.figure is not None else f"{trial.state}: {trial.reason}"
    click.echo(f"trial {trial.number} {said}", err=True)


def report(study: Study, trials: list[Trial], file: str, again: list[str]) -> None:
    """All trials, the best first, and what to do with the best."""
    keys = [one.key for one in study.searches]
    rows = []
    for one in trials:
        values = [_shown(one.values.get(key, "-")) for key in keys]
        rows.append([one.number, _shown(one.figure), *values, one.state, Path(one.run).name])
    print_table(["trial", study.metric, *(key.removeprefix("training.") for key in keys), "state", "run"], rows)
    click.echo(f"\nstored    {file}")
    if trials and trials[0].figure is not None:
        click.echo(f"again     {shlex.join(again)}")
        click.echo("The best of many trials is partly luck: several seeds tell how much.")


def _shown(value: Any) -> str:
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


HELP = """Search a recipe's options for the best figure.

RECIPE is a name from 'gankit list', or FILE.py:CLASS. Each trial is a run. The first one has the recipe's own values,
if they are among those that are searched. Needs Optuna: pip install "gankit[tune]".

The same command with --study NAME goes on with a study, here or on another machine that shares the folder of runs."""

command = TuneGroup("tune", help=HELP, subcommand_metavar="RECIPE --metric NAME [OPTIONS]", no_args_is_help=True)
