"""Scores of generated pictures beside real ones and an untrained generator's."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from gankit import Data, DataError, Evaluation
from gankit.images import PictureSet
from gankit.images.features import Embedding, classifier_possible, embedding, locate_embedding
from gankit.images.metrics import score_pictures
from gankit_classics.config import PictureFields
from gankit_classics.data import Draw

log = logging.getLogger("gankit")

FLOOR, REAL = "training pictures", "test pictures"
FEW = 1000  # pictures; below, FID's bias is larger than most differences
PER_CLASS = 500  # pictures of each class for the class accuracy


def classifiable(data: Data) -> bool:
    """Whether a small classifier can tell the data's classes apart."""
    return classifier_possible(data.facts["side"], len(data.facts["classes"]))


def scoring_network(config: PictureFields, data: Data) -> str:
    """Name of the network of the scores: a classifier of the data's classes, else one that knows photographs."""
    if config.features != "auto":
        return config.features
    return "small-classifier" if classifiable(data) else "efficientnet-lite0"


def check_features(config: PictureFields, data: Data) -> None:
    """Finds the weights of the network of the scores, without building it.

    Raises:
        DataError: They are absent, or cannot be for these pictures.
        Offline: They would have to be downloaded.
    """
    name = scoring_network(config, data)
    if name == "small-classifier" and not classifiable(data):
        side, classes = data.facts["side"], len(data.facts["classes"])
        raise DataError(
            f"no small classifier for pictures of {side} pixels with {classes} classes", "leave --features out"
        )
    locate_embedding(name, weights_file=config.feature_weights)


def picture_evaluation(config: PictureFields, data: Data, draw: Draw, untrained: Draw) -> Evaluation:
    """All scores of `gankit.images.metrics.score_pictures`, between their floor and their ceiling."""
    found, name = data.held_out["set"], scoring_network(config, data)
    if (count := min(len(found.train.images), len(found.test.images), config.samples)) < FEW:
        log.warning("the scores are of %d pictures: fewer than %d tell little", count, FEW)
    network = embedding(name, weights_file=config.feature_weights, data=all_pictures(data))
    scores = score_pictures(
        found.train.images, found.test.images, draw(config.samples), network, untrained=untrained(config.samples)
    )
    # Of a part of the pictures the protocol says how it is chosen, which each seed does anew.
    chosen = {key: value for key in ("per_class", "rare") if (value := getattr(config, key, None)) is not None}
    facts = {"name": data.facts["data"], "fingerprint": all_pictures(data).fingerprint, **chosen}
    return scores.evaluation(data=facts)


def class_accuracy(config: PictureFields, data: Data, pictures: Callable[[np.ndarray], np.ndarray]) -> Evaluation:
    """How often a classifier that never saw a generated picture sees the class that was asked for.

    Its own accuracy on real test pictures stands beside. `pictures`: labels `[n]` -> generated ones of these classes.
    """
    if not classifiable(data):
        return Evaluation({}, {}, {"class_accuracy": "left out: no classifier for pictures of this size"})
    classes, found = data.facts["classes"], data.held_out["set"]
    asked = np.repeat(np.arange(len(classes)), PER_CLASS)
    classifier = small_classifier(config, data)
    right = classifier.probabilities(pictures(asked)).argmax(axis=1) == asked
    real = classifier.probabilities(found.test.images).argmax(axis=1) == found.test.labels
    return Evaluation(
        {"class_accuracy": float(right.mean())},
        {REAL: {"class_accuracy": float(real.mean())}, "chance": {"class_accuracy": 1 / len(classes)}},
        {"class_accuracy": {"classifier": classifier.protocol, "pictures_a_class": PER_CLASS}},
        {"class_accuracy": "higher"},
        [{"class": name, "class_accuracy": float(right[asked == i].mean())} for i, name in enumerate(classes)],
        limits=(REAL,),
    )


def small_classifier(config: PictureFields, data: Data) -> Embedding:
    """The classifier of the data's classes, whatever network the scores use."""
    file = config.feature_weights if config.features in ("auto", "small-classifier") else None
    return embedding("small-classifier", weights_file=file, data=all_pictures(data))


def all_pictures(data: Data) -> PictureSet:
    """All pictures of the set, where the recipe trains on a part of them."""
    return data.held_out.get("whole", data.held_out["set"])
