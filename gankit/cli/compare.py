"""`gankit compare RUN RUN...`: runs side by side, as a table and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gankit.cli.seeds import spread
from gankit.commands import common_options, complete_run, json_option, print_json, print_table, runs_dir_option, talk
from gankit.errors import UsageError
from gankit.runs.run import find_run, new_stamp, runs_root
from gankit.support.values import figure, finite

if TYPE_CHECKING:
    from gankit.studies.comparison import Comparison


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, shell_complete=complete_run)
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Page to write.  [default: comparison-<time>.html in the folder of all runs]",
)
@click.option("--force", is_flag=True, help="Replace an older page.")
@runs_dir_option
@json_option
@common_options
def command(runs: tuple[str, ...], out: Path | None, force: bool, runs_dir: Path | None, as_json: bool) -> None:
    """Compare runs: figures, curves and pictures side by side.

    A RUN is a folder, an id, a recipe's name or 'latest'; give two or more. Figures whose protocols differ are shown,
    and not ranked.
    """
    talk()
    root = runs_root(runs_dir)
    if out and out.exists() and not force:
        raise UsageError(f"{out} exists", "choose another name, or replace it with --force")
    opened = [find_run(reference, root) for reference in runs]
    from gankit.studies.comparison import compare
    from gankit.studies.comparison_page import write_page

    comparison = compare(opened)
    page = write_page(comparison, out or root / f"comparison-{new_stamp()}.html")
    if as_json:
        return print_json({**comparison.as_dict(), "page": page})
    show(comparison)
    return click.echo(f"\npage      {page}")


def show(comparison: Comparison) -> None:
    """The runs with what differs in their configuration, and their figures."""
    from gankit.report.html import arrow
    from gankit.studies.comparison import notes

    differing = comparison.differing
    lines = [
        [side.name.split()[0], f"{side.recipe}/{side.path.name}", *(values[i] for values in differing.values())]
        for i, side in enumerate(comparison.sides)
    ]
    print_table(["", "run", *differing], lines)
    click.echo()
    over_seeds, rows = comparison.over_seeds, []
    for row in comparison.rows:
        cells = [_cell(value) + " *" * (i in row.best) for i, value in enumerate(row.values)]
        if over_seeds:
            cells.append(spread(over_seeds.get(row.metric, {"mean": None})))
        rows.append([row.metric + arrow(row.better), *cells])
    heads = [side.name for side in comparison.sides] + ["mean +- sd"] * bool(over_seeds)
    if rows:
        print_table(["metric", *heads], rows)
        click.echo("↑ higher is better, ↓ lower is better, * is best; without an arrow, nothing is ranked")
    for note in notes(comparison):
        click.echo(note)


def _cell(value: Any) -> str:
    return figure(value) if finite(value) else "-" if value is None else str(value)
