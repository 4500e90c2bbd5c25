"""How much a classifier gains from generated pictures: trained on real, plainly augmented and generated ones.

All classifiers have the same layers, the same number of updates and the same size of batch, and are tested on the same
real pictures. All see every class equally often, so that no arm gains by balance alone. A generator knows only the
training pictures of its run, and so do the classifiers beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers
from scipy import stats

BATCH = 64
SHIFT = 2  # pixels, of the plain augmentation
GENERATED = 1000  # pictures of each class
ARMS = ("real", "shifted", "generated", "shifted and generated")
PROTOCOL = {"generated_pictures_a_class": GENERATED, "shift": SHIFT, "batch": BATCH}

Labelled = tuple[np.ndarray, np.ndarray]
"""Pictures `[n, side, side, channels]` float32 in [-1, 1], and labels `[n]`."""


def classifier(side: int, channels: int, classes: int) -> keras.Model:
    """Three convolutions and two dense layers: `[batch, side, side, channels]` in [-1, 1] -> logits."""
    picture = layers.Input((side, side, channels))
    x = picture
    for filters in (32, 64, 64):
        x = layers.Conv2D(filters, 3, 1 if filters == 32 else 2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Dense(128, activation="relu")(layers.Flatten()(x))
    return keras.Model(picture, layers.Dense(classes)(x))


def shifted(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each picture moved by up to `SHIFT` pixels, what it leaves filled from its edge."""
    padded = np.pad(pictures, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, pictures.shape[1:3], axis=(1, 2))
    y, x = rng.integers(0, 2 * SHIFT + 1, (2, len(pictures)))
    return np.moveaxis(windows[np.arange(len(pictures)), y, x], 1, -1)


def accuracies(
    train: Labelled, made: Labelled, test: Labelled, steps: int, seed: int, rare: Sequence[int] = ()
) -> dict[str, dict[str, float]]:
    """Trains a classifier for each of `ARMS`.

    Args:
        train: Real pictures.
        made: Generated ones, as many of each class.
        test: Real ones that nothing was trained on.
        steps: Updates of each classifier.
        seed: Of weights and batches; the same for each arm.
        rare: Classes of which few pictures were left.

    Returns:
        Arm -> `accuracy`, and if there are rare classes `rare`: the accuracy on them.
    """
    classes, few = int(test[1].max()) + 1, np.isin(test[1], rare)
    results = {}
    for arm in ARMS:
        keras.utils.set_random_seed(seed)
        network = classifier(*train[0].shape[2:], classes=classes)
        network.compile(
            keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps)),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        rng = np.random.default_rng(seed)
        for _ in range(steps):
            network.train_on_batch(*_batch(train, made, arm, rng))
        right = network.predict(test[0], batch_size=500, verbose=0).argmax(axis=1) == test[1]
        results[arm] = {"accuracy": float(right.mean()), **({"rare": float(right[few].mean())} if few.any() else {})}
    return results


def _batch(train: Any, made: Any, arm: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A batch of real pictures, or half of it generated."""
    real = BATCH // 2 if "generated" in arm else BATCH
    rows = balanced(train[1], real, rng)
    pictures, labels = train[0][rows], train[1][rows]
    if "shifted" in arm:
        pictures = shifted(pictures, rng)
    if "generated" in arm:
        rows = balanced(made[1], BATCH - real, rng)
        pictures, labels = np.concatenate([pictures, made[0][rows]]), np.concatenate([labels, made[1][rows]])
    return pictures, labels


def balanced(labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows drawn so that every class is as likely."""
    order = np.argsort(labels, kind="stable")
    _, first, size = np.unique(labels[order], return_index=True, return_counts=True)
    chosen = rng.integers(0, len(size), count)
    return order[first[chosen] + rng.integers(0, size[chosen])]


def gains(found: Sequence[Sequence[Mapping[str, Mapping[str, float]]]]) -> dict[str, Any]:
    """What each arm gains over "real".

    Args:
        found: Run -> repetition -> what `accuracies` gave.

    Returns:
        "arms": arm -> figure -> {"mean", "values"}, a value for each run, the mean of its repetitions; "gains":
        arm -> figure -> {"mean", "low", "high"}, the difference from "real" with its 95 % interval (Student's t over
        the runs; None for a single one: its repetitions share pictures and generator).
    """
    arms: dict[str, dict[str, Any]] = {arm: {} for arm in ARMS}
    more: dict[str, dict[str, Any]] = {arm: {} for arm in ARMS[1:]}
    for arm in ARMS:
        for key in found[0][0][arm]:
            values = [float(np.mean([one[arm][key] for one in run])) for run in found]
            arms[arm][key] = {"mean": float(np.mean(values)), "values": values}
            if arm in more:
                more[arm][key] = interval(np.subtract(values, arms["real"][key]["values"]))
    return {"arms": arms, "gains": more}


def interval(gains: np.ndarray) -> Mapping[str, float | None]:
    """Mean and 95 % interval of paired differences, by Student's t."""
    mean = float(gains.mean())
    if len(gains) < 2:
        return {"mean": mean, "low": None, "high": None}
    half = float(stats.t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains)))
    return {"mean": mean, "low": mean - half, "high": mean + half}
