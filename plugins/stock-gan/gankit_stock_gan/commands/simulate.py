"""`gankit stock-gan simulate`: simulated paths of a history, and how like it they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from gankit.commands import print_table
from gankit.support import slug
from gankit_stock_gan.backtest import risk
from gankit_stock_gan.bars import Series
from gankit_stock_gan.bars.calendars import next_sessions
from gankit_stock_gan.commands.shared import cell, finished, opened, results_of, show_rest, using
from gankit_stock_gan.simulation import copies, facts, panel, rivals, tuning
from gankit_stock_gan.simulation.simulate import Tuning, anywhere, from_now

log = logging.getLogger("gankit")

JUDGED = 500  # paths of each kind in the panel
OURS = "stock-gan"


@click.command("simulate")
@using
@click.option("-n", "--count", type=click.IntRange(1, 10_000), default=500, show_default=True, help="Number of paths.")
@click.option(
    "-t", "--length", type=click.IntRange(1, 20_000),
    help="Sessions of each path.  [default: those of FILE; from now on 20]",
)  # fmt: skip
@click.option(
    "--start", type=click.Choice(["anywhere", "now"]), default="anywhere", show_default=True,
    help="Where paths begin: in no particular state of the market, or after the last bar.",
)  # fmt: skip
@click.option("--tune/--no-tune", default=True, show_default=True, help="Match the history's stylised facts first.")
def command(
    run: str, file: str | None, runs_dir: Path | None, as_json: bool, output: Path | None, count: int,
    length: int | None, start: str, tune: bool, seed: int, **bars: str,
) -> None:  # fmt: skip
    """Simulate paths like the history of FILE (or of the run's own data).

    Writes paths.csv (prices), the stylised facts of the paths beside those of GARCH and of the stationary bootstrap as
    facts.json and a picture, and the nearest-neighbour test that the paths are no copies. Tuning takes some minutes
    once, and is remembered.
    """
    used = opened(run, runs_dir)
    found = used.reading(file, **bars).series(used.generator.earliest + 2)
    results = results_of(
        "simulate", output, used, source=file, count=count, length=length, start=start, tune=tune, seed=seed, **bars
    )
    result: dict[str, Any] = {"facts": {}, "copies": {}, "tuning": {}, "risk": {}}
    tables = []
    for series in found:
        name, history = series.name, series.returns
        if start == "now":
            paths = from_now(used.generator, series, count, length or 20, seed)
            result["risk"][name] = risk.tail_losses(paths.sum(axis=1))
            days = next_sessions(series, paths.shape[1])
        else:
            fitted, days = Tuning(float(history.var())), None
            if tune:
                fitted = tuning.kept(used.generator, series, seed, used.loaded.run.path, used.loaded.checkpoint.name)
            paths = anywhere(used.generator, fitted, count, length or len(history), seed).returns
            result["tuning"][name] = asdict(fitted)
            if len(history) > facts.LAGS:
                ours = anywhere(used.generator, fitted, JUDGED, len(history), seed + 1).returns  # not those tuned with
                kinds = {OURS: ours, **rivals.beside(history, JUDGED, seed)}
                result["facts"][name] = panel.table(history, kinds)
                if shares := copies.shares(history, kinds, seed):
                    result["copies"][name] = shares
                panel.panel(history, kinds, results.path(f"facts-{slug(name)}.png"))
            else:
                log.warning("%s: %d returns are too few for the panel of stylised facts", name, len(history))
        tables.append((series, paths, days))
    columns = ["unique_id", "ds", *(f"path_{i + 1}" for i in range(count))]
    results.csv("paths.csv", (row for table in tables for row in _rows(*table)), "paths", columns)
    said = used.warnings(found, used.config.test, [len(one) for one in found] if start == "now" else [])
    if start != "now" and tune:
        said.append("paths are tuned to the history that they are compared with: its distances are in-sample")
    result["warnings"] = said
    if not finished(results, used, "facts.json", result, as_json):
        _show(result)
        show_rest(result)


def _rows(series: Series, paths: np.ndarray, days: np.ndarray | None) -> Iterator[dict[str, Any]]:
    """Rows of paths.csv: one a session, with a column a path; made one by one, since there may be many."""
    labels = range(1, paths.shape[1] + 1) if days is None else days
    closes = series.close[-1] * np.exp(np.cumsum(paths, axis=1))
    for label, row in zip(labels, closes.T, strict=True):
        values = {f"path_{i + 1}": f"{value:.6g}" for i, value in enumerate(row)}
        yield {"unique_id": series.name, "ds": str(label), **values}


def _show(result: dict[str, Any]) -> None:
    for name, table in result["facts"].items():
        keys = [key for key in table[0] if key != "name"]
        rows = [[key, *(cell(row[key]) for row in table)] for key in keys]
        print_table([name, *(row["name"] for row in table)], rows)
        click.echo()
    for name, found in result["copies"].items():
        rows = [[kind, *(cell(value) for value in one.values())] for kind, one in found.items()]
        print_table([f"{name}, windows of 20", *next(iter(found.values()))], rows)
        click.echo()
    for name, losses in result["risk"].items():
        rows = [[f"{float(level):.0%}", *(f"{value:.2%}" for value in one.values())] for level, one in losses.items()]
        print_table([f"{name}, log return over all sessions", "value at risk", "expected shortfall"], rows)
        click.echo()
