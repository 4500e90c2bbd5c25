"""VGG19 up to a chosen convolution: the feature network of the SRGAN paper.

Simonyan & Zisserman 2015 (arXiv 1409.1556), configuration E, with the ImageNet weights that keras.applications
distributes. Ledig et al. 2017 (arXiv 1609.04802) compare phi_5,4: the output of the fourth convolution before the
fifth pooling, after its activation, which keras calls `block5_conv4`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gankit.errors import DataError, UsageError, did_you_mean
from gankit.images.features.hdf5_file import read_layers
from gankit.images.features.keras_weights import KerasWeights

if TYPE_CHECKING:
    import keras

BLOCKS = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))
LAYERS = tuple(f"block{b}_conv{c}" for b, (depth, _) in enumerate(BLOCKS, 1) for c in range(1, depth + 1))

# Ledig et al. 2017: the loss is equation 5 (section 2.2.1); the training details rescale the feature maps by 1/12.75,
# which brings the loss, multiplied by about 0.006, to the scale of the mean squared error of pixels.
FEATURE_SCALE = 1 / 12.75

# ImageNet's mean in the order RGB and in units of 0..255, as Caffe's models subtract it.
_MEAN_RGB = (123.68, 116.779, 103.939)

WEIGHTS = KerasWeights(
    "VGG19",
    "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
    "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    md5="253f8cb515780f3b799900260a226db6",  # published in keras/src/applications/vgg19.py
    megabytes=80,
    option="--feature-weights FILE",
)


def build(
    layer: str = "block5_conv4", weights_file: str | os.PathLike[str] | None = None, offline: bool = False
) -> keras.Model:
    """Builds the frozen network.

    Args:
        layer: The convolution whose activation is the output, `block1_conv1` to `block5_conv4`.
        weights_file: An HDF5 file in the layout of keras.applications, with or without the classifier; None stands
            for keras' own file, from its cache or downloaded.
        offline: Never open a socket.

    Returns:
        A model from `[batch, height, width, 3]` RGB in [0, 1] to the feature map
        `[batch, height / 2**(block-1), width / 2**(block-1), channels]` (rounded down), not negative, divided by
        12.75. It computes in `keras.config.floatx()` whatever the global dtype policy is. For block 5 an image needs
        at least 16x16 pixels.

    Raises:
        UsageError: There is no such layer.
        DataError: The weights file is absent, damaged, hostile or of another network.
        Offline: The weights must be downloaded and can't be.
    """
    import keras
    import numpy as np

    if layer not in LAYERS:
        raise UsageError(f"VGG19 has no convolution {layer!r}", did_you_mean(layer, LAYERS))
    path, _ = WEIGHTS.locate(weights_file, offline)
    weights = read_layers(path)
    options = {"dtype": keras.config.floatx(), "data_format": "channels_last"}
    image = keras.Input((None, None, 3), dtype=keras.config.floatx(), name="image")
    # Caffe's order is BGR. The first kernel is flipped instead of the image, which is the same and costs nothing.
    x = keras.layers.Rescaling(255.0, [-m for m in _MEAN_RGB], dtype=options["dtype"], name="caffe_range")(image)
    channels = 3
    for name in LAYERS[: LAYERS.index(layer) + 1]:
        block, place = int(name[5]), int(name[-1])
        if place == 1 and block > 1:
            x = keras.layers.MaxPooling2D(2, name=f"block{block - 1}_pool", **options)(x)
        filters = BLOCKS[block - 1][1]
        arrays = weights.get(name, [])
        if [a.shape for a in arrays] != [(3, 3, channels, filters), (filters,)]:
            raise DataError(f"{path} holds no weights of VGG19's layer {name}", "it needs the HDF5 file of keras")
        if not all(np.isfinite(a).all() for a in arrays):
            raise DataError(f"{path}: the weights of {name} are not finite")
        kernel, bias = arrays
        conv = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=name, **options)
        x = conv(x)
        conv.set_weights([kernel[:, :, ::-1] if name == LAYERS[0] else kernel, bias])
        channels = filters
    x = keras.layers.Rescaling(FEATURE_SCALE, dtype=options["dtype"], name="paper_scale")(x)
    model = keras.Model(image, x, name="vgg19_features")
    model.trainable = False
    return model
