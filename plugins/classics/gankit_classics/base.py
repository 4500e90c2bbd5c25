"""What the recipes share: all but the networks and the losses that make a recipe itself. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit import Data, Evaluation, Recipe, Stage
from gankit_classics.config import AdversarialConfig, PictureConfig

if TYPE_CHECKING:
    from gankit_classics.kinds.kind import DataKind


class AdversarialRecipe(Recipe):
    """A generator against a discriminator, under the options of `AdversarialConfig`."""

    Config = AdversarialConfig
    exports = {"generator": "noise (and what conditions it) -> samples; pictures in [-1, 1]"}

    def __init__(self, config: AdversarialConfig) -> None:
        super().__init__(config)
        self.ema = {"generator": config.ema} if config.ema else {}  # type: ignore[misc]

    def optimizers(self) -> dict[str, Any]:
        """Adam for each player; the rates come from the phases."""
        return dict(self.config.adam("discriminator", "generator"))

    def stages(self, data: Data) -> list[Stage]:
        """One stage, of the players that the recipe gives."""
        from gankit.nn import adversarial_stage

        return [adversarial_stage(self.config, self.players(data))]

    def players(self, data: Data) -> Any:
        """What is peculiar to the recipe: `gankit.nn.Players`."""
        raise NotImplementedError

    def kind(self, source: str = "") -> DataKind:
        """What knows the kind of data of a source, or of the configuration's."""
        raise NotImplementedError

    def check(self, source: str) -> tuple[dict[str, Any], str]:
        """What a table or a folder of pictures holds, and what of it cannot be used."""
        return self.kind(source).check(self.config, source)

    def data(self) -> Data:
        """The examples to imitate."""
        return self.kind().open(self.config)

    def draw(self, networks: Mapping[str, Any], data: Data, count: int, seed: int = 0) -> Any:
        """So many generated examples; the same ones for the same seed."""
        raise NotImplementedError

    def untrained(self, data: Data) -> dict[str, Any]:
        """The networks as they begin."""
        from gankit.runs import build_networks

        return build_networks(self, data)

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """Scores of what is generated, beside simpler ways and the untrained generator."""
        draw, untrained = (partial(self.draw, found, data) for found in (networks, self.untrained(data)))
        return self.kind().evaluate(self.config, data, draw, untrained)

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """What is generated from fixed noise."""
        return self.kind().sample(self.config, data, partial(self.draw, networks, data, seed=1), out)


class PictureGAN(AdversarialRecipe):
    """A DCGAN-like game on pictures; a recipe overrides what makes it itself."""

    Config = PictureConfig
    tiny = {"data": "digits", "steps": 4, "width": 4, "latent": 8, "samples": 100, "training.batch_size": 16}

    def kind(self, source: str = "") -> DataKind:
        """Pictures, wherever they are."""
        from gankit_classics.kinds.pictures import PICTURES

        return PICTURES

    def data(self) -> Data:
        """The pictures. What `auto` has found is in the configuration from here on: a run is resumed with it."""
        data = super().data()
        if self.config.data == "auto":
            self.config = self.config.model_copy(update={"data": data.facts["data"], "size": data.facts["side"]})
        return data

    def noise_width(self, data: Data) -> int:
        """Numbers that the generator is given for a picture."""
        return int(self.config.latent)

    def discriminator_options(self, data: Data) -> dict[str, Any]:
        """Options of the network: a penalty on each example's gradient forbids the normalisation of the batch."""
        plain = "none" if self.config.penalties else "batch"
        return {"norm": "spectral" if self.config.spectral else plain, "batch_layer": self.config.batch_layer}

    def networks(self, data: Data) -> dict[str, Any]:
        """Generator and discriminator of DCGAN, the latter with its features."""
        from gankit_classics.networks import convolutional, dense

        size = data.facts["side"], data.facts["channels"], self.config.width
        discriminator = convolutional.discriminator(*size, **self.discriminator_options(data))
        generator = convolutional.generator(self.noise_width(data), *size)
        return {"generator": generator, "discriminator": dense.with_features(discriminator)}

    def players(self, data: Data) -> Any:
        """Noise makes pictures."""
        from gankit.nn import Players

        return Players(
            latent=self.config.latent,
            output=lambda turn, x: turn("discriminator", x)[0],
            features=lambda turn, x: turn("discriminator", x)[1],
        )

    # -- using it ----------------------------------------------------------------------------------------------------

    def noise(self, data: Data, count: int, seed: int) -> np.ndarray:
        """`[count, noise_width]` float32: what the generator is given, drawn as in training."""
        return np.random.default_rng(seed).normal(size=(count, self.config.latent)).astype(np.float32)

    def draw(self, networks: Mapping[str, Any], data: Data, count: int, seed: int = 0) -> np.ndarray:
        """Generated pictures, `[count, side, side, channels]` uint8."""
        return self.pictures(networks, self.noise(data, count, seed))

    def pictures(self, networks: Mapping[str, Any], noise: np.ndarray) -> np.ndarray:
        """The pictures that the generator makes of rows of noise."""
        from gankit_classics.data import BATCH, to_pixels

        parts = (self.decoded(networks, noise[i : i + BATCH]) for i in range(0, len(noise), BATCH))
        return np.concatenate([to_pixels(part) for part in parts])

    def decoded(self, networks: Mapping[str, Any], noise: np.ndarray) -> Any:
        """The same as floats in [-1, 1], of one batch."""
        return networks["generator"](noise, training=False)
