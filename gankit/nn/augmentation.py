"""Differentiable augmentation: real and generated images are changed alike before the discriminator sees them.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training". A discriminator with few training
images learns them by heart; with ever different ones it cannot, and since the gradient flows through the changes, the
generator does not learn to make changed images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from gankit.errors import RecipeError
from gankit.recipe import Turn

Change = Callable[[Any, Callable[..., Any]], Any]


def _each(draw: Any) -> tf.Tensor:
    """`[batch]` -> `[batch, 1, 1, 1]`."""
    return tf.reshape(draw, (-1, 1, 1, 1))


def brightness(images: Any, draw: Callable[..., Any]) -> tf.Tensor:
    """Adds a number in [-0.5, 0.5) to each image."""
    return images + _each(draw("brightness")) - 0.5


def saturation(images: Any, draw: Callable[..., Any]) -> tf.Tensor:
    """Multiplies the colours' distance from grey by a number in [0, 2)."""
    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    return grey + (images - grey) * 2 * _each(draw("saturation"))


def contrast(images: Any, draw: Callable[..., Any]) -> tf.Tensor:
    """Multiplies the distance from the image's mean by a number in [0.5, 1.5)."""
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + (images - mean) * (_each(draw("contrast")) + 0.5)


def translation(images: Any, draw: Callable[..., Any]) -> tf.Tensor:
    """Moves each image by up to an eighth of its sides; what comes in is 0."""
    start = draw("translation", 2)
    for axis in (0, 1):
        side = images.shape[1]
        reach = max(1, side // 8)
        padded = tf.pad(images, [(0, 0), (reach, reach), (0, 0), (0, 0)])
        first = tf.cast(start[:, axis] * (2 * reach + 1), tf.int32)
        rows = tf.gather(padded, first[:, None] + tf.range(side)[None], axis=1, batch_dims=1)
        images = tf.transpose(rows, (0, 2, 1, 3))  # the other axis next, and then back
    return images


def cutout(images: Any, draw: Callable[..., Any]) -> tf.Tensor:
    """Sets a rectangle of half the sides, its centre anywhere in the image, to 0."""
    height, width = images.shape[1:3]
    centre = draw("cutout", 2)
    inside = []
    for axis, side in enumerate((height, width)):
        middle = tf.floor(centre[:, axis, None] * (side + 1 - side % 2))
        start = middle - tf.cast(side // 4, middle.dtype)
        place = tf.cast(tf.range(side), middle.dtype)[None]
        inside.append((place >= start) & (place < start + side // 2))
    hole = inside[0][:, :, None] & inside[1][:, None, :]
    return tf.where(hole[..., None], tf.zeros_like(images), images)


POLICIES: dict[str, tuple[Change, ...]] = {
    "color": (brightness, saturation, contrast),
    "translation": (translation,),
    "cutout": (cutout,),
}
"""Groups of changes by the paper's names."""


def augment(
    turn: Turn, images: Any, policies: Sequence[str], name: str = "augment", probability: Any = None
) -> tf.Tensor:
    """Changes each image by its own draw.

    Args:
        turn: Gives the noise.
        images: `[batch, height, width, channels]` floatx, around 0: what is moved in or cut out is 0.
        policies: Keys of `POLICIES`, in the order of application.
        name: Calls with the same name change the n-th image of a batch alike, calls with others independently.
        probability: With which each change is made to an image, a scalar; None for always.

    Returns:
        The same shape; differentiable.

    Raises:
        RecipeError: What is given are no pictures.

    Examples:
        >>> augment(turn, images, ("translation", "cutout"))  # doctest: +SKIP
    """
    if policies and images.shape.rank != 4:
        raise RecipeError(
            f"augmentation is for pictures [batch, height, width, channels], not for {images.shape}",
            "leave --augment out",
        )
    for policy in policies:
        for change in POLICIES[policy]:
            changed = change(images, lambda part, *shape: turn.uniform(f"{name}/{part}", *shape))
            if probability is not None:
                chosen = _each(turn.uniform(f"{name}/whether {change.__name__}")) < tf.cast(probability, images.dtype)
                changed = tf.where(chosen, changed, images)
            images = changed
    return images
