"""`gankit cgan augment RUN...`: what a classifier gains from generated pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gankit import UsageError
from gankit.commands import (
    common_options,
    complete_run,
    json_option,
    open_run,
    print_json,
    print_table,
    ready,
    runs_dir_option,
)

if TYPE_CHECKING:
    from gankit.runs import LoadedRun


@click.command("augment")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=complete_run)
@click.option("--steps", type=click.IntRange(min=1), default=800, show_default=True, help="Updates of a classifier.")
@click.option("--repeats", type=click.IntRange(min=1), default=1, show_default=True, help="Classifiers for each run.")
@click.option(
    "-o",
    "output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the results.  [default: augment-<time> in the first run]",
)
@runs_dir_option
@json_option
@common_options
def command(
    runs: tuple[str, ...], steps: int, repeats: int, output: Path | None, runs_dir: Path | None, as_json: bool
) -> None:
    """Measure what a classifier gains from generated pictures.

    Each RUN is one of 'gankit run cgan', best with --per-class: classifiers are trained on its training pictures, plain
    and shifted, with and without generated ones beside them, and tested on real pictures.
    """
    ready()
    opened = [open_run(run, runs_dir) for run in runs]
    if others := {run.info["recipe"] for run in opened} - {"cgan"}:
        raise UsageError(f"a run of {', '.join(sorted(others))} has no classes to ask for", "give runs of cgan")
    from gankit.runs import LoadedRun, Results

    loaded = [LoadedRun(run) for run in opened]
    found = measured(loaded, steps, repeats)
    request = {"runs": found["runs"], "steps": steps, "repeats": repeats}
    results = Results("augment", output, loaded[0], distribution="gankit-classics", request=request)
    rows = [
        {"classifier": arm, "figure": figure, "right": value["mean"], **found["gains"].get(arm, {}).get(figure, {})}
        for arm, figures in found["arms"].items()
        for figure, value in figures.items()
    ]
    results.csv("gains.csv", rows, "gains")
    found["files"] = results.finish(protocol=found["protocol"])
    if as_json:
        return print_json(found)
    counts = sorted(set(found["protocol"]["training_pictures"]))
    said = f"Trained on {' or '.join(f'{n:,}' for n in counts)} pictures, tested on real ones"
    print_table(["classifier", "figure", "right", "gain", "from", "to"], map(_cells, rows), title=said)
    click.echo(
        "\nIn percent; gains over 'real' in percentage points, with 95 % intervals over the runs if there are many."
    )
    return click.echo(f"results in {results.folder}")


def measured(runs: Sequence[LoadedRun], steps: int, repeats: int) -> dict[str, Any]:
    """The gain of generated pictures, over runs and repetitions.

    Args:
        runs: Runs of `cgan`, each with its own training pictures and generator.
        steps: Updates of a classifier.
        repeats: Classifiers of each arm for each run, with seeds of their own.

    Returns:
        As `gankit_classics.evaluation.augmentation.gains`, with the runs and the protocol.

    Raises:
        UsageError: The runs are of different data, or differ in the share of rare classes.
    """
    from gankit.support import Bar
    from gankit_classics.evaluation import augmentation
    from gankit_classics.evaluation.pictures import all_pictures

    if len({(all_pictures(run.data).fingerprint, run.recipe.config.rare < 1) for run in runs}) > 1:
        raise UsageError("the runs are of different data", "give runs of one data set that differ by their seed")
    found, sets = [], [run.data.held_out["set"] for run in runs]
    with Bar("training classifiers", total=len(runs) * repeats * len(augmentation.ARMS)) as bar:
        for number, run in enumerate(runs, 1):
            recipe: Any = run.recipe
            classes = len(run.data.facts["classes"])
            asked = augmentation.labels(classes)
            made = recipe.pictures(run.networks, recipe.asked(run.data, asked, seed=8))
            rare = range(1, classes, 2) if recipe.config.rare < 1 else ()
            parts = augmentation.parts(sets[number - 1], made, asked)
            seeds = (1000 * number + repeat for repeat in range(repeats))
            found.append([augmentation.accuracies(*parts, steps, seed, rare, bar) for seed in seeds])
    protocol = {
        "training_pictures": [len(one.train.images) for one in sets],
        "test_pictures": len(sets[0].test.images),
        "steps": steps,
        "repeats": repeats,
        **augmentation.PROTOCOL,
    }
    return {"runs": [str(run.run.path) for run in runs], **augmentation.gains(found), "protocol": protocol}


def _cells(row: dict[str, Any]) -> list[str]:
    """A line of the table, in percent."""
    gains = (row.get(key) for key in ("mean", "low", "high"))
    said = ("" if gain is None else f"{100 * gain:+.2f}" for gain in gains)
    return [row["classifier"], row["figure"], f"{100 * row['right']:.2f}", *said]
