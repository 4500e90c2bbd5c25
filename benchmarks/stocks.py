"""TimeGAN's scores of a run of stock-gan, in two protocols; and what no smooth curve comes nearer to.

    python benchmarks/stocks.py floor                         # the S&P 500's own autocorrelations, 2009 to 2018
    python benchmarks/stocks.py timegan RUN                   # published: windows overlap and are split at random
    python benchmarks/stocks.py timegan RUN --protocol gap    # train and test windows apart in time

The run must be trained on the file of TimeGAN (Open, High, Low, Close, Adj_Close, Volume): whole bars are generated,
the model's closes with the shapes of real sessions like them (`shapes.py`). Each window follows a real session
drawn at random; for `gap`, one of the first 70 % of the file, which alone may have trained the run. Beside it stand
real windows in place of generated ones, the same bars with closes of a GARCH, and noise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import timegan
from gankit_stock_gan.backtest import garch
from gankit_stock_gan.bars import Series, read
from gankit_stock_gan.model.windows import Past
from gankit_stock_gan.simulation import facts
from gankit_stock_gan.simulation.simulate import simulate
from gankit_stock_gan.stock_run import StockRun
from shapes import Shapes

from gankit.errors import UsageError
from gankit.runs import LoadedRun, find_run

WIDTH = timegan.WIDTH


@click.group()
def main() -> None:
    """Figures of stock-gan that take long."""


@main.command("floor")
def floor() -> None:
    """The distance of the real autocorrelations from two exponentials fitted to them: the noise of one history."""
    from scipy.optimize import curve_fit

    def curve(lag: Any, a: float, b: float, c: float, d: float, e: float) -> Any:
        return a * np.exp(-lag / b) + c * np.exp(-lag / d) + e

    (series,) = read("sp500", since="2009-05-01")
    lags = np.arange(1, facts.LAGS + 1)
    for name, size in (("absolute", np.abs), ("squared", np.square)):
        real = facts.acf(size(series.returns), facts.LAGS)
        fitted, _ = curve_fit(curve, lags, real, [0.2, 5, 0.2, 50, 0], maxfev=20_000)
        print(f"{name:10}{np.sqrt(np.mean((real - curve(lags, *fitted)) ** 2)):.4f}")


@main.command("timegan")
@click.argument("run")
@click.option("--protocol", type=click.Choice(["published", "gap"]), default="published")
@click.option("--seeds", default=3)
def timegan_scores(run: str, protocol: Any, seeds: int) -> None:
    trained = StockRun(LoadedRun.of_recipe(find_run(run, Path("runs")), "stock-gan"))
    (series,) = trained.config.series(500)
    table = columns(series)
    cut = int(len(series) * timegan.TRAIN["gap"]) if protocol == "gap" else len(series)
    if protocol == "gap" and trained.loaded.facts["series"][0]["start"] > cut:
        raise UsageError("this run has learned from the last 30 % of the file", f"train with test={len(series) - cut}")
    known = series.rows(0, cut)
    print(f"{protocol}: {len(known)} of {len(series)} sessions known, windows of {WIDTH}")
    for name, made in (("stock-gan", ours), ("garch", rival), ("real", real), ("noise", noise)):
        found = [timegan.scores(table, made(trained, known, seed), protocol, seed=seed) for seed in range(seeds)]
        scores = {key: np.array([one[key] for one in found]) for key in found[0]}
        print(f"{name:10}", *(f"{key} {value.mean():.3f} +- {value.std(ddof=1):.3f}" for key, value in scores.items()))


def columns(series: Series) -> np.ndarray:
    """Open, high, low, close, adjusted close, volume, `[n, 6]`."""
    return np.column_stack([series.open, series.high, series.low, series.close, series.close, series.volume])


def begins(known: Series, first: int, seed: int) -> np.ndarray:
    """Bars that windows follow: each once, in a random order."""
    return np.random.default_rng(seed).permutation(np.arange(first + 1, len(known)))


def whole(
    known: Series, past: Past, begin: np.ndarray, returns: np.ndarray, scale: np.ndarray, seed: int
) -> np.ndarray:
    made = Shapes.of(known, past).bars(known.close[begin], returns, scale, begin, seed)
    return np.concatenate([made[..., :4], made[..., 3:4], made[..., 4:]], axis=-1)


def ours(trained: StockRun, known: Series, seed: int) -> np.ndarray:
    past, generator = Past.of(known.returns), trained.generator
    begin = begins(known, generator.earliest, seed)
    shape, state = generator.after(past, begin - 1)
    z = np.random.default_rng(seed + 100).standard_normal((len(begin), WIDTH))
    paths = simulate(generator, past.memory[begin - 1], shape, state, z)
    return whole(known, past, begin, paths.returns, paths.scale, seed)


def rival(trained: StockRun, known: Series, seed: int) -> np.ndarray:
    past = Past.of(known.returns)
    begin = begins(known, trained.generator.earliest, seed)
    parameters = garch.fit(known.returns, "garch")
    assert parameters is not None
    sigma = garch.filtered(parameters, known.returns)[begin]
    rng, returns = np.random.default_rng(seed + 100), np.empty((len(begin), WIDTH))
    shocks = rng.standard_t(parameters.nu, returns.shape) * np.sqrt((parameters.nu - 2) / parameters.nu)
    variance = sigma**2
    for day in range(WIDTH):
        news = np.sqrt(variance) * shocks[:, day]
        returns[:, day] = parameters.mean + news
        variance = parameters.omega + parameters.alpha * news**2 + parameters.beta * variance
    return whole(known, past, begin, returns, np.repeat(past.scale[begin - 1][:, None], WIDTH, 1), seed)


def real(trained: StockRun, known: Series, seed: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(columns(known), WIDTH, axis=0).transpose(0, 2, 1).copy()


def noise(trained: StockRun, known: Series, seed: int) -> np.ndarray:
    low, high = columns(known).min(axis=0), columns(known).max(axis=0)
    return np.random.default_rng(seed).uniform(low, high, (len(known) - WIDTH, WIDTH, 6))


if __name__ == "__main__":
    main()
