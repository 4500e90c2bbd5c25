"""What a discriminator has learned, by linear classifiers; and classifiers of few labels."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gankit import Data, Evaluation
from gankit_classics.base import BATCH, PictureGAN

if TYPE_CHECKING:
    from gankit_classics.sgan import SGAN

PROBED = 10_000  # training pictures of a linear classifier
ITERATIONS = 200  # of its solver; more change the third decimal


def features(network: Any, pictures: np.ndarray) -> np.ndarray:
    """`[n, width]` float32: the features of a discriminator, of uint8 pictures."""
    return np.concatenate([np.asarray(outputs[1]) for outputs in _outputs(network, pictures)])


def logits(network: Any, pictures: np.ndarray) -> np.ndarray:
    """`[n, outputs]` float32: a discriminator's outputs, of uint8 pictures."""
    return np.concatenate([np.asarray(outputs[0]) for outputs in _outputs(network, pictures)])


def _outputs(network: Any, pictures: np.ndarray) -> Any:
    for i in range(0, len(pictures), BATCH):
        part = pictures[i : i + BATCH].astype(np.float32) / 127.5 - 1
        silent = [np.zeros((len(part), *noise.shape[1:]), np.float32) for noise in network.inputs[1:]]
        yield network([part, *silent] if silent else part, training=False)


def linear_accuracy(train: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray) -> float:
    """Test accuracy of a multinomial logistic regression on standardised features."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=ITERATIONS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the protocol says how far it is followed
        return float(model.fit(train, labels).score(test, truth))


def probe(recipe: PictureGAN, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """A linear classifier on the discriminator's features, beside pixels and an untrained discriminator."""
    from gankit.runs import build_networks

    found = data.held_out["set"]
    rows = np.random.default_rng(7).permutation(len(found.train.images))[:PROBED]
    train, labels, test = found.train.images[rows], found.train.labels[rows], found.test
    views = {
        "ours": lambda x: features(networks["discriminator"], x),
        "pixels": lambda x: x.reshape(len(x), -1).astype(np.float32),
    }
    untrained = build_networks(recipe, data)["discriminator"]
    views["untrained"] = lambda x: features(untrained, x)
    scores = {
        name: {"probe_accuracy": linear_accuracy(view(train), labels, view(test.images), test.labels)}
        for name, view in views.items()
    }
    said = f"logistic regression, C 0.01, standardised, at most {ITERATIONS} iterations"
    protocol = {"probe": {"classifier": said, "train": len(rows)}}
    return Evaluation(scores.pop("ours"), scores, protocol, {"probe_accuracy": "higher"})


def few_labels(recipe: SGAN, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """Test accuracy of the semi-supervised classifier, and of what the labelled pictures alone give."""
    found, rows = data.held_out["set"], data.held_out["labelled"]
    pictures, labels, test = found.train.images[rows], found.train.labels[rows], found.test

    def flat(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1) / np.float32(255)

    def accuracy(network: Any) -> float:
        return float(np.mean(logits(network, test.images).argmax(axis=1) == test.labels))

    simple = {
        "logistic regression": LogisticRegression(max_iter=1000),
        "nearest neighbour": KNeighborsClassifier(1),
    }
    scores = {
        name: model.fit(flat(pictures), labels).score(flat(test.images), test.labels) for name, model in simple.items()
    }
    scores = {"supervised": accuracy(networks["supervised"]), **scores}
    protocol = {"labels": {"per_class": recipe.config.labels, "chosen": "by the run's seed"}}
    return Evaluation(
        {"accuracy": accuracy(networks["discriminator"])},
        {name: {"accuracy": float(value)} for name, value in scores.items()},
        protocol,
        {"accuracy": "higher"},
    )
