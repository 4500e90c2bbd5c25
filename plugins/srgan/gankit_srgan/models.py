"""Trained generators ready for use: those in the box, those in a file, and those of runs.

A model's file is a `.safetensors` with the generator's variables in half precision and, as JSON in its metadata, the
configuration that rebuilds the network. Half precision costs less than 0.001 dB and halves the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from gankit.errors import CheckpointError, UsageError, did_you_mean
from gankit_srgan.enlarger import Enlarger

BOX = Path(__file__).parent / "weights"
FORMAT = "gankit-srgan/1"
Backend = Literal["auto", "tensorflow", "onnx"]


@dataclass(frozen=True)
class Model:
    """A generator's construction and weights, without TensorFlow.

    Attributes:
        name: "compact", "fast", or a run's id.
        generator: Name of the function of `gankit_srgan.networks` that builds it.
        scale: Factor.
        options: Its other arguments.
        radius: Receptive radius in low-resolution pixels.
        weights: Variables in the network's order, keyed "000/kernel".
        trained: The run's id, its steps, and gankit's version; no path, for the file may be passed on.
        generative: Whether an adversarial stage taught it to invent detail.
    """

    name: str
    generator: str
    scale: int
    options: Mapping[str, Any]
    radius: int
    weights: Mapping[str, np.ndarray] = field(repr=False)
    trained: Mapping[str, Any] = field(default_factory=dict)
    generative: bool = False

    def save(self, path: Path) -> None:
        """Writes the model's file, at once or not at all."""
        described = {key: value for key, value in asdict(self).items() if key != "weights"}
        tensors = {key: np.ascontiguousarray(value, np.float16) for key, value in self.weights.items()}
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            aside.write_bytes(save(tensors, {"format": FORMAT, "model": json.dumps(described)}))
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: Path) -> Model:
        """Reads a model's file.

        Raises:
            CheckpointError: It is damaged, or no model of this plugin.
        """
        hint = "a model's file is made by 'gankit srgan pack RUN -o FILE'"
        try:
            with safe_open(path, "numpy") as file:
                facts = file.metadata() or {}
                if facts.get("format") != FORMAT:
                    raise CheckpointError(f"{path} holds no model of this plugin", hint)
                weights = {key: file.get_tensor(key).astype(np.float32) for key in file.keys()}  # noqa: SIM118
        except FileNotFoundError as error:
            raise UsageError(f"there is no model {path}", hint) from error
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"cannot read the model {path}: {error}", hint) from error
        return cls(**json.loads(facts["model"]), weights=weights)

    def network(self) -> Any:
        """The generator as a `keras.Model` with these weights."""
        from gankit.engine import precision
        from gankit.runs import assign
        from gankit_srgan import networks

        with precision("float32"):
            network = getattr(networks, self.generator)(self.scale, **self.options)
        assign({"generator": network}, {f"networks/generator/{key}": value for key, value in self.weights.items()})
        return network

    def open(self, backend: Backend = "auto") -> Enlarger:
        """The model ready to enlarge.

        Args:
            backend: "auto" is "onnx" for the small generators where its packages are installed.

        Raises:
            UsageError: The packages of "onnx" are not installed.
        """
        from gankit_srgan import onnx_backend

        if backend == "onnx" or (backend == "auto" and onnx_backend.preferred(self)):
            return onnx_backend.OnnxEnlarger(self)
        return TensorFlowEnlarger(self)


class TensorFlowEnlarger:
    """A model run by TensorFlow."""

    def __init__(self, model: Model) -> None:
        import tensorflow as tf

        from gankit_srgan.footprint import bytes_per_pixel

        network = model.network()
        self.name, self.scale, self.radius = model.name, model.scale, model.radius
        self.generative = model.generative
        self.bytes_per_pixel = bytes_per_pixel(network)
        signature = tf.TensorSpec((None, None, None, 3), tf.float32)
        self._call = tf.function(lambda low: network(low, training=False), input_signature=[signature])

    def __call__(self, low: np.ndarray) -> np.ndarray:
        """`Enlarger.__call__`."""
        return self._call(low).numpy()


def shipped() -> list[tuple[str, int]]:
    """Name and scale of every model in the box."""
    found = (path.stem.rsplit("-x", 1) for path in sorted(BOX.glob("*.safetensors")))
    return [(name, int(scale)) for name, scale in found]


def find(name: str, scale: int) -> Model:
    """A model in the box, or in a file.

    Args:
        name: Of a shipped model, or a file's path.
        scale: Factor; ignored for a file.

    Raises:
        UsageError: There is none of that name and scale.
        CheckpointError: The file is damaged.
    """
    if name.endswith(".safetensors"):
        return Model.read(Path(name).expanduser())
    known = shipped()
    if name not in {model for model, _ in known}:
        raise UsageError(f"there is no model {name!r}", did_you_mean(name, {model for model, _ in known}))
    if (name, scale) not in known:
        scales = ", ".join(f"x{factor}" for model, factor in known if model == name)
        raise UsageError(f"the model {name!r} does not enlarge x{scale}", f"it has {scales}")
    return Model.read(BOX / f"{name}-x{scale}.safetensors")


def of_run(reference: str, runs_dir: Path | None = None) -> Model:
    """The generator of a run: the moving average of its weights.

    Args:
        reference: A run's folder or id, "srgan" or "latest".
        runs_dir: The folder of all runs; `$GANKIT_RUNS` or `./runs` if None.

    Raises:
        UsageError: There is no such run, or it is another recipe's.
        CheckpointError: It has no usable checkpoint.
    """
    import gankit
    from gankit_srgan.footprint import receptive_radius

    run = gankit.load(reference, runs_dir=runs_dir)
    if run.recipe.name != "srgan":
        raise UsageError(f"{reference} is a run of {run.recipe.name!r}, not of srgan", "gankit runs srgan lists those")
    network, config = run.networks["generator"], run.recipe.config
    generator = run.facts["generator"]
    return Model(
        name=run.run.path.name,
        generator=generator,
        scale=config.scale,
        options=run.recipe.generator_options(generator),
        radius=receptive_radius(network),
        weights={f"{i:03d}/{v.name}": np.asarray(v) for i, v in enumerate(network.variables)},
        trained={"run": run.run.path.name, "steps": run.position.total, "gankit": run.run.info["versions"]["gankit"]},
        generative="adversarial" in config.stages,
    )


def open_shipped(name: str, scale: int, backend: Backend = "auto") -> Enlarger:
    """`find`, ready to enlarge."""
    return find(name, scale).open(backend)


def open_run(run: str, runs_dir: Path | None = None, backend: Backend = "auto") -> Enlarger:
    """`of_run`, ready to enlarge."""
    return of_run(run, runs_dir).open(backend)
