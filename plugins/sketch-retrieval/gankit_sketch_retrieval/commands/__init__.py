"""`gankit sketch-retrieval ...`: what one does with a trained model, one file a command. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from gankit.commands import (
    Commands,
    common_options,
    complete_run,
    json_option,
    print_json,
    print_table,
    runs_dir_option,
)
from gankit.support import figure

DISTRIBUTION = "gankit-sketch-retrieval"
FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)

run_option = click.option(
    "--run",
    default="",
    shell_complete=complete_run,
    help="Run (folder, id or 'latest') or encoder's file.  [default: the model that comes with the plugin]",
)
limit_option = click.option(
    "--limit", type=click.IntRange(1, 50_000), default=4000, show_default=True, help="Most marks on a page."
)
output_option = click.option(
    "-o", "--output", type=FOLDER, help="Folder for the results.  [default: a new one in the run, or here]"
)
rotations_option = click.option(
    "--rotations",
    type=click.FloatRange(0, 180),
    default=20.0,
    show_default=True,
    help="Degrees, either way, by which queries are turned, too.",
)


@click.group(
    "sketch-retrieval", cls=Commands, package=__name__, names=("index", "search", "spot", "measure", "compose")
)
def group() -> None:
    """Index marks and scanned pages, search them, spot a mark on pages."""


def hit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What `search` and `spot` share."""
    for option in (
        json_option,
        runs_dir_option,
        common_options,
        click.option("--iiif-image", default="", help="Web address of a page's picture, with {document} and {page}."),
        click.option("--iiif-canvas", default="", help="Web address of a page's canvas, with {document} and {page}."),
        output_option,
        rotations_option,
        click.option(
            "-k", "count", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Number of hits."
        ),
        run_option,
        click.argument("query"),
    ):
        command = option(command)
    return command


def show_hits(result: Mapping[str, Any], as_json: bool) -> None:
    """Prints what was found."""
    if as_json:
        return print_json(result)
    columns = ("rank", "score", "document", "page", "x0", "y0", "x1", "y1")
    if result["hits"]:
        show_rows([{**row, "score": f"{row['score']:.4f}"} for row in result["hits"]], columns)
    else:
        click.echo("nothing was found: there are no marks")
    show_files(result["files"])


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str = "") -> None:
    """Prints a table."""

    def cell(value: Any) -> str:
        return "-" if value is None else figure(value) if isinstance(value, float) else str(value)

    print_table(columns, [[cell(row.get(name)) for name in columns] for row in rows], title=title)


def show_files(files: Mapping[str, str]) -> None:
    """Prints where results are."""
    for name, path in files.items():
        click.echo(f"{name:<11}{path}")
