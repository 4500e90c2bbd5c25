"""`gankit sketch-retrieval measure`: models compared by curves, by transformed queries, on pages, by their speed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import click

from gankit import UsageError
from gankit.commands import common_options, complete_run, json_option, print_json, ready, runs_dir_option
from gankit_sketch_retrieval.commands import DISTRIBUTION, FILE, output_option, rotations_option, show_files, show_rows


@click.command("measure")
@click.option(
    "--run",
    "runs",
    multiple=True,
    shell_complete=complete_run,
    help="Run (folder, id or 'latest') or encoder's file; may be given again, to compare.  [default: the model that "
    "comes with the plugin]",
)
@click.option("--data", default="", help="Marks: a folder (with labels.csv), or a .npz file (with labels).")
@click.option("--pages", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Pages, with --truth.")
@click.option("--truth", type=FILE, help="CSV of the marks on pages: page,x0,y0,x1,y1,label[,kind].")
@click.option("--only", default="", help="Kind of rows in --truth that count.  [default: all]")
@rotations_option
@output_option
@json_option
@runs_dir_option
@common_options
def command(
    runs: tuple[str, ...], data: str, pages: Path | None, truth: Path | None, only: str, rotations: float,
    output: Path | None, runs_dir: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure how features change when marks are turned, scaled and moved, and how well marks are spotted on pages.

    Writes curves and tables as CSV and PNG, measure.json, and provenance.json.
    """
    if (pages is None) != (truth is None):
        raise UsageError("--pages and --truth go together", "the truth is a CSV with page,x0,y0,x1,y1,label")
    if not data and pages is None:
        raise UsageError("nothing to measure", "give --data, or --pages and --truth")
    if len(set(runs)) < len(runs):
        raise UsageError("a model is named twice", "give each --run once")
    ready()
    from gankit.runs import Results
    from gankit_sketch_retrieval.data import marks_of
    from gankit_sketch_retrieval.evaluation import invariance, measurement
    from gankit_sketch_retrieval.evaluation.held_out import chosen, has_labels
    from gankit_sketch_retrieval.evaluation.truth import read_truth
    from gankit_sketch_retrieval.features.encoder import Encoder, open_encoder

    log = logging.getLogger("gankit")
    known = None if truth is None else read_truth(truth, only)
    encoders: dict[str, Encoder] = {}
    for run in runs or ("",):
        name = Path(run).name or "shipped"  # models of files of one name are called as they were named
        encoders[run if name in encoders else name], loaded = open_encoder(run, runs_dir)
    request = {"data": data, "pages": str(pages or ""), "truth": str(truth or ""), "only": only, "rotations": rotations}
    one = loaded if len(encoders) == 1 else None
    results = Results("measure", output, one, distribution=DISTRIBUTION, request={**request, "runs": runs})
    tables: dict[str, list[dict[str, Any]]] = {}
    if data:
        marks = chosen(marks_of(data, next(iter(encoders.values())).stretch))
        log.info("measuring curves of %s models, some minutes", len(encoders))
        curves = measurement.curves(encoders, marks.raw)
        results.csv("invariance.csv", [row for curve in curves for row in curve.rows()], "curves")
        invariance.draw_curves(curves, results.path("invariance.png", "picture"), "similarity of a mark to itself")
        tables["time"] = [measurement.speed(name, encoder, marks.pictures) for name, encoder in encoders.items()]
        if has_labels(marks):
            log.info("measuring retrieval of %s marks, turned, scaled and moved", f"{len(marks):,}")
            rows = measurement.transformed(encoders, marks)
            tables["retrieval with transformed queries"] = rows
            results.csv("retrieval.csv", rows, "retrieval")
    if pages is not None and known is not None:
        tables["spotting"] = measurement.spotted(encoders, pages, known, rotations)
        results.csv("spotting.csv", tables["spotting"], "spotting")
    results.json("measure.json", {"tables": tables, "files": results.files}, "json")
    models = {name: {"fingerprint": model.fingerprint, **model.settings} for name, model in encoders.items()}
    files = results.finish(models=models)
    if as_json:
        return print_json({"tables": tables, "files": files})
    for title, table in tables.items():
        show_rows(table, list(table[0]), title)
        click.echo()
    show_files(files)
