"""What a network has learned of a mark, read from its layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gankit_sketch_retrieval.features.components import unit

GRID = 4  # cells a side into which a layer is pooled
BATCH = 256  # marks a call


def paper(activations: Sequence[np.ndarray]) -> np.ndarray:
    """The last layer before the logit, flattened: 1,024 numbers of sketch-GAN (Creswell & Bharath 2016, section 3)."""
    return activations[-1].reshape(len(activations[-1]), -1)


def pooled(activations: Sequence[np.ndarray]) -> np.ndarray:
    """Every layer averaged over 4 x 4 cells, each layer's part of unit length."""
    parts = []
    for found in activations:
        if found.ndim == 4:
            count, side, _, channels = found.shape
            cell = side // GRID
            found = found.reshape(count, GRID, cell, GRID, cell, channels).mean((2, 4))
        parts.append(unit(found.reshape(len(found), -1)))
    return np.concatenate(parts, 1)


def features(network: Any, marks: np.ndarray, kind: str, head: Any = None) -> np.ndarray:
    """The features of marks.

    Args:
        network: One that reads marks, and returns its verdict and its activations.
        marks: `[n, 64, 64]` uint8, ink bright.
        kind: "paper", "pooled", or "contrast": the coordinates in which the contrast compares marks.
        head: Makes those coordinates of the last activation.

    Returns:
        `[n, features]` float32.
    """
    found = []
    for start in range(0, len(marks), BATCH):
        batch = marks[start : start + BATCH, ..., None].astype(np.float32) / 255
        _, *activations = network(batch, training=False)
        if kind == "contrast":
            found.append(np.asarray(head(activations[-1], training=False), np.float32))
        else:
            read = {"paper": paper, "pooled": pooled}[kind]
            found.append(read([np.asarray(one, np.float32) for one in activations]))
    return np.concatenate(found)
