"""Enlarging by ONNX Runtime: without TensorFlow's seconds of start-up, and most of its memory."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np

from gankit.errors import CheckpointError, UsageError
from gankit_srgan.enlarger import in_cells
from gankit_srgan.model import HINT, Model


def preferred(model: Model) -> bool:
    """Whether ONNX Runtime is installed, can run the model without TensorFlow, and there is no GPU for the latter."""
    if has_gpu() or not all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        return False
    from gankit_srgan.onnx_graph import TABLES

    return model.generator in TABLES


def serialised(model: Model) -> bytes:
    """A model as an ONNX file; by TensorFlow if there is no table of its generator."""
    from gankit_srgan import onnx_graph

    if model.generator not in onnx_graph.TABLES:
        from gankit.export import to_onnx

        return to_onnx(model.network()).SerializeToString()
    rows = onnx_graph.TABLES[model.generator](model.options["blocks"])
    names, values = onnx_graph.variables(rows), [model.weights[key] for key in sorted(model.weights)]
    if [value.ndim for value in values] != [4 if name.endswith("kernel") else 1 for name in names]:
        raise CheckpointError(f"the weights of {model.name} are not those of its network", HINT)
    weights = dict(zip(names, values, strict=True))
    return onnx_graph.graph(rows, weights, model.scale).SerializeToString()


class OnnxEnlarger:
    """A model run by ONNX Runtime.

    Args:
        model: The model.
        threads: 0 is one for each CPU that this process may use.

    Raises:
        UsageError: A package is not installed.
    """

    def __init__(self, model: Model, threads: int = 0) -> None:
        try:
            import onnxruntime

            data = serialised(model)
        except ModuleNotFoundError as error:
            raise UsageError(f"the onnx backend needs {error.name}", "pip install 'gankit[onnx]'") from error
        self.name, self.scale, self.radius = model.name, model.scale, model.radius
        self.generative, self.cell = model.generative, model.cell
        self.bytes_per_pixel = _bytes_per_pixel(model)
        options = onnxruntime.SessionOptions()
        # By itself ONNX Runtime binds its threads to CPUs, and waits for those that another program keeps busy.
        options.intra_op_num_threads = threads or _cpus()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle CPUs are for the others
        options.enable_mem_pattern = False  # a plan for each size of tile took a third more memory and was no faster
        options.log_severity_level = 3  # errors
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._in_cells = in_cells(self._run, self.cell, self.scale)

    def __call__(self, low: np.ndarray) -> np.ndarray:
        """`Enlarger.__call__`."""
        return self._in_cells(low)

    def _run(self, low: np.ndarray) -> np.ndarray:
        return self._session.run(None, {self._input: np.ascontiguousarray(low, np.float32)})[0]


def _bytes_per_pixel(model: Model) -> float:
    """Memory for a low-resolution pixel; without TensorFlow where the model has a table."""
    from gankit_srgan.onnx_graph import TABLES

    if model.generator not in TABLES:
        from gankit_srgan.footprint import bytes_per_pixel

        return bytes_per_pixel(model.network())
    # At most eight maps of the widest layer at full resolution, input and output among them; measured: 0.85 (compact)
    # and 0.96 kB (unet) of these 1.5 kB.
    return 4 * 8 * max(3 * model.scale**2, model.options["width"])


def has_gpu() -> bool:
    """Whether there is a GPU of NVIDIA, with the libraries that `gankit[gpu]` installs; found without TensorFlow."""
    return bool(importlib.util.find_spec("nvidia")) and Path("/proc/driver/nvidia/version").exists()


def _cpus() -> int:
    # Linux knows which CPUs a container was given.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
