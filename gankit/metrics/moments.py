"""Mean and covariance of a stream of feature vectors, in one pass and in bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from gankit.errors import DataError
from gankit.metrics.samples import checked, pieces


class Moments:
    """Running mean and covariance in float64.

    Batches are centred on their own mean and then merged (Chan, Golub, LeVeque, "Updating formulae and a pairwise
    algorithm for computing sample variances", 1979), so that a large mean costs no digits, as it would in
    E[xx'] - E[x]E[x]'. Memory is that of `width` x `width` values, whatever the number of samples.

    Attributes:
        n: Samples so far.
        mean: `[width]` float64; None before the first sample.
        scatter: `[width, width]` float64, the sum of (x - mean)(x - mean)'; None before the first sample.

    Examples:
        >>> moments = Moments()
        >>> moments.update(np.array([[1.0], [3.0]]))
        >>> moments.mean.tolist()
        [2.0]
    """

    def __init__(self) -> None:
        self.n = 0
        self.mean: np.ndarray | None = None
        self.scatter: np.ndarray | None = None

    def update(self, features: Any) -> None:
        """Adds a batch.

        Args:
            features: `[batch, width]`, any real dtype.

        Raises:
            DataError: A wrong shape or width, or values that are not finite; nothing of the batch is then added.
        """
        x = checked(features, width=None if self.mean is None else len(self.mean))
        for piece in pieces(*x.shape):
            part = x[piece].astype(np.float64)
            mean = part.mean(axis=0)
            part -= mean
            self._add(len(part), mean, part.T @ part)

    def merge(self, other: Moments) -> None:
        """Adds what another has seen, as if this one had seen it too.

        Args:
            other: Unchanged.

        Raises:
            DataError: Its vectors have another width.
        """
        if other.mean is None or other.scatter is None:
            return
        if self.mean is not None and len(self.mean) != len(other.mean):
            raise DataError(
                f"moments of {len(self.mean)} and of {len(other.mean)} features cannot be merged",
                "take both sets of features from the same layer of the same network",
            )
        self._add(other.n, other.mean, other.scatter)

    def covariance(self) -> np.ndarray:
        """`[width, width]` float64, the unbiased estimate (divided by n - 1), symmetric to the last bit.

        Raises:
            DataError: Fewer than two samples.
        """
        if self.scatter is None or self.n < 2:
            raise DataError(f"a covariance needs at least two samples, not {self.n}", "give more samples")
        return (self.scatter + self.scatter.T) / (2 * (self.n - 1))

    def _add(self, n: int, mean: np.ndarray, scatter: np.ndarray) -> None:
        if self.mean is None or self.scatter is None:
            self.n, self.mean, self.scatter = n, mean.copy(), scatter.copy()
            return
        away = mean - self.mean
        total = self.n + n
        self.scatter += scatter
        self.scatter += np.outer(away * (self.n * n / total), away)
        self.mean += away * (n / total)
        self.n = total
