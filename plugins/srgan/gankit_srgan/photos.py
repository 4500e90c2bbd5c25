"""Photographs as training pairs and as held-out images."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from gankit.datasets import Card, resolve
from gankit.errors import DataError
from gankit.images import ImageCrops, list_images, read_each, read_image
from gankit_srgan.degradation.options import NOTHING, Damage
from gankit_srgan.patterns import SIDE, drawings

T = TypeVar("T")
LOW, HIGH = (re.compile(rf"(?i)(^|[-_ ]){kind}($|[-_ ]|x?[1-4])") for kind in ("LR", "HR"))
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
        self.patterns, self.drawn = (
            patterns,
            ImageCrops(drawings(scale, max(SIDE, crops.crop)), crops.crop) if patterns else None,
        )
        # What is neutral adds nothing, so that runs from before there was damage can be resumed.
        suffered = "" if damage == NOTHING else f"/{damage.model_dump_json()}"
        drawn = f"/{patterns}/{self.drawn.fingerprint}" if self.drawn else ""
        self.fingerprint = f"{crops.fingerprint}/x{scale}{suffered}{drawn}"

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


def split(
    source: str, held_out: int | None, chosen: Callable[[Sequence[Path]], list[Path]] = list
) -> tuple[list[Path], list[Path]]:
    """Training and held-out files.

    Args:
        source: A folder, or a dataset's name.
        held_out: As of `divided`. A dataset has its own split.
        chosen: Files -> those of use, for photographs that are to be left out.

    Raises:
        DataError: Nothing is left to train on, or the folder has pairs.
    """
    found = resolve(source, "images")
    if isinstance(found, Card):
        return chosen(found.paths("train")), chosen(found.paths("test"))
    if folders := pair_folders(source):
        raise DataError(f"{source} has small and large pictures: {folders[0]} and {folders[1]}", pairs_hint(*folders))
    files = chosen(list_images(found))
    return divided(files, held_out, f"{source} has {len(files)} image(s), and")


def divided(items: Sequence[T], held_out: int | None, what: str) -> tuple[list[T], list[T]]:
    """Items to train on, and those that are held out, spread over their order.

    Args:
        items: Sorted.
        held_out: How many; about a twentieth, between 1 and 8, if None.
        what: Begins the error's message.

    Raises:
        DataError: Nothing is left to train on.
    """
    count = min(8, max(1, len(items) // 20)) if held_out is None else held_out
    if count >= len(items):
        raise DataError(f"{what} {count} would be held out", "add photographs")
    chosen = {int((i + 0.5) * len(items) / count) for i in range(count)}
    return [item for i, item in enumerate(items) if i not in chosen], [items[i] for i in sorted(chosen)]


def pair_folders(source: str) -> tuple[str, str] | None:
    """The folders of small and of large pictures in a folder, by their names; None if it has none of the two kinds."""
    root = Path(source).expanduser()
    for folder in [root, *sorted(root.glob("*/"))] if root.is_dir() else []:
        inside = [path for path in sorted(folder.iterdir()) if path.is_dir()]
        low, high = ([path for path in inside if kind.search(path.name)] for kind in (LOW, HIGH))
        if low and high:
            return str(low[0]), str(high[0])
    return None


def pairs_hint(low: str, high: str) -> str:
    """What to do with two folders, as an error's hint."""
    return f"--pairs {low} {high} trains on both, --data {high} on the large ones alone"


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
    if isinstance(found, Card):
        return found.paths("test")
    if folders := pair_folders(source):
        raise DataError(f"{source} has small and large pictures: {folders[0]} and {folders[1]}", f"--data {folders[1]}")
    return list_images(found)


def benchmark(source: str, scale: int) -> dict[str, np.ndarray]:
    """All images of a folder, or the test split of a dataset, to judge by.

    Raises:
        UsageError: There is neither.
        DataError: As `held_out`.
    """
    return held_out(test_files(source), scale)
