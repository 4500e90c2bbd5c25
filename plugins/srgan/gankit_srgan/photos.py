"""Photographs as training pairs and as held-out images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gankit.datasets import Card, resolve
from gankit.errors import DataError
from gankit.images import ImageCrops, list_images, read_each, read_image
from gankit_srgan.degradation.options import NOTHING, Damage
from gankit_srgan.patterns import drawings

LARGEST_TEST_SIDE = 1024  # pixels; of larger held-out photographs the middle counts


class Pair(NamedTuple):
    """A held-out photograph whose small picture is given.

    Attributes:
        low: `[h, w, 3]` or grey `[h, w]` uint8.
        high: The same at `scale` times the size.
    """

    low: np.ndarray
    high: np.ndarray


def separated(held_out: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray] | None]:
    """The large pictures of `Data.held_out` by name, and the small ones where they are given."""
    given = {name: photo for name, photo in held_out.items() if isinstance(photo, Pair)}
    high = {name: photo.high if isinstance(photo, Pair) else photo for name, photo in held_out.items()}
    return high, {name: pair.low for name, pair in given.items()} or None


class Pairs:
    """Crops with their low resolution, made on the fly: a `gankit.Source` with the fields `hr` and `lr` in [0, 1].

    Args:
        crops: The high resolution.
        scale: Factor.
        damage: What the low resolution suffers beside being reduced.
        patterns: Share of crops out of drawn patterns instead of photographs.
    """

    def __init__(self, crops: ImageCrops, scale: int, damage: Damage = NOTHING, patterns: float = 0.0) -> None:
        self.crops, self.scale, self.damage, self.n = crops, scale, damage, crops.n
        self.patterns, self.drawn = patterns, ImageCrops(drawings(scale), crops.crop) if patterns else None
        self.fingerprint = f"{crops.fingerprint}/x{scale}/{damage.model_dump_json()}/{patterns}"

    def gather(self, rows: Any, index: Any, seed: int) -> Mapping[str, Any]:
        """`Source.gather`; `lr` is rounded to 8 bits, as the files that the network will meet."""
        import tensorflow as tf

        from gankit.engine import random
        from gankit_srgan.degradation.pipeline import degraded

        high = self.crops.gather(rows, index, seed)["hr"]
        if self.drawn:
            drawing = tf.cast(random.uniform(index, seed, "pattern", dtype="float64") * self.drawn.n, tf.int64)
            chosen = random.uniform(index, seed, "patterns") < self.patterns
            high = tf.where(chosen[:, None, None, None], self.drawn.gather(drawing, index, seed)["hr"], high)
        return {"hr": high, "lr": degraded(high, self.scale, self.damage, index, seed)}


def split(source: str, held_out: int | None) -> tuple[list[Path], list[Path]]:
    """Training and held-out files.

    Args:
        source: A folder, or a dataset's name.
        held_out: How many images of a folder to hold out, spread over its sorted names; about a twentieth, between 1
            and 8, if None. A dataset has its own split.

    Raises:
        DataError: Nothing is left to train on.
    """
    found = resolve(source, "images")
    if isinstance(found, Card):
        return found.paths("train"), found.paths("test")
    files = list_images(found)
    count = min(8, max(1, len(files) // 20)) if held_out is None else held_out
    if count >= len(files):
        raise DataError(f"{source} has {len(files)} image(s), and {count} would be held out", "add photographs")
    chosen = {int((i + 0.5) * len(files) / count) for i in range(count)}
    return [f for i, f in enumerate(files) if i not in chosen], [files[i] for i in sorted(chosen)]


def smallest_side(scale: int) -> int:
    """Pixels that each side of a held-out photograph needs: a window of SSIM and the border that is removed."""
    return 11 + 2 * scale


def held_out(files: Sequence[Path], scale: int) -> dict[str, np.ndarray]:
    """Reads photographs to judge by: grey kept grey, the middle of large ones, sides divisible by the factor.

    Returns:
        Name -> `[h, w, 3]` or grey `[h, w]` uint8.

    Raises:
        DataError: Some cannot be read or are too small; names them.
    """
    photos: dict[str, np.ndarray] = {}
    for path, pixels in zip(files, read_each(files, lambda path: _test_pixels(path, scale)), strict=True):
        name = path.name if path.name not in photos else str(path)
        photos[name] = pixels
    return photos


def _test_pixels(path: Path, scale: int) -> np.ndarray:
    """What of a photograph the figures are taken of."""
    pixels = read_image(path, keep_grey=True)
    for axis in (0, 1):
        size = min(pixels.shape[axis], LARGEST_TEST_SIDE) // scale * scale
        start = (pixels.shape[axis] - size) // 2 if pixels.shape[axis] > LARGEST_TEST_SIDE else 0
        pixels = pixels.take(range(start, start + size), axis=axis)
    if min(pixels.shape[:2]) < smallest_side(scale):
        raise DataError(f"{path} is too small to be judged at x{scale}", "leave it out")
    return pixels


def test_files(source: str) -> list[Path]:
    """All images of a folder, or the test split of a dataset; raises as `benchmark`."""
    found = resolve(source, "images")
    return found.paths("test") if isinstance(found, Card) else list_images(found)


def benchmark(source: str, scale: int) -> dict[str, np.ndarray]:
    """All images of a folder, or the test split of a dataset, to judge by.

    Raises:
        UsageError: There is neither.
        DataError: As `held_out`.
    """
    return held_out(test_files(source), scale)
