"""Whitened principal components: fewer numbers, of which those that all marks share count less."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

POWER = 0.5  # of the deviations by which coordinates are divided; 1 would lift noise to the height of the signal


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length 1; rows of zeros stay."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


@dataclass(frozen=True, eq=False)
class Components:
    """Features -> coordinates along principal components, each divided by the root of its deviation.

    Attributes:
        mean: `[features]` float32.
        axes: `[dimensions, features]` float32, scaled.
    """

    mean: np.ndarray
    axes: np.ndarray

    @classmethod
    def fitted(cls, features: np.ndarray, dimensions: int) -> Components:
        """Fits to training marks.

        Args:
            features: `[n, features]`; of fewer marks than dimensions, fewer dimensions come.
            dimensions: Of the result.
        """
        mean = features.mean(0, dtype=np.float64)
        centred = (features - mean).astype(np.float32)
        # Of n marks, n - 1 directions are not 0.
        count = max(1, min(dimensions, len(features) - 1, features.shape[1]))
        _, deviations, axes = np.linalg.svd(centred, full_matrices=False)
        deviations = deviations[:count, None] / np.sqrt(len(features))
        scaled = axes[:count] / np.maximum(deviations, 1e-6 * max(float(deviations[0, 0]), 1e-12)) ** POWER
        return cls(mean.astype(np.float32), scaled.astype(np.float32))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """`[n, features]` -> `[n, dimensions]` float32 of unit length."""
        return unit((features - self.mean) @ self.axes.T)
