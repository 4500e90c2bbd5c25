"""Options that the classics share. Imports no TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from pydantic import Field, field_validator, model_validator

from gankit import RecipeConfig, Training

Loss = Literal["minimax", "non-saturating", "least-squares", "hinge", "wasserstein", "relativistic"]
Rates = Literal["constant", "cosine"]
BatchLayer = Literal["none", "deviation", "discrimination"]
Penalty = Literal["none", "r1", "r2", "dragan", "wgan-gp"]
RESULTS = "docs/results/classics.md"  # where the figures come from that are claimed
FASHION = "Fashion-MNIST, small classifier, 10,000 against the test pictures"  # the protocol of their FIDs
POLICIES = ("color", "translation", "cutout")
# The papers' (r1, r2: gamma / 2 with gamma 10).
WEIGHTS = {"r1": 5.0, "r2": 5.0, "dragan": 10.0, "wgan-gp": 10.0}


class ClassicConfig(RecipeConfig):
    """What every classic has."""

    steps: int = Field(12_000, ge=1, description="Updates of the generator.")
    lr: float = Field(1e-3, gt=0, description="Learning rate of Adam.")
    schedule: Rates = Field("cosine", description="Schedule of the learning rates; cosine ends at 0.")
    beta_1: float = Field(0.5, ge=0, lt=1, description="Adam's decay of the first moment.")
    ema: float = Field(0.999, ge=0, lt=1, description="Decay of the average of the generator's weights; 0 for none.")
    latent: int = Field(64, ge=1, description="Numbers of noise that make a sample.")
    width: int = Field(32, ge=1, description="Channels of the layer at full size; units of a dense layer.")

    def rate(self, peak: float) -> Callable[[int], float]:
        """The schedule of a learning rate."""
        if self.schedule == "constant":
            return lambda step: peak
        return lambda step: peak * (1 + math.cos(math.pi * step / self.steps)) / 2


class AdversarialConfig(ClassicConfig):
    """How generator and discriminator play; every option works with each loss, unless it says otherwise."""

    loss: Loss = Field("non-saturating", description="Loss that the two networks minimise.")
    critic_steps: int = Field(1, ge=1, le=100, description="Updates of the discriminator for each of the generator's.")
    lr_discriminator: float | None = Field(None, gt=0, description="Learning rate of the discriminator, if another.")
    penalty: Penalty = Field(
        "none", description="Penalty on the discriminator's gradient; it then has no batch normalisation."
    )
    penalty_weight: float | None = Field(None, ge=0, description="Weight of the penalty: 5 for r1 and r2, else 10.")
    spectral: bool = Field(False, description="Spectral normalisation in the discriminator, instead of any other.")
    batch_layer: BatchLayer = Field("none", description="Layer of the discriminator that sees the whole batch.")
    smoothing: float = Field(0.0, ge=0, lt=0.5, description="One-sided label smoothing, for losses of probabilities.")
    instance_noise: float = Field(
        0.0, ge=0, description="Deviation of noise on what the discriminator sees, falling to 0."
    )
    augment: str = Field("", description="Differentiable augmentation: some of color,translation,cutout.")
    feature_matching: float = Field(0.0, ge=0, description="Weight of the distance between mean features.")

    @field_validator("augment")
    @classmethod
    def _known_policies(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",") if name.strip()]
        if not set(names) <= set(POLICIES):
            raise ValueError(f"name some of {', '.join(POLICIES)}")
        return ",".join(name for name in POLICIES if name in names)

    @model_validator(mode="after")
    def _compatible(self) -> AdversarialConfig:
        if self.smoothing and self.loss not in ("minimax", "non-saturating"):
            raise ValueError(f"smoothing moves the label of a probability, and the loss {self.loss} has none")
        return self

    def noise_level(self, step: int) -> float:
        """Deviation of the instance noise in a step."""
        return self.instance_noise * (1 - step / self.steps) ** 3


class Halved(RecipeConfig):
    """Pictures for networks that halve and double them."""

    size: int | None = None

    @field_validator("size")
    @classmethod
    def _halves(cls, value: int | None) -> int | None:
        if value is not None and value % 4:
            raise ValueError("the networks halve and double: the side must be divisible by 4")
        return value


class PictureFields(RecipeConfig):
    """Which pictures, and how generated ones are scored."""

    data: str = Field("auto", description="A dataset's name or a folder; auto: fashion-mnist if present, else digits.")
    size: int | None = Field(None, ge=8, le=256, description="Side in pixels; that of the dataset if left out.")
    samples: int = Field(10_000, ge=100, description="Generated pictures to score.")
    features: Literal["auto", "small-classifier", "efficientnet-lite0", "inception-v3"] = Field(
        "auto", description="Network of the scores; auto: small-classifier where there are labels."
    )
    feature_weights: str | None = Field(None, description="File with the weights of the network of the scores.")
    training: Training = Training(batch_size=64, sample_every=2000, checkpoint_every=1000, log_every=100)

    @property
    def least(self) -> int:
        """Smallest side in pixels, a power of 2; the digits, of 8 pixels, are framed to it. 0 for none."""
        return 0


class PictureConfig(PictureFields, Halved, AdversarialConfig):
    """A classic on pictures."""
