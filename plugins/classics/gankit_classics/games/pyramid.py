"""The Laplacian pyramid (Burt & Adelson 1983), as LAPGAN has it: a small picture, and what each doubling must add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gankit import Turn
from gankit.images import downscale, upscale
from gankit.nn import Players


def coarse(image: Any, levels: int) -> Any:
    """`[batch, side, side, c]` halved `levels` times by antialiased bicubic reduction."""
    for _ in range(levels):
        image = downscale(image, 2)
    return image


def enlarged(image: Any) -> Any:
    """Doubled by bicubic enlargement."""
    return upscale(image, 2)


def players_of_level(level: int, finer: int, side: int, latent: int) -> Players:
    """The GAN of one level, trained on real pictures of `side` pixels; `finer` levels come after it.

    Level 0 is the coarsest, whose pictures are made of `latent` numbers of noise alone.
    """
    generator, discriminator = f"generator-{level}", f"discriminator-{level}"

    def real(turn: Turn) -> Any:
        return coarse(turn["image"], finer)

    def guide(turn: Turn) -> Any:
        return enlarged(coarse(real(turn), 1))

    def fake(turn: Turn) -> Any:
        if level == 0:
            return turn(generator, turn.normal("z", latent))
        return guide(turn) + turn(generator, turn.normal("z", side, side, 1), guide(turn))

    def output(turn: Turn, x: Any) -> Any:
        return turn(discriminator, x) if level == 0 else turn(discriminator, x, guide(turn))

    def residual(turn: Turn, x: Any) -> Any:
        return x if level == 0 else x - guide(turn)

    return Players(
        fake=fake,
        output=output,
        real=real,
        made=residual,
        discriminator=(discriminator,),
        generator=(generator,),
    )


def grown(generators: Sequence[Any], noise: np.ndarray, latent: int) -> list[np.ndarray]:
    """The pictures of each level, `[n, side, side, c]` floats, the coarsest first.

    `noise`, `[n, numbers]`, has `latent` numbers for the coarsest level, then a plane for each other level.
    """
    pictures, place = [np.asarray(generators[0](noise[:, :latent], training=False))], latent
    for generator in generators[1:]:
        side = 2 * pictures[-1].shape[1]
        plane = noise[:, place : place + side**2].reshape(-1, side, side, 1)
        place += side**2
        guide = np.asarray(enlarged(pictures[-1]))
        pictures.append(np.asarray(guide + generator([plane, guide], training=False)))
    return pictures
