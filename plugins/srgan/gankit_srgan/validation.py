"""Figures of a few small held-out windows: the curve of a training, by which its best weights are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gankit import Data
from gankit.images.features import feature_distance
from gankit.images.metrics import luma, psnr
from gankit_srgan.degradation.tracks import TRACKS, reduced
from gankit_srgan.evaluation import Method, busiest, colour, distance_features
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
        # Of the first data that it is asked of: low, high, and features of the latter, which cost as much as all else.
        self._windows: list[tuple[np.ndarray, np.ndarray, Any]] = []

    def __call__(self, networks: Mapping[str, Any], data: Data) -> dict[str, float]:
        """`psnr_y` and `feature_distance`, as of `gankit_srgan.evaluation`, their means over the windows."""
        if not self._windows:
            found = windows(data.held_out, self.scale, self.track)
            self._windows = [(low, high, features(high) if self.perceptual else None) for low, high in found]
        method, edge = self.method(networks, data), slice(self.scale, -self.scale)
        outputs = [(high, truth, method(low)) for low, high, truth in self._windows]
        decibels = [psnr(luma(high)[edge, edge], luma(output)[edge, edge]) for high, _, output in outputs]
        figures = {"psnr_y": float(np.mean(np.minimum(decibels, MOST)))}
        if self.perceptual:
            apart = [float(feature_distance(truth, features(output))[0]) for _, truth, output in outputs]
            figures["feature_distance"] = float(np.mean(apart))
        return figures


def features(image: np.ndarray) -> Any:
    """What `gankit_srgan.evaluation.distance` compares."""
    return distance_features()(image[None].astype("float32") / 255)


def windows(held_out: Mapping[str, Any], scale: int, track: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """The busiest window of each of a few held-out photographs, spread over them.

    Args:
        held_out: As `gankit_srgan.photos.held_out` or `photo_pairs.whole` gives it.
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
