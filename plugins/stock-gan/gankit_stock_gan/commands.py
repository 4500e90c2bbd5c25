"""`gankit stock-gan ...`: what one does with a trained run. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

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
from gankit.support import figure


@click.group("stock-gan")
def group() -> None:
    """Forecast the next sessions, simulate paths, backtest."""


def using(command: Callable[..., Any]) -> Callable[..., Any]:
    """What all three share."""
    for option in (
        json_option,
        runs_dir_option,
        common_options,
        click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder.  [default: one in the run]"),
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the noise."),
        click.option("--calendar", default="", help="The exchange's, XNYS say.  [default: guessed from the dates]"),
        click.option("--until", default="", help="Last date that is read, YYYY-MM-DD."),
        click.option("--since", default="", help="First date that is read, YYYY-MM-DD."),
        click.option("--assets", default="", help="Tickers between commas.  [default: all]"),
        click.option(
            "--run", default="stock-gan", shell_complete=complete_run, help="Folder, id or 'latest'.  [default: newest]"
        ),
        click.argument("file", required=False),
    ):
        command = option(command)
    return command


def opened(run: str, runs_dir: Path | None) -> Any:
    """The run, ready for use."""
    ready()
    from gankit_stock_gan.use.trained import Trained

    return Trained.opened(open_run(run, runs_dir))


@group.command("forecast")
@using
@click.option("-h", "--horizon", type=click.IntRange(1, 260), default=10, show_default=True, help="Sessions ahead.")
@click.option("-n", "--draws", type=click.IntRange(100, 100_000), default=1000, show_default=True, help="Paths drawn.")
def forecast(run: str, file: str | None, runs_dir: Path | None, as_json: bool, **options: Any) -> None:
    """Forecast the sessions after the last bar of FILE (or of the run's own data).

    Writes forecasts.csv (unique_id, ds, cutoff, y, mean, q05 to q95), a fan chart of each series, and forecast.json.
    Dates follow the exchange's calendar where it is known.
    """
    trained = opened(run, runs_dir)
    from gankit_stock_gan.use.forecasting import forecast as made

    result = made(trained, file, **options)
    if as_json:
        return print_json(result)
    columns = ["unique_id", "ds", "mean", "q05", "q25", "q50", "q75", "q95"]
    print_table(columns, [[_cell(row[name]) for name in columns] for row in result["rows"][:40]])
    _close(result)


@group.command("simulate")
@using
@click.option("-n", "--count", type=click.IntRange(1, 10_000), default=500, show_default=True, help="Paths.")
@click.option(
    "-t",
    "--length",
    type=click.IntRange(1, 20_000),
    help="Sessions of each.  [default: those of FILE; from now on 20]",
)
@click.option(
    "--start",
    type=click.Choice(["anywhere", "now"]),
    default="anywhere",
    show_default=True,
    help="Begin in no particular state of the market, or after the last bar.",
)
@click.option("--tune/--no-tune", default=True, show_default=True, help="Match the history's stylised facts first.")
def simulate(run: str, file: str | None, runs_dir: Path | None, as_json: bool, **options: Any) -> None:
    """Simulate paths like the history of FILE (or of the run's own data).

    Writes paths.csv (prices), the stylised facts of the paths beside those of GARCH and of the stationary bootstrap as
    facts.json and a picture, and the nearest-neighbour test that the paths are no copies. Tuning takes some minutes
    once, and is remembered.
    """
    trained = opened(run, runs_dir)
    from gankit_stock_gan.use.simulating import simulate as made

    result = made(trained, file, **options)
    if as_json:
        return print_json(result)
    for name, table in result["facts"].items():
        keys = [key for key in table[0] if key != "name"]
        print_table(
            [name, *(row["name"] for row in table)], [[key, *(_cell(row[key]) for row in table)] for key in keys]
        )
        click.echo()
    for name, found in result["copies"].items():
        rows = [[kind, *(_cell(value) for value in one.values())] for kind, one in found.items()]
        print_table([f"{name}, windows of 20", *next(iter(found.values()))], rows)
        click.echo()
    for name, losses in result["risk"].items():
        rows = [[f"{float(level):.0%}", *(f"{value:.2%}" for value in one.values())] for level, one in losses.items()]
        print_table([f"{name}, log return over all sessions", "value at risk", "expected shortfall"], rows)
        click.echo()
    _close(result)


@group.command("backtest")
@using
@click.option("-h", "--horizon", type=click.IntRange(1, 60), default=1, show_default=True, help="Sessions ahead.")
@click.option("--step", type=click.IntRange(1, 260), default=1, show_default=True, help="Sessions between forecasts.")
@click.option("--windows", type=click.IntRange(20, 5000), default=252, show_default=True, help="Forecasts.")
@click.option(
    "--refit",
    type=click.IntRange(1, 5000),
    default=21,
    show_default=True,
    help="Sessions between refits of the rivals.",
)
@click.option(
    "--retrain", type=click.IntRange(0, 5000), default=0, help="Forecasts between new trainings.  [default: none]"
)
@click.option("-n", "--draws", type=click.IntRange(100, 10_000), default=1000, show_default=True, help="Of a forecast.")
def backtest(run: str, file: str | None, runs_dir: Path | None, as_json: bool, **options: Any) -> None:
    """Forecast the last sessions of FILE (or of the run's own data) walk-forward, beside every baseline.

    Writes backtest.json (tables, verdicts, Value at Risk, trading with costs, PIT), forecasts.csv and pictures.
    """
    trained = opened(run, runs_dir)
    from gankit_stock_gan.use.backtesting import Plan
    from gankit_stock_gan.use.backtesting import run as made

    fields = ("horizon", "step", "windows", "refit", "retrain", "draws", "seed")
    result = made(trained, file, Plan(**{name: options.pop(name) for name in fields}), **options)
    if as_json:
        return print_json(result)
    for asset, table in result["table"].items():
        keys = list(next(iter(table.values())))
        rows = [[key, *(_cell(found.get(key)) for found in table.values())] for key in keys]
        print_table(["metric", *table], rows, title=asset)
        for what in ("closes", "distributions"):
            click.echo(result["verdicts"][what][asset])
        for level, held in result["risk"][asset].items():
            share = f"{held['violations']} of {held['days']} days, {held['expected']:.1f} expected"
            click.echo(f"value at risk of {float(level):.0%}: exceeded on {share} (Kupiec p = {held['kupiec_p']:.2g})")
        click.echo()
    _close(result)


def _cell(value: Any) -> str:
    return "-" if value is None else figure(value) if isinstance(value, float) else str(value)


def _close(result: dict[str, Any]) -> None:
    """The run, what to be wary of, and the files."""
    click.echo(f"run       {result['run']}")
    for said in result["warnings"]:
        click.echo(f"warning: {said}", err=True)
    for name, files in result["files"].items():
        for path in files if isinstance(files, list) else [files]:
            click.echo(f"{name:<10}{path}")
