"""`gankit cgan augment RUN...`: what a classifier gains from generated pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

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
from gankit.support import vacant


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
    vacant(output)  # before the long part
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


def measured(runs: Sequence[Any], steps: int, repeats: int) -> dict[str, Any]:
    """`gankit_classics.evaluation.augmentation.gains` of loaded runs, with their names and the protocol.

    Raises:
        UsageError: The runs are of different data, or differ in the share of rare classes.
    """
    from gankit.support import Bar
    from gankit_classics.data import in_range
    from gankit_classics.evaluation.augmentation import GENERATED, PROTOCOL, accuracies, gains
    from gankit_classics.evaluation.pictures import all_pictures

    if len({(all_pictures(run.data).fingerprint, run.recipe.config.rare < 1) for run in runs}) > 1:
        raise UsageError("the runs are of different data", "give runs of one data set that differ by their seed")
    found: list[list[Any]] = []
    sets = [run.data.held_out["set"] for run in runs]
    with Bar("training classifiers", total=len(runs) * repeats) as bar:
        for number, (run, real) in enumerate(zip(runs, sets, strict=True), 1):
            recipe, classes = run.recipe, len(run.data.facts["classes"])
            asked = np.repeat(np.arange(classes), GENERATED)
            made = recipe.pictures(run.networks, recipe.asked(run.data, asked, seed=8))
            train, test = (
                (in_range(real.train.images), real.train.labels),
                (in_range(real.test.images), real.test.labels),
            )
            ours = in_range(made), asked
            rare = range(1, classes, 2) if recipe.config.rare < 1 else ()
            found.append([])
            for repeat in range(repeats):
                found[-1].append(accuracies(train, ours, test, steps, 1000 * number + repeat, rare))
                bar(1)
    counts = {"training_pictures": [len(x.train.images) for x in sets], "test_pictures": len(sets[0].test.images)}
    protocol = {**counts, **PROTOCOL, "steps": steps, "repeats": repeats, "interval": "95 %, Student's t over the runs"}
    return {"runs": [str(run.run.path) for run in runs], **gains(found), "protocol": protocol}


def _cells(row: dict[str, Any]) -> list[str]:
    """A line of the table, in percent."""
    gains = (row.get(key) for key in ("mean", "low", "high"))
    said = ("" if gain is None else f"{100 * gain:+.2f}" for gain in gains)
    return [row["classifier"], row["figure"], f"{100 * row['right']:.2f}", *said]
