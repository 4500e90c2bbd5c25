"""Held-out closes: the networks' forecasts beside those that need no training, and whether the difference is luck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gankit import Data, Evaluation
from gankit_stock_gan.backtest import scores
from gankit_stock_gan.backtest.verdict import point_verdict
from gankit_stock_gan.paper.config import PaperConfig
from gankit_stock_gan.paper.data import Asset
from gankit_stock_gan.paper.factors import PROXY, Windows
from gankit_stock_gan.warnings import warnings

BATCH = 4096  # windows a call
PROTOCOLS = {
    "walk-forward": "walk-forward: one day ahead over the last {test} rows of each series; the networks are trained "
    "once, on days before any of them, and see the actual rows up to the day before",
    "shuffled": "leaky split: {test} windows of each series drawn at random from its whole length; days to predict "
    "stand among the inputs of windows that were learned from",
}


def predict(network: Any, windows: Windows, units: int) -> np.ndarray:
    """Predicted closes.

    Args:
        network: The generator, or the LSTM.
        windows: What it sees.
        units: Of its LSTM, for the mask that leaves all of them on.

    Returns:
        float64 `[m]`, in the prices' currency.
    """
    parts = [windows.past[start : start + BATCH].astype(np.float32) for start in range(0, len(windows.rows), BATCH)]
    ahead = [np.asarray(network([part, np.ones((len(part), units), np.float32)], training=False)) for part in parts]
    return windows.closes(np.concatenate(ahead))


def forecasts(networks: Mapping[str, Any], asset: Asset, units: int) -> dict[str, np.ndarray]:
    """Predicted closes of the held-out days by method, float64 `[m]` each.

    The generator; persistence, the close of the day before; drift, which adds the mean log return of the days that are
    learned from; the mean close of the window; and the LSTM without a discriminator.
    """
    test = asset.test
    return {
        "ours": predict(networks["generator"], test, units),
        "persistence": asset.last,
        "drift": asset.last * np.exp(asset.drift),
        "window mean": test.closes(np.zeros_like(test.next)),
        "lstm": predict(networks["lstm"], test, units),
    }


def figures(predicted: np.ndarray, asset: Asset) -> dict[str, float]:
    """Errors of predicted closes.

    Args:
        predicted: float64 `[m]`.
        asset: With the closes that came.

    Returns:
        "mae" and "rmse" in the prices' currency, "mape" in per cent, "mae_ratio" to persistence's MAE, and
        "directional": the share of days whose close moved that were predicted to move to the same side. The last is
        absent where no move is predicted or none came, and the ratio where persistence is never wrong.
    """
    actual, last = asset.actual, asset.last
    found, naive, moved = scores.errors(actual, predicted), np.abs(last - actual).mean(), actual != last
    if naive > 0:
        found["mae_ratio"] = float(found["mae"] / naive)
    if moved.any() and (predicted != last).any():
        found["directional"] = float((np.sign(predicted - last) == np.sign(actual - last))[moved].mean())
    return found


def evaluate(recipe: Any, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """The figures of each asset and their means over the assets, with the verdict."""
    config: PaperConfig = recipe.config
    assets: Sequence[Asset] = data.held_out["assets"]
    made = [forecasts(networks, asset, config.units) for asset in assets]
    tables = [{name: figures(p, asset) for name, p in one.items()} for asset, one in zip(assets, made, strict=True)]
    means = {name: scores.means([table[name] for table in tables]) for name in tables[0]}
    verdict, tests = skill(assets, made)
    rows = [
        {"asset": asset.series.name, "days": len(asset.test.rows), **_columns(table), **test}
        for asset, table, test in zip(assets, tables, tests, strict=True)
    ]
    metrics = means.pop("ours")
    leaky = ["leaky split: the figures may flatter"] if config.protocol == "shuffled" else []
    protocol = {
        "split": PROTOCOLS[config.protocol].format(test=config.test),
        "held_out": "; ".join(f"{a.series.name} {_span(a.days(a.test.rows))}" for a in assets),
        "learned": f"{data.facts['learned']} windows of {config.window} days of {len(assets)} series together, each "
        "z-scored by its own mean and SD",
        "factors": PROXY,
        "mape": "per cent",
        "warnings": "; ".join(warnings(config, [asset.series for asset in assets], config.test, *leaky, PROXY)),
    }
    better = {key: scores.BETTER[key] for key in metrics}
    return Evaluation(metrics, means, protocol, better, rows, verdict=[f"{verdict}."])  # type: ignore[arg-type]


def skill(assets: Sequence[Asset], made: Sequence[Mapping[str, np.ndarray]]) -> tuple[str, list[dict[str, Any]]]:
    """Whether absolute errors differ from persistence's by more than luck (`backtest.verdict`).

    Args:
        assets: With the closes that came.
        made: Predicted closes by method, float64 `[m]`, for each asset; "ours" and "persistence" are compared.

    Returns:
        A sentence on all of them; and for each "dm", the statistic of Diebold and Mariano (negative where the generator
        is better), its two-sided p value "dm_p", "dm_p_holm", adjusted for the number of assets, and a "verdict".
    """
    losses = {
        asset.series.name: (np.abs(one["ours"] - asset.actual), np.abs(one["persistence"] - asset.actual))
        for asset, one in zip(assets, made, strict=True)
    }
    found = point_verdict(losses)
    rows = [
        {
            "dm": float(np.clip(one.statistic, -1e6, 1e6)),  # infinite where the difference never varies
            "dm_p": one.p,
            "dm_p_holm": one.adjusted,
            "verdict": str(one),
        }
        for one in found.values()
    ]
    if len(found) == 1:
        return rows[0]["verdict"], rows
    if all(one.outcome == "tie" for one in found.values()):
        least = min(one.adjusted for one in found.values())
        return f"no skill over persistence on any of {len(found)} series (DM p >= {least:.2g} after Holm)", rows
    return "; ".join(f"{name}: {one}" for name, one in found.items()), rows


def _columns(table: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The figures of all methods in one row; the generator's without its name."""
    prefixes = {name: "" if name == "ours" else name.replace(" ", "_") + "_" for name in table}
    return {prefixes[name] + metric: value for name, found in table.items() for metric, value in found.items()}


def _span(days: list[str]) -> str:
    return f"{days[0]} to {days[-1]} ({len(days)} days)"
