"""The recipes `wgan` and `wgan-gp`. Import no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import Field

from gankit import Claim, Data, Evaluation
from gankit.nn import LossName, ScheduleName
from gankit_classics.base import PictureGAN
from gankit_classics.config import FASHION, RESULTS, PictureConfig


class WGANConfig(PictureConfig):
    """Options of `gankit run wgan`."""

    loss: LossName = Field("wasserstein", description="Loss that the two networks minimise.")
    critic_steps: int = Field(5, ge=1, le=100, description="Updates of the critic for each of the generator's.")
    lr: float = Field(5e-5, gt=0, description="Learning rate of RMSprop.")
    schedule: ScheduleName = Field("constant", description="Schedule of the learning rates; cosine ends at 0.")
    beta_1: float = Field(0.0, ge=0, le=0, description="Adam's decay of the first moment; RMSprop has none.")
    limit: float = Field(0.01, gt=0, description="Limit of the critic's weights: each is clipped to [-limit, limit].")


class WGANGPConfig(PictureConfig):
    """Options of `gankit run wgan-gp`."""

    loss: LossName = Field("wasserstein", description="Loss that the two networks minimise.")
    penalty: str = Field("wgan-gp", description="Penalties on the critic's gradient: some of r1,r2,dragan,wgan-gp.")
    critic_steps: int = Field(
        3, ge=1, le=100, description="Critic's updates for each of the generator's; the paper's 5."
    )
    beta_1: float = Field(0.0, ge=0, lt=1, description="Adam's decay of the first moment.")


class WGANGP(PictureGAN):
    """A critic that estimates the Wasserstein distance, its gradient held at norm 1 by a penalty.

    The estimate is logged as the term `discriminator/distance` and falls as the pictures get better.
    """

    name = "wgan-gp"
    summary = "Pictures from noise by a critic with a gradient penalty (WGAN-GP)."
    paper = "Gulrajani et al., Improved Training of Wasserstein GANs, NeurIPS 2017, arXiv:1704.00028"
    Config = WGANGPConfig
    claims = (
        Claim("fid", 7.62, 0.8, FASHION, RESULTS, options={"data": "fashion-mnist", "steps": 4500}),
        Claim(
            "fid",
            40.2,
            8.0,
            "CIFAR-10, convolutions of DCGAN's kind. The published figure is of the Inception network of 2015 and of "
            "other numbers of pictures; ours has the weights of keras.applications: near it, not the same digits",
            "Miyato et al., Spectral Normalization, ICLR 2018, arXiv:1802.05957, table 2",
            needs="gpu",
            options={"data": "cifar-10", "features": "inception-v3", "width": 64, "latent": 128, "lr": 2e-4}
            | {"critic_steps": 5, "steps": 100_000},
        ),
    )

    def discriminator_options(self, data: Data) -> dict[str, Any]:
        """No batch normalisation: the distance is a property of each example (section 4 of the paper)."""
        return {**super().discriminator_options(data), "norm": "spectral" if self.config.spectral else "none"}

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """Scores of the pictures, and the critic's estimate on pictures that it never saw."""
        from gankit_classics.evaluation.discriminators import critic_evaluation

        draw, samples = partial(self.draw, networks, data), self.config.samples
        estimate = critic_evaluation(data, networks["discriminator"], draw, samples)
        return super().evaluate(networks, data).merged(estimate)


class WGAN(WGANGP):
    """A critic that estimates the Wasserstein distance, its weights clipped to a box."""

    name = "wgan"
    summary = "Pictures from noise by a critic with clipped weights (WGAN)."
    paper = "Arjovsky, Chintala, Bottou, Wasserstein GAN, ICML 2017, arXiv:1701.07875"
    Config = WGANConfig
    claims = ()

    def discriminator_options(self, data: Data) -> dict[str, Any]:
        """DCGAN's, with clipped weights."""
        from gankit.nn import WeightClipping

        return {**super().discriminator_options(data), "constraint": WeightClipping(self.config.limit)}

    def optimizers(self) -> dict[str, Any]:
        """RMSprop: with momentum the training was unstable (section 4 of the paper)."""
        import keras

        return {name: keras.optimizers.RMSprop(self.config.lr) for name in ("discriminator", "generator")}
