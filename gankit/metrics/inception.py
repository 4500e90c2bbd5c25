"""Inception Score: whether a classifier is sure of each sample, and unsure which class the next will have.

Salimans et al., "Improved techniques for training GANs" (2016), section 4: the exponential of the mean Kullback-Leibler
divergence of p(class | sample) from p(class), over ten parts of the samples. It never sees real data: a model with one
perfect image a class scores best.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import xlogy

from gankit.errors import DataError
from gankit.metrics.samples import checked, pieces
from gankit.metrics.score import Score


class InceptionScore:
    """The score of a stream of class probabilities, in memory for `splits` x `classes` values.

    The mean divergence is that of the sums of p log p and of p alone, which can be added up. Sample i belongs to part
    i mod `splits`, so that the number of samples needn't be known before. The parts that the authors' code cuts in
    order differ by chance alone, if the samples are in random order.

    Args:
        splits: Parts, 10 in published figures.

    Examples:
        >>> score = InceptionScore(splits=1)
        >>> score.update(np.eye(4)[[0, 1, 2, 3]])
        >>> round(score.score(features="one-hot").value, 3)
        4.0
    """

    def __init__(self, splits: int = 10) -> None:
        if splits < 1:
            raise ValueError(f"the samples need at least one part, not {splits}")
        self.splits = splits
        self.n = 0
        self._sums: np.ndarray | None = None  # [splits, classes] of p
        self._negentropy = np.zeros(splits)  # of p log p

    def update(self, probabilities: Any) -> None:
        """Adds a batch.

        Args:
            probabilities: `[batch, classes]` of the classifier, rows that sum to 1.

        Raises:
            DataError: A wrong shape or number of classes, values that are not finite, or rows that are no
                probabilities; nothing of the batch is then added.
        """
        p = checked(probabilities, "probabilities", width=None if self._sums is None else self._sums.shape[1])
        for piece in pieces(*p.shape):
            part = p[piece]
            if part.min() < 0 or np.abs(part.sum(axis=1, dtype=np.float64) - 1).max() > 1e-2:
                raise DataError(
                    "the rows are no probabilities: they must be at least 0 and sum to 1",
                    "apply softmax to the classifier's logits",
                )
        if self._sums is None:
            self._sums = np.zeros((self.splits, p.shape[1]))
        for piece in pieces(*p.shape):
            part = p[piece].astype(np.float64)
            part /= part.sum(axis=1, keepdims=True)  # half precision leaves them at 1 only nearly
            for split in range(self.splits):
                mine = part[(split - self.n) % self.splits :: self.splits]
                self._sums[split] += mine.sum(axis=0)
                self._negentropy[split] += xlogy(mine, mine).sum()
            self.n += len(part)

    def score(self, *, features: str | Mapping[str, Any]) -> Score:
        """The score so far.

        Args:
            features: What gave the probabilities: the classifier, the hash of its weights, how images were resized.

        Returns:
            `inception_score`, from 1 to the number of classes, higher is better. The error is the deviation of the
            parts (divided by their number, not by one less, as in published figures).

        Raises:
            DataError: Fewer than two samples a part.
        """
        if self._sums is None or self.n < 2 * self.splits:
            raise DataError(
                f"an Inception Score of {self.splits} parts needs {2 * self.splits} samples, and there are {self.n}",
                "give more samples",
            )
        counts = np.bincount(np.arange(self.n) % self.splits, minlength=self.splits)
        marginal = self._sums / counts[:, None]
        scores = np.exp(self._negentropy / counts - xlogy(marginal, marginal).sum(axis=1))
        protocol = {
            "features": features,
            "classes": self._sums.shape[1],
            "fake": self.n,
            "splits": self.splits,
            "error": "deviation over splits",
        }
        return Score("inception_score", float(scores.mean()), float(scores.std()), protocol, "higher")
