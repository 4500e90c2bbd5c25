"""How far two states of one training are apart. What `Stage.state` holds counts as the networks' weights do."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np


def difference(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> float:
    """Largest |a - b| over the variables of networks and stages, relative to the largest value of each."""
    assert set(a) == set(b)
    found = [
        np.abs(_plain(a[key]) - _plain(b[key])).max() / max(np.abs(_plain(a[key])).max(), 1e-3)
        for key in a
        if _owner(key, a[key])
    ]
    return float(max(found))


def drift(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> float:
    """Largest distance |a - b| of a network's weights over their length |a|, all its variables taken together.

    For float32, whose rounding decides the sign of gradients that are nearly 0: there Adam makes full steps, so a few
    weights differ by as much as they have moved, on one CPU more than on another, and say nothing of the rest. Each
    value of a stage's state is taken by itself.
    """
    assert set(a) == set(b)
    squares: dict[str, list[float]] = {}
    for key in a:
        if owner := _owner(key, a[key]):
            apart, length = squares.setdefault(owner, [0.0, 0.0])
            x, y = _plain(a[key]), _plain(b[key])
            squares[owner] = [apart + float(((x - y) ** 2).sum()), length + float((x**2).sum())]
    return max(
        math.sqrt(apart / length) if apart and length else math.inf * apart if apart else 0.0
        for apart, length in squares.values()
    )


def _owner(key: str, value: np.ndarray) -> str:
    """The network or the value of a stage's state that a variable belongs to; "" for what is not compared."""
    role, *names = key.split("/")
    if role == "networks" and value.size and value.dtype.kind == "f":
        return f"network {names[0]}"
    return f"state {'/'.join(names)}" if role == "state" and value.size else ""


def _plain(value: np.ndarray) -> np.ndarray:
    """Numbers that can be subtracted: a stage's state may hold integers and booleans."""
    return value.astype(np.float64) if value.dtype.kind in "iub" else value
