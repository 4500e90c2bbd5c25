"""Photographs decoded and resized, many at once, to a place that was laid out before the first one is opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from gankit.errors import DataError
from gankit.images.images import image_size, read_each, read_image
from gankit.images.pixels import Pixels, empty_pixels, pixels_sha256
from gankit.support.progress import Bar

Store = Callable[[int, np.ndarray], object]  # the place of an image's first pixel, [h, w, channels] uint8


class Sizes(Protocol):
    """What one photograph becomes: `gankit.images.Reductions` of it, or a `gankit.images.Fit`."""

    @property
    def channels(self) -> int:
        """3 for RGB, 1 for grey."""

    @property
    def rule(self) -> str:
        """What tells its pixels from others that have the same sizes."""

    def accept(self, files: Sequence[Path], sizes: Sequence[tuple[int, int]]) -> None:
        """Refuses photographs by their heights and widths, before any is decoded."""

    def shapes(self, height: int, width: int) -> Sequence[tuple[int, int]]:
        """Heights and widths of what a photograph becomes."""

    def copies(self, image: np.ndarray) -> Sequence[np.ndarray]:
        """What it becomes: `[h, w, channels]` uint8 each, contiguous."""


class Copy(NamedTuple):
    """One size of one photograph.

    Attributes:
        height: Pixels.
        width: Pixels.
        sha256: `pixels_sha256`.
    """

    height: int
    width: int
    sha256: str


def changed(path: Path) -> DataError:
    """The error for a photograph that is no longer the one that was looked at a moment ago."""
    return DataError(f"{path} changed while it was read", "start again when nothing writes to it")


@dataclass(frozen=True)
class Plan:
    """Which photographs lie where, at which sizes.

    Attributes:
        files: The photographs.
        sizes: What each becomes.
        shapes: Height and width of each photograph's copies, as it is stored: EXIF may exchange the two, which changes
            neither areas nor places.
        offsets: The place of each photograph's first pixel, and behind them the number of all pixels.
    """

    files: tuple[Path, ...]
    sizes: Sizes
    shapes: tuple[tuple[tuple[int, int], ...], ...]
    offsets: tuple[int, ...]

    @classmethod
    def of(cls, files: Sequence[Path], sizes: Sizes) -> Plan:
        """Plans from the headers alone.

        Args:
            files: The photographs.
            sizes: What each becomes.

        Raises:
            DataError: Files cannot be read, or are too small; names them.
        """
        found = read_each(files, image_size)
        sizes.accept(files, found)
        shapes = [tuple(sizes.shapes(*size)) for size in found]
        areas = [sum(height * width for height, width in copies) for copies in shapes]
        return cls(tuple(files), sizes, tuple(shapes), tuple(np.cumsum([0, *areas]).tolist()))

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels."""
        return self.sizes.channels * self.offsets[-1]

    def decode(self, number: int, store: Store) -> list[Copy]:
        """Decodes one photograph.

        Args:
            number: Of the photograph.
            store: Is given each copy and its place.

        Returns:
            What was stored.

        Raises:
            DataError: The file cannot be read, or is no longer the one that was planned with.
        """
        path, offset, found = self.files[number], self.offsets[number], []
        images = self.sizes.copies(read_image(path))
        if [sorted(image.shape[:2]) for image in images] != [sorted(shape) for shape in self.shapes[number]]:
            raise changed(path)
        for image in images:
            store(offset, image)
            found.append(Copy(image.shape[0], image.shape[1], pixels_sha256(image)))
            offset += image.shape[0] * image.shape[1]
        return found

    def decode_all(
        self, numbers: Sequence[int], decode: Callable[[int], list[Copy]], done: Callable[[int, list[Copy]], object]
    ) -> None:
        """Decodes photographs in a few threads, and shows how far it is.

        Args:
            numbers: Of the photographs.
            decode: Decodes and stores one, as `decode` does; called by several threads at once.
            done: Is given a photograph's number and copies, in order and in the caller's thread.

        Raises:
            DataError: Files cannot be read; names them, after all the others are done.
        """
        count = self.sizes.channels
        sizes = {number: count * (self.offsets[number + 1] - self.offsets[number]) for number in numbers}
        before = self.nbytes - sum(sizes.values())
        with Bar(f"decoding {len(numbers)} photographs", self.nbytes, before, unit="bytes") as bar:

            def work(number: int) -> tuple[int, list[Copy]]:
                return number, decode(number)

            def finish(result: tuple[int, list[Copy]]) -> None:
                done(*result)
                bar(sizes[result[0]])

            read_each(numbers, work, finish)

    def pixels(self, copies: Sequence[Sequence[Copy]], where: np.ndarray | Path) -> Pixels:
        """The decoded set.

        Args:
            copies: Of each photograph.
            where: What was stored to.
        """
        names = [str(path) for path, found in zip(self.files, copies, strict=True) for _ in found]
        flat = [copy for found in copies for copy in found]
        sizes = [copy.height for copy in flat], [copy.width for copy in flat]
        return Pixels(*sizes, [copy.sha256 for copy in flat], names, where, self.sizes.channels)

    def in_memory(self) -> Pixels:
        """Decodes all into memory.

        Raises:
            DataError: Files cannot be read; names them.
        """
        where = empty_pixels(self.offsets[-1], self.sizes.channels)
        copies: dict[int, list[Copy]] = {}

        def store(offset: int, image: np.ndarray) -> None:
            where[offset : offset + image.shape[0] * image.shape[1]] = image.reshape(-1, where.shape[1])

        numbers = range(len(self.files))
        self.decode_all(numbers, lambda number: self.decode(number, store), copies.__setitem__)
        return self.pixels([copies[number] for number in numbers], where)
