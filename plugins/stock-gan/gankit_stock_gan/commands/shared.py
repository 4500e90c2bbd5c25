"""What the commands share: options, a run to use, and how results are written and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from gankit.commands import common_options, complete_run, json_option, open_run, print_json, ready, runs_dir_option
from gankit.support import figure
from gankit_stock_gan.stock_run import StockRun

if TYPE_CHECKING:
    from gankit.runs import Results

QUANTILES = {f"q{level:02d}": level / 100 for level in range(5, 100, 5)}


def using(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that uses a run on bars."""
    for option in (
        json_option,
        runs_dir_option,
        common_options,
        click.option(
            "-o", "--output", type=click.Path(path_type=Path), help="Folder for the results.  [default: one in the run]"
        ),
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the noise."),
        click.option(
            "--calendar", default="", help="The exchange's calendar, XNYS say.  [default: guessed from the dates]"
        ),
        click.option("--until", default="", help="Last date that is read, YYYY-MM-DD."),
        click.option("--since", default="", help="First date that is read, YYYY-MM-DD."),
        click.option("--assets", default="", help="Tickers between commas.  [default: all]"),
        click.option(
            "--run", default="stock-gan", shell_complete=complete_run,
            help="Run to use: a folder, an id or 'latest'.  [default: newest]",
        ),
        click.argument("file", required=False),
    ):  # fmt: skip
        command = option(command)
    return command


def opened(run: str, runs_dir: Path | None) -> StockRun:
    """The run, ready for use."""
    ready()
    from gankit.runs import LoadedRun

    return StockRun(LoadedRun.of_recipe(open_run(run, runs_dir), "stock-gan"))


def results_of(verb: str, output: Path | None, used: StockRun, **request: Any) -> Results:
    """The folder of a command."""
    from gankit.runs import Results

    return Results(verb, output, used.loaded, distribution="gankit-stock-gan", request=request)


def finished(results: Results, used: StockRun, name: str, result: dict[str, Any], as_json: bool) -> bool:
    """Writes the result and where it comes from; prints it if JSON was asked for, and says whether it was."""
    results.json(name, result, "result")
    result |= {"run": str(used.loaded.run.path), "files": results.finish()}
    if as_json:
        print_json(result)
    return as_json


def show_rest(result: dict[str, Any]) -> None:
    """Prints the run, what to be wary of, and the files."""
    click.echo(f"run       {result['run']}")
    for said in result["warnings"]:
        click.echo(f"warning: {said}", err=True)
    width = max(map(len, result["files"])) + 2
    for name, path in result["files"].items():
        click.echo(f"{name:<{width}}{path}")


def cell(value: Any) -> str:
    """A value in a printed table."""
    return "-" if value is None else figure(value) if isinstance(value, float) else str(value)


def forecast_rows(
    name: str, days: Sequence[str], cutoffs: Sequence[str], actual: Sequence[float | str], closes: np.ndarray
) -> Iterator[dict[str, Any]]:
    """Rows of forecasts.csv: unique_id, ds, cutoff, y, mean, q05 to q95.

    Args:
        name: The series.
        days: The days that are forecast, `[k]`: dates, or numbers of rows where there are none.
        cutoffs: The last day that each forecast knows, `[k]`.
        actual: The closes that came, `[k]`; "" where they are not known.
        closes: Equally likely closes, `[k, draws]`.
    """
    levels = np.quantile(closes, list(QUANTILES.values()), axis=1)
    for i, (day, cutoff, y) in enumerate(zip(days, cutoffs, actual, strict=True)):
        middle = {"unique_id": name, "ds": day, "cutoff": cutoff, "y": y, "mean": round(float(closes[i].mean()), 6)}
        yield middle | {key: round(float(levels[k, i]), 6) for k, key in enumerate(QUANTILES)}
