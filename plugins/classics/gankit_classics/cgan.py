"""The recipe `cgan`. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from gankit import Claim, Data, DataError, Evaluation, Stage
from gankit_classics.base import PictureGAN
from gankit_classics.config import RESULTS, PictureConfig

FASHION = {"data": "fashion-mnist", "steps": 5000}
PER_CLASS = 8  # pictures of each class on the sample sheet


class CGANConfig(PictureConfig):
    """Options of `gankit run cgan`."""

    condition: Literal["channels", "projection"] = Field(
        "projection", description="How the discriminator is told the class: as channels, or by a product with features."
    )
    per_class: int | None = Field(None, ge=2, description="Train on so many pictures of each class only.")
    rare: float = Field(1.0, gt=0, le=1, description="Of every second class, train on this share of them only.")


class CGAN(PictureGAN):
    """Generator and discriminator are both told the class."""

    name = "cgan"
    summary = "Pictures of a class that you choose (conditional GAN)."
    paper = "Mirza, Osindero, Conditional Generative Adversarial Nets, 2014, arXiv:1411.1784"
    Config = CGANConfig
    exports = {"generator": "noise, then the class as a one-hot vector -> pictures in [-1, 1]"}

    claims = (
        Claim("class_accuracy", 0.911, 0.01, "Fashion-MNIST; test pictures 0.927", RESULTS, options=FASHION),
        Claim(
            "fid", 2.46, 0.3, "the same; small classifier, 10,000 against the test pictures", RESULTS, options=FASHION
        ),
    )

    @classmethod
    def commands(cls) -> Any:
        """`gankit cgan augment`."""
        from gankit_classics.commands import group

        return group

    def data(self) -> Data:
        """The pictures; they need labels."""
        from gankit_classics.data import fewer, source

        data = super().data()
        if not data.facts["classes"]:
            raise DataError(
                f"the pictures of {self.config.data} are of one class, or have no labels",
                "put the pictures of each class into a folder of their own, or train dcgan",
            )
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

    def stages(self, data: Data) -> list[Stage]:
        """One stage: the generator is asked for the class of the real example that stands beside."""
        import tensorflow as tf

        from gankit_classics.adversarial import Players, adversarial_stage

        latent, classes = self.config.latent, len(data.facts["classes"])

        def label(turn, like):
            return tf.one_hot(turn["label"], classes, dtype=like.dtype)

        def fake(turn):
            z = turn.normal("z", latent)
            return turn("generator", tf.concat([z, label(turn, z)], axis=1))

        players = Players(
            fake=fake,
            judge=lambda turn, x: turn("discriminator", x, label(turn, x))[0],
            features=lambda turn, x: turn("discriminator", x, label(turn, x))[1],
        )
        return [adversarial_stage(self.config, players)]

    def noise(self, data: Data, count: int, seed: int) -> np.ndarray:
        """Noise and classes, the latter as often as in the test pictures."""
        places = (np.arange(count) + 0.5) / count
        return self.asked(data, np.searchsorted(np.cumsum(data.facts["shares"])[:-1], places), seed)

    def asked(self, data: Data, labels: np.ndarray, seed: int) -> np.ndarray:
        """What the generator is given for pictures of certain classes.

        Args:
            data: The recipe's.
            labels: `[n]` integers.
            seed: Of the noise.
        """
        noise = super().noise(data, len(labels), seed)
        return np.concatenate([noise, np.eye(len(data.facts["classes"]), dtype=np.float32)[labels]], axis=1)

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """Scores of the pictures, and how often an independent classifier sees the class that was asked for."""
        from gankit_classics.evaluation import class_accuracy, merged

        return merged(super().evaluate(networks, data), class_accuracy(self, networks, data))

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """A row of pictures for each class."""
        from gankit_classics.sheets import sheet

        labels = np.repeat(np.arange(min(20, len(data.facts["classes"]))), PER_CLASS)
        pictures = self.pictures(networks, self.asked(data, labels, seed=1))
        return [sheet(pictures, out / "classes.png", PER_CLASS)]
