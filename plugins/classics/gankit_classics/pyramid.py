"""The Laplacian pyramid (Burt & Adelson 1983), as LAPGAN has it: a small picture, and what each doubling must add."""

from __future__ import annotations

from typing import Any

from gankit.images import downscale, upscale


def coarse(image: Any, levels: int) -> Any:
    """`[batch, side, side, c]` halved `levels` times by antialiased bicubic reduction."""
    for _ in range(levels):
        image = downscale(image, 2)
    return image


def enlarged(image: Any) -> Any:
    """Doubled by bicubic enlargement."""
    return upscale(image, 2)
