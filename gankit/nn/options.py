"""Typed options of games, for recipes' configurations to inherit from. Imports no TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from gankit.config import RecipeConfig
from gankit.errors import did_you_mean
from gankit.recipe import Schedule

LossName = Literal[
    "minimax", "non-saturating", "least-squares", "hinge", "wasserstein", "relativistic", "relativistic-paired"
]
"""Keys of `ADVERSARIAL`."""

ScheduleName = Literal["constant", "cosine"]
"""What `AdamOptions.schedule` may be."""

POLICIES = ("color", "translation", "cutout")
# The papers' weights of the penalties (of r1 and r2: gamma / 2 with gamma 10).
WEIGHTS = {"r1": 5.0, "r2": 5.0, "dragan": 10.0, "wgan-gp": 10.0}


class AdamOptions(RecipeConfig):
    """Options of every recipe that Adam trains for a number of steps.

    Examples:
        >>> options = AdamOptions(steps=100, lr=1e-3)
        >>> [round(options.rate(options.lr)(step), 6) for step in (0, 50, 100)]
        [0.001, 0.0005, 0.0]
    """

    steps: int = Field(12_000, ge=1, description="Updates of the generator.")
    lr: float = Field(1e-3, gt=0, description="Learning rate of Adam.")
    schedule: ScheduleName = Field("cosine", description="Schedule of the learning rates; cosine ends at 0.")
    beta_1: float = Field(0.5, ge=0, lt=1, description="Adam's decay of the first moment.")

    def rate(self, peak: float) -> Schedule:
        """The schedule of a learning rate: `Phase.lr`."""
        if self.schedule == "constant":
            return lambda step: peak
        return lambda step: peak * (1 + math.cos(math.pi * step / self.steps)) / 2

    def adam(self, *names: str) -> dict[str, Any]:
        """An Adam for each phase that is named: `Recipe.optimizers()`."""
        import keras

        return {name: keras.optimizers.Adam(self.lr, self.beta_1) for name in names}


class AdversarialOptions(AdamOptions):
    """How generator and discriminator play: the options that `adversarial_stage` obeys.

    Each works with every loss, unless it says otherwise. R3GAN (Huang et al. 2024) is the loss relativistic-paired with
    the penalties r1,r2.

    Examples:
        >>> AdversarialOptions(loss="relativistic-paired", penalty="r2, r1", penalty_every=4).penalties
        ('r1', 'r2')
    """

    loss: LossName = Field("non-saturating", description="Loss that the two networks minimise.")
    critic_steps: int = Field(1, ge=1, le=100, description="Updates of the discriminator for each of the generator's.")
    lr_discriminator: float | None = Field(None, gt=0, description="Learning rate of the discriminator, if another.")
    penalty: str = Field(
        "none",
        description="Penalties on the discriminator's gradient: some of r1,r2,dragan,wgan-gp; "
        "no batch normalisation with them.",
    )
    penalty_weight: float | None = Field(None, ge=0, description="Weight of each penalty: 5 for r1 and r2, else 10.")
    penalty_every: int = Field(
        1, ge=1, le=1000, description="Steps between updates by the penalties, whose weights grow in proportion."
    )
    smoothing: float = Field(0.0, ge=0, lt=0.5, description="One-sided label smoothing, for losses of probabilities.")
    instance_noise: float = Field(
        0.0, ge=0, description="Deviation of noise on what the discriminator sees, falling to 0."
    )
    augment: str = Field("", description="Differentiable augmentation: some of color,translation,cutout.")
    feature_matching: float = Field(0.0, ge=0, description="Weight of the distance between mean features.")

    @field_validator("penalty")
    @classmethod
    def _known_penalties(cls, value: str) -> str:
        return ",".join(_named(value, WEIGHTS)) or "none" if value.strip() != "none" else "none"

    @field_validator("augment")
    @classmethod
    def _known_policies(cls, value: str) -> str:
        return ",".join(_named(value, POLICIES))

    @model_validator(mode="after")
    def _compatible(self) -> AdversarialOptions:
        if self.smoothing and self.loss not in ("minimax", "non-saturating"):
            raise ValueError(f"smoothing moves the label of a probability, and the loss {self.loss} has none")
        if self.penalty_every > 1 and not self.penalties:
            raise ValueError("penalty_every is for penalties, and there is none: name one with penalty, r1 say")
        return self

    @property
    def penalties(self) -> tuple[str, ...]:
        """The names in `penalty`."""
        return tuple(_named(self.penalty, WEIGHTS)) if self.penalty != "none" else ()

    @property
    def policies(self) -> tuple[str, ...]:
        """The names in `augment`."""
        return tuple(_named(self.augment, POLICIES))

    def noise_level(self, step: int) -> float:
        """Deviation of the instance noise in a step."""
        return self.instance_noise * (1 - step / self.steps) ** 3


def _named(text: str, known: Iterable[str]) -> list[str]:
    """The names in a text with commas, each once and in the order of `known`."""
    names = [name for part in text.split(",") if (name := part.strip())]
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{unknown[0]!r} is none of them; {did_you_mean(unknown[0], known)}")
    return [name for name in known if name in names]
