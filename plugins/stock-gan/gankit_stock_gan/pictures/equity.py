"""What simple rules would have made of the forecasts, after costs, beside holding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gankit_stock_gan.pictures.fan import COLOUR

COSTS = {"0": "-", "10": ":"}  # basis points, and how its curve is drawn
RULES = {"kelly": ("half Kelly", COLOUR), "steady": ("10 % volatility", "#0072B2")}


def equity(result: dict[str, Any], dates: np.ndarray | None, out: Path, title: str) -> Path:
    """Draws the curves of `backtest.trading.rules`.

    Args:
        result: Of `backtest.evaluation.trading`.
        dates: Of the days, `[k]`; None numbers them.
        out: PNG to write.
        title: Over the picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    first = result["kelly"]["equity"]["0"]
    days = np.arange(len(first["strategy"])) if dates is None else dates
    axes.plot(
        days, first["buy_and_hold"], color="black", linewidth=1.3, label=_named("buy and hold", result["kelly"], "0")
    )
    for rule, (name, colour) in RULES.items():
        for cost, style in COSTS.items():
            label = _named(f"{name}, {cost} bps", result[rule], cost, "strategy")
            curve = result[rule]["equity"][cost]["strategy"]
            axes.plot(days, curve, color=colour, linestyle=style, linewidth=1.5, label=label)
    axes.axhline(1, color="0.6", linewidth=0.8)
    axes.set(title=f"{title}: capital after costs a unit of turnover, traded at the next close", ylabel="capital")
    axes.legend(frameon=False, loc="upper left")
    axes.margins(x=0.01, y=0.2)
    figure.savefig(out, dpi=100)
    return out


def _named(name: str, result: dict[str, Any], cost: str, who: str = "buy_and_hold") -> str:
    ratio = round(result["costs"][cost][who]["sharpe"], 2) + 0.0  # no -0.00
    return f"{name} (Sharpe {ratio:.2f})"
