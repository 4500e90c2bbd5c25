"""The game of `sgan`: a classifier of few labelled pictures that learns from unlabelled ones, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from gankit import Monitor, Phase, Stage, Turn
from gankit.nn import feature_matching


def few_labels_stage(config: Any, widths: Sequence[int]) -> Stage:
    """Three phases: the classifier, the generator, and a classifier of the labelled pictures alone.

    `config` is an `SGANConfig`; `widths` are the units of the classifiers' hidden layers.
    """

    def classifier(turn: Turn, network: str, pictures: Any, name: str) -> Any:
        """Logits and features of pictures, all with noise."""
        noise = turn.normal(f"pixels of {name}", *pictures.shape[1:])
        pictures = pictures + config.noise * tf.cast(noise, pictures.dtype)
        return turn(network, pictures, turn.normal(f"units for {name}", sum(widths)))

    def fake(turn: Turn) -> Any:
        return turn("generator", turn.normal("z", config.latent))

    def real_logit(logits: Any) -> Any:
        return tf.reduce_logsumexp(logits, axis=1)  # log Z: the logit of being real

    def classify(turn: Turn, network: str) -> Any:
        logits, _ = classifier(turn, network, turn["image"], f"labelled, {network}")
        return tf.nn.sparse_softmax_cross_entropy_with_logits(turn["label"], logits)

    def discriminate(turn: Turn) -> Mapping[str, Any]:
        on_real = classifier(turn, "discriminator", turn["unlabelled"], "unlabelled")[0]
        on_fake = classifier(turn, "discriminator", turn.shared["fake"], "generated")[0]
        return {
            "labelled": classify(turn, "discriminator"),
            "real": tf.nn.softplus(-real_logit(on_real)),
            "fake": tf.nn.softplus(real_logit(on_fake)),
        }

    def generate(turn: Turn) -> Mapping[str, Any]:
        real = classifier(turn, "discriminator", turn["unlabelled"], "unlabelled, to match")[1]
        ours = classifier(turn, "discriminator", turn.shared["fake"], "generated, to match")[1]
        return {"features": feature_matching(real, ours, turn.global_mean)}

    def supervise(turn: Turn) -> Mapping[str, Any]:
        return {"labelled": classify(turn, "supervised")}

    def monitored(turn: Turn) -> Mapping[str, Any]:
        real, ours = turn["unlabelled"], fake(turn)
        on_real, on_fake = (classifier(turn, "discriminator", x, "look")[0] for x in (real, ours))
        return {"real": real_logit(on_real), "fake": real_logit(on_fake), "examples": real, "generated": ours}

    rate, unsupervised = config.rate(config.lr), dict.fromkeys(("real", "fake"), config.unsupervised)
    return Stage(
        "adversarial",
        config.steps,
        (
            Phase("discriminator", ("discriminator",), discriminate, unsupervised, lr=rate),
            Phase("generator", ("generator",), generate, {"features": config.feature_matching}, lr=rate),
            Phase("supervised", ("supervised",), supervise, lr=rate),
        ),
        shared=lambda turn: {"fake": fake(turn)},
        monitor=Monitor(monitored, saturating=False, reads=("unlabelled",)),
    )
