"""The recipe `gan`. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, field_validator

from gankit import Claim, Data, Training
from gankit.nn import LossName
from gankit_classics.base import AdversarialRecipe
from gankit_classics.config import RESULTS, AdversarialConfig, PictureFields

if TYPE_CHECKING:
    from gankit_classics.kinds.kind import DataKind

# The published figures are the best of table 1 of Srivastava et al., VEEGAN, NeurIPS 2017, arXiv:1705.07761.
GRID = {"data": "grid", "batch_layer": "deviation"}


class GANConfig(PictureFields, AdversarialConfig):
    """Options of `gankit run gan`."""

    data: str = Field("ring", description="Data: ring, grid, a CSV file, or pictures by a dataset's name or a folder.")
    size: int | None = Field(None, ge=4, le=64, description="Side of pictures, in pixels.")
    loss: LossName = Field(
        "least-squares", description="Loss that the two networks minimise; minimax and non-saturating are the paper's."
    )
    steps: int = Field(20_000, ge=1, description="Updates of the generator.")
    lr: float = Field(2e-3, gt=0, description="Learning rate of Adam.")
    ema: float = Field(0.99, ge=0, lt=1, description="Decay of the average of the generator's weights; 0 for none.")
    latent: int | None = Field(None, ge=1, description="Numbers of noise that make a sample; 2 for a mixture, else 32.")
    width: int = Field(128, ge=1, description="Units of a dense layer.")
    depth: int = Field(2, ge=1, le=10, description="Hidden layers.")
    samples: int = Field(10_000, ge=100, description="Generated samples to score.")
    training: Training = Training(batch_size=64, steps_per_call=100, log_every=200, sample_every=5000)

    @field_validator("augment")
    @classmethod
    def _rows(cls, value: str) -> str:
        if value:
            raise ValueError("the policies move and colour pictures, and these networks see rows")
        return value


class GAN(AdversarialRecipe):
    """The game in its first form: two multi-layer perceptrons.

    On a mixture of Gaussians its modes are counted; on the table of a CSV file the generated rows are compared with
    rows that were held out; pictures are flattened, as in the paper.
    """

    name = "gan"
    summary = "Points, table rows or pictures from noise by dense networks (the first GAN)."
    paper = "Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014, arXiv:1406.2661"
    Config = GANConfig
    claims = (
        Claim("modes", 8, 0, "ring of 8 Gaussians, the defaults", RESULTS, seeds=3),
        Claim("high_quality", 0.97, 0.02, "the same", f"{RESULTS} (published: 0.529)", seeds=3),
        Claim("modes", 25, 0.4, "grid of 25, a discriminator that sees the batch", RESULTS, options=GRID, seeds=3),
        Claim("high_quality", 0.93, 0.03, "the same", f"{RESULTS} (published: 0.40)", options=GRID, seeds=3),
    )
    tiny = {"steps": 4, "width": 8, "latent": 4, "samples": 200, "training.batch_size": 16}

    def kind(self, source: str = "") -> DataKind:
        """Points, tables or flat pictures."""
        from gankit_classics.kinds.registry import kind_of

        return kind_of(source or self.config.data)

    @property
    def latent(self) -> int:
        """Numbers of noise that make a sample."""
        return self.config.latent or self.kind().latent

    def networks(self, data: Data) -> dict[str, Any]:
        """Two multi-layer perceptrons."""
        from gankit_classics.networks import dense

        config, facts = self.config, data.facts
        generator = dense.dense(self.latent, facts["width"], config.width, config.depth, name="generator")
        discriminator = dense.dense_discriminator(
            facts["width"], config.width, config.depth, spectral=config.spectral, batch_layer=config.batch_layer
        )
        return {
            "generator": dense.finished(generator, facts.get("groups", ()), facts.get("bounded", False)),
            "discriminator": dense.with_features(discriminator),
        }

    def players(self, data: Data) -> Any:
        """Noise makes rows."""
        from gankit.nn import Players

        return Players(
            latent=self.latent,
            output=lambda turn, x: turn("discriminator", x)[0],
            real=lambda turn: turn["row"],
            features=lambda turn, x: turn("discriminator", x)[1],
        )

    def draw(self, networks: Mapping[str, Any], data: Data, count: int, seed: int = 0) -> Any:
        """Generated points `[count, 2]`, columns of a table, or pictures `[count, h, w, c]` uint8."""
        noise = np.random.default_rng(seed).normal(size=(count, self.latent)).astype(np.float32)
        rows = np.asarray(networks["generator"](noise, training=False), np.float64)
        return self.kind().decode(rows, data.facts)
