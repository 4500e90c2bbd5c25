"""Parts of an evaluation as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gankit import Evaluation


def merged(*parts: Evaluation) -> Evaluation:
    """Figures in the order of the parts; baselines of one name are one."""

    def union(maps: list[Mapping[str, Any]]) -> dict[str, Any]:
        return {key: value for one in maps for key, value in one.items()}

    baselines: dict[str, dict[str, float]] = {}
    for part in parts:
        for name, figures in part.baselines.items():
            baselines.setdefault(name, {}).update(figures)
    return Evaluation(
        union([part.metrics for part in parts]),
        baselines,
        union([part.protocol for part in parts]),
        union([part.better for part in parts]),
        [row for part in parts for row in part.rows],
        union([part.errors for part in parts]),
        tuple(dict.fromkeys(name for part in parts for name in part.limits)),
    )
