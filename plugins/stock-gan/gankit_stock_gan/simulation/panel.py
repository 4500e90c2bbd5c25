"""The stylised facts of simulated paths beside the real ones: as one picture, and as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gankit.errors import DataError
from gankit_stock_gan.simulation.facts import LAGS, acf, distances, facts, leverage

# Of Okabe and Ito's palette, which the colour-blind can tell apart; black is the real series.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
SHOWN = 3  # example paths of each model
BAND = 0.15  # opacity


def table(real: np.ndarray, paths_by_name: Mapping[str, np.ndarray], lags: int = LAGS) -> list[dict[str, Any]]:
    """A row of scores for the real series, whose distances are 0, and for each set of paths.

    Args:
        real: `[n]` log returns.
        paths_by_name: Name -> `[paths, n]` simulated log returns.
        lags: The greatest lag of the distances.

    Returns:
        Rows with `name` and the keys of `facts.distances` and `facts.facts`.

    Raises:
        DataError: As `facts.distances` and `facts.facts`.
    """
    rows = [{"name": name} | distances(real, paths, lags) | facts(paths) for name, paths in paths_by_name.items()]
    itself = dict.fromkeys(distances(real, np.asarray(real)[None], lags), 0.0)
    return [{"name": "real", **itself, **facts(real)}, *rows]


def panel(real: np.ndarray, paths_by_name: Mapping[str, np.ndarray], out: Path, lags: int = LAGS) -> Path:
    """Draws example paths, the density, and the four functions of the lag, averaged over the paths.

    Args:
        real: `[n]` log returns.
        paths_by_name: Name -> `[paths, n]` simulated log returns; the first is the model, the others its rivals.
        out: PNG to write.
        lags: The greatest lag.

    Returns:
        `out`.

    Raises:
        DataError: No paths or more than six sets of them, or as `facts.acf` and `facts.leverage`.
    """
    from matplotlib.figure import Figure

    if not 1 <= len(paths_by_name) <= len(COLOURS):
        raise DataError(f"{len(paths_by_name)} sets of paths cannot be drawn", f"give one to {len(COLOURS)}")
    real = np.asarray(real, np.float64)
    sets = {name: np.asarray(paths, np.float64) for name, paths in paths_by_name.items()}
    figure = Figure(figsize=(11, 7), layout="constrained")
    (first, second, third), (fourth, fifth, sixth) = figure.subplots(2, 3)
    _examples(first, real, sets)
    _density(second, real, sets)
    _lagged(third, lambda x: acf(x, lags), real, sets, "autocorrelation of returns")
    _lagged(fourth, lambda x: acf(np.abs(x), lags), real, sets, "autocorrelation of |returns|")
    _lagged(fifth, lambda x: acf(x**2, lags), real, sets, "autocorrelation of squared returns")
    _lagged(sixth, lambda x: leverage(x, lags), real, sets, r"leverage: corr$(r_t,\ r_{t+k}^2)$")
    figure.legend(*_legend(sets), loc="outside upper center", ncols=6, frameon=False)
    figure.savefig(out, dpi=100)
    return out


def _legend(sets: Mapping[str, np.ndarray]) -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    lines = [Line2D([], [], color=c, linewidth=2.5) for c in ("black", *COLOURS[: len(sets)])]
    band = Patch(color=COLOURS[0], alpha=BAND, linewidth=0)
    model = next(iter(sets))
    return [*lines, band], ["real", *sets, f"90 % of single paths of {model}"]


def _examples(axes: Any, real: np.ndarray, sets: Mapping[str, np.ndarray]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    for colour, paths in zip(COLOURS, sets.values(), strict=False):
        for path in paths[:SHOWN]:
            axes.plot(np.exp(np.append(0, np.cumsum(path))), color=colour, linewidth=0.7, alpha=0.7)
    axes.plot(np.exp(np.append(0, np.cumsum(real))), color="black", linewidth=1.3)
    axes.set(yscale="log", xlabel="trading day", title=f"price from 1: real, and {SHOWN} paths of each")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0)


def _density(axes: Any, real: np.ndarray, sets: Mapping[str, np.ndarray]) -> None:
    edge = 130 * np.abs(real).max()  # in percent, and a little beyond
    edges = np.linspace(-edge, edge, 52)
    middle = (edges[1:] + edges[:-1]) / 2

    def height(x: np.ndarray) -> np.ndarray:
        found = np.histogram(100 * x, edges)[0] / (x.size * np.diff(edges))
        return np.where(found > 0, found, np.nan)  # no point where there is no return

    axes.plot(middle, height(real), "o", color="black", markersize=3.5, zorder=3)
    for colour, paths in zip(COLOURS, sets.values(), strict=False):
        axes.plot(middle, height(paths), color=colour, linewidth=1.4)
    axes.set(yscale="log", xlabel="daily return, %", title="density of daily returns")


def _lagged(
    axes: Any,
    function: Callable[[np.ndarray], np.ndarray],
    real: np.ndarray,
    sets: Mapping[str, np.ndarray],
    title: str,
) -> None:
    truth = function(real)
    lag = np.arange(1, len(truth) + 1)
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.plot(lag, truth, color="black", linewidth=0.8, alpha=0.7)
    for i, (colour, paths) in enumerate(zip(COLOURS, sets.values(), strict=False)):
        each = function(paths)
        if not i:  # how far single paths of the model stray: the real series is a single one
            axes.fill_between(lag, *np.quantile(each, (0.05, 0.95), axis=0), color=colour, alpha=BAND, linewidth=0)
        axes.plot(lag, each.mean(axis=0), color=colour, linewidth=1.4 if i else 2, zorder=2 if i else 3)
    axes.set(xlabel="lag k, days", title=title)
    axes.margins(x=0)
