"""Trained generators ready for use: those in the box, those in a file, and those of runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gankit.errors import UsageError, did_you_mean
from gankit_srgan import onnx_backend
from gankit_srgan.enlarger import Enlarger, in_cells
from gankit_srgan.model import Model

BOX = Path(__file__).parent / "weights"


class TensorFlowEnlarger:
    """A model run by TensorFlow."""

    def __init__(self, model: Model) -> None:
        import tensorflow as tf

        from gankit_srgan.footprint import bytes_per_pixel

        network = model.network()
        self.name, self.scale, self.radius = model.name, model.scale, model.radius
        self.generative, self.cell = model.generative, model.cell
        self.bytes_per_pixel = bytes_per_pixel(network)
        signature = tf.TensorSpec((None, None, None, 3), tf.float32)
        call = tf.function(lambda low: network(low, training=False), input_signature=[signature])
        self._call = in_cells(call, model.cell, model.scale)

    def __call__(self, low: np.ndarray) -> np.ndarray:
        """`Enlarger.__call__`."""
        return self._call(low)


def opened(model: Model, runtime: str = "auto") -> Enlarger:
    """A model ready to enlarge.

    Args:
        model: The model.
        runtime: "tensorflow", "onnx", or "auto", which is "onnx" for the small generators where its packages are
            installed.

    Raises:
        UsageError: The packages of "onnx" are not installed.
    """
    if runtime == "onnx" or (runtime == "auto" and onnx_backend.preferred(model)):
        return onnx_backend.OnnxEnlarger(model)
    return TensorFlowEnlarger(model)


@dataclass(frozen=True)
class Choice:
    """A network that the user has chosen; other processes open it anew.

    Attributes:
        name: As of `by_scale`.
        run: As of `by_scale`.
        runs_dir: As of `by_scale`.
        scale: Its factor.
        runtime: As of `opened`.
        strength: As of `Model.towards`, between the model's base and itself; None is the model as it is.
    """

    name: str
    run: str | None
    runs_dir: Path | None
    scale: int
    runtime: str = "auto"
    strength: float | None = None

    def model(self) -> Model:
        """Its weights. Raises as `by_scale`'s values, and UsageError if there is nothing to be interpolated."""
        model = by_scale(self.name, self.run, self.runs_dir)[self.scale]()
        if self.strength is None:
            return model
        if (model.base, model.scale) not in shipped():
            hint = "--model texture has two" if ("texture", self.scale) in shipped() else "leave --strength out"
            raise UsageError(f"--strength needs two networks, and {model.name} is one", hint)
        return model.towards(find(model.base, model.scale), self.strength)

    def opened(self) -> Enlarger:
        """The network. Raises as `model` and `opened`."""
        return opened(self.model(), self.runtime)


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


def of_run(reference: str, runs_dir: Path | None = None, weights: Literal["last", "best"] = "last") -> Model:
    """The generator of a run: the moving average of its weights.

    Args:
        reference: A run's folder or id, "srgan" or "latest".
        runs_dir: The folder of all runs; `$GANKIT_RUNS` or `./runs` if None.
        weights: As for `gankit.load`.

    Raises:
        UsageError: There is no such run, or it is another recipe's.
        CheckpointError: It has no usable checkpoint.
    """
    from gankit import load
    from gankit_srgan.footprint import receptive_radius

    run = load(reference, weights=weights, runs_dir=runs_dir)
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
        base=_base(config),
    )


def _base(config: Any) -> str:
    """The model in the box that a run's adversarial stage began from."""
    began = config.training.init_from or ""
    return began if config.stages == "adversarial" and (began, config.scale) in shipped() else ""


def by_scale(name: str, run: str | None, runs_dir: Path | None) -> Mapping[int, Callable[[], Model]]:
    """What the user may mean: factor -> what reads the model of it.

    Args:
        name: As of `find`; ignored if there is a run.
        run: As of `of_run`; None for a model by its name.
        runs_dir: As of `of_run`.
    """
    if run or name.endswith(".safetensors"):
        own = of_run(run, runs_dir) if run else find(name, 0)
        return {own.scale: lambda: own}
    scales = [scale for known, scale in shipped() if known == name]
    return {scale: partial(find, name, scale) for scale in scales or [4]}  # find() says that there is none
