"""Options that the classics share. Imports no TensorFlow."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from gankit import RecipeConfig, Training
from gankit.nn import AdamOptions, AdversarialOptions

RESULTS = "docs/results/classics.md"  # where the figures come from that are claimed
FASHION = "Fashion-MNIST, small classifier, 10,000 against the test pictures"  # the protocol of their FIDs


class ClassicConfig(AdamOptions):
    """What every classic has."""

    ema: float = Field(0.999, ge=0, lt=1, description="Decay of the average of the generator's weights; 0 for none.")
    latent: int = Field(64, ge=1, description="Numbers of noise that make a sample.")
    width: int = Field(32, ge=1, description="Channels of the layer at full size; units of a dense layer.")


class AdversarialConfig(ClassicConfig, AdversarialOptions):
    """How generator and discriminator play, and what the discriminator is made of."""

    spectral: bool = Field(False, description="Spectral normalisation in the discriminator, instead of any other.")
    batch_layer: Literal["none", "deviation", "discrimination"] = Field(
        "none", description="Layer of the discriminator that sees the whole batch."
    )


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
