"""What the classics on pictures share: all but the networks and the losses. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gankit import Data, Evaluation, Recipe, Stage
from gankit_classics.config import AdversarialConfig, PictureConfig

BATCH = 500  # pictures that are generated at a time


class AdversarialRecipe(Recipe):
    """A generator against a discriminator, under the options of `AdversarialConfig`."""

    Config = AdversarialConfig
    exports = {"generator": "noise (and what conditions it) -> samples; pictures in [-1, 1]"}

    def __init__(self, config: AdversarialConfig) -> None:
        super().__init__(config)
        self.ema = {"generator": config.ema} if config.ema else {}  # type: ignore[misc]

    def optimizers(self) -> dict[str, Any]:
        """Adam for each player; the rates come from the phases."""
        import keras

        config = self.config
        return {name: keras.optimizers.Adam(config.lr, config.beta_1) for name in ("discriminator", "generator")}


class PictureGAN(AdversarialRecipe):
    """A DCGAN-like game on pictures; a recipe overrides what makes it itself."""

    Config = PictureConfig
    tiny = {
        "data": "digits",
        "steps": 4,
        "width": 4,
        "latent": 8,
        "samples": 100,
        "training.batch_size": 16,
    }

    def data(self) -> Data:
        """The pictures."""
        from gankit_classics.data import open_data

        return self.settled(open_data(self.config))

    def settled(self, data: Data) -> Data:
        """The same data. What `auto` has found is part of the configuration from here on: a run is resumed with it.

        Raises:
            DataError: The network of the scores cannot be had: better before the training than after it.
        """
        from gankit_classics.evaluation import check_features

        if self.config.data == "auto":
            self.config = self.config.model_copy(update={"data": data.facts["data"], "size": data.facts["side"]})
        check_features(self.config, data)
        return data

    def noise_width(self, data: Data) -> int:
        """Numbers that the generator is given for a picture."""
        return int(self.config.latent)

    def norm(self) -> str:
        """The discriminator's normalisation: a penalty on each example's gradient forbids that of the batch."""
        if self.config.spectral:
            return "spectral"
        return "batch" if self.config.penalty == "none" else "none"

    def discriminator_options(self, data: Data) -> dict[str, Any]:
        """Of `gankit_classics.networks.discriminator`."""
        return {"norm": self.norm(), "batch_layer": self.config.batch_layer}

    def networks(self, data: Data) -> dict[str, Any]:
        """Generator and discriminator of DCGAN, the latter with its features."""
        from gankit_classics import networks

        side, channels, width = data.facts["side"], data.facts["channels"], self.config.width
        judge = networks.discriminator(side, channels, width, **self.discriminator_options(data))
        return {
            "generator": networks.generator(self.noise_width(data), side, channels, width),
            "discriminator": networks.with_features(judge),
        }

    def stages(self, data: Data) -> list[Stage]:
        """One stage."""
        from gankit_classics.adversarial import Players, adversarial_stage

        latent = self.config.latent
        players = Players(
            fake=lambda turn: turn("generator", turn.normal("z", latent)),
            judge=lambda turn, x: turn("discriminator", x)[0],
            features=lambda turn, x: turn("discriminator", x)[1],
        )
        return [adversarial_stage(self.config, players)]

    # -- using it ----------------------------------------------------------------------------------------------------

    def noise(self, data: Data, count: int, seed: int) -> np.ndarray:
        """`[count, noise_width]` float32: what the generator is given, drawn as in training."""
        return np.random.default_rng(seed).normal(size=(count, self.config.latent)).astype(np.float32)

    def draw(self, networks: Mapping[str, Any], data: Data, count: int, seed: int = 0) -> np.ndarray:
        """Generated pictures, `[count, side, side, channels]` uint8."""
        return self.pictures(networks, self.noise(data, count, seed))

    def pictures(self, networks: Mapping[str, Any], noise: np.ndarray) -> np.ndarray:
        """The pictures that the generator makes of rows of noise."""
        from gankit_classics.data import to_pixels

        generator = networks["generator"]
        parts = [to_pixels(generator(noise[i : i + BATCH], training=False)) for i in range(0, len(noise), BATCH)]
        return np.concatenate(parts)

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """Scores of the pictures between their floor and their ceiling."""
        from gankit_classics.evaluation import evaluate

        return evaluate(self, networks, data)

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """A sheet of pictures from fixed noise."""
        from gankit_classics.sheets import sheet

        return [sheet(self.draw(networks, data, 100, seed=1), out / "samples.png", columns=10)]
