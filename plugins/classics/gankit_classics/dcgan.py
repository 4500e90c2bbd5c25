"""The recipe `dcgan`. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gankit import Claim, Data, Evaluation
from gankit_classics.base import PictureGAN
from gankit_classics.config import FASHION, RESULTS

BUDGET = {"data": "fashion-mnist", "steps": 12_000}


class DCGAN(PictureGAN):
    """Strided convolutions instead of pooling, batch normalisation, no hidden dense layers.

    What the discriminator learns without labels is measured by a linear classifier on its features, beside the same on
    pixels and on the features of an untrained discriminator (section 5.1 of the paper); walks and arithmetic in the
    latent space are drawn (sections 6.1 and 6.3).
    """

    name = "dcgan"
    summary = "Pictures from noise by strided convolutions (DCGAN)."
    paper = "Radford, Metz, Chintala, Unsupervised Representation Learning with DCGANs, ICLR 2016, arXiv:1511.06434"

    claims = (
        Claim("fid", 5.34, 0.4, FASHION, RESULTS, options=BUDGET),
        Claim("probe_accuracy", 0.882, 0.01, "the same; pixels 0.834, untrained 0.857", RESULTS, options=BUDGET),
    )

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """Scores of the pictures, and of the features."""
        from gankit_classics.evaluation.discriminators import linear_evaluation

        scores = super().evaluate(networks, data)
        if not data.facts["classes"]:
            return scores
        return scores.merged(linear_evaluation(data, networks["discriminator"], self.untrained(data)["discriminator"]))

    def sample(self, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
        """Pictures, walks between them, and sums and differences of them."""
        from gankit_classics.latent import SEARCHED, save_sums, save_walks

        pictures = partial(self.pictures, networks)
        return [
            *super().sample(networks, data, out),
            save_walks(pictures, self.noise(data, 16, seed=2), out / "interpolation.png"),
            *save_sums(self.config, data, pictures, self.noise(data, SEARCHED, seed=3), out / "arithmetic.png"),
        ]
