"""How far two states of one training are apart. What `Stage.state` holds counts as the networks' weights do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def difference(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> float:
    """Largest |a - b| over the variables of networks and stages, relative to the largest value of each."""
    assert set(a) == set(b)
    found = [
        np.abs(_plain(a[key]) - _plain(b[key])).max() / max(np.abs(_plain(a[key])).max(), 1e-3)
        for key in a
        if _compared(key, a[key])
    ]
    return float(max(found))


def _compared(key: str, value: np.ndarray) -> bool:
    role = key.partition("/")[0]
    return value.size > 0 and (role == "state" or (role == "networks" and value.dtype.kind == "f"))


def _plain(value: np.ndarray) -> np.ndarray:
    """Numbers that can be subtracted: a stage's state may hold integers and booleans."""
    return value.astype(np.float64) if value.dtype.kind in "iub" else value
