"""What a simple rule would have made of the forecasts, after costs, beside holding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gankit_stock_gan.pictures.fan import COLOUR

STYLES = ("-", "--", ":")


def equity(result: dict[str, Any], dates: np.ndarray | None, out: Path, title: str) -> Path:
    """Draws the curves of `backtest.trading.compare`.

    Args:
        result: Of `compare`.
        dates: Of the days, `[k]`; None numbers them.
        out: PNG to write.
        title: Over the picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    first = next(iter(result["equity"].values()))
    days = np.arange(len(first["strategy"])) if dates is None else dates
    axes.plot(days, first["buy_and_hold"], color="black", linewidth=1.3, label=_named("buy and hold", result, "0"))
    for style, (cost, curves) in zip(STYLES, result["equity"].items(), strict=False):
        name = f"forecasts, {cost} bps"
        label = _named(name, result, cost, "strategy")
        axes.plot(days, curves["strategy"], color=COLOUR, linestyle=style, linewidth=1.5, label=label)
    axes.axhline(1, color="0.6", linewidth=0.8)
    axes.set(title=f"{title}: capital, costs a unit of turnover, traded at the next bar", ylabel="capital")
    axes.legend(frameon=False, loc="upper left")
    axes.margins(x=0.01, y=0.2)
    figure.savefig(out, dpi=100)
    return out


def _named(name: str, result: dict[str, Any], cost: str, who: str = "buy_and_hold") -> str:
    return f"{name} (Sharpe {result['costs'][cost][who]['sharpe']:.2f})"
