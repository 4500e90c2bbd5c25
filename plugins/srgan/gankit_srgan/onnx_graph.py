"""The small generators as ONNX graphs, made from their weights alone: enlarging then starts without TensorFlow.

A generator is a table of rows, one for each operation before the resolution becomes that of the result. The last one
has `3 * scale^2` channels, the colours of the pixels that each pixel becomes; the graph puts them side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from gankit.images import resize_matrix

INPUT, OUTPUT = "low_resolution", "high_resolution"
OPSET = 17
WEIGHTED = ("conv", "reduce")


class Row(NamedTuple):
    """One operation.

    Attributes:
        op: "conv" (of any odd size, zeros around the image), "add", "leaky_relu"; "reduce" and "shuffle" have half and
            twice the resolution; "bicubic" and "nearest" are the interpolations of the input.
        name: Of its result, and of its Keras layer: a convolution's weights are `name/kernel` and `name/bias`.
        inputs: Names of rows above, or `INPUT`.
        slope: Of a leaky_relu below zero.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    slope: float = 0.0


def compact(blocks: int) -> list[Row]:
    """The table of `networks.compact`."""
    rows = [Row("conv", "head", (INPUT,))]
    for i in range(blocks):
        rows += _block(f"block{i}", rows[-1].name)
    rows += [Row("conv", "tail", (rows[-1].name,)), Row("add", "body", ("head", "tail"))]
    rows += [Row("conv", "detail", ("body",)), Row("bicubic", "bicubic", (INPUT,))]
    return [*rows, Row("add", "sum", ("bicubic", "detail"))]


def fast(blocks: int) -> list[Row]:
    """The table of `networks.fast`."""
    rows: list[Row] = []
    for i in range(blocks + 1):
        rows.append(Row("conv", f"conv{i}", (rows[-1].name if rows else INPUT,)))
        rows.append(Row("leaky_relu", f"bend{i}", (f"conv{i}",), 0.1))
    rows += [Row("conv", "detail", (rows[-1].name,)), Row("nearest", "repeated", (INPUT,))]
    return [*rows, Row("add", "sum", ("repeated", "detail"))]


def unet(blocks: int) -> list[Row]:
    """The table of `networks.unet`."""
    rows = [Row("conv", "head", (INPUT,))]

    def block(name: str) -> None:
        before = rows[-1].name
        rows.extend(_block(name, before))

    def rising(name: str, skip: str, total: str) -> None:
        rows.append(Row("conv", name, (rows[-1].name,)))
        rows.append(Row("shuffle", f"{name}_shuffle", (name,)))
        rows.append(Row("add", total, (skip, f"{name}_shuffle")))

    block("whole0")
    rows.append(Row("reduce", "down0", ("whole0",)))
    block("half0")
    rows.append(Row("reduce", "down1", ("half0",)))
    for i in range(blocks):
        block(f"quarter{i}")
    rising("up1", "half0", "half")
    block("half1")
    rising("up0", "whole0", "whole")
    for i in (1, 2, 3):
        block(f"whole{i}")
    rows.append(Row("conv", "detail", (rows[-1].name,)))
    rows.append(Row("bicubic", "bicubic", (INPUT,)))
    return [*rows, Row("add", "sum", ("bicubic", "detail"))]


def _block(name: str, before: str) -> list[Row]:
    return [
        Row("conv", f"{name}_a", (before,)),
        Row("leaky_relu", f"{name}_bend", (f"{name}_a",), 0.1),
        Row("conv", f"{name}_b", (f"{name}_bend",)),
        Row("add", name, (before, f"{name}_b")),
    ]


TABLES: dict[str, Callable[[int], list[Row]]] = {"compact": compact, "fast": fast, "unet": unet}
"""Function of `gankit_srgan.networks` -> table for a depth."""


def variables(rows: Sequence[Row]) -> list[str]:
    """Names of the weights that a table uses, in the order of the Keras network's variables."""
    return [f"{row.name}/{kind}" for row in rows if row.op in WEIGHTED for kind in ("kernel", "bias")]


class _Builder:
    """Collects nodes and constants; every method returns the name of its result."""

    def __init__(self, weights: Mapping[str, np.ndarray], scale: int) -> None:
        self.weights, self.scale = weights, scale
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, op: str, name: str, inputs: Sequence[str], **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def conv(
        self, name: str, x: str, kernel: np.ndarray, bias: np.ndarray | None = None, pad: int = 0, stride: int = 1
    ) -> str:
        # Keras: height, width, input, output; ONNX: output, input, height, width.
        inputs = [x, self.constant(f"{name}/kernel", kernel.astype(np.float32).transpose(3, 2, 0, 1))]
        inputs += [] if bias is None else [self.constant(f"{name}/bias", bias.astype(np.float32))]
        return self.node("Conv", name, inputs, pads=[pad] * 4, strides=[stride] * 2, kernel_shape=kernel.shape[:2])

    def cut(self, name: str, x: str, first: int, last: int, axis: int) -> str:
        bounds = [self.constant(f"{name}/{value}/{i}", [value]) for i, value in enumerate((first, last, axis))]
        return self.node("Slice", name, [x, *bounds])

    def mirrored(self, x: str, axis: int) -> str:
        """Two more rows (or columns) at either end; a single one is its own neighbour."""
        start, end = 0, np.iinfo(np.int64).max
        first = self.cut(f"{x}/first/{axis}", x, start, 2, axis)
        last = self.cut(f"{x}/last/{axis}", x, -2, end, axis)
        before = [self.cut(f"{first}/b", first, -1, end, axis), self.cut(f"{first}/a", first, start, 1, axis)]
        after = [self.cut(f"{last}/z", last, -1, end, axis), self.cut(f"{last}/y", last, start, 1, axis)]
        return self.node("Concat", f"{x}/mirrored/{axis}", [*before, x, *after], axis=axis)

    def bicubic(self, name: str, x: str) -> str:
        """`gankit.images.resize.upscale` before its pixel shuffle."""
        if self.scale == 1:
            return x
        phases = resize_matrix(5, 5 * self.scale)[2 * self.scale : 3 * self.scale]
        kernel = np.einsum("yi,xj,cd->ijcyxd", phases, phases, np.eye(3)).reshape(5, 5, 3, -1)
        return self.conv(name, self.mirrored(self.mirrored(x, 2), 3), kernel)

    def row(self, row: Row, x: Sequence[str]) -> str:
        match row.op:
            case "conv":
                kernel, bias = (self.weights[f"{row.name}/{kind}"] for kind in ("kernel", "bias"))
                return self.conv(row.name, x[0], kernel, bias, kernel.shape[0] // 2)
            case "reduce":
                kernel, bias = (self.weights[f"{row.name}/{kind}"] for kind in ("kernel", "bias"))
                return self.conv(row.name, x[0], kernel, bias, stride=kernel.shape[0])
            case "shuffle":  # the channels' order is TensorFlow's: y, x, channel
                return self.node("DepthToSpace", row.name, x, blocksize=2, mode="DCR")
            case "leaky_relu":
                return self.node("LeakyRelu", row.name, x, alpha=row.slope)
            case "bicubic":
                return self.bicubic(row.name, x[0])
            case "nearest":
                return self.node("Concat", row.name, list(x) * self.scale**2, axis=1)
            case "add":
                return self.node("Add", row.name, x)
        raise ValueError(row.op)


def graph(rows: Sequence[Row], weights: Mapping[str, np.ndarray], scale: int) -> ModelProto:
    """A generator as an ONNX model.

    Args:
        rows: From one of `TABLES`.
        weights: The values of `variables(rows)` in Keras' layout.
        scale: Factor.

    Returns:
        A model from `low_resolution` `[batch, h, w, 3]` to `high_resolution` `[batch, h * scale, w * scale, 3]`, both
        float32, of any size.
    """
    build = _Builder(weights, scale)
    known = {INPUT: build.node("Transpose", "pixels", [INPUT], perm=[0, 3, 1, 2])}
    for row in rows:
        known[row.name] = build.row(row, [known[name] for name in row.inputs])
    # The channels' order is TensorFlow's: y, x, colour.
    shuffled = build.node("DepthToSpace", "shuffle", [known[rows[-1].name]], blocksize=scale, mode="DCR")
    build.node("Transpose", OUTPUT, [shuffled], perm=[0, 2, 3, 1])
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", f"{name}_height", f"{name}_width", 3])
        for name in (INPUT, OUTPUT)
    ]
    made = helper.make_graph(build.nodes, "generator", ends[:1], ends[1:], build.constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="gankit")
