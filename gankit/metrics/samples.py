"""Samples as the metrics of distributions take them: checked, in pieces, a random part of a stream, in subsets."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from gankit.errors import DataError

_PIECE = 2**22  # values that a metric converts to float64 at a time, 32 MiB


def checked(x: Any, what: str = "features", least: int = 1, width: int | None = None) -> np.ndarray:
    """Refuses what would give a meaningless figure.

    Args:
        x: `[samples, width]`, any real dtype.
        what: Its name in the errors.
        least: Fewest samples.
        width: The width that it must have, if known.

    Returns:
        The same array, neither copied nor converted.

    Raises:
        DataError: Another shape or width, too few samples, a value that is not a number or not finite.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise DataError(f"{what} must be real numbers, not {x.dtype}", "convert them to float32 first")
    if x.ndim != 2 or x.shape[1] == 0:
        raise DataError(f"{what} must be [samples, width], not {list(x.shape)}", "flatten each sample to one vector")
    if width is not None and x.shape[1] != width:
        raise DataError(
            f"{what} have {x.shape[1]} values a sample, where {width} are expected",
            "take both sets of features from the same layer of the same network",
        )
    if len(x) < least:
        raise DataError(f"there are {len(x)} {what}, and at least {least} are needed", "give more samples")
    for piece in pieces(len(x), x.shape[1]):
        if not np.isfinite(x[piece]).all():
            bad = piece.start + int(np.flatnonzero(~np.isfinite(x[piece]).all(axis=1))[0])
            raise DataError(f"{what} must be finite, and sample {bad} is not", "look for NaN in the samples themselves")
    return x


def checked_pair(real: Any, fake: Any, least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Both `checked`, and of one width.

    Raises:
        DataError: As `checked`.
    """
    real = checked(real, "real features", least)
    return real, checked(fake, "generated features", least, real.shape[1])


def pieces(n: int, width: int) -> Iterator[slice]:
    """Cuts `n` rows of `width` values into runs that fit the budget of memory."""
    rows = min(max(_PIECE // width, 16), 4096)
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))


def draw_subsets(n: int, size: int, count: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yields `count` random subsets of `size` of `n` indices; no two overlap until all that fit have been drawn."""
    order = np.empty(0, np.int64)
    for _ in range(count):
        if len(order) < size:
            order = rng.permutation(n)
        yield order[:size]
        order = order[size:]


def standard_error(values: np.ndarray, independent: int) -> float | None:
    """Standard error of the mean of figures of subsets, `independent` of which fit side by side into the samples.

    More subsets than that overlap: they average out the chance of drawing, not that of the samples, and don't count.

    Args:
        values: `[subsets]` float64.
        independent: At least 1.

    Returns:
        None where fewer than two subsets are independent.
    """
    count = min(len(values), independent)
    return None if count < 2 else float(np.std(values, ddof=1) / math.sqrt(count))


class Reservoir:
    """A uniform random sample of a stream of any length, in bounded memory.

    Every vector draws a random key, and the smallest keys stay. So what stays depends on the seed and the order of the
    stream, but not on how it is cut into batches.

    Args:
        size: Vectors to keep.
        seed: Of the keys. Give two streams that are compared different ones.
    """

    def __init__(self, size: int, seed: int = 0) -> None:
        if size < 1:
            raise ValueError(f"a reservoir keeps at least one vector, not {size}")
        self.size = size
        self.seen = 0
        self._rng = np.random.default_rng(seed)
        self._keys = np.empty(0)
        self._rows: np.ndarray | None = None

    def update(self, features: Any) -> None:
        """Shows it a batch.

        Args:
            features: `[batch, width]`, any real dtype.

        Raises:
            DataError: A wrong shape or width, or values that are not finite; the batch then doesn't count.
        """
        x = checked(features, width=None if self._rows is None else self._rows.shape[1])
        if self._rows is None:
            self._rows = np.empty((self.size, x.shape[1]), x.dtype)
        self._rows = self._rows.astype(np.result_type(self._rows, x), copy=False)
        self.seen += len(x)
        held = len(self._keys)
        keys = np.concatenate([self._keys, self._rng.random(len(x))])
        stays = np.argpartition(keys, self.size - 1)[: self.size] if len(keys) > self.size else np.arange(len(keys))
        new = np.sort(stays[stays >= held])
        leave = np.setdiff1d(np.arange(held), stays, assume_unique=True)
        slots = np.concatenate([leave, np.arange(held, held + len(new) - len(leave))])
        self._rows[slots] = x[new - held]
        self._keys = np.concatenate([self._keys, np.empty(len(new) - len(leave))])
        self._keys[slots] = keys[new]

    def rows(self) -> np.ndarray:
        """What stayed, in random order: `[min(size, seen), width]`.

        Raises:
            DataError: Nothing was shown yet.
        """
        if self._rows is None:
            raise DataError("the reservoir is empty", "show it samples with update first")
        return self._rows[np.argsort(self._keys)]
