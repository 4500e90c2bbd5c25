"""The recipe `lapgan`. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from gankit import Claim, Data, Stage
from gankit_classics.base import PictureGAN
from gankit_classics.config import FASHION, RESULTS, PictureConfig

COARSEST = 4  # pixels a side, at least


class LAPGANConfig(PictureConfig):
    """Options of `gankit run lapgan`."""

    levels: int = Field(3, ge=2, le=6, description="Sizes in the pyramid: 3 makes 28 pixels out of 7, by way of 14.")
    steps: int = Field(2000, ge=1, description="Updates of the generator of each level but the coarsest.")
    coarsest_steps: int | None = Field(
        None, ge=1, description="Updates of the coarsest level's generator; 7.5 times --steps if left out."
    )
    width: int = Field(8, ge=1, description="Channels at full size; each level below has twice as many.")
    units: int = Field(256, ge=1, description="Units of the dense layers of the coarsest level.")

    @property
    def least(self) -> int:
        """A side that can be halved to the coarsest level's."""
        return COARSEST * 2 ** (self.levels - 1)

    @model_validator(mode="after")
    def _of_its_networks(self) -> LAPGANConfig:
        others = ("spectral", "batch_layer", "feature_matching", "augment")
        if wrong := [name for name in others if getattr(self, name) not in ("none", "", 0, False)]:
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
    claims = (Claim("fid", 11.2, 1.5, FASHION, RESULTS, options={"data": "fashion-mnist"}),)
    exports = {"generator-0": "noise -> coarsest pictures in [-1, 1]"}
    tiny = {**PictureGAN.tiny, "levels": 2, "units": 8}

    def __init__(self, config: LAPGANConfig) -> None:
        super().__init__(config)
        names = [f"generator-{level}" for level in range(config.levels)]
        self.ema = dict.fromkeys(names, config.ema) if config.ema else {}

    def side(self, data: Data, level: int) -> int:
        """Pixels a side of the pictures of a level."""
        return int(data.facts["side"]) // 2 ** (self.config.levels - 1 - level)

    def networks(self, data: Data) -> dict[str, Any]:
        """A generator and a discriminator for each level."""
        from gankit_classics.networks import pyramid

        config, channels, side = self.config, data.facts["channels"], self.side(data, 0)
        built = {
            "generator-0": pyramid.coarsest_generator(config.latent, side, channels, config.units),
            "discriminator-0": pyramid.coarsest_discriminator(side, channels, config.units),
        }
        for level in range(1, config.levels):
            side, width = self.side(data, level), config.width * 2 ** (config.levels - 1 - level)
            built[f"generator-{level}"] = pyramid.residual_generator(side, channels, width)
            built[f"discriminator-{level}"] = pyramid.pair_discriminator(side, channels, 4 * width)
        return built

    def optimizers(self) -> dict[str, Any]:
        """Adam for every network."""
        roles = "generator", "discriminator"
        return self.config.adam(*(f"{role}-{level}" for level in range(self.config.levels) for role in roles))

    def stages(self, data: Data) -> list[Stage]:
        """One stage a level, the coarsest first."""
        from gankit.nn import adversarial_stage
        from gankit_classics.games.pyramid import players_of_level

        config, stages = self.config, []
        for level in range(config.levels):
            steps = config.steps if level else config.coarsest_steps or max(1, 15 * config.steps // 2)
            finer, side = config.levels - 1 - level, self.side(data, level)
            players = players_of_level(level, finer, side, config.latent)
            stages.append(adversarial_stage(config.model_copy(update={"steps": steps}), players, f"level-{level}"))
        return stages

    def noise(self, data: Data, count: int, seed: int | Sequence[int]) -> np.ndarray:
        """`[count, n]`: noise for the coarsest level, then a plane for each other level."""
        width = self.config.latent + sum(self.side(data, level) ** 2 for level in range(1, self.config.levels))
        return np.random.default_rng(seed).standard_normal((count, width), np.float32)

    def draw(self, networks: Mapping[str, Any], data: Data, count: int, seed: int = 0) -> np.ndarray:
        """Generated pictures; the noise of all at once might not fit into memory."""
        from gankit_classics.data import BATCH

        parts = (self.noise(data, min(BATCH, count - i), (seed, i)) for i in range(0, count, BATCH))
        return np.concatenate([self.pictures(networks, part) for part in parts])

    def decoded(self, networks: Mapping[str, Any], noise: np.ndarray) -> np.ndarray:
        """Through all levels."""
        return self.grown(networks, noise)[-1]

    def grown(self, networks: Mapping[str, Any], noise: np.ndarray) -> list[np.ndarray]:
        """The pictures of each level, floats."""
        from gankit_classics.games.pyramid import grown

        generators = [networks[f"generator-{level}"] for level in range(self.config.levels)]
        return grown(generators, noise, self.config.latent)

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """A sheet of pictures, and how some of them grew."""
        from gankit_classics.data import to_pixels
        from gankit_classics.latent import save_sheet

        side, levels = data.facts["side"], self.grown(networks, self.noise(data, 10, seed=1))
        grown = [to_pixels(x).repeat(side // x.shape[1], axis=1).repeat(side // x.shape[2], axis=2) for x in levels]
        return [*super().sample(networks, data, out), save_sheet(np.concatenate(grown), out / "levels.png")]
