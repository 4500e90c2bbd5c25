"""A small classifier of the data itself: the judge of pictures that ImageNet's networks were not made for.

Trained on the real training pictures once, in minutes on a CPU, and kept in `$GANKIT_HOME/features`, so that all runs
on the same data are judged by the same weights. For well-known data the weights come with the package, so that runs on
different machines are, too. `python -m gankit.images.features.small_classifier fashion-mnist FILE` made those.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gankit.errors import CheckpointError, DataError
from gankit.runs.results import versions
from gankit.support.network_file import read_facts, read_network, write_network
from gankit.support.places import home

log = logging.getLogger("gankit")

BOX = Path(__file__).parent / "weights"
LEAST, MOST = 4, 64  # pixels a side
MOST_CLASSES = 1000
_KIND = "gankit-small-classifier/1"
_HINT = "delete it, and it is trained again; or name a file that Classifier.save wrote"
_BATCH = 128
_SEEN = 480_000  # pictures that training looks at, repetitions counted, but no picture more than
_REPEATS = 30  # times
_RATE = 3e-3  # Adam's learning rate, where it is highest


class Facts(BaseModel):
    """What rebuilds the network, and what it was trained on. The limits are those of a hostile file.

    Attributes:
        height: Of the pictures, in pixels.
        width: Of the pictures.
        channels: 1 or 3.
        blocks: Filters of the convolutions: `blocks_for` the size.
        features: Width of the layer before the classes.
        classes: Their names.
        fingerprint: `fingerprint` of the training data.
        seed: Of the weights at the start, of the order and of the shifts.
        epochs: Passes over the data.
        test_accuracy: Share of the test pictures that are told rightly, with the weights as they are saved; None
            where there was no test.
        versions: Of what trained it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int = Field(ge=LEAST, le=MOST)
    width: int = Field(ge=LEAST, le=MOST)
    channels: Literal[1, 3]
    blocks: tuple[int, ...]
    features: int = Field(default=128, ge=1, le=1024)
    classes: tuple[str, ...] = Field(min_length=2, max_length=MOST_CLASSES)
    fingerprint: str
    seed: int
    epochs: int
    test_accuracy: float | None = None
    versions: Mapping[str, str]

    @model_validator(mode="after")
    def _known_blocks(self) -> Facts:
        if self.blocks != blocks_for(self.height, self.width):
            raise ValueError(f"a network of {self.blocks} filters is none of this version's")
        return self


@dataclass(frozen=True, eq=False)
class Classifier:
    """A trained classifier, without TensorFlow.

    Attributes:
        facts: Its construction and its origin.
        weights: Variables in the network's order, keyed "000/kernel"; float32 with the values of float16.
    """

    facts: Facts
    weights: Mapping[str, np.ndarray] = field(repr=False)

    def save(self, path: Path) -> None:
        """Writes one file, in half precision; the same bytes for the same classifier."""
        write_network(path, self.weights, _KIND, self.facts.model_dump(mode="json"))

    @classmethod
    def read(cls, path: Path) -> Classifier:
        """Reads a file of `save`.

        Raises:
            CheckpointError: It is damaged, or no classifier of this kind.
            UsageError: There is no such file.
        """
        facts, weights = read_network(path, _KIND, _HINT)
        return cls(_checked_facts(path, facts), weights)

    def network(self) -> Any:
        """The frozen `keras.Model`, see `build`, with these weights.

        Raises:
            CheckpointError: The weights are those of another network.
        """
        from gankit.runs.loading import assign

        model = build(self.facts)
        assign({"classifier": model}, {f"networks/classifier/{key}": value for key, value in self.weights.items()})
        model.trainable = False
        return model


def _checked_facts(path: Path, facts: Mapping[str, Any]) -> Facts:
    try:
        return Facts.model_validate(facts)
    except ValidationError as error:
        raise CheckpointError(f"{path} holds no classifier of this kind", _HINT) from error


def fingerprint(images: np.ndarray, labels: np.ndarray) -> str:
    """Which data a classifier belongs to: sha256 over the shape, all pixels and all labels, in their order.

    Args:
        images: uint8 `[n, height, width, channels]`.
        labels: `[n]` integers.
    """
    digest = hashlib.sha256(json.dumps(images.shape).encode())
    for start in range(0, len(images), 4096):
        digest.update(np.ascontiguousarray(images[start : start + 4096]).data)
    digest.update(np.ascontiguousarray(labels, "<i8").data)
    return digest.hexdigest()


def blocks_for(height: int, width: int) -> tuple[int, ...]:
    """Filters of the convolutions: two of them for tiny pictures, else three, of which the first is strided."""
    side = min(height, width)
    return (32, 48, 96) if side > 16 else (64, 128)


def build(facts: Facts, seed: int = 0) -> Any:
    """The network: a strided 5 x 5 convolution (not for tiny pictures), 3 x 3 ones with poolings, features, a softmax.

    Args:
        facts: Its sizes.
        seed: Of the weights. Keras' global seed is neither read nor changed.

    Returns:
        A model from `[batch, height, width, channels]` float32 in 0..255 to `[batch, features]` (not negative) and
        `[batch, classes]` probabilities.
    """
    import keras

    from gankit.engine.mixed_precision import precision

    layers, seeds = keras.layers, np.random.default_rng(seed)
    large = len(facts.blocks) == 3

    def normalised(layer: Any, filters: int, x: Any, **options: Any) -> Any:
        start = keras.initializers.HeNormal(seed=int(seeds.integers(2**31)))
        x = layer(filters, **options, use_bias=False, kernel_initializer=start)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))

    with precision("float32"):
        image = keras.Input((facts.height, facts.width, facts.channels), name="image")
        x = layers.Rescaling(1 / 127.5, -1.0)(image)
        for i, filters in enumerate(facts.blocks):
            if large and i == 0:  # at full size a stride costs a quarter of a pooling
                x = normalised(layers.Conv2D, filters, x, kernel_size=5, strides=2, padding="same")
            else:
                x = normalised(layers.Conv2D, filters, x, kernel_size=3, padding="same")
                x = layers.MaxPooling2D(2)(x)
        x = normalised(layers.Dense, facts.features, layers.Flatten()(x))
        start = keras.initializers.GlorotUniform(seed=int(seeds.integers(2**31)))
        logits = layers.Dense(len(facts.classes), kernel_initializer=start, name="logits")(x)
        return keras.Model(image, [x, layers.Softmax()(logits)], name="small_classifier")


def train_classifier(
    images: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    *,
    seed: int = 0,
    epochs: int | None = None,
    test: tuple[np.ndarray, np.ndarray] | None = None,
) -> Classifier:
    """Trains a classifier on labelled pictures: Adam with a cosine schedule, pictures shifted by up to a pixel.

    Args:
        images: uint8 `[n, height, width, channels]`, 4 to 64 pixels a side.
        labels: `[n]` integers, 0 to the number of classes less one.
        classes: Their names.
        seed: Of the weights, the order and the shifts. On one machine the same seed gives the same weights.
        epochs: Passes over the data; None is 480,000 pictures in all, but none more than 30 times.
        test: Pictures and labels of the same kind that measure the accuracy, once, at the end.

    Raises:
        DataError: The pictures or the labels have another shape, type or range.
    """
    images, labels = _checked(images, labels, len(classes))
    n = len(images)
    epochs = max(1, min(_REPEATS, round(_SEEN / n))) if epochs is None else epochs
    facts = Facts(
        height=images.shape[1],
        width=images.shape[2],
        channels=images.shape[3],
        blocks=blocks_for(*images.shape[1:3]),
        classes=tuple(map(str, classes)),
        fingerprint=fingerprint(images, labels),
        seed=seed,
        epochs=epochs,
        versions=versions(),
    )
    model = build(facts, seed)
    _fit(model, images, labels, epochs, np.random.default_rng([seed, 1]))
    weights = {f"{i:03d}/{v.name}": _halved(v) for i, v in enumerate(model.variables)}
    classifier = Classifier(facts, weights)
    if test is None:
        return classifier
    right = _accuracy(classifier, *_checked(*test, len(classes)))
    return Classifier(facts.model_copy(update={"test_accuracy": right}), weights)


def classifier_file(data: Any, *, seed: int = 0) -> Path:
    """The file of a classifier of these data: the package's, the kept one, or one that is trained now.

    Args:
        data: Labelled pictures, as `gankit.images.features.embeddings.embedding` takes them.
        seed: As in `train_classifier`; the package's is taken whatever the seed.

    Raises:
        DataError: The pictures have no labels, or `train_classifier` refuses them, or the file cannot be written.
    """
    if getattr(data.train, "labels", None) is None:
        raise DataError(
            "the small classifier is trained on labels, and these pictures have none",
            "take efficientnet-lite0, which needs none",
        )
    images, labels = _checked(data.train.images, data.train.labels, len(data.classes))
    mark = fingerprint(images, labels)
    path = _place(images, mark, seed)
    if path.parent == BOX:
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_suffix(".lock"))
        lock.acquire()
    except OSError as error:
        raise DataError(f"cannot write to {path.parent}: {error}", "set GANKIT_HOME to a folder of yours") from error
    try:
        if not _kept(path, mark):
            log.info("training a classifier of %d pictures, for the scores; it is kept as %s", len(images), path)
            test = None if data.test.labels is None else (data.test.images, data.test.labels)
            train_classifier(images, labels, data.classes, seed=seed, test=test).save(path)
    finally:
        lock.release()
    return path


def classifier_ready(data: Any, *, seed: int = 0) -> bool:
    """Whether `classifier_file` has a file without training; pictures and labels are `classifier_possible`.

    Examples:
        >>> from gankit.images import open_pictures
        >>> classifier_ready(open_pictures("fashion-mnist"))  # doctest: +SKIP
        True
    """
    mark = fingerprint(data.train.images, data.train.labels)
    path = _place(data.train.images, mark, seed)
    return path.parent == BOX or _kept(path, mark)


def _place(images: np.ndarray, mark: str, seed: int) -> Path:
    """The package's file of a classifier of these data, or where one is kept."""
    for path in sorted(BOX.glob("*.safetensors")):
        if _checked_facts(path, read_facts(path, _KIND, _HINT)).fingerprint == mark:
            return path
    recipe = [_KIND, mark, blocks_for(*images.shape[1:3]), seed, _SEEN, _REPEATS, _RATE, _BATCH]
    key = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]
    return home() / "features" / f"small-classifier-{key}.safetensors"


def classifier_possible(side: int, classes: int) -> bool:
    """Whether pictures of this side, in pixels, with so many classes can have a classifier.

    Examples:
        >>> classifier_possible(28, 10), classifier_possible(96, 10), classifier_possible(28, 1)
        (True, False, False)
    """
    return LEAST <= side <= MOST and 2 <= classes <= MOST_CLASSES


def _kept(path: Path, mark: str) -> bool:
    """Whether there is a whole file; a damaged one is made anew."""
    if not path.exists():
        return False
    try:
        return Classifier.read(path).facts.fingerprint == mark
    except CheckpointError as error:
        log.warning("%s", error)
        return False


def _checked(images: Any, labels: Any, classes: int) -> tuple[np.ndarray, np.ndarray]:
    from gankit.images.features.inputs import checked_pictures

    images, labels = checked_pictures(images), np.asarray(labels)
    if not all(LEAST <= side <= MOST for side in images.shape[1:3]):
        raise DataError(
            f"the small classifier takes pictures of {LEAST} to {MOST} pixels a side, not {images.shape[1:3]}",
            "take efficientnet-lite0",
        )
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu" or not len(labels):
        raise DataError(
            f"there are {len(images)} pictures with labels {labels.dtype} {list(labels.shape)}",
            "give one integer a picture",
        )
    if not 2 <= classes <= MOST_CLASSES or labels.min() < 0 or labels.max() >= classes:
        raise DataError(
            f"labels from {labels.min()} to {labels.max()} are not those of {classes} classes",
            f"number 2 to {MOST_CLASSES:,} classes from 0",
        )
    return images, labels.astype(np.int64)


def _fit(model: Any, images: np.ndarray, labels: np.ndarray, epochs: int, rng: np.random.Generator) -> None:
    """Trains the model in place."""
    import keras

    n, batch = len(images), min(_BATCH, len(images))
    total = epochs * (n // batch)
    warmup = total // 10
    rate = keras.optimizers.schedules.CosineDecay(
        _RATE / 10, total - warmup, warmup_target=_RATE, warmup_steps=max(1, warmup)
    )
    trained = keras.Model(model.input, model.get_layer("logits").output)
    trained.compile(
        keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    for epoch in range(epochs):
        order = rng.permutation(n)
        for start in range(0, n - batch + 1, batch):
            rows = order[start : start + batch]
            loss = trained.train_on_batch(_shifted(images[rows], rng), labels[rows])
        log.debug("epoch %d of %d: loss %.4f", epoch + 1, epochs, float(loss))


def _shifted(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each picture moved by -1, 0 or 1 pixel along both axes, its edge repeated: uint8 -> float32."""
    n, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    down, right = rng.integers(0, 3, (2, n))
    rows, columns = down[:, None] + np.arange(height), right[:, None] + np.arange(width)
    moved = padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved.astype(np.float32)


def _accuracy(classifier: Classifier, images: np.ndarray, labels: np.ndarray) -> float:
    model = classifier.network()
    parts = [slice(start, start + 500) for start in range(0, len(images), 500)]
    right = sum(
        int((np.asarray(model(images[part].astype(np.float32), training=False)[1]).argmax(1) == labels[part]).sum())
        for part in parts
    )
    return right / len(images)


def _halved(variable: Any) -> np.ndarray:
    """The values that half precision keeps."""
    return np.asarray(variable, np.float32).astype(np.float16).astype(np.float32)


def main(name: str, out: str) -> None:
    """Trains on a known dataset and writes a file for the package, the very one if the machine and versions are."""
    from gankit.images.labelled import open_pictures

    data: Any = open_pictures(name)
    train, test = ((part.images, part.labels) for part in (data.train, data.test))
    classifier = train_classifier(*train, data.classes, test=test)
    classifier.save(Path(out))
    print(f"{out}: test accuracy {classifier.facts.test_accuracy}")


if __name__ == "__main__":
    import sys

    main(*sys.argv[1:])
