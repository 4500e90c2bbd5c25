"""Scores of generated pictures beside real ones and an untrained generator's."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit import Data, Evaluation
from gankit.errors import DataError

if TYPE_CHECKING:
    from gankit.images.features import Embedding
    from gankit_classics.base import PictureGAN
    from gankit_classics.cgan import CGAN

log = logging.getLogger("gankit")

FLOOR, CEILING, REAL = "training pictures", "untrained", "test pictures"
FEW = 1000  # pictures; below, FID's bias is larger than most differences
PER_CLASS = 500  # pictures of each class for the class accuracy


def classifiable(data: Data) -> bool:
    """Whether a small classifier can tell the data's classes apart."""
    from gankit.images.features.small_classifier import possible

    return possible(data.facts["side"], len(data.facts["classes"]))


def check_features(config: Any, data: Data) -> None:
    """Finds the weights of the network of the scores, without building it.

    Raises:
        DataError: They are absent, or cannot be for these pictures.
        Offline: They would have to be downloaded.
    """
    from gankit.images.features import efficientnet_lite0, inception_v3, small_classifier

    name, file = config.features, config.feature_weights
    if name == "inception-v3":
        inception_v3.WEIGHTS.locate(file)
    elif name == "efficientnet-lite0" or (name == "auto" and not classifiable(data)):
        efficientnet_lite0.locate(file)
    elif not classifiable(data):
        side, classes = data.facts["side"], len(data.facts["classes"])
        raise DataError(
            f"no small classifier for pictures of {side} pixels with {classes} classes", "leave --features out"
        )
    elif file:
        small_classifier.Classifier.read(file)


def judge_network(recipe: Any, data: Data) -> Embedding:
    """The feature network of the scores: a classifier of the data's classes, else a network that knows photographs."""
    from gankit.images.features import embedding

    config = recipe.config
    name = config.features
    if name == "auto":
        name = "small-classifier" if classifiable(data) else "efficientnet-lite0"
    return embedding(name, weights_file=config.feature_weights, data=whole(data))


def evaluate(recipe: PictureGAN, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """All scores of `gankit.images.metrics.picture_scores`."""
    from gankit.images.metrics import score_pictures
    from gankit.runs import build_networks

    found, config = data.held_out["set"], recipe.config
    if (count := min(len(found.train.images), len(found.test.images), config.samples)) < FEW:
        log.warning("the scores are of %d pictures: fewer than %d tell little", count, FEW)
    ours = recipe.draw(networks, data, config.samples)
    untrained = recipe.draw(build_networks(recipe, data), data, config.samples)
    judged = score_pictures(
        found.train.images, found.test.images, ours, judge_network(recipe, data), untrained=untrained
    )
    return Evaluation(
        judged.metrics,
        {FLOOR: judged.floor, CEILING: judged.ceiling or {}},
        {"data": facts_of(recipe, data), "scores": judged.protocol},
        judged.better,
        errors=judged.errors,
        limits=(FLOOR,),
    )


def facts_of(recipe: Any, data: Data) -> dict[str, Any]:
    """What a protocol says of the data; of a part of them how it is chosen, which each seed does anew."""
    chosen = {key: value for key in ("per_class", "rare") if (value := getattr(recipe.config, key, None)) is not None}
    return {"name": data.facts["data"], "fingerprint": whole(data).fingerprint, **chosen}


def merged(first: Evaluation, second: Evaluation) -> Evaluation:
    """Two evaluations of one model as one; figures of `first` come first."""
    baselines = {
        name: {**first.baselines.get(name, {}), **second.baselines.get(name, {})}
        for name in dict.fromkeys([*first.baselines, *second.baselines])
    }
    return Evaluation(
        {**first.metrics, **second.metrics},
        baselines,
        {**first.protocol, **second.protocol},
        {**first.better, **second.better},
        [*first.rows, *second.rows],
        {**first.errors, **second.errors},
        tuple(dict.fromkeys([*first.limits, *second.limits])),
    )


def critic_distance(recipe: PictureGAN, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """The critic's estimate of the distance from test pictures: of generated ones, and of training pictures."""
    from gankit_classics.probe import logits

    found, critic = data.held_out["set"], networks["discriminator"]
    count = min(len(found.test.images), len(found.train.images), recipe.config.samples)
    rng = np.random.default_rng(9)  # the pictures of a folder lie in the order of their classes
    real = {part: getattr(found, part).images for part in ("test", "train")}
    test, train = (float(logits(critic, x[rng.permutation(len(x))[:count]]).mean()) for x in real.values())
    ours = float(logits(critic, recipe.draw(networks, data, count)).mean())
    return Evaluation(
        {"critic_distance": test - ours},
        {FLOOR: {"critic_distance": test - train}},
        {"critic_distance": {"pictures": count, "unit": "of this critic: not comparable between runs"}},
        limits=(FLOOR,),
    )


def class_accuracy(recipe: CGAN, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """How often a classifier that never saw a generated picture sees the class that was asked for.

    Its own accuracy on real test pictures stands beside.
    """
    if not classifiable(data):
        return Evaluation({}, {}, {"class_accuracy": "left out: no classifier for pictures of this size"})
    classes, found = data.facts["classes"], data.held_out["set"]
    asked = np.repeat(np.arange(len(classes)), PER_CLASS)
    pictures = recipe.pictures(networks, recipe.asked(data, asked, seed=4))
    classifier = small_classifier(recipe, data)
    seen = classifier.probabilities(pictures).argmax(axis=1)
    real = classifier.probabilities(found.test.images).argmax(axis=1) == found.test.labels
    rows = [
        {"class": name, "class_accuracy": float((seen == asked)[asked == label].mean())}
        for label, name in enumerate(classes)
    ]
    return Evaluation(
        {"class_accuracy": float((seen == asked).mean())},
        {REAL: {"class_accuracy": float(real.mean())}, "chance": {"class_accuracy": 1 / len(classes)}},
        {"class_accuracy": {"classifier": classifier.protocol, "pictures_a_class": PER_CLASS}},
        {"class_accuracy": "higher"},
        rows,
        limits=(REAL,),
    )


def small_classifier(recipe: Any, data: Data) -> Embedding:
    """The classifier of the data's classes, whatever network the scores use."""
    from gankit.images.features import embedding

    file = recipe.config.feature_weights if recipe.config.features in ("auto", "small-classifier") else None
    return embedding("small-classifier", weights_file=file, data=whole(data))


def whole(data: Data) -> Any:
    """All pictures of the set, where the recipe trains on a part of them."""
    return data.held_out.get("whole", data.held_out["set"])
