"""The recipe `lapgan`. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from gankit import Claim, Data, DataError, Stage
from gankit_classics.base import BATCH, PictureGAN
from gankit_classics.config import RESULTS, PictureConfig

COARSEST = 4  # pixels a side, at least


class LAPGANConfig(PictureConfig):
    """Options of `gankit run lapgan`."""

    levels: int = Field(3, ge=2, le=6, description="Sizes of the pyramid: 3 makes 28 pixels from 7 by 14.")
    steps: int = Field(2000, ge=1, description="Updates of the generator of each level but the coarsest.")
    coarsest_steps: int | None = Field(
        None, ge=1, description="Updates of the coarsest level's, which cost least; 7.5 times the others' if left out."
    )
    width: int = Field(8, ge=1, description="Channels at full size; each level below has twice as many.")
    units: int = Field(256, ge=1, description="Units of the dense layers of the coarsest level.")

    @model_validator(mode="after")
    def _of_its_networks(self) -> LAPGANConfig:
        given = {
            "spectral": self.spectral,
            "batch_layer": self.batch_layer != "none",
            "feature_matching": self.feature_matching,
            "augment": self.augment,
        }
        if wrong := [name for name, value in given.items() if value]:
            raise ValueError(f"{' and '.join(wrong)}: not for the networks of lapgan")
        return self


class LAPGAN(PictureGAN):
    """Pictures grow: a small one, then at each doubling a generator adds the detail that it thinks is missing.

    Level 0 makes the coarsest picture. Every other level is a conditional GAN of its own, trained on real pictures as a
    stage: given a real picture halved and enlarged again, its generator makes the residual of the Laplacian pyramid.
    """

    name = "lapgan"
    summary = "Pictures from coarse to fine, a GAN for each level of a Laplacian pyramid (LAPGAN)."
    paper = "Denton et al., Deep Generative Image Models using a Laplacian Pyramid, NeurIPS 2015, arXiv:1506.05751"
    Config = LAPGANConfig
    claims = (
        Claim(
            "fid",
            11.2,
            1.5,
            "Fashion-MNIST, small classifier, 10,000 against the test pictures",
            RESULTS,
            options={"data": "fashion-mnist"},
        ),
    )
    exports = {"generator-0": "noise -> coarsest pictures in [-1, 1]"}
    tiny = {**PictureGAN.tiny, "levels": 2, "units": 8}

    def __init__(self, config: LAPGANConfig) -> None:
        super().__init__(config)
        names = [f"generator-{level}" for level in range(config.levels)]
        self.ema = dict.fromkeys(names, config.ema) if config.ema else {}

    def data(self) -> Data:
        """The pictures; their side must be halved often enough."""
        from gankit_classics.data import open_data

        divisor = 2 ** (self.config.levels - 1)
        data = open_data(self.config, least=COARSEST * divisor)
        side = data.facts["side"]
        if side % divisor or side // divisor < COARSEST:
            raise DataError(
                f"{side} pixels a side cannot be halved {self.config.levels - 1} times to at least {COARSEST}",
                "give fewer --levels, or another --size",
            )
        return self.settled(data)

    def side(self, data: Data, level: int) -> int:
        """Of the pictures of a level."""
        return int(data.facts["side"]) // 2 ** (self.config.levels - 1 - level)

    def networks(self, data: Data) -> dict[str, Any]:
        """A generator and a discriminator for each level."""
        from gankit_classics import pyramid_networks as made

        config, channels, built = self.config, data.facts["channels"], {}
        for level in range(config.levels):
            side = self.side(data, level)
            if level == 0:
                built["generator-0"] = made.coarsest_generator(config.latent, side, channels, config.units)
                built["discriminator-0"] = made.coarsest_discriminator(side, channels, config.units)
            else:
                width = config.width * 2 ** (config.levels - 1 - level)
                built[f"generator-{level}"] = made.residual_generator(side, channels, width)
                built[f"discriminator-{level}"] = made.pair_discriminator(side, channels, 4 * width)
        return built

    def optimizers(self) -> dict[str, Any]:
        """Adam for every network."""
        import keras

        config, roles = self.config, ("generator", "discriminator")
        names = [f"{role}-{level}" for level in range(config.levels) for role in roles]
        return {name: keras.optimizers.Adam(config.lr, config.beta_1) for name in names}

    def stages(self, data: Data) -> list[Stage]:
        """One stage a level, the coarsest first."""
        return [self._stage(data, level) for level in range(self.config.levels)]

    def _stage(self, data: Data, level: int) -> Stage:
        from gankit_classics import pyramid
        from gankit_classics.adversarial import Players, adversarial_stage

        config, side = self.config, self.side(data, level)
        if level == 0:
            config = config.model_copy(update={"steps": config.coarsest_steps or max(1, 15 * config.steps // 2)})
        generator, discriminator = f"generator-{level}", f"discriminator-{level}"

        def real(turn):
            return pyramid.coarse(turn["image"], config.levels - 1 - level)

        def guide(turn):
            return pyramid.enlarged(pyramid.coarse(real(turn), 1))

        def fake(turn):
            if level == 0:
                return turn(generator, turn.normal("z", config.latent))
            return guide(turn) + turn(generator, turn.normal("z", side, side, 1), guide(turn))

        def judge(turn, x):
            return turn(discriminator, x) if level == 0 else turn(discriminator, x, guide(turn))

        def residual(turn, x):
            return x if level == 0 else x - guide(turn)

        players = Players(fake, judge, real, made=residual, discriminator=(discriminator,), generator=(generator,))
        return adversarial_stage(config, players, f"level-{level}")

    def noise(self, data: Data, count: int, seed: int | Sequence[int]) -> np.ndarray:
        """`[count, n]`: noise for the coarsest level, then a plane for each other level."""
        width = self.config.latent + sum(self.side(data, level) ** 2 for level in range(1, self.config.levels))
        return np.random.default_rng(seed).standard_normal((count, width), np.float32)

    def draw(self, networks: Mapping[str, Any], data: Data, count: int, seed: int = 0) -> np.ndarray:
        """Generated pictures; the noise of all at once might not fit into memory."""
        starts = range(0, count, BATCH)
        parts = (self.noise(data, min(BATCH, count - start), (seed, start)) for start in starts)
        return np.concatenate([self.pictures(networks, part) for part in parts])

    def pictures(self, networks: Mapping[str, Any], noise: np.ndarray) -> np.ndarray:
        """Through all levels."""
        from gankit_classics.data import to_pixels

        return np.concatenate(
            [to_pixels(self._grown(networks, noise[i : i + BATCH])[-1]) for i in range(0, len(noise), BATCH)]
        )

    def _grown(self, networks: Mapping[str, Any], noise: np.ndarray) -> list[np.ndarray]:
        """The pictures of each level, floats."""
        from gankit_classics import pyramid

        latent = self.config.latent
        grown = [np.asarray(networks["generator-0"](noise[:, :latent], training=False))]
        for level in range(1, self.config.levels):
            side = 2 * grown[-1].shape[1]
            plane = noise[:, latent : latent + side**2].reshape(-1, side, side, 1)
            noise = noise[:, side**2 :]
            guide = np.asarray(pyramid.enlarged(grown[-1]))
            grown.append(np.asarray(guide + networks[f"generator-{level}"]([plane, guide], training=False)))
        return grown

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """A sheet of pictures, and how some of them grew."""
        from gankit_classics.data import to_pixels
        from gankit_classics.sheets import sheet

        levels = self._grown(networks, self.noise(data, 10, seed=1))
        side = data.facts["side"]
        grown = [to_pixels(x).repeat(side // x.shape[1], axis=1).repeat(side // x.shape[2], axis=2) for x in levels]
        return [
            *super().sample(networks, data, out),
            sheet(np.concatenate(grown), out / "levels.png", columns=10),
        ]
