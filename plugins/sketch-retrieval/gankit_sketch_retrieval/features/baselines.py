"""Features without learning, or hardly any: what a trained network has to beat.

Each is a function of marks, `[n, 64, 64]` uint8, ink bright, that returns `[n, d]` float32: rows of unit length, of
length 0 without ink.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Embed = Callable[[np.ndarray], np.ndarray]

COMPONENTS = 64  # of PCA
SIGMA = 2.0  # of the blurred pixels
TUNED_SIGMA = 1.5  # of the blur before tuned HOG
TUNED = {"orientations": 9, "pixels_per_cell": (12, 12), "cells_per_block": (2, 2)}


def pixels(marks: np.ndarray) -> np.ndarray:
    """The ink itself, 4,096 numbers."""
    return _unit(_flat(marks))


def blurred(marks: np.ndarray) -> np.ndarray:
    """Pixels after a Gaussian of sigma 2, every second one of every second row, 1,024 numbers."""
    soft = _smooth(marks, SIGMA)[:, ::2, ::2]
    return _unit(soft.reshape(len(soft), soft.shape[1] * soft.shape[2]))


def hog(marks: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients (Dalal, Triggs 2005) with scikit-image's defaults: 8 px cells, 3 x 3 blocks.

    They are 2,916 numbers.
    """
    from skimage.feature import hog as described

    return _unit(np.stack([described(mark / 255) for mark in marks]) if len(marks) else np.zeros((0, 2916)))


def hog_tuned(marks: np.ndarray) -> np.ndarray:
    """HOG with the settings that do best on Omniglot: blurred by sigma 1.5, 9 orientations, 12 px cells, 2 x 2 blocks.

    They are 576 numbers.
    """
    from skimage.feature import hog as described

    soft = _smooth(marks, TUNED_SIGMA)
    return _unit(np.stack([described(mark, **TUNED) for mark in soft]) if len(marks) else np.zeros((0, 576)))


def pca(training: np.ndarray) -> Embed:
    """Principal components of the pixels (not whitened), fitted to training marks; no labels are looked at.

    There are 64, or one less than training marks.
    """
    from sklearn.decomposition import PCA

    # The randomised solver takes seconds where the exact one takes half a minute; the seed makes it repeatable.
    axes = PCA(min(COMPONENTS, len(training) - 1), svd_solver="randomized", random_state=0).fit(_flat(training))

    def embed(marks: np.ndarray) -> np.ndarray:
        return _unit(axes.transform(_flat(marks)) if len(marks) else np.zeros((0, axes.n_components)))

    return embed


FUNCTIONS: dict[str, Embed] = {"HOG tuned": hog_tuned, "HOG": hog, "blurred pixels": blurred, "pixels": pixels}


def fitted(training: np.ndarray) -> dict[str, Embed]:
    """All of them by name; PCA is fitted to the training marks, at least two."""
    names = ("HOG tuned", "HOG", "blurred pixels", "PCA-64", "pixels")
    every = {**FUNCTIONS, "PCA-64": pca(training)}
    return {name: every[name] for name in names}


def _flat(marks: np.ndarray) -> np.ndarray:
    return marks.reshape(len(marks), marks.shape[1] * marks.shape[2]).astype(np.float32) / 255


def _smooth(marks: np.ndarray, sigma: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(marks.astype(np.float32) / 255, (0, sigma, sigma))


def _unit(rows: Any) -> np.ndarray:
    rows = np.asarray(rows, np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
