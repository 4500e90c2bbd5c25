"""How far a network looks, which is what tiles must overlap by, and how much memory a pixel takes."""

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
    known: dict[int, tuple[float, float]] = {}  # of a tensor: radius in input pixels, enlargement so far

    def reach(tensor: Any) -> tuple[float, float]:
        if id(tensor) not in known:
            layer, node, _ = tensor._keras_history
            sources = [reach(source) for source in layer._inbound_nodes[node].input_tensors]
            known[id(tensor)] = _through(layer, sources)
        return known[id(tensor)]

    return math.ceil(reach(network.outputs[0])[0])


def _through(layer: Any, sources: list[tuple[float, float]]) -> tuple[float, float]:
    """Radius and enlargement behind a layer."""
    kind = type(layer).__name__
    if kind == "InputLayer":
        return 0.0, 1.0
    radius, factor = max(radius for radius, _ in sources), sources[0][1]
    if kind in POINTWISE:
        return radius, factor
    if kind == "Conv2D" and layer.strides == (1, 1):
        reach = max((size - 1) // 2 * rate for size, rate in zip(layer.kernel_size, layer.dilation_rate, strict=True))
        return radius + reach / factor, factor
    if kind == "Conv2D" and layer.kernel_size == layer.strides:  # an output pixel covers what it sees
        return radius + (layer.strides[0] - 1) / factor, factor / layer.strides[0]
    if kind == "PixelShuffle":
        return radius, factor * layer.scale
    if kind == "BicubicUpscale":  # of the five pixels that it reads, the middle one is the output's own
        return radius + 2 / factor, factor * layer.scale
    raise ValueError(f"the reach of a layer of the type {kind} is not known")


def activation_bytes(network: Any, side: int = 64) -> float:
    """Memory that a network needs for a low-resolution pixel, from the sizes of its layers' outputs.

    Layers run in their order; an output lives until the last layer that reads it has run.

    Args:
        network: A functional `keras.Model` of `[batch, h, w, 3]`.
        side: Pixels of the square that is counted.

    Returns:
        Bytes a pixel that live at once, at most, in float32; without workspaces and what an allocator keeps.
    """
    import keras

    order = [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]
    shapes = {id(network.inputs[0]): (1, side, side, 3)}
    last = {}
    for i, layer in enumerate(order):
        for tensor in _list(layer.input):
            last[id(tensor)] = i
    last[id(network.outputs[0])] = len(order)
    most = 0
    for i, layer in enumerate(order):
        inputs = [shapes[id(tensor)] for tensor in _list(layer.input)]
        shapes[id(layer.output)] = tuple(layer.compute_output_shape(inputs[0] if len(inputs) == 1 else inputs))
        most = max(most, sum(math.prod(shape) for key, shape in shapes.items() if last.get(key, -1) >= i))
    return 4 * most / side**2


def bytes_per_pixel(network: Any) -> float:
    """Memory that running a network takes for a low-resolution pixel; `activation_bytes` with what runtimes add.

    The line lies above what was measured on a CPU with TensorFlow (three sizes of picture) for the generators compact
    (2.9 to 3.8 kB), fast (1.8 to 2.2 kB) and paper (17.1 kB), and with ONNX Runtime for the last (17.7 kB).
    """
    return 2.2 * activation_bytes(network) + 2100


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
