"""What may be concluded from the figures, in words: skill over persistence or none, and what to be wary of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gankit_stock_gan.paper.config import PaperConfig
from gankit_stock_gan.paper.data import Asset
from gankit_stock_gan.paper.factors import PROXY

SHORT = 250  # held-out days, about a year


def judge(assets: Sequence[Asset], made: Sequence[Mapping[str, np.ndarray]]) -> tuple[str, list[dict[str, Any]]]:
    """Whether absolute errors differ from persistence's by more than luck (`backtest.verdict`).

    Args:
        assets: With the closes that came.
        made: Predicted closes by method, float64 `[m]`, for each asset; "ours" and "persistence" are compared.

    Returns:
        A sentence on all of them; and for each "dm", the statistic of Diebold and Mariano (negative where the generator
        is better), its two-sided p value "dm_p", "dm_p_holm", adjusted for the number of assets, and a "verdict".
    """
    from gankit_stock_gan.backtest.verdict import point_verdict

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


def warnings(config: PaperConfig, assets: Sequence[Asset]) -> list[str]:
    """What a reader of the figures must know, a clause each."""
    found = ["not investment advice", PROXY]
    if config.protocol == "shuffled":
        found.append("leaky split: the figures may flatter")
    for asset in assets:
        series = asset.series
        found += [f"{series.name}: {note}" for note in series.notes]
        if not any("adjusted" in note for note in series.notes):
            found.append(
                f"{series.name}: prices are taken as they are; unadjusted splits and dividends look like moves"
            )
        if empty := int((series.volume == 0).sum()):
            found.append(f"{series.name}: no volume on {empty} of {len(series)} days")
        if len(asset.test.rows) < SHORT:
            found.append(f"{series.name}: short test of {len(asset.test.rows)} days")
    if config.splits == "keep":
        found.append("splits are left as in the files: a price that halves overnight may be one")
    return found
