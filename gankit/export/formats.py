"""File formats of trained networks: how each is written, and how its own library reads it back."""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Function = Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]]
"""Arrays in the order of `model.inputs` -> arrays in the order of `model.outputs`."""

NOTE = "gankit.json"  # where a format has no place of its own for notes
OPSET = 17


def function_of(model: Any) -> Function:
    """A network as a function of arrays: inference, on the CPU."""
    import tensorflow as tf
    from keras import tree

    def run(inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        with tf.device("/CPU:0"):  # a GPU may multiply with 10 bits (TF32)
            return [np.asarray(output) for output in tree.flatten(model(_packed(model, inputs), training=False))]

    return run


def _packed(model: Any, inputs: Sequence[Any]) -> Any:
    """Inputs in the list or dictionary that the network was built with."""
    import keras

    if isinstance(model, keras.Sequential):
        return inputs[0]
    return keras.tree.pack_sequence_as(model.input, list(inputs))


def input_names(model: Any) -> list[str]:
    """Names that the recipe gave, and numbers for the others: Keras' own count all tensors of the process."""
    return [f"input_{i}" if t.name.startswith("keras_tensor") else t.name for i, t in enumerate(model.inputs)]


def output_names(model: Any) -> list[str]:
    """Names of the layers that the outputs come from; numbers in a Sequential."""
    return list(getattr(model, "output_names", None) or [f"output_{i}" for i in range(len(model.outputs))])


def _named(model: Any) -> tuple[Any, list[Any]]:
    """A network as a TensorFlow function with named inputs and outputs, whatever structure Keras gives them."""
    import tensorflow as tf
    from keras import tree

    names = output_names(model)
    signature = [tf.TensorSpec(t.shape, t.dtype, n) for t, n in zip(model.inputs, input_names(model), strict=True)]

    def run(*inputs: Any) -> dict[str, Any]:
        outputs = tree.flatten(model(_packed(model, inputs), training=False))
        return dict(zip(names, outputs, strict=True))

    return tf.function(run, input_signature=signature, autograph=False), signature


def to_onnx(model: Any, note: Mapping[str, Any] | None = None) -> Any:
    """A network as an `onnx.ModelProto`, by tf2onnx.

    Args:
        model: A `keras.Model` with declared inputs, in float32.
        note: Kept in the file's metadata, with "gankit." before each key.

    Returns:
        The graph; its inputs and outputs carry the network's names, and names for the sizes that are open.

    Examples:
        >>> to_onnx(network).graph.name  # doctest: +SKIP
        'generator'
    """
    import onnx
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # what matters shows when the file is opened and compared
    proto, _ = tf2onnx.convert.from_function(*_named(model), opset=OPSET)
    for value in (*proto.graph.input, *proto.graph.output):
        axes = value.type.tensor_type.shape.dim
        for i, axis in enumerate(axes):
            if not axis.HasField("dim_value"):
                kind = {1: "height", 2: "width"}.get(i, str(i)) if len(axes) == 4 else str(i)
                axis.dim_param = f"{value.name}_{kind}" if i else "batch"
    del proto.graph.value_info[:]  # the open sizes under their old names
    proto.graph.name, proto.graph.doc_string = model.name, ""
    onnx.helper.set_model_props(proto, {f"gankit.{key}": str(value) for key, value in (note or {}).items()})
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _write_onnx(model: Any, path: Path, note: Mapping[str, Any]) -> None:
    path.write_bytes(to_onnx(model, note).SerializeToString())


def _read_onnx(path: Path, outputs: Sequence[str]) -> Function:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    return lambda inputs: session.run(list(outputs), dict(zip(names, inputs, strict=True)))


def _write_keras(model: Any, path: Path, note: Mapping[str, Any]) -> None:
    model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(NOTE, json.dumps(note, indent=1))


def _read_keras(path: Path, outputs: Sequence[str]) -> Function:
    import keras

    # Importing a module registers its layers with Keras.
    from gankit.images import enlarging  # noqa: F401
    from gankit.nn import batch_layers, spectral  # noqa: F401

    return function_of(keras.models.load_model(path, compile=False))


def _write_savedmodel(model: Any, path: Path, note: Mapping[str, Any]) -> None:
    import keras

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", *_named(model))
    archive.write_out(path, verbose=False)
    (path / "assets.extra").mkdir()
    (path / "assets.extra" / NOTE).write_text(json.dumps(note, indent=1), "utf-8")


def _read_savedmodel(path: Path, outputs: Sequence[str]) -> Function:
    import tensorflow as tf

    with tf.device("/CPU:0"):
        module = tf.saved_model.load(str(path))

    def run(inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        with tf.device("/CPU:0"):
            found = module.serve(*map(tf.constant, inputs))
            return [found[name].numpy() for name in outputs]

    return run


Writer = Callable[[Any, Path, Mapping[str, Any]], None]
WRITERS: dict[str, Writer] = {"onnx": _write_onnx, "keras": _write_keras, "savedmodel": _write_savedmodel}
"""Format -> writes a network and a note to a file, or for a SavedModel to a folder."""

Reader = Callable[[Path, Sequence[str]], Function]
READERS: dict[str, Reader] = {"onnx": _read_onnx, "keras": _read_keras, "savedmodel": _read_savedmodel}
"""Format -> opens such a file, of outputs with these names, with the library that it is meant for."""
