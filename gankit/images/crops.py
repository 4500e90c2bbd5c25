"""A source of random crops out of a set of images, or of a folder of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gankit.errors import DataError
from gankit.images.detail import cells
from gankit.images.fitting import Fit
from gankit.images.folders import divided, folder_of, pictures_of, split_folder
from gankit.images.pixels import Pixels
from gankit.images.prepared import load_pixels
from gankit.images.reductions import Reductions, too_small
from gankit.images.sources import PictureSource
from gankit.recipe import Data

if TYPE_CHECKING:
    import tensorflow as tf


class ImageCrops:
    """A source of square crops at random positions, uniform over the places within an image.

    A row belongs to an image; where the crop lies and how it is turned is a hash of the example's index. An epoch is
    `repeat` crops an image on average. One gather cuts a whole batch out of the list of all pixels, be it in memory or
    in a file, which gives the same crops.

    Args:
        images: Each `[h, w, 3]` uint8 with both sides >= `crop`, copied; or a set of decoded images.
        crop: Side of a crop in pixels.
        names: Names of the images for messages; those of the set, or their numbers, if empty.
        field: Key of the crops in a batch.
        signed: Deliver pixels in [-1, 1] instead of [0, 1].
        augment: Turn each crop by one of the 8 symmetries of the square.
        repeat: Crops an image and epoch, on average.
        by: How rows are shared out: "area" gives every pixel the same chance and a larger image more rows; "image"
            gives every image the same number, so that small ones (reduced copies, say) count as much as large ones;
            "detail" gives squares of twice the crop rows in proportion to their detail (`gankit.images.detail`).
        larger: Field -> (the same pictures in the same order, at a whole multiple of the size; that multiple). Crops of
            them lie at the same places, turned alike. Rows and columns that only one of two pictures has, at the
            bottom and at the right, are left out.

    Attributes:
        n: Number of rows: `repeat * len(images)`; by area about that, with at least one an image; by detail at least
            four times the number of squares.
        fingerprint: SHA-256 (hex) of pixels and settings.

    Raises:
        DataError: There is no image, or one is too small or not `[h, w, 3]` uint8.
        ValueError: `crop` or `repeat` is below 1, or `by` is unknown.

    Examples:
        >>> ImageCrops([np.zeros((32, 48, 3), np.uint8)], crop=16, repeat=10).n
        10
    """

    def __init__(
        self,
        images: Sequence[np.ndarray] | Pixels,
        crop: int,
        *,
        names: Sequence[str] = (),
        field: str = "hr",
        signed: bool = False,
        augment: bool = True,
        repeat: int = 1,
        by: Literal["area", "image", "detail"] = "area",
        larger: Mapping[str, tuple[Pixels, int]] = MappingProxyType({}),
    ) -> None:
        if crop < 1 or repeat < 1 or by not in ("area", "image", "detail"):
            raise ValueError(f"crop and repeat are at least 1, by is area, image or detail: {crop}, {repeat}, {by!r}")
        if not len(images):
            raise DataError("no image to crop", "give at least one image")
        self._pixels = images if isinstance(images, Pixels) else Pixels.of(images, names)
        self.field, self.crop, self.augment, self.signed = field, crop, augment, signed
        self._sets = {field: (self._pixels, 1), **larger}
        self.heights, self.widths = (
            np.min([getattr(pixels, sides) // factor for pixels, factor in self._sets.values()], axis=0)
            for sides in ("heights", "widths")
        )
        sizes = zip(names or self._pixels.names, self.widths, self.heights, strict=True)
        if small := [f"{name} ({width} x {height})" for name, width, height in sizes if min(width, height) < crop]:
            raise too_small(small, crop, crop)
        self._share(repeat, by)
        digest = hashlib.sha256(repr((self.heights.tolist(), self.widths.tolist())).encode())
        digest.update(repr((crop, field, augment, repeat, by, self._pixels.hashes)).encode())
        digest.update(b"signed" if signed else b"")
        digest.update(b"".join(repr((key, f, p.hashes)).encode() for key, (p, f) in sorted(larger.items())))
        self.fingerprint = digest.hexdigest()

    def _share(self, repeat: int, by: str) -> None:
        """Gives rows to the rectangles in which their crops lie: whole images, or squares of them."""
        areas, total = self.heights * self.widths, repeat * len(self._pixels)
        self._images, self._heights, self._widths = np.arange(len(areas)), self.heights, self.widths
        self._tops = self._lefts = np.zeros(len(areas), np.int64)
        if by == "area":
            rows = np.maximum(1, np.rint(total * areas / areas.sum()))
        elif by == "image":
            rows = np.full(len(areas), repeat)
        else:
            common = [self._pixels.image(i)[: self.heights[i], : self.widths[i]] for i in range(len(areas))]
            found = [(i, cell) for i, image in enumerate(common) for cell in cells(image, 2 * self.crop)]
            self._images = np.array([i for i, _ in found])
            columns = map(np.array, zip(*(cell for _, cell in found), strict=True))
            self._tops, self._lefts, self._heights, self._widths, weights = columns
            total = max(total, 4 * len(found))
            share = weights.cumsum() / weights.sum() if weights.any() else np.linspace(0, 1, len(found) + 1)[1:]
            rows = np.diff(np.rint(total * share), prepend=0)
        self.ends = np.cumsum(rows.astype(np.int64))  # row r belongs to the first rectangle whose end is above r
        self.n = int(self.ends[-1])

    def gather(self, rows: tf.Tensor, index: tf.Tensor, seed: int) -> Mapping[str, Any]:
        """Cuts a batch of crops.

        Args:
            rows: `[batch]` int64 in [0, n): which row.
            index: `[batch]` int64: the example's index in the stream, from which position and turn are hashed.
            seed: The run's seed.

        Returns:
            `{field: [batch, crop, crop, channels] floatx in [0, 1]}`, or in [-1, 1] if `signed`; and those of `larger`.

        Raises:
            DataError: The file of the pixels is gone.
        """
        import tensorflow as tf

        from gankit.engine import random

        part = tf.searchsorted(self.ends, rows, side="right")
        height, width = tf.gather(self._heights, part), tf.gather(self._widths, part)
        # float64: u * count rounds up to count itself in float32, one pixel outside, where u is close to 1.
        where = random.uniform(index, seed, f"{self.field}/crop", (3,), "float64")

        def below(column: int, count: tf.Tensor) -> tf.Tensor:
            return tf.cast(where[:, column] * tf.cast(count, tf.float64), tf.int64)

        top = tf.gather(self._tops, part) + below(0, height - self.crop + 1)
        left = tf.gather(self._lefts, part) + below(1, width - self.crop + 1)
        turn = below(2, tf.constant(8, tf.int64)) if self.augment else tf.zeros_like(top)
        image = tf.gather(self._images, part)
        return {
            field: self._cut(pixels, factor, image, top * factor, left * factor, turn)
            for field, (pixels, factor) in self._sets.items()
        }

    def _cut(
        self, pixels: Pixels, factor: int, image: tf.Tensor, top: tf.Tensor, left: tf.Tensor, turn: tf.Tensor
    ) -> tf.Tensor:
        """`[batch, factor * crop, factor * crop, channels]` out of a set; `turn` is one of 8 symmetries."""
        import keras
        import tensorflow as tf

        side, stride = factor * self.crop, tf.gather(pixels.widths, image)
        flip_rows, flip_columns, transpose = turn % 2, turn // 2 % 2, turn // 4 == 1
        down, right = stride * (1 - 2 * flip_rows), 1 - 2 * flip_columns  # steps in the list of pixels
        top, left = top + flip_rows * (side - 1), left + flip_columns * (side - 1)
        corner = tf.gather(pixels.offsets, image) + top * stride + left
        down, right = tf.where(transpose, right, down), tf.where(transpose, down, right)
        steps = tf.range(side, dtype=tf.int64)
        where = (corner[:, None] + steps * down[:, None])[:, :, None] + (steps * right[:, None])[:, None, :]
        crops = tf.cast(tf.gather(pixels.tensor(), where), keras.config.floatx())
        crops = crops / 127.5 - 1 if self.signed else crops / 255
        return tf.ensure_shape(crops, (image.shape[0], side, side, pixels.channels))


def open_crops(
    folder: str | Path, crop: int, *, augment: bool = True, held_out: float = 0.1, cache_mb: float = 2000
) -> Data:
    """Opens a folder of photographs of any sizes, out of which each batch cuts squares at random places.

    Args:
        folder: With or without sub-folders `train` and `test` (or `val`).
        crop: Side of the squares, in pixels; no side of a photograph may be shorter.
        augment: Turn each crop by one of the 8 symmetries of the square.
        held_out: Part of the photographs that is held out where the folder sets none aside, spread over the names; 1
            opens nothing to train on, for `Recipe.test_data`, and 0 nothing to test with.
        cache_mb: Most memory for the photographs, in MB; beyond it they are decoded once into a file.

    Returns:
        `Data.train["pictures"]`: `ImageCrops` in proportion to the photographs' areas, 32 a photograph and epoch;
        `Data.held_out["pictures"]`: the middle square of each; both with the field "image", `[batch, crop, crop, 3]`
        floatx in [-1, 1]; and in `Data.facts` "size" and "channels".

    Raises:
        DataError: There is no such folder or no picture, or pictures are damaged or too small.
        UsageError: An option is out of range.

    Examples:
        >>> open_crops("photos", 128).train["pictures"].n  # doctest: +SKIP
        11520
    """
    middle = Fit(crop, "middle")
    train, test = split_folder(folder_of(folder))
    parts = divided(pictures_of(train), pictures_of(test) if test else None, held_out)
    sources: list[dict[str, Any]] = [{}, {}]
    if parts[0]:
        pixels = load_pixels(parts[0], Reductions(smallest=crop), cache_mb)
        # Thirty-two crops an image and epoch: an epoch of one crop would make the shuffle's unit too small.
        sources[0] = {"pictures": ImageCrops(pixels, crop, field="image", signed=True, augment=augment, repeat=32)}
    if parts[1]:
        sources[1] = {"pictures": PictureSource(load_pixels(parts[1], middle, cache_mb).array())}
    return Data(sources[0], sources[1], {"size": [crop, crop], "channels": 3})
