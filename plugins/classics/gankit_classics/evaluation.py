"""Scores of generated pictures beside real ones and an untrained generator's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit import Data, Evaluation

if TYPE_CHECKING:
    from gankit.features.embedding import Embedding
    from gankit_classics.base import PictureGAN
    from gankit_classics.cgan import CGAN

FLOOR, CEILING = "training pictures", "untrained"
LARGEST_CLASSIFIED = 64  # pixels a side, that the small classifier is made for
PER_CLASS = 500  # pictures of each class for the class accuracy


def judge_network(recipe: Any, data: Data) -> Embedding:
    """The feature network of the scores: a classifier of the data's classes, else a network that knows photographs."""
    from gankit.features.embedding import embedding

    config, facts = recipe.config, data.facts
    name = config.features
    if name == "auto":
        classified = facts["classes"] and facts["side"] <= LARGEST_CLASSIFIED
        name = "small-classifier" if classified else "efficientnet-lite0"
    return embedding(name, weights_file=config.feature_weights, data=whole(data))


def evaluate(recipe: PictureGAN, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """All scores of `gankit.metrics.judge`."""
    from gankit.loading import build_networks
    from gankit.metrics.judge import judge

    found, config = data.held_out["set"], recipe.config
    ours = recipe.draw(networks, data, config.samples)
    untrained = recipe.draw(build_networks(recipe, data), data, config.samples)
    judged = judge(found.train.images, found.test.images, ours, judge_network(recipe, data), untrained=untrained)
    return Evaluation(
        judged.metrics,
        {FLOOR: judged.floor, CEILING: judged.ceiling or {}},
        {"data": facts_of(data), "scores": judged.protocol, "errors": judged.errors},
        judged.better,
    )


def facts_of(data: Data) -> dict[str, Any]:
    """What a protocol says of the data."""
    return {"name": data.facts["data"], "fingerprint": data.held_out["set"].fingerprint}


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
    )


def critic_distance(recipe: PictureGAN, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """The critic's estimate of the distance from test pictures: of generated ones, and of training pictures."""
    from gankit_classics.probe import logits

    found, critic = data.held_out["set"], networks["discriminator"]
    count = min(len(found.test.images), recipe.config.samples)
    test = float(logits(critic, found.test.images[:count]).mean())
    ours = float(logits(critic, recipe.draw(networks, data, count)).mean())
    train = float(logits(critic, found.train.images[:count]).mean())
    return Evaluation(
        {"critic_distance": test - ours},
        {FLOOR: {"critic_distance": test - train}},
        {"critic_distance": {"pictures": count, "unit": "of this critic: not comparable between runs"}},
    )


def class_accuracy(recipe: CGAN, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """How often a classifier that never saw a generated picture sees the class that was asked for.

    Its own accuracy on real test pictures stands beside.
    """
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
        {"test pictures": {"class_accuracy": float(real.mean())}, "chance": {"class_accuracy": 1 / len(classes)}},
        {"class_accuracy": {"classifier": classifier.protocol, "pictures_a_class": PER_CLASS}},
        {"class_accuracy": "higher"},
        rows,
    )


def small_classifier(recipe: Any, data: Data) -> Embedding:
    """The classifier of the data's classes, whatever network the scores use."""
    from gankit.features.embedding import embedding

    file = recipe.config.feature_weights if recipe.config.features in ("auto", "small-classifier") else None
    return embedding("small-classifier", weights_file=file, data=whole(data))


def whole(data: Data) -> Any:
    """All pictures of the set, where the recipe trains on a part of them."""
    return data.held_out.get("whole", data.held_out["set"])
