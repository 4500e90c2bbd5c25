"""The recipe `infogan`. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from gankit import Claim, Data, Evaluation, Terms, Turn
from gankit_classics.base import PictureGAN
from gankit_classics.config import RESULTS, PictureConfig

BUDGET: Any = {"options": {"data": "fashion-mnist", "steps": 4000}, "seeds": 3}


class InfoGANConfig(PictureConfig):
    """Options of `gankit run infogan`."""

    latent: int = Field(
        16, ge=1, description="Numbers of noise beside the codes; the fewer they are, the more is left to the codes."
    )
    categories: int = Field(10, ge=2, le=1000, description="Values of the categorical code.")
    codes: int = Field(2, ge=0, le=100, description="Continuous codes, uniform in [-1, 1].")
    information: float = Field(1.0, gt=0, description="Weight of the category's mutual information.")
    code_noise: float = Field(1.0, ge=0, description="Deviation of noise on the pictures that the codes are read from.")
    information_codes: float = Field(0.5, gt=0, description="Weight of the continuous codes' information.")


class InfoGAN(PictureGAN):
    """Part of the noise is a code that a network must read back from the picture, so that it comes to mean something.

    The reader is a head on the discriminator's features, trained with it; the loss is the negative variational lower
    bound of the mutual information (equation 5 of the paper) without the entropy of the code, which is constant. It
    reads noisy pictures: from clean ones it reads faint patterns, in which the generator hides the code from the eye.
    """

    name = "infogan"
    summary = "Pictures whose codes come to mean something, without labels (InfoGAN)."
    paper = "Chen et al., InfoGAN: Interpretable Representation Learning, NeurIPS 2016, arXiv:1606.03657"
    Config = InfoGANConfig
    claims = (
        Claim("code_purity", 0.49, 0.08, "Fashion-MNIST, ten categories; shuffled 0.145", RESULTS, **BUDGET),
        Claim("code_factor", 0.594, 0.06, "the same, two codes; shuffled 0.023", RESULTS, **BUDGET),
    )
    tiny = {**PictureGAN.tiny, "categories": 3}

    def noise_width(self, data: Data) -> int:
        """The noise, then the category, then the codes."""
        return int(self.config.latent + self.config.categories + self.config.codes)

    def networks(self, data: Data) -> dict[str, Any]:
        """DCGAN's, and the reader of the code."""
        import keras
        from keras import layers

        built = super().networks(data)
        features = layers.Input((built["discriminator"].outputs[1].shape[-1],))
        x = layers.LeakyReLU(0.1)(layers.Dense(128)(features))
        # Of each code its mean and the logarithm of its deviation, after the category's logits.
        read = layers.Dense(self.config.categories + 2 * self.config.codes, dtype=keras.config.floatx())(x)
        return {**built, "reader": keras.Model(features, read, name="reader")}

    def players(self, data: Data) -> Any:
        """Both players also minimise what the reader gets wrong."""
        import tensorflow as tf

        from gankit.nn import Players
        from gankit_classics.games.codes import code_of, misread

        config = self.config

        def information(turn: Turn) -> Terms:
            fake = turn.shared["fake"]
            noise = tf.cast(turn.normal("noise for the reader", *fake.shape[1:]), fake.dtype)
            read = turn("reader", turn("discriminator", fake + config.code_noise * noise)[1])
            return misread(read, *code_of(turn, config.categories, config.codes))

        def fake(turn: Turn) -> Any:
            z = turn.normal("z", config.latent)
            category, codes = code_of(turn, config.categories, config.codes)
            return turn("generator", tf.concat([z, category, codes], axis=1))

        return Players(
            fake=fake,
            output=lambda turn, x: turn("discriminator", x)[0],
            features=lambda turn, x: turn("discriminator", x)[1],
            helpers=("reader",),
            both=information,
            weights={"category": config.information, **({"codes": config.information_codes} if config.codes else {})},
        )

    def noise(self, data: Data, count: int, seed: int) -> np.ndarray:
        """Noise, categories in turn, and codes."""
        rng = np.random.default_rng([seed, 1])
        category = np.eye(self.config.categories)[np.arange(count) % self.config.categories]
        codes = rng.uniform(-1, 1, (count, self.config.codes))
        return np.concatenate([super().noise(data, count, seed), category, codes], axis=1).astype(np.float32)

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """Scores of the pictures, and what the codes move."""
        from gankit_classics.evaluation.codes import MEASURED, codes_evaluation

        noise, pictures = self.noise(data, MEASURED, seed=5), partial(self.pictures, networks)
        return super().evaluate(networks, data).merged(codes_evaluation(self.config, data, noise, pictures))

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """For the category and each code, rows of pictures in which only it moves."""
        from gankit_classics.latent import save_traverses

        config, noise = self.config, self.noise(data, 8, seed=3)
        places = config.latent, config.categories, config.codes
        traverses = save_traverses(partial(self.pictures, networks), noise, *places, out)
        return [*super().sample(networks, data, out), *traverses]
