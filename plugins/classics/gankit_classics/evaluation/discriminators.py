"""What a discriminator has learned: by linear classifiers on its features, as a critic, and as a classifier."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gankit import Data, Evaluation
from gankit_classics.data import BATCH, Draw, in_range
from gankit_classics.evaluation.pictures import FLOOR

LOGITS, FEATURES = 0, 1
LEARNED_FROM = 10_000  # training pictures of a linear classifier
ITERATIONS = 200  # of its solver; more change the third decimal


def outputs(network: Any, pictures: np.ndarray, which: int) -> np.ndarray:
    """A discriminator's `LOGITS` `[n, outputs]` or `FEATURES` `[n, width]`, float32, of uint8 pictures."""
    found = []
    for i in range(0, len(pictures), BATCH):
        part = in_range(pictures[i : i + BATCH])
        silent = [np.zeros((len(part), *noise.shape[1:]), np.float32) for noise in network.inputs[1:]]
        found.append(np.asarray(network([part, *silent] if silent else part, training=False)[which]))
    return np.concatenate(found)


def linear_accuracy(train: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray) -> float:
    """Test accuracy of a multinomial logistic regression on standardised features."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=ITERATIONS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the protocol says how far it is followed
        return float(model.fit(train, labels).score(test, truth))


def linear_evaluation(data: Data, discriminator: Any, untrained: Any) -> Evaluation:
    """A linear classifier on the discriminator's features, beside pixels and an untrained discriminator."""
    found = data.held_out["set"]
    rows = np.random.default_rng(7).permutation(len(found.train.images))[:LEARNED_FROM]
    train, labels, test = found.train.images[rows], found.train.labels[rows], found.test
    views = {
        "ours": lambda x: outputs(discriminator, x, FEATURES),
        "pixels": lambda x: x.reshape(len(x), -1).astype(np.float32),
        "untrained": lambda x: outputs(untrained, x, FEATURES),
    }
    scores = {
        name: {"probe_accuracy": linear_accuracy(view(train), labels, view(test.images), test.labels)}
        for name, view in views.items()
    }
    said = f"logistic regression, C 0.01, standardised, at most {ITERATIONS} iterations"
    protocol = {"probe": {"classifier": said, "train": len(rows)}}
    return Evaluation(scores.pop("ours"), scores, protocol, {"probe_accuracy": "higher"})


def critic_evaluation(data: Data, critic: Any, draw: Draw, samples: int) -> Evaluation:
    """The critic's estimate of the distance from test pictures: of generated ones, and of training pictures."""
    found = data.held_out["set"]
    count = min(len(found.test.images), len(found.train.images), samples)
    rng = np.random.default_rng(9)  # the pictures of a folder lie in the order of their classes
    chosen = (x[rng.permutation(len(x))[:count]] for x in (found.test.images, found.train.images))
    test, train, ours = (float(outputs(critic, pictures, LOGITS).mean()) for pictures in (*chosen, draw(count)))
    return Evaluation(
        {"critic_distance": test - ours},
        {FLOOR: {"critic_distance": test - train}},
        {"critic_distance": {"pictures": count, "unit": "of this critic: not comparable between runs"}},
        limits=(FLOOR,),
    )


def few_labels_evaluation(data: Data, classifier: Any, supervised: Any, per_class: int) -> Evaluation:
    """Test accuracy of a classifier of few labels, and of what the labelled pictures alone give.

    `supervised` is the network that saw these alone.
    """
    found, rows = data.held_out["set"], data.held_out["labelled"]
    pictures, labels, test = found.train.images[rows], found.train.labels[rows], found.test

    def flat(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1) / np.float32(255)

    def accuracy(network: Any) -> float:
        return float(np.mean(outputs(network, test.images, LOGITS).argmax(axis=1) == test.labels))

    simple = {"logistic regression": LogisticRegression(max_iter=1000), "nearest neighbour": KNeighborsClassifier(1)}
    scores = {
        name: float(model.fit(flat(pictures), labels).score(flat(test.images), test.labels))
        for name, model in simple.items()
    }
    return Evaluation(
        {"accuracy": accuracy(classifier)},
        {name: {"accuracy": value} for name, value in {"supervised": accuracy(supervised), **scores}.items()},
        {"labels": {"per_class": per_class, "chosen": "by the run's seed"}},
        {"accuracy": "higher"},
    )
