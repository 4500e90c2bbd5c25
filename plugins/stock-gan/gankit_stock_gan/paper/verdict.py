"""What may be concluded from the figures, in words: skill over persistence or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gankit_stock_gan.backtest.verdict import point_verdict
from gankit_stock_gan.paper.data import Asset


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
