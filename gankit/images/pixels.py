"""Decoded images laid end to end, in memory or in a file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gankit.errors import DataError

if TYPE_CHECKING:
    import tensorflow as tf

_ALIGNED = 64  # bytes: TensorFlow aborts the process when it meets a tensor at any other address


def pixels_sha256(image: np.ndarray) -> str:
    """SHA-256 (hex) of an image's bytes."""
    return hashlib.sha256(np.ascontiguousarray(image).data).hexdigest()


def empty_pixels(count: int, channels: int = 3) -> np.ndarray:
    """Memory for pixels, at an address that TensorFlow can use without a copy.

    Returns:
        `[count, channels]` uint8, uninitialised.
    """
    room = np.empty(channels * count + _ALIGNED, np.uint8)
    begin = -room.ctypes.data % _ALIGNED
    return room[begin : begin + channels * count].reshape(count, channels)


class Pixels:
    """A set of 8-bit images as one long list of pixels.

    Args:
        heights: `[images]`, of each image.
        widths: `[images]`.
        hashes: `pixels_sha256` of each image.
        names: Of the images, for messages.
        where: `[pixels, channels]` uint8 from `empty_pixels`, image after image and row after row; or a file of
            exactly these bytes.
        channels: 3 for RGB, 1 for grey.

    Attributes:
        areas: `[images]` int64, pixels of each image.
        offsets: `[images]` int64, the place of each image's first pixel.

    Raises:
        ValueError: The array is not from `empty_pixels`.

    Examples:
        >>> Pixels([2], [3], [""], ["a"], np.zeros(18, np.uint8))  # doctest: +SKIP
    """

    def __init__(
        self,
        heights: Sequence[int],
        widths: Sequence[int],
        hashes: Sequence[str],
        names: Sequence[str],
        where: np.ndarray | Path,
        channels: int = 3,
    ) -> None:
        if isinstance(where, np.ndarray) and where.size and where.ctypes.data % _ALIGNED:
            raise ValueError("pixels in memory must lie in an array of empty_pixels")
        self.heights, self.widths = np.array(heights, np.int64), np.array(widths, np.int64)
        self.hashes, self.names, self.channels = tuple(hashes), tuple(names), channels
        self.areas = self.heights * self.widths
        self.offsets = np.cumsum(self.areas) - self.areas
        self._where, self._tensor = where, None

    @classmethod
    def of(cls, images: Sequence[np.ndarray], names: Sequence[str] = ()) -> Pixels:
        """Copies images into memory.

        Args:
            images: Each `[h, w, 3]` uint8.
            names: Their numbers if empty.

        Raises:
            DataError: An image has another shape or dtype.
        """
        names = names or [f"image {number}" for number in range(len(images))]
        for name, image in zip(names, images, strict=True):
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
                raise DataError(
                    f"{name} is {image.dtype} {image.shape}, not uint8 [h, w, 3]", "read it with read_image"
                )
        heights, widths = [image.shape[0] for image in images], [image.shape[1] for image in images]
        where = empty_pixels(sum(image.size // 3 for image in images))
        if images:
            np.concatenate([image.reshape(-1, 3) for image in images], out=where)
        return cls(heights, widths, [pixels_sha256(image) for image in images], names, where)

    def __len__(self) -> int:
        return len(self.heights)

    def image(self, number: int) -> np.ndarray:
        """One image, `[h, w, channels]` uint8: a view of memory or of the file."""
        start, size = int(self.offsets[number]), (int(self.heights[number]), int(self.widths[number]))
        return np.asarray(self._view()[start : start + int(self.areas[number])]).reshape(*size, self.channels)

    def array(self) -> np.ndarray:
        """Images of one size, `[images, h, w, channels]` uint8: memory, or a `np.memmap` of the file.

        Raises:
            ValueError: They are of different sizes, or there is none.
        """
        sizes = set(zip(self.heights.tolist(), self.widths.tolist(), strict=True))
        if len(sizes) != 1:
            raise ValueError(f"images of {len(sizes)} sizes are not one array")
        return self._view().reshape(len(self), *sizes.pop(), self.channels)

    def _view(self) -> np.ndarray:
        """`[pixels, channels]`, without reading any."""
        if isinstance(self._where, np.ndarray):
            return self._where
        return np.memmap(self._where, np.uint8, "r", shape=(int(self.areas.sum()), self.channels))

    def tensor(self) -> tf.Tensor:
        """`[pixels, channels]` uint8 on the CPU, without a copy.

        A file is mapped: the operating system reads what a gather touches, and keeps it as long as memory is free. A
        Python function over `np.memmap` would be no slower, but hold the interpreter's lock, and could still run in a
        thread of tf.data when the interpreter ends.

        Raises:
            DataError: The file is gone or has another length.
        """
        import tensorflow as tf

        if self._tensor is not None:
            return self._tensor
        # Outside the graph being traced, which would otherwise hold the pixels as a constant (2 GB at most).
        with tf.init_scope(), tf.device("CPU:0"):
            if isinstance(self._where, np.ndarray):
                self._tensor = tf.experimental.dlpack.from_dlpack(self._where.__dlpack__())  # the same memory
            else:
                shape, name = [int(self.areas.sum()), self.channels], str(self._where)
                try:
                    self._tensor = tf.raw_ops.ImmutableConst(dtype=tf.uint8, shape=shape, memory_region_name=name)
                except (tf.errors.NotFoundError, tf.errors.InternalError) as error:
                    hint = "start again: the photographs will be prepared anew"
                    raise DataError(f"the prepared pixels are gone or damaged: {name}", hint) from error
        return self._tensor
