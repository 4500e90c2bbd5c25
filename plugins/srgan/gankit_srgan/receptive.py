"""How far a network looks: what tiles must overlap by."""

from __future__ import annotations

import math
from typing import Any

# Layers that compute each pixel from the pixel at the same place.
POINTWISE = {"Activation", "Add", "BatchNormalization", "Concatenate", "InputLayer", "LeakyReLU", "Multiply", "PReLU"}
POINTWISE |= {"ReLU", "Rescaling"}


def receptive_radius(network: Any) -> int:
    """The receptive radius of a fully convolutional network, from its layers.

    An output pixel that lies in input pixel p depends on no input pixel further than this from p, along rows or
    columns. Convolutions add half their kernel, in pixels of the resolution at which they stand.

    Args:
        network: `[batch, h, w, c]` -> `[batch, h * scale, w * scale, d]`, a functional `keras.Model`.

    Returns:
        Input pixels, rounded up.

    Raises:
        ValueError: A layer is of a kind whose reach is not known here, or sees the whole picture.
    """
    known: dict[int, tuple[float, int]] = {}  # of a tensor: radius in input pixels, enlargement so far

    def reach(tensor: Any) -> tuple[float, int]:
        if id(tensor) not in known:
            layer, node, _ = tensor._keras_history
            sources = [reach(source) for source in layer._inbound_nodes[node].input_tensors]
            known[id(tensor)] = _through(layer, sources)
        return known[id(tensor)]

    return math.ceil(reach(network.outputs[0])[0])


def _through(layer: Any, sources: list[tuple[float, int]]) -> tuple[float, int]:
    """Radius and enlargement behind a layer."""
    kind = type(layer).__name__
    if kind == "InputLayer":
        return 0.0, 1
    radius, factor = max(radius for radius, _ in sources), sources[0][1]
    if kind in POINTWISE:
        return radius, factor
    if kind == "Conv2D" and layer.strides == (1, 1):
        reach = max((size - 1) // 2 * rate for size, rate in zip(layer.kernel_size, layer.dilation_rate, strict=True))
        return radius + reach / factor, factor
    if kind == "PixelShuffle":
        return radius, factor * layer.scale
    if kind == "BicubicUpscale":  # of the five pixels that it reads, the middle one is the output's own
        return radius + 2 / factor, factor * layer.scale
    raise ValueError(f"the reach of a layer of the type {kind} is not known")
