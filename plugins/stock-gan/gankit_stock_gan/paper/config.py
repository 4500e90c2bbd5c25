"""Options of the recipe. Imports no TensorFlow.

The paper publishes the networks' kinds, the window and the factors; what it leaves open is an option here.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gankit import Training
from gankit_stock_gan.config import BarsConfig


class PaperConfig(BarsConfig):
    """Options of `gankit run stock-gan-paper`."""

    protocol: Literal["walk-forward", "shuffled"] = Field(
        "walk-forward",
        description="Choice of what is held out; walk-forward: the last rows; shuffled: random windows, which leaks.",
    )
    window: int = Field(5, ge=2, le=250, description="Days that a forecast sees; the paper's t.")
    output: Literal["leaky_relu", "linear"] = Field(
        "leaky_relu", description="Output of the generator; leaky_relu, the paper's, shrinks what lies below the mean."
    )
    target: Literal["window", "change"] = Field(
        "window", description="What the generator gives: the next day's z-score, or its change since the last day's."
    )
    loss: Literal["minimax", "non-saturating"] = Field("minimax", description="Adversarial loss; the paper: minimax.")
    mse_weight: float = Field(1.0, ge=0, description="Weight of the squared error; the paper's first lambda.")
    adversarial_weight: float = Field(0.1, ge=0, description="Weight of the adversarial loss; the second lambda.")
    units: int = Field(64, ge=1, description="Units of the LSTM.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Share of the LSTM's units that training hides.")
    lr: float = Field(1e-3, gt=0, description="Learning rate of the generator, and of the LSTM beside it.")
    discriminator_lr: float = Field(2e-4, gt=0, description="Learning rate of the discriminator.")
    steps: int = Field(3000, ge=1, description="Updates of each network.")
    epsilon: float = Field(1e-6, gt=0, description="Number added to a window's SD, in units of its mean.")
    training: Training = Training(batch_size=64, steps_per_call=50, log_every=100, sample_every=10**6)
