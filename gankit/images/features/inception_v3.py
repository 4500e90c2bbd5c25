"""InceptionV3 with the ImageNet weights of keras.applications: 2,048 features of a picture.

Szegedy et al. 2016 (arXiv 1512.00567). Published FIDs and Inception Scores rest on another network of that name: the
graph `classify_image_graph_def` of 2015 with 1,008 classes and weights of its own, and with pictures resized without
antialiasing. Figures of this one are not comparable with them, and its protocol says so ("keras-imagenet").
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gankit.errors import DataError
from gankit.images.features.hdf5_file import read_layers
from gankit.images.features.keras_weights import KerasWeights

if TYPE_CHECKING:
    import keras

SIDE = 299  # pixels
WIDTH, CLASSES = 2048, 1000

WEIGHTS = KerasWeights(
    "InceptionV3",
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"
    "inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
    md5="9a0d58056eeedaa3f26cb7ebd46da564",  # published in keras/src/applications/inception_v3.py
    megabytes=96,
    option="--feature-weights FILE",
)


def build(weights_file: str | os.PathLike[str]) -> keras.Model:
    """Builds the frozen network in float32.

    Args:
        weights_file: An HDF5 file in the layout of keras.applications, with or without the classifier.

    Returns:
        A model from `[batch, 299, 299, 3]` RGB in 0..255 to the pooled features `[batch, 2048]`, not negative, and,
        if the file has the classifier, to a list of them and of ImageNet's probabilities `[batch, 1000]`.

    Raises:
        DataError: The file is absent, damaged, hostile or of another network.
    """
    import keras
    import numpy as np

    from gankit.engine.mixed_precision import precision

    saved = [(name, arrays) for name, arrays in read_layers(weights_file).items() if arrays]
    top = any(name == "predictions" for name, _ in saved)
    with precision("float32"):
        net = keras.applications.InceptionV3(include_top=top, weights=None, pooling="avg", input_shape=(SIDE, SIDE, 3))
        # Layers are told by their order, as in keras' own reader: their names count all layers of the process.
        own = [layer for layer in net.layers if layer.weights]
        if len(own) != len(saved):
            raise DataError(
                f"{weights_file} holds {len(saved)} layers with weights, and InceptionV3 has {len(own)}",
                "it needs the HDF5 file of keras.applications",
            )
        for layer, (name, arrays) in zip(own, saved, strict=True):
            if [a.shape for a in arrays] != [tuple(w.shape) for w in layer.weights]:
                raise DataError(
                    f"{weights_file}: the layer {name} has other shapes than InceptionV3's {layer.name}",
                    "it needs the HDF5 file of keras.applications",
                )
            if not all(np.isfinite(a).all() for a in arrays):
                raise DataError(f"{weights_file}: the weights of {name} are not finite")
            layer.set_weights(arrays)
        image = keras.Input((SIDE, SIDE, 3), dtype="float32", name="image")
        scaled = keras.layers.Rescaling(1 / 127.5, -1.0, dtype="float32", name="inception_range")(image)
        if top:
            pool = next(layer for layer in net.layers if layer.name == "avg_pool")
            net = keras.Model(net.input, [pool.output, net.output])
        model = keras.Model(image, net(scaled), name="inception_v3_features")
    model.trainable = False
    return model
