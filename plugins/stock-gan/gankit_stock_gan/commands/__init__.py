"""`gankit stock-gan ...`: what one does with a trained run."""

from __future__ import annotations

import click

from gankit.commands import Commands


@click.group("stock-gan", cls=Commands, package=__name__, names=("forecast", "simulate", "backtest"))
def group() -> None:
    """Forecast the next sessions, simulate paths, backtest."""
