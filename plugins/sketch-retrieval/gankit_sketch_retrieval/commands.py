"""`gankit sketch-retrieval ...`: what one does with a trained model. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gankit.commands import common_options, complete_run, json_option, print_json, print_table, ready, runs_dir_option
from gankit.support import figure

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)

run_option = click.option(
    "--run",
    default="",
    shell_complete=complete_run,
    help="Folder, id or 'latest' of a run, or an encoder's file.  [default: the model that comes with the plugin]",
)


@click.group("sketch-retrieval")
def group() -> None:
    """Index marks and scanned pages, search them, spot a mark on pages."""


def finding(command: Callable[..., Any]) -> Callable[..., Any]:
    """What `search` and `spot` share."""
    for option in (
        json_option,
        runs_dir_option,
        common_options,
        click.option("--iiif-image", default="", help="Web address of a page's picture, with {document} and {page}."),
        click.option("--iiif-canvas", default="", help="Web address of a page's canvas, of the same form."),
        click.option("-o", "--output", type=FOLDER, help="Folder.  [default: a new one here]"),
        click.option(
            "--rotations",
            type=click.FloatRange(0, 180),
            default=20.0,
            show_default=True,
            help="Degrees, either way, by which the query is turned, too.",
        ),
        click.option("-k", "count", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Hits."),
        run_option,
        click.argument("query"),
    ):
        command = option(command)
    return command


def cutting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How pictures become marks."""
    kinds = click.Choice(["auto", "marks", "pages"])
    for option in (
        click.option("--limit", type=click.IntRange(1, 50_000), default=4000, show_default=True, help="Marks a page."),
        click.option(
            "--as", "kind", type=kinds, default="auto", show_default=True,
            help="A picture is one mark, or a page with many; auto: up to 400 pixels, or one large drawing, is a mark.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


@group.command("index")
@click.argument("sources", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o", "--output", type=FILE, required=True, help="The index, marks.index say; brought up to date if there."
)
@click.option("--delete", multiple=True, help="A document to remove from the index; may be given again.")
@click.option("--forget", is_flag=True, help="Remove documents whose files are gone.")
@click.option(
    "--kind",
    "search",
    type=click.Choice(["auto", "exact", "ivf"]),
    help="Of the search; auto is ivf from 200,000 marks on.",
)
@cutting_options
@run_option
@json_option
@runs_dir_option
@common_options
def index(**options: Any) -> None:
    """Index the marks of SOURCES: folders and files, of single marks or of whole pages (multi-page TIFF, PDF).

    The same command goes on after a kill, and later reads only what is new or has changed.
    """
    ready()
    as_json = options.pop("as_json")
    from gankit_sketch_retrieval.use.indexing import index as made

    result = made(**options)
    if as_json:
        return print_json(result)
    names = ("files", "pages", "marks", "unchanged", "removed", "resumed", "deleted")
    said = ", ".join(f"{result[name]:,} {name}" for name in names if result[name] or name in names[:3])
    skipped = f"; {len(result['skipped']):,} files could not be read" if result["skipped"] else ""
    click.echo(f"indexed   {said} in {result['seconds']:.1f} s{skipped}")
    click.echo(f"index     {result['index']}: {result['all']:,} marks, {result['kind']} search")


@group.command("search")
@finding
@click.option("--index", "path", type=FILE, required=True, help="Of `index`.")
def search(as_json: bool, **options: Any) -> None:
    """Find what looks like QUERY: a picture, or a region, page.png#x0,y0,x1,y1 or scans.tif#3/x0,y0,x1,y1.

    Writes hits.csv, hits.json, hits.iiif.json, and contact sheets as contact.png and contact.html.
    """
    ready()
    from gankit_sketch_retrieval.use.finding import search as made

    _show(made(**options), as_json)


@group.command("spot")
@finding
@click.option("--pages", type=click.Path(exists=True, path_type=Path), required=True, help="Folder or file of pages.")
@click.option("--limit", type=click.IntRange(1, 50_000), default=4000, show_default=True, help="Marks a page.")
def spot(as_json: bool, **options: Any) -> None:
    """Find QUERY on whole pages, without an index.

    Writes what `search` writes. To search the same pages again at once, `index` them.
    """
    ready()
    from gankit_sketch_retrieval.use.finding import spot as made

    _show(made(**options), as_json)


@group.command("measure")
@click.option(
    "--run",
    "runs",
    multiple=True,
    shell_complete=complete_run,
    help="As of `search`; may be given again, to compare.  [default: the model that comes with the plugin]",
)
@click.option("--data", default="", help="Marks: a folder (with labels.csv), or a .npz file (with labels).")
@click.option("--pages", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Pages, with --truth.")
@click.option("--truth", type=FILE, help="CSV of the marks on pages: page,x0,y0,x1,y1,label[,kind].")
@click.option("--only", default="", help="Only rows of this kind in --truth.")
@click.option(
    "--rotations", type=click.FloatRange(0, 180), default=20.0, show_default=True, help="As of `search`, on pages."
)
@click.option("-o", "--output", type=FOLDER, help="Folder.  [default: a new one here]")
@json_option
@runs_dir_option
@common_options
def measure(as_json: bool, **options: Any) -> None:
    """Measure how features change when marks are turned, scaled and moved, and how well marks are spotted on pages.

    Writes curves and tables as CSV and PNG, and measure.json.
    """
    ready()
    from gankit_sketch_retrieval.use.measuring import measure as made

    result = made(**options)
    if as_json:
        return print_json(result)
    for title, table in result["tables"].items():
        columns = list(table[0])
        print_table(columns, [[_cell(row.get(name)) for name in columns] for row in table], title=title)
        click.echo()
    for name, path in result["files"].items():
        click.echo(f"{name:<10}{path}")


@group.command("compose")
@click.option("--data", required=True, help="Marks with labels.")
@click.option(
    "--pages", type=click.Path(exists=True, path_type=Path), required=True, help="Backgrounds: scanned pages."
)
@click.option("-o", "--output", type=FOLDER, help="Folder.  [default: a new one here]")
@click.option("-n", "--count", type=click.IntRange(1), default=6, show_default=True, help="Pages.")
@click.option("--kinds", type=click.IntRange(1), default=20, show_default=True, help="Kinds of marks.")
@click.option("--each", type=click.IntRange(2), default=9, show_default=True, help="Marks of each kind.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of choices and places.")
@json_option
@common_options
def compose(as_json: bool, **options: Any) -> None:
    """Paste marks, turned, scaled and noisy, onto pages, with a truth.csv for `measure`."""
    ready()
    from gankit_sketch_retrieval.use.composing import composed

    result = composed(**options)
    if as_json:
        return print_json(result)
    left = f", {result['left_out']} found no room" if result["left_out"] else ""
    click.echo(f"{result['marks']} marks on {result['pages']} pages{left}")
    click.echo(f"pages     {result['folder']}\ntruth     {Path(result['folder']) / 'truth.csv'}")


def _show(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        return print_json(result)
    columns = ["rank", "score", "document", "page", "x0", "y0", "x1", "y1"]
    rows = [{**row, "score": f"{row['score']:.4f}"} for row in result["hits"]]
    if rows:
        print_table(columns, [[_cell(row[name]) for name in columns] for row in rows])
    else:
        click.echo("nothing was found: there are no marks")
    for name, path in result["files"].items():
        click.echo(f"{name:<10}{path}")


def _cell(value: Any) -> str:
    return "-" if value is None else figure(value) if isinstance(value, float) else str(value)
