"""The recipe `sgan`. Imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field

from gankit import Claim, Data, DataError, Evaluation, Monitor, Phase, Stage
from gankit_classics.base import PictureGAN
from gankit_classics.config import RESULTS, GameConfig, Halved, PictureFields


class SGANConfig(PictureFields, Halved, GameConfig):
    """Options of `gankit run sgan`."""

    labels: int = Field(10, ge=1, description="Labelled pictures of each class; the labels of all others are hidden.")
    unsupervised: float = Field(1.0, ge=0, description="Weight of real against generated, beside the classes.")
    noise: float = Field(0.3, ge=0, description="Deviation of noise on the pictures that the classifiers see.")
    hidden_noise: float = Field(0.5, ge=0, description="Deviation of noise on the classifiers' hidden units.")
    units: int = Field(1000, ge=4, description="Of the classifiers' first layer; the next have a half and a quarter.")
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
            "accuracy",
            0.732,
            0.03,
            "Fashion-MNIST, ten labels a class; the labelled pictures alone: 0.697",
            RESULTS,
            options={"data": "fashion-mnist", "steps": 3000},
            seeds=3,
        ),
    )
    exports = {"discriminator": "pictures in [-1, 1], and zeros -> logits of the classes, and features"}

    def __init__(self, config: SGANConfig) -> None:
        super().__init__(config)
        self.ema = dict.fromkeys(("generator", "discriminator", "supervised"), config.ema) if config.ema else {}

    def data(self) -> Data:
        """All pictures without labels, and a few with."""
        from gankit.images import PictureSource

        opened = super().data()
        train, classes = opened.held_out["set"].train, opened.facts["classes"]
        if not classes:
            raise DataError(
                f"the pictures of {self.config.data} are of one class, or have no labels", "train dcgan on them"
            )
        rng = np.random.default_rng([self.config.training.seed, 10])
        few = []
        for label, name in enumerate(classes):
            rows = np.flatnonzero(train.labels == label)
            if len(rows) < self.config.labels:
                raise DataError(f"class {name} has {len(rows)} pictures", f"give --labels {len(rows)} or less")
            few.append(rng.choice(rows, self.config.labels, replace=False))
        rows = np.sort(np.concatenate(few))
        labelled = PictureSource(train.images[rows], label=train.labels[rows])
        held_out = {**opened.held_out, "labelled": rows}
        return Data(
            {"labelled": labelled, "unlabelled": PictureSource(train.images, "unlabelled")}, held_out, opened.facts
        )

    def networks(self, data: Data) -> dict[str, Any]:
        """Generator, classifier with features, and the same classifier for labels alone."""
        from gankit_classics import networks

        side, channels, width = data.facts["side"], data.facts["channels"], self.config.width

        def classifier(name: str) -> Any:
            outputs, deviation = len(data.facts["classes"]), self.config.hidden_noise
            return networks.noisy_classifier((side, side, channels), self._widths(), outputs, deviation, name=name)

        return {
            "generator": networks.generator(self.noise_width(data), side, channels, width),
            "discriminator": classifier("discriminator"),
            "supervised": classifier("supervised"),
        }

    def _widths(self) -> list[int]:
        return [self.config.units // divisor for divisor in (1, 2, 4)]

    def optimizers(self) -> dict[str, Any]:
        """Adam, for the supervised classifier too."""
        import keras

        config = self.config
        return {**super().optimizers(), "supervised": keras.optimizers.Adam(config.lr, config.beta_1)}

    def stages(self, data: Data) -> list[Stage]:
        """One stage of three phases."""
        import tensorflow as tf

        from gankit.nn import feature_matching

        config, hidden = self.config, sum(self._widths())

        def judge(turn, network, pictures, name):
            """Logits and features of pictures, all with noise."""
            noise = turn.normal(f"pixels of {name}", *pictures.shape[1:])
            pictures = pictures + config.noise * tf.cast(noise, pictures.dtype)
            return turn(network, pictures, turn.normal(f"units for {name}", hidden))

        def fake(turn):
            return turn("generator", turn.normal("z", config.latent))

        def real_logit(logits):
            return tf.reduce_logsumexp(logits, axis=1)  # log Z: the logit of being real

        def classify(turn, network):
            logits, _ = judge(turn, network, turn["image"], f"labelled, {network}")
            return tf.nn.sparse_softmax_cross_entropy_with_logits(turn["label"], logits)

        def discriminate(turn):
            on_real = judge(turn, "discriminator", turn["unlabelled"], "unlabelled")[0]
            on_fake = judge(turn, "discriminator", turn.shared["fake"], "generated")[0]
            return {
                "labelled": classify(turn, "discriminator"),
                "real": tf.nn.softplus(-real_logit(on_real)),
                "fake": tf.nn.softplus(real_logit(on_fake)),
            }

        def supervise(turn):
            return {"labelled": classify(turn, "supervised")}

        def generate(turn):
            real = judge(turn, "discriminator", turn["unlabelled"], "unlabelled, to match")[1]
            ours = judge(turn, "discriminator", turn.shared["fake"], "generated, to match")[1]
            return {"features": feature_matching(real, ours, turn.global_mean)}

        def look(turn):
            real, ours = turn["unlabelled"], fake(turn)
            on_real, on_fake = (judge(turn, "discriminator", x, "look")[0] for x in (real, ours))
            return {"real": real_logit(on_real), "fake": real_logit(on_fake), "examples": real, "generated": ours}

        rate = config.rate(config.lr)
        unsupervised = dict.fromkeys(("real", "fake"), config.unsupervised)
        return [
            Stage(
                "adversarial",
                config.steps,
                (
                    Phase("discriminator", ("discriminator",), discriminate, unsupervised, lr=rate),
                    Phase("generator", ("generator",), generate, {"features": config.feature_matching}, lr=rate),
                    Phase("supervised", ("supervised",), supervise, lr=rate),
                ),
                shared=lambda turn: {"fake": fake(turn)},
                monitor=Monitor(look, saturating=False, reads=("unlabelled",)),
            )
        ]

    def evaluate(self, networks: Mapping[str, Any], data: Data) -> Evaluation:
        """Accuracy on the test pictures, beside classifiers of the labelled ones alone; then the pictures' scores."""
        from gankit_classics.evaluation import merged
        from gankit_classics.probe import few_labels

        return merged(few_labels(self, networks, data), super().evaluate(networks, data))
