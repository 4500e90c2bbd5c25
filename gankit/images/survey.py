"""A look at somebody's own folder of images before a training: does each open, how large are they."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gankit.datasets.cards import Problem
from gankit.errors import DataError
from gankit.images.images import list_images, read_image
from gankit.support.progress import Bar


@dataclass(frozen=True)
class Survey:
    """What was found.

    Attributes:
        sizes: Height and width in pixels, as a viewer shows it, of each image that can be read.
        unreadable: The others.
    """

    sizes: dict[Path, tuple[int, int]]
    unreadable: Sequence[Problem]

    @property
    def decoded_bytes(self) -> int:
        """Memory of all images as 8-bit RGB."""
        return sum(3 * height * width for height, width in self.sizes.values())

    def narrowest(self) -> tuple[Path, int] | None:
        """The image with the smallest side, and that side in pixels; None if no image can be read."""
        return min(((path, min(size)) for path, size in self.sizes.items()), key=lambda item: item[1], default=None)


def survey(place: Path) -> Survey:
    """Decodes every image of a folder, or one file.

    Raises:
        DataError: There is no such folder, or no image in it.
    """
    files = list_images(place)
    sizes, unreadable = {}, []
    with (
        ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads,
        Bar(f"reading {len(files)} images", sum(file.stat().st_size for file in files), unit="bytes") as bar,
    ):
        for file, found in zip(files, threads.map(_measure, files), strict=True):
            if isinstance(found, str):
                unreadable.append(Problem(file, found))
            else:
                sizes[file] = found
            bar(file.stat().st_size)
    return Survey(sizes, unreadable)


def _measure(path: Path) -> tuple[int, int] | str:
    """Height and width, or why there are none."""
    try:
        height, width = read_image(path).shape[:2]
    except DataError as error:
        return error.message.removeprefix(f"cannot read {path}: ")
    return height, width
