"""The Laplacian pyramid (Burt & Adelson 1983), as LAPGAN has it: a small picture, and what each doubling must add."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gankit.data.resize import downscale, upscale


def coarse(image: Any, levels: int) -> Any:
    """`[batch, side, side, c]` halved `levels` times by antialiased bicubic reduction."""
    for _ in range(levels):
        image = downscale(image, 2)
    return image


def enlarged(image: Any) -> Any:
    """Doubled by bicubic enlargement."""
    return upscale(image, 2)


def decompose(image: Any, levels: int) -> list[tf.Tensor]:
    """The coarsest picture, then the residual of each doubling, the finest last."""
    if levels == 1:
        return [image]
    small = coarse(image, 1)
    return [*decompose(small, levels - 1), image - enlarged(small)]


def compose(pyramid: list[Any]) -> tf.Tensor:
    """The picture of which `decompose` made the pyramid; exact but for the rounding of one sum a level."""
    image = pyramid[0]
    for residual in pyramid[1:]:
        image = enlarged(image) + residual
    return image
