"""Pictures changed at random while they are read: mirrored, cut, enlarged and cut.

What happens to an example is a hash of the run's seed and the example's number (`gankit.engine.random`): the same after
a resume, and on any number of devices. All pictures of an example are changed alike, so that pairs stay on each other.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gankit.errors import RecipeError
from gankit.recipe import Source

Draw = Callable[..., Any]
"""(name, *shape) -> `[batch, *shape]` floatx in [0, 1), the same for all pictures of an example."""

Change = Callable[[Any, Draw], Any]
"""(`[batch, h, w, c]` floatx, draw) -> pictures of the same number; a function of one's own will do."""


class Augmented:
    """A source whose pictures are changed anew each time that they are read.

    Args:
        source: Any source.
        *changes: In the order of application: `Flip`, `Crop`, `Jitter`, or a `Change` of one's own.
        fields: Which fields are pictures; () takes the floating ones with four axes, [batch, height, width, channels].

    Attributes:
        n: Rows, those of the source.
        fingerprint: Of the source and the changes; absent where the source has none.

    Raises:
        RecipeError: When read, if there are no such fields.

    Examples:
        >>> import numpy as np
        >>> from gankit.images import PictureSource
        >>> pictures = PictureSource(np.zeros((5, 8, 8, 3), np.uint8))
        >>> source = Augmented(pictures, Flip(), Crop(6))
        >>> source.gather([0, 1], [0, 1], seed=3)["image"].shape.as_list()
        [2, 6, 6, 3]
    """

    def __init__(self, source: Source, *changes: Change, fields: tuple[str, ...] = ()) -> None:
        self.source, self.n, self._changes, self._fields = source, source.n, changes, tuple(fields)

    @property
    def fingerprint(self) -> str:
        """Of the source, with what the changes say of themselves."""
        said = [
            f"{change.__module__}.{change.__qualname__}" if inspect.isroutine(change) else repr(change)
            for change in self._changes
        ]
        return f"{self.source.fingerprint}/{', '.join([*said, *self._fields])}"  # type: ignore[attr-defined]

    def gather(self, rows: Any, index: Any, seed: int) -> Mapping[str, Any]:
        """`Source.gather`."""
        import tensorflow as tf

        from gankit.engine import random

        fields, index = dict(self.source.gather(rows, index, seed)), tf.convert_to_tensor(index, tf.int64)
        if lacking := set(self._fields) - fields.keys():
            raise RecipeError(f"{sorted(lacking)[0]!r} is no field of the source", f"known: {', '.join(fields)}")
        found = self._fields or sorted(
            name for name, value in fields.items() if value.dtype.is_floating and value.shape.rank == 4
        )
        if not found:
            raise RecipeError(
                f"none of the fields {', '.join(fields)} is a picture", "Augmented(source, ..., fields=('NAME',))"
            )
        # Sources of one stage have fields of different names, so each changes by numbers of its own.
        name = "+".join(found)
        for field in found:
            for place, change in enumerate(self._changes):
                fields[field] = change(
                    fields[field],
                    lambda part, *shape, place=place: random.uniform(index, seed, f"{name}/{place}/{part}", shape),
                )
        return fields


@dataclass(frozen=True)
class Flip:
    """Mirrors every other picture.

    Args:
        left_right: Exchange left and right.
        up_down: Exchange up and down, of every other picture too, independently.

    Examples:
        >>> Augmented(source, Flip())  # doctest: +SKIP
    """

    left_right: bool = True
    up_down: bool = False

    def __call__(self, images: Any, draw: Draw) -> Any:
        """Changes a batch, as `Change`."""
        import tensorflow as tf

        for wanted, name, axis in ((self.left_right, "left_right", 2), (self.up_down, "up_down", 1)):
            if wanted:
                side = images.shape[axis]
                order = tf.range(side)[None]
                order = tf.where(draw(name)[:, None] < 0.5, side - 1 - order, order)
                images = tf.gather(images, order, axis=axis, batch_dims=1)  # 3 times as fast as a tf.where of pictures
        return images


@dataclass(frozen=True)
class Crop:
    """Cuts a part out of each picture, every place as likely as another.

    Args:
        size: Side of a square, or (height, width), in pixels.

    Raises:
        RecipeError: When read, if pictures are smaller.

    Examples:
        >>> Augmented(source, Crop(256))  # doctest: +SKIP
    """

    size: int | tuple[int, int]

    def __call__(self, images: Any, draw: Draw) -> Any:
        """Changes a batch, as `Change`."""
        import tensorflow as tf

        place = tf.cast(draw("crop", 2), tf.float64)  # in float32, a number close to 1 would be rounded up to 1
        for axis, size in enumerate((self.size, self.size) if isinstance(self.size, int) else self.size):
            room = images.shape[1 + axis] - size + 1
            if room < 1 or size < 1:
                raise RecipeError(
                    f"pictures of {images.shape[2]} x {images.shape[1]} pixels cannot be cut to {self.size}",
                    "cut less, or open them larger",
                )
            first = tf.cast(place[:, axis] * room, tf.int64)
            kept = first[:, None] + tf.range(size, dtype=tf.int64)
            images = tf.gather(images, kept, axis=1 + axis, batch_dims=1)
        return images


@dataclass(frozen=True)
class Jitter:
    """Enlarges each picture and cuts a part of its former size out of it: pix2pix's 286 of 256 pixels.

    Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017, section 6.2. It is
    enlarged bicubically, and clipped to [-1, 1].

    Args:
        size: Shorter side of the enlarged picture, in pixels.

    Raises:
        RecipeError: When read, if pictures are larger.

    Examples:
        >>> Augmented(source, Jitter(286), Flip())  # doctest: +SKIP
    """

    size: int

    def __call__(self, images: Any, draw: Draw) -> Any:
        """Changes a batch, as `Change`."""
        import tensorflow as tf

        height, width = images.shape[1:3]
        if self.size < min(height, width):
            raise RecipeError(
                f"pictures of {width} x {height} pixels cannot be enlarged to {self.size}", "give more pixels"
            )
        large = [round(side * self.size / min(height, width)) for side in (height, width)]
        enlarged = tf.clip_by_value(tf.image.resize(images, large, "bicubic"), -1, 1)
        return Crop((height, width))(tf.cast(enlarged, images.dtype), draw)
