"""Photographs as training pairs and as held-out images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from gankit.data import catalogue
from gankit.data.images import ImageCrops, list_images, memory_bytes, read_image
from gankit.errors import DataError

T = TypeVar("T")
LARGEST_TEST_SIDE = 1024  # pixels; larger held-out photographs are judged by their middle


@dataclass(frozen=True)
class Photo:
    """A held-out photograph.

    Attributes:
        name: Of its file.
        pixels: `[h, w, 3]` or grey `[h, w]` uint8.
    """

    name: str
    pixels: np.ndarray


class Pairs:
    """Crops with their low resolution, made on the fly: a `gankit.Source` with the fields `hr` and `lr` in [0, 1].

    Args:
        crops: The high resolution.
        scale: Factor.
    """

    def __init__(self, crops: ImageCrops, scale: int) -> None:
        self.crops, self.scale, self.n = crops, scale, crops.n
        self.fingerprint = f"{crops.fingerprint}/x{scale}"

    def gather(self, rows: Any, index: Any, seed: int) -> Mapping[str, Any]:
        """`Source.gather`; `lr` is rounded to 8 bits, as the files that the network will meet."""
        import tensorflow as tf

        from gankit.data.resize import downscale

        fields = dict(self.crops.gather(rows, index, seed))
        low = downscale(fields["hr"], self.scale)
        return {**fields, "lr": tf.round(tf.clip_by_value(low, 0.0, 1.0) * 255) / 255}


def split(source: str, held_out: int | None) -> tuple[list[Path], list[Path]]:
    """Training and held-out files.

    Args:
        source: A folder, or a dataset's name.
        held_out: How many images of a folder to hold out, spread over its sorted names; about a twentieth, between 1
            and 8, if None. A dataset has its own split.

    Raises:
        DataError: Nothing is left to train on.
    """
    found = catalogue.resolve(source, "images")
    if isinstance(found, catalogue.Card):
        return found.paths("train"), found.paths("test")
    files = list_images(found)
    count = min(8, max(1, len(files) // 20)) if held_out is None else held_out
    if count >= len(files):
        raise DataError(f"{source} has {len(files)} image(s), and {count} would be held out", "add photographs")
    chosen = {int((i + 0.5) * len(files) / count) for i in range(count)}
    return [f for i, f in enumerate(files) if i not in chosen], [files[i] for i in sorted(chosen)]


def read_all(files: Sequence[Path], cache_mb: int) -> list[np.ndarray]:
    """Decodes the training photographs.

    Raises:
        DataError: They need more memory than allowed, or one cannot be read; names it.
    """
    needed = sum(_each(files, lambda path: memory_bytes([path])).values()) / 1e6
    if needed > cache_mb:
        raise DataError(
            f"the photographs need {needed:,.0f} MB decoded, and the limit is {cache_mb:,} MB",
            f"raise it with --cache-mb {int(needed) + 1}, or train on fewer photographs",
        )
    return list(_each(files, read_image).values())


def _each(files: Sequence[Path], read: Callable[[Path], T]) -> dict[Path, T]:
    """What `read` gives for each file, or one error that names every file that cannot be read."""
    found, bad = {}, []
    for path in files:
        try:
            found[path] = read(path)
        except DataError as error:
            bad.append(error.message)
    if bad:
        more = f"; and {len(bad) - 10} more" if len(bad) > 10 else ""
        raise DataError("; ".join(bad[:10]) + more, "remove them, or put whole files in their place")
    return found


def held_out(files: Sequence[Path], scale: int) -> dict[str, Photo]:
    """Reads photographs to judge by: grey kept grey, the middle of large ones, sides divisible by the factor."""
    photos = {}
    for path, pixels in _each(files, lambda path: read_image(path, keep_grey=True)).items():
        for axis in (0, 1):
            size = min(pixels.shape[axis], LARGEST_TEST_SIDE) // scale * scale
            start = (pixels.shape[axis] - size) // 2 if pixels.shape[axis] > LARGEST_TEST_SIDE else 0
            pixels = pixels.take(range(start, start + size), axis=axis)
        if min(pixels.shape[:2]) < 11 + 2 * scale:
            raise DataError(f"{path} is too small to be judged at x{scale}", "leave it out")
        name = path.name if path.name not in photos else str(path)
        photos[name] = Photo(name, pixels)
    return photos
