"""The recipe `cgan`. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from gankit import Claim, Data, Evaluation, Turn
from gankit_classics.base import PictureGAN
from gankit_classics.config import FASHION, RESULTS, PictureConfig

BUDGET = {"data": "fashion-mnist", "steps": 5000}
PER_CLASS = 8  # pictures of each class on the sample sheet


class CGANConfig(PictureConfig):
    """Options of `gankit run cgan`."""

    condition: Literal["channels", "projection"] = Field(
        "projection",
        description="Way in which the discriminator is told the class: as channels, or by a product with features.",
    )
    per_class: int | None = Field(None, ge=2, description="Pictures of each class that are trained on.")
    rare: float = Field(1.0, gt=0, le=1, description="Share of every second class's pictures that is trained on.")


class CGAN(PictureGAN):
    """Generator and discriminator are both told the class."""

    name = "cgan"
    summary = "Pictures of a class that you choose (conditional GAN)."
    paper = "Mirza, Osindero, Conditional Generative Adversarial Nets, 2014, arXiv:1411.1784"
    Config = CGANConfig
    exports = {"generator": "noise, then the class as a one-hot vector -> pictures in [-1, 1]"}

    claims = (
        Claim("class_accuracy", 0.911, 0.01, "Fashion-MNIST; test pictures 0.927", RESULTS, options=BUDGET),
        Claim("fid", 2.46, 0.3, FASHION, RESULTS, options=BUDGET),
    )

    @classmethod
    def commands(cls) -> Any:
        """`gankit cgan augment`."""
        from gankit_classics.commands import group

        return group

    def data(self) -> Data:
        """The pictures; they need labels."""
        from gankit_classics.data import fewer, needs_classes, source

        data = super().data()
        needs_classes(data, "put the pictures of each class into a folder of their own, or train dcgan")
        config, found = self.config, data.held_out["set"]
        if config.per_class is None and config.rare == 1:
            return data
        small = fewer(found, config.per_class, config.rare, config.training.seed)
        return Data({"pictures": source(small)}, {"set": small, "whole": found}, data.facts)

    def noise_width(self, data: Data) -> int:
        """The noise and the class."""
        return int(self.config.latent) + len(data.facts["classes"])

    def discriminator_options(self, data: Data) -> dict[str, Any]:
        """DCGAN's, with the class as further inputs."""
        told = {"classes": len(data.facts["classes"]), "projection": self.config.condition == "projection"}
        return {**super().discriminator_options(data), **told}

    def players(self, data: Data) -> Any:
        """The generator is asked for the class of the real example that stands beside."""
        import tensorflow as tf

        from gankit.nn import Players

        latent, classes = self.config.latent, len(data.facts["classes"])

        def label(turn: Turn, like: Any) -> Any:
            return tf.one_hot(turn["label"], classes, dtype=like.dtype)

        def fake(turn: Turn) -> Any:
            z = turn.normal("z", latent)
            return turn("generator", tf.concat([z, label(turn, z)], axis=1))

        return Players(
            fake=fake,
            output=lambda turn, x: turn("discriminator", x, label(turn, x))[0],
            features=lambda turn, x: turn("discriminator", x, label(turn, x))[1],
        )

    def noise(self, data: Data, count: int, seed: int) -> np.ndarray:
        """Noise and classes, the latter as often as in the test pictures."""
        places = (np.arange(count) + 0.5) / count
        return self.asked(data, np.searchsorted(np.cumsum(data.facts["shares"])[:-1], places), seed)

    def asked(self, data: Data, labels: np.ndarray, seed: int) -> np.ndarray:
        """What the generator is given for pictures of the classes `labels`, `[n]` integers."""
        noise = super().noise(data, len(labels), seed)
        return np.concatenate([noise, np.eye(len(data.facts["classes"]), dtype=np.float32)[labels]], axis=1)

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """Scores of the pictures, and how often an independent classifier sees the class that was asked for."""
        from gankit_classics.evaluation.pictures import class_accuracy

        def pictures(labels: np.ndarray) -> np.ndarray:
            return self.pictures(networks, self.asked(data, labels, seed=4))

        return super().evaluate(networks, data).merged(class_accuracy(self.config, data, pictures))

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """A row of pictures for each class."""
        from gankit_classics.latent import save_sheet

        labels = np.repeat(np.arange(min(20, len(data.facts["classes"]))), PER_CLASS)
        pictures = self.pictures(networks, self.asked(data, labels, seed=1))
        return [save_sheet(pictures, out / "classes.png", PER_CLASS)]
