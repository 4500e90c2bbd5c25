"""The recipe `sgan`. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field

from gankit import Claim, Data, Evaluation, Stage
from gankit_classics.base import PictureGAN
from gankit_classics.config import RESULTS, ClassicConfig, Halved, PictureFields


class SGANConfig(PictureFields, Halved, ClassicConfig):
    """Options of `gankit run sgan`."""

    labels: int = Field(10, ge=1, description="Labelled pictures of each class; the labels of all others are hidden.")
    unsupervised: float = Field(1.0, ge=0, description="Weight of telling real from generated, beside the classes.")
    noise: float = Field(0.3, ge=0, description="Deviation of noise on the pictures that the classifiers see.")
    hidden_noise: float = Field(0.5, ge=0, description="Deviation of noise on the classifiers' hidden units.")
    units: int = Field(
        1000, ge=4, description="Units of the classifiers' first layer; the next have a half and a quarter."
    )
    feature_matching: float = Field(1.0, ge=0, description="Weight of the distance between mean features.")
    ema: float = Field(0.999, ge=0, lt=1, description="Decay of the averages of generator and classifiers.")


class SGAN(PictureGAN):
    """A classifier from few labels and many unlabelled pictures: to K classes it adds "generated".

    With the logits l of the K real classes and 0 for the generated one, the probability of being real is
    Z / (Z + 1), Z = sum exp l (Salimans et al. 2016, section 5; Odena 2016 has the extra class as an output). The
    generator matches mean features. A network of the same layers that sees the labelled pictures alone is trained
    beside it, in the same run with as many steps: what the unlabelled pictures add is the difference of the two.
    """

    name = "sgan"
    summary = "A classifier from few labels and many unlabelled pictures (semi-supervised GAN)."
    paper = "Salimans et al., Improved Techniques for Training GANs, NeurIPS 2016, arXiv:1606.03498"
    Config = SGANConfig
    tiny = {**PictureGAN.tiny, "labels": 2, "units": 8}
    claims = (
        Claim(
            "accuracy", 0.732, 0.03, "Fashion-MNIST, ten labels a class; the labelled pictures alone: 0.697", RESULTS,
            options={"data": "fashion-mnist", "steps": 3000}, seeds=3,
        ),
    )  # fmt: skip
    exports = {"discriminator": "pictures in [-1, 1], and zeros -> logits of the classes, and features"}

    def __init__(self, config: SGANConfig) -> None:
        super().__init__(config)
        self.ema = dict.fromkeys(("generator", "discriminator", "supervised"), config.ema) if config.ema else {}

    def data(self) -> Data:
        """All pictures without labels, and a few with."""
        from gankit.images import PictureSource
        from gankit_classics.data import needs_classes, rows_of_classes

        opened, seed, labels = super().data(), self.config.training.seed, self.config.labels
        needs_classes(opened, "train dcgan on them")
        found = opened.held_out["set"]
        rows = rows_of_classes(found, lambda label, count: labels, np.random.default_rng([seed, 10]), "--labels")
        sources = {
            "labelled": PictureSource(found.train.images[rows], label=found.train.labels[rows]),
            "unlabelled": PictureSource(found.train.images, "unlabelled"),
        }
        return Data(sources, {**opened.held_out, "labelled": rows}, opened.facts)

    @property
    def widths(self) -> list[int]:
        """Units of the classifiers' hidden layers."""
        return [self.config.units // divisor for divisor in (1, 2, 4)]

    def networks(self, data: Data) -> dict[str, Any]:
        """Generator, classifier with features, and the same classifier for labels alone."""
        from gankit_classics.networks import convolutional, dense

        side, channels, width = data.facts["side"], data.facts["channels"], self.config.width
        given = (side, side, channels), self.widths, len(data.facts["classes"]), self.config.hidden_noise
        return {
            "generator": convolutional.generator(self.noise_width(data), side, channels, width),
            "discriminator": dense.noisy_classifier(*given, name="discriminator"),
            "supervised": dense.noisy_classifier(*given, name="supervised"),
        }

    def optimizers(self) -> dict[str, Any]:
        """Adam, for the supervised classifier too."""
        return self.config.adam("discriminator", "generator", "supervised")

    def stages(self, data: Data) -> list[Stage]:
        """One stage of three phases."""
        from gankit_classics.games.few_labels import few_labels_stage

        return [few_labels_stage(self.config, self.widths)]

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """Accuracy on the test pictures, beside classifiers of the labelled ones alone; then the pictures' scores."""
        from gankit_classics.evaluation.discriminators import few_labels_evaluation

        classifiers = networks["discriminator"], networks["supervised"]
        return few_labels_evaluation(data, *classifiers, self.config.labels).merged(super().evaluate(networks, data))
