"""Figures of a few small held-out windows: the curve of a training, by which its best weights are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gankit import Data
from gankit.images.metrics import luma, psnr
from gankit_srgan.degradation.tracks import TRACKS, reduced
from gankit_srgan.evaluation import Method, busiest, colour, distance
from gankit_srgan.photos import separated

SIDE = 128  # pixels of a window
WINDOWS = 4
MOST = 100.0  # dB: a window of one colour may be met exactly


class Validation:
    """A `gankit.Stage.probe`: takes a part of a second, since it is asked each time that the training logs.

    Args:
        method: (networks, data) -> the enlargement that they compute.
        scale: Factor.
        track: What the small pictures suffer where none are given.
        perceptual: Whether the feature distance is taken, too.
    """

    def __init__(
        self, method: Callable[[Mapping[str, Any], Data], Method], scale: int, track: str, perceptual: bool
    ) -> None:
        self.method, self.scale, self.track, self.perceptual = method, scale, track, perceptual
        self._windows: list[tuple[np.ndarray, np.ndarray]] = []  # low and high, of the first data that it is asked of

    def __call__(self, networks: Mapping[str, Any], data: Data) -> dict[str, float]:
        """`psnr_y` and `feature_distance`, as of `gankit_srgan.evaluation`, their means over the windows."""
        self._windows = self._windows or windows(data.held_out, self.scale, self.track)
        method, edge = self.method(networks, data), slice(self.scale, -self.scale)
        pairs = [(high, method(low)) for low, high in self._windows]
        decibels = [psnr(luma(high)[edge, edge], luma(output)[edge, edge]) for high, output in pairs]
        figures = {"psnr_y": float(np.mean(np.minimum(decibels, MOST)))}
        if self.perceptual:
            figures["feature_distance"] = float(np.mean([distance(high, output) for high, output in pairs]))
        return figures


def windows(held_out: Mapping[str, Any], scale: int, track: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """The busiest window of each of a few held-out photographs, spread over them.

    Args:
        held_out: As `gankit_srgan.photos.held_out` or `photo_pairs.held_out` gives it.
        scale: Factor.
        track: As of `Validation`.

    Returns:
        The small and the large picture of each, `[h, w, 3]` uint8.
    """
    photos, lows = separated(held_out)
    names, side = list(photos), SIDE // scale
    found = []
    for name in [names[int((i + 0.5) * len(names) / WINDOWS)] for i in range(WINDOWS)] if names[WINDOWS:] else names:
        y, x = (place // scale for place in busiest(photos[name], side * scale))
        high = photos[name][y * scale :, x * scale :][: side * scale, : side * scale]
        low = lows[name][y:, x:][:side, :side] if lows else reduced(high, scale, TRACKS[track], name)
        found.append((colour(low), colour(high)))
    return found
