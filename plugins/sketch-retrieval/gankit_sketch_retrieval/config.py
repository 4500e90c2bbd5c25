"""Options of the recipe. Imports no TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from pydantic import Field, model_validator

from gankit import RecipeConfig, Section, Training


class Augmentation(Section):
    """How differently one mark is drawn each time that it is seen."""

    rotation: float = Field(25.0, ge=0, le=180, description="Rotation in degrees, either way.")
    stretch: float = Field(0.25, ge=0, le=1, description="Logarithm of the change of width against height.")
    shear: float = Field(0.3, ge=0, le=1, description="Slant.")
    warp: float = Field(0.12, ge=0, le=0.5, description="Displacement of strokes, in halves of the side.")
    jitter: float = Field(0.06, ge=0, le=0.5, description="Change of size and place.")
    thickness: float = Field(1.0, ge=0, le=1, description="Change of the strokes' width: up to a pixel either way.")
    holes: float = Field(0.25, ge=0, le=1, description="Radius of a blank spot, in halves of the side.")
    gain: float = Field(0.3, ge=0, le=1, description="Logarithm of the change of the ink's strength.")


class SketchConfig(RecipeConfig):
    """Options of `gankit run sketch-retrieval`."""

    data: str = Field("symbols", description="A folder of images, or a .npz file; 'symbols' draws some from fonts.")
    by_folder: bool = Field(
        False, description="Take the folder that a mark is in as its label, where there is no labels.csv."
    )
    held_out: float = Field(0.2, ge=0, lt=1, description="Share of the kinds (or marks) that is never trained on.")
    network: Literal["mark-gan", "sketch-gan", "thin-gan"] = Field(
        "mark-gan", description="Networks that play: ours, the paper's, or the paper's with small filters."
    )
    game: Literal["gan", "bigan"] = Field(
        "gan", description="Game that the networks play; bigan trains an encoder against the generator."
    )
    feature: Literal["auto", "contrast", "pooled", "paper"] = Field(
        "auto", description="Numbers that describe a mark; contrast: the coordinates it is compared by; pooled: all "
        "layers, whitened; paper: the last layer as it is. auto is contrast where there is one, else pooled.",
    )  # fmt: skip
    dimensions: int = Field(128, ge=2, le=1024, description="Components of the pooled feature.")
    stretch: float = Field(
        0.0, ge=0, le=1, description="Share by which the ink's shorter side is stretched towards the longer."
    )
    steps: int = Field(2000, ge=1, description="Steps of training.")
    width: int = Field(32, ge=4, multiple_of=4, description="Channels of mark-gan's first layer.")
    latent: int = Field(100, ge=1, description="Numbers of noise that make a mark.")
    lr: float | None = Field(
        None,
        gt=0,
        description="Learning rate of the discriminator, falling along a cosine.  [default: 1e-3 with contrast, 2e-3 "
        "for the game of the paper's networks, else 2e-4]",
    )
    lr_generator: float | None = Field(
        None,
        gt=0,
        description="Learning rate of the generator, falling along a cosine.  [default: 2e-3 for the game of the "
        "paper's networks, else 2e-4]",
    )
    contrast: float | None = Field(
        None, ge=0, description="Weight of finding a mark drawn anew among others.  [default: 1 with mark-gan, else 0]"
    )
    adversarial: float | None = Field(
        None, ge=0, description="Weight of telling drawn from generated marks.  [default: 0 with contrast, else 1]"
    )
    play_every: int = Field(
        4, ge=1, description="Steps between steps of the game, where there is a contrast beside it."
    )
    temperature: float = Field(
        0.1, gt=0, description="Temperature of the contrast; the lower, the more the nearest marks count."
    )
    augment: bool = Field(True, description="Draw marks anew each time that they are seen.")
    turns: bool = Field(True, description="Count marks that are turned by quarters or mirrored as other marks.")
    augmentation: Augmentation = Field(default_factory=Augmentation, description="How differently marks are drawn.")
    spectral: bool = Field(False, description="Spectral normalisation of the discriminator, in place of any other.")
    r1: float = Field(0.0, ge=0, description="Weight of the R1 penalty.")
    training: Training = Training(batch_size=128, log_every=50, sample_every=1000)

    @model_validator(mode="after")
    def _playable(self) -> SketchConfig:
        if not self.contrast_weight and not self.adversarial_weight:
            raise ValueError("one of contrast and adversarial must be above 0")
        if self.game == "bigan" and (self.contrast_weight or not self.adversarial_weight):
            raise ValueError("game bigan needs contrast 0 and adversarial above 0")
        if self.contrast_weight and not self.augment:
            raise ValueError("contrast needs augment: it compares two drawings of one mark")
        if self.feature == "contrast" and not self.contrast_weight:
            raise ValueError("feature contrast needs contrast above 0")
        if self.r1 and not self.adversarial_weight:
            raise ValueError("r1 is a penalty of the game: it needs adversarial above 0")
        if self.r1 and self.network != "mark-gan" and not self.spectral:
            raise ValueError("r1 needs a discriminator without batch normalisation: mark-gan, or spectral")
        return self

    @property
    def contrast_weight(self) -> float:
        """Of the contrast."""
        own = 1.0 if self.network == "mark-gan" and self.game == "gan" else 0.0
        return own if self.contrast is None else self.contrast

    @property
    def adversarial_weight(self) -> float:
        """Of the discriminator's verdicts."""
        return (0.0 if self.contrast_weight else 1.0) if self.adversarial is None else self.adversarial

    @property
    def lr_discriminator(self) -> float:
        """Learning rate of the discriminator."""
        own = 1e-3 if self.contrast_weight else self._rate_of_games
        return own if self.lr is None else self.lr

    @property
    def lr_resisting(self) -> float:
        """Learning rate of the generator, and of an encoder."""
        own = 2e-4 if self.contrast_weight else self._rate_of_games
        return own if self.lr_generator is None else self.lr_generator

    @property
    def _rate_of_games(self) -> float:
        """Networks as small as the paper's learn little at 2e-4, which suits larger ones, and an encoder."""
        return 2e-4 if self.network == "mark-gan" or self.game == "bigan" else 2e-3

    @property
    def kind(self) -> str:
        """The feature that is read."""
        own = "contrast" if self.contrast_weight else "pooled"
        return own if self.feature == "auto" else self.feature

    @property
    def reader(self) -> str:
        """The network that features are read from."""
        return "encoder" if self.game == "bigan" else "discriminator"

    def rate(self, lr: float) -> Callable[[int], float]:
        """A learning rate that falls along half a cosine."""
        return lambda step: lr * (1 + math.cos(math.pi * step / max(1, self.steps))) / 2
