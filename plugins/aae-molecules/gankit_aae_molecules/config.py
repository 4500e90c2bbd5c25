"""Options of the recipe. Imports no TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from pydantic import Field

from gankit import RecipeConfig, Section, Training

# Kadurin et al. 2017 (oncology) and Kadurin et al. 2017b (druGAN): latent neurons beside the GI neuron, hidden layers
# of the encoder (the decoder's are the same, backwards) and of the discriminator.
SHAPES = {
    "oncology": {"latent": 4, "hidden": (128, 64), "judge": (64, 4)},
    "drugan": {"latent": 20, "hidden": (256, 256), "judge": (64, 64, 8)},
}
# Weights of the losses beside that of the bits; with many neurons the adversarial one would drown it.
SHARES = {
    "oncology": {"adversarial": 1.0, "gi": 3.0, "control": 0.1},
    "drugan": {"adversarial": 0.05, "gi": 0.3, "control": 0.03},
}


class Weights(Section):
    """Weights of the losses, each in a phase of its own."""

    adversarial: float | None = Field(
        None,
        ge=0,
        description="Weight of normal neurons that look normal, in the encoder: 1 (oncology) or 0.05 (drugan).",
    )
    gi: float | None = Field(None, ge=0, description="Weight of the GI neuron's regression: 3 or 0.3.")
    concentration: float = Field(0.1, ge=0, description="Weight of the decoded concentration, beside the bits.")
    manifold: float = Field(
        1.0, ge=0, description="Weight of one place for one fingerprint, whatever the concentration."
    )
    control: float | None = Field(
        None,
        ge=0,
        description="Weight of what is asked for against what is read back: 0.1 or 0.03; the papers have none.",
    )


class AAEConfig(RecipeConfig):
    """Options of `gankit run aae-molecules`."""

    fingerprints: str | None = Field(
        None, description="A drug-response table (CCLE, GDSC, NCI, SMILES with responses); a worked example if absent."
    )
    cell_line: str | None = Field(None, description="Cell line to read alone, by any of its names.")
    pool: str | None = Field(None, description="Cell lines between commas to read together, or all.")
    smiles_table: str | None = Field(None, description="A table of compounds' names with their SMILES.")
    columns: str | None = Field(
        None, description="Columns of a table of no known format: smiles=S,gi=G,concentration=C:uM."
    )
    split: Literal["auto", "compound", "scaffold"] = Field(
        "auto", description="Groups that are held out as a whole; auto: scaffold from 200 compounds on."
    )
    held_out: str | None = Field(
        None, description="Names of compounds to hold out, between commas or semicolons, instead of a share."
    )
    split_seed: int = Field(0, ge=0, description="Seed of what is held out; runs of several seeds keep it.")
    test: float = Field(0.2, gt=0, lt=1, description="Share of the compounds that is held out.")
    molecules: str = Field(
        "builtin", description="File of SMILES without responses to learn structures from; builtin: NCI, or none."
    )
    variant: Literal["oncology", "drugan"] = Field("oncology", description="Networks of the paper of 2016 or 2017.")
    latent: int | None = Field(None, ge=1, le=512, description="Number of normal neurons: 4 (oncology) or 20 (drugan).")
    pretrain_steps: int = Field(4000, ge=0, description="Steps on structures alone.")
    steps: int = Field(4000, ge=1, description="Steps with responses.")
    lr: float = Field(2e-3, gt=0, description="Learning rate of Adam, falling along a cosine.")
    decay: float = Field(0.01, ge=0, description="Weight decay of encoder and decoder.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Share of bits hidden while the response is learned.")
    mixup: bool = Field(True, description="Whether each response is mixed with another one while it is learned.")
    generated: int = Field(1000, ge=10, description="Fingerprints generated for the evaluation.")
    weights: Weights = Field(default_factory=Weights, description="Weights of the losses.")
    training: Training = Training(batch_size=128, steps_per_call=50, log_every=100, sample_every=10**6)

    @property
    def data(self) -> str:
        """What the report calls the data."""
        return self.fingerprints or "the worked example"

    @property
    def vae(self) -> bool:
        """Whether a variational autoencoder of the same size is trained beside, as in the paper of 2017."""
        return self.variant == "drugan"

    @property
    def shape(self) -> dict[str, object]:
        """Sizes of the networks."""
        shape = SHAPES[self.variant]
        return {**shape, "latent": self.latent or shape["latent"]}

    def share(self, loss: Literal["adversarial", "gi", "control"]) -> float:
        """The weight of a loss, the variant's own if none was chosen."""
        chosen = getattr(self.weights, loss)
        return SHARES[self.variant][loss] if chosen is None else chosen

    def rate(self, steps: int, factor: float = 1.0) -> Callable[[int], float]:
        """The learning rate of a stage."""
        return lambda step: factor * self.lr * (1 + math.cos(math.pi * step / max(1, steps))) / 2
