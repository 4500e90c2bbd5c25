"""The fan of the sessions ahead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gankit_stock_gan.bars import Series

HISTORY = 60  # sessions before the fan
BANDS = ((0.05, 0.95, 0.18, "90 %"), (0.25, 0.75, 0.38, "50 %"))
COLOUR = "#D55E00"


def fan(
    series: Series, drawn: np.ndarray, days: np.ndarray | None, out: Path, actual: np.ndarray | None = None
) -> Path:
    """Draws the last bars and what may follow.

    Args:
        series: The bars.
        drawn: Simulated closes, `[draws, horizon]`.
        days: Dates of the horizon; None numbers the sessions.
        out: PNG to write.
        actual: The closes that came, `[horizon]`, where they are known.
    """
    from matplotlib.figure import Figure

    shown = min(HISTORY, len(series))
    horizon = drawn.shape[1]
    past = np.arange(1 - shown, 1)
    future = np.arange(horizon + 1)
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(past, series.close[-shown:], color="black", linewidth=1.3, label="close")
    for low, high, opacity, name in BANDS:
        edges = [_from_last(series, np.quantile(drawn, level, axis=0)) for level in (low, high)]
        axes.fill_between(future, *edges, color=COLOUR, alpha=opacity, linewidth=0, label=name)
    axes.plot(future, _from_last(series, np.median(drawn, axis=0)), color=COLOUR, linewidth=1.6, label="median")
    if actual is not None:
        axes.plot(future, _from_last(series, actual), color="black", linewidth=1.3, linestyle=":", label="came")
    axes.axvline(0, color="0.6", linewidth=0.8)
    _label(axes, series, days, past, future)
    when = "the next" if actual is None else "forecast and outcome of the last"
    axes.set(title=f"{series.name}: {when} {horizon} sessions", ylabel="close")
    axes.legend(loc="upper left", frameon=False, ncols=5)
    axes.margins(x=0.01, y=0.12)
    figure.savefig(out, dpi=100)
    return out


def _from_last(series: Series, values: np.ndarray) -> np.ndarray:
    return np.concatenate([series.close[-1:], values])


def _label(axes: Any, series: Series, days: np.ndarray | None, past: np.ndarray, future: np.ndarray) -> None:
    """Dates at a few rows: the axis counts sessions, so that weekends take no room."""
    if series.dates is None or days is None:
        axes.set_xlabel("sessions from the last bar")
        return
    rows = np.concatenate([past, future[1:]])
    names = np.concatenate([series.dates[-len(past) :], days]).astype(str)
    chosen = np.unique(np.linspace(0, len(rows) - 1, 6).astype(int))
    axes.set_xticks(rows[chosen], names[chosen])
