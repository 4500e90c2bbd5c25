"""Training examples: a window of sessions and what followed it, of any series, by random access."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gankit_stock_gan.model.memory import BURN_IN, WIDTH, figures, memories, scale

TRAIN, HELD_OUT = "windows", "held_out"  # the sources of a training; the second one is for the monitors alone


@dataclass(frozen=True)
class Past:
    """A series as the generator sees it: row i knows the returns up to i.

    Attributes:
        returns: float64 `[n]`, log returns.
        memory: float64 `[n, WIDTH]`.
    """

    returns: np.ndarray
    memory: np.ndarray

    @classmethod
    def of(cls, returns: np.ndarray) -> Past:
        """From log returns `[n]`."""
        return cls(returns, memories(returns))

    @cached_property
    def seen(self) -> np.ndarray:
        """What the generator reads of each session, `[n, FIGURES]`."""
        return figures(self.memory, self.returns)

    @cached_property
    def scale(self) -> np.ndarray:
        """Volatility of each session, `[n]`."""
        return scale(self.memory)


class WindowSource:
    """Windows of several series; no window spans two of them.

    Fields: `seen` `[batch, window, FIGURES]`; `memory` `[batch, WIDTH]` after the window's last session; `scale`
    `[batch, window]` of its sessions; `past` `[batch, window]` its returns; `future` `[batch, horizon]` those after it.

    Args:
        pasts: The series; all their rows are used.
        window: Sessions of a window.
        horizon: Sessions after it.
    """

    def __init__(self, pasts: Sequence[Past], window: int, horizon: int) -> None:
        import keras

        self._window, self._horizon = window, horizon
        tables, origins, begin = [], [], 0
        for past in pasts:
            tables.append(np.column_stack([past.seen, past.memory, past.scale, past.returns]))
            first, last = BURN_IN + window - 1, len(past.returns) - horizon - 1
            origins.append(begin + np.arange(first, last + 1))
            begin += len(past.returns)
        self._table = np.concatenate(tables).astype(keras.config.floatx())
        self._origins = np.concatenate(origins)
        self.n = len(self._origins)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the examples."""
        return hashlib.sha256(self._table.tobytes() + self._origins.tobytes()).hexdigest()

    def gather(self, rows: Any, index: Any, seed: int) -> Mapping[str, Any]:
        """Examples as tensors; see `gankit.Source`."""
        import tensorflow as tf

        origins = tf.gather(self._origins, rows)[:, None]
        found = tf.gather(self._table, origins + np.arange(1 - self._window, self._horizon + 1)[None])
        seen, memory, unit, returns = tf.split(found, [found.shape[-1] - WIDTH - 2, WIDTH, 1, 1], -1)
        window = self._window
        return {
            "seen": seen[:, :window],
            "memory": memory[:, window - 1],
            "scale": unit[:, :window, 0],
            "past": returns[:, :window, 0],
            "future": returns[:, window:, 0],
        }
