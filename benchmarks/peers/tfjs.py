"""UpscalerJS' models in TensorFlow: what tfjs-node runs, without Node.

The comparison with the peers' WebAssembly would be one thread against two and an interpreter against native kernels.
So the same networks and weights are run by the library that runs ours, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from peers.method import SCALE, Found, Method, Missing, Place, timed
from peers.upscalerjs import PACKAGES, install, model_file


def weights(folder: Path, manifest: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """The arrays of a model in TensorFlow.js' format, which lie one after the other in its files."""
    found = {}
    for group in manifest:
        values = np.frombuffer(b"".join((folder / path).read_bytes() for path in group["paths"]), "<f4")
        for spec in group["weights"]:
            if spec["dtype"] != "float32" or "quantization" in spec:
                raise ValueError(f"{spec['name']} is not plain float32")
            size = int(np.prod(spec["shape"]))
            found[spec["name"]], values = values[:size].reshape(spec["shape"]), values[size:]
    return found


def network(path: Path) -> Callable[[Any], Any]:
    """The network of a `model.json`: `[1, h, w, 3]` float32 in 0..255 -> `[1, 4 h, 4 w, 3]` of the same range."""
    import tensorflow as tf

    description = json.loads(path.read_text())
    config = description["modelTopology"]["model_config"]["config"]
    arrays = weights(path.parent, description["weightsManifest"])

    def convolution(layer: dict[str, Any], x: Any) -> Any:
        name = layer["config"]["name"]
        y = tf.nn.conv2d(x, arrays[f"{name}/kernel"], 1, layer["config"]["padding"].upper())
        return activation(layer, y + arrays[f"{name}/bias"])

    def activation(layer: dict[str, Any], x: Any) -> Any:
        return {"linear": lambda x: x, "relu": tf.nn.relu}[layer["config"]["activation"]](x)

    def nearest(layer: dict[str, Any], x: Any) -> Any:
        return tf.image.resize(x, tf.shape(x)[1:3] * layer["config"]["size"], "nearest")

    kinds: dict[str, Callable[..., Any]] = {
        "Conv2D": convolution,
        "Activation": activation,
        "UpSampling2D": nearest,
        "Concatenate": lambda _, *inputs: tf.concat(inputs, 3),
        "Add": lambda _, *inputs: tf.add_n(inputs),
        "MultiplyBeta": lambda layer, x: x * layer["config"]["beta"],
        f"PixelShuffle{SCALE}x": lambda _, x: tf.nn.depth_to_space(x, SCALE),
    }
    # The residual-in-residual networks, which alone end in a pixel shuffle, see [0, 1]; the others 0..255.
    largest = 1.0 if any(layer["class_name"].startswith("PixelShuffle") for layer in config["layers"]) else 255.0

    @tf.function(input_signature=[tf.TensorSpec((1, None, None, 3))])
    def run(low: Any) -> Any:
        values = {}
        for layer in config["layers"]:
            if layer["class_name"] == "InputLayer":
                values[layer["name"]] = low * (largest / 255)
            else:
                inputs = [values[node[0]] for node in layer["inbound_nodes"][0]]
                values[layer["name"]] = kinds[layer["class_name"]](layer, *inputs)
        return values[config["output_layers"][0][0]] * (255 / largest)

    return run


def whole(enlarge: Callable[[Any], Any]) -> Callable[[np.ndarray], np.ndarray]:
    """The network over one picture: `[h, w, 3]` uint8 -> `[4 h, 4 w, 3]` uint8."""

    def run(low: np.ndarray) -> np.ndarray:
        pixels = np.array(enlarge(low[None].astype(np.float32))[0])
        pixels += 0.5
        return np.clip(pixels, 0, 255, out=pixels).astype(np.uint8)

    return run


def methods(place: Place) -> Found:
    """One method a model that npm has installed."""
    if find_spec("tensorflow") is None:
        return [Missing("UpscalerJS in TensorFlow", "tensorflow is not installed", "pip install -e '.[cpu]'")]
    found: Found = []
    for size, package in PACKAGES.items():
        name, path = f"UpscalerJS {size} (TF)", model_file(place, package)
        if not path.is_file():
            found.append(Missing(name, f"@upscalerjs/{package} is not installed", install(place)))
            continue
        import tensorflow as tf

        facts = {"TensorFlow": tf.__version__, "threads": place.threads}
        found.append(Method(name, "UpscalerJS, TensorFlow", timed(whole(network(path))), facts))
    return found
