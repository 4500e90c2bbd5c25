"""Marks to vectors: a trained network, what is read from it, and the components fitted to its training marks.

An encoder is one file of safetensors. A run makes its own when it is first used; one that was trained on free drawings
comes with the plugin.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from gankit import DataError, GankitError, UsageError
from gankit.commands import open_run
from gankit.errors import CheckpointError
from gankit.support import read_network, write_network
from gankit_sketch_retrieval.config import SketchConfig
from gankit_sketch_retrieval.features.components import Components, unit
from gankit_sketch_retrieval.features.layers import features
from gankit_sketch_retrieval.marks.normalisation import SIDE, normalised

if TYPE_CHECKING:
    from gankit import LoadedRun

SHIPPED = Path(__file__).parent.parent / "shipped" / "marks.safetensors"
KIND = "gankit-sketch-encoder/1"
HINT = "leave --run out for the model that comes with the plugin, or make the encoder again from its run"
FITTED = 4000  # training marks, at most, to which components are fitted


class About(BaseModel):
    """What an encoder is, but for its numbers.

    Attributes:
        network: Its kind.
        width: Channels of mark-gan's first layer.
        spectral: Whether it is spectrally normalised.
        outputs: What it says of a mark: 1 logit, or a BiGAN's latent numbers.
        feature: What is read from it.
        stretch: Of the normalisation of marks.
        trained_on: In words, for people.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    network: str
    width: int = Field(ge=4, le=1024)
    spectral: bool
    outputs: int = Field(ge=1, le=10_000)
    feature: str
    stretch: float = Field(ge=0, le=1)
    trained_on: str


class Encoder:
    """Marks to vectors of unit length.

    Args:
        about: What it is.
        network: The one that reads marks.
        head: Of the feature `contrast`.
        components: Of the feature `pooled`.
    """

    def __init__(self, about: About, network: Any, head: Any = None, components: Components | None = None) -> None:
        self.about, self.network, self.head, self.components = about, network, head, components

    @classmethod
    def of(cls, config: SketchConfig, networks: Mapping[str, Any], marks: np.ndarray | None = None) -> Encoder:
        """The encoder of a run.

        Args:
            config: The run's.
            networks: The run's.
            marks: `[n, 64, 64]` uint8: its training marks, to which the feature `pooled` fits components.
        """
        bigan = config.game == "bigan"
        about = About(
            network=config.network, width=config.width, spectral=config.spectral and not bigan,
            outputs=config.latent if bigan else 1, feature=config.kind, stretch=config.stretch, trained_on=config.data,
        )  # fmt: skip
        network = networks[config.reader]
        if about.feature == "contrast":
            return cls(about, network, networks["head"])
        if about.feature == "paper":
            return cls(about, network)
        assert marks is not None  # the feature `pooled`
        chosen = np.sort(np.random.default_rng(0).permutation(len(marks))[:FITTED])
        found = features(network, marks[chosen], about.feature)
        return cls(about, network, components=Components.fitted(found, config.dimensions))

    @property
    def settings(self) -> dict[str, Any]:
        """What it is, as JSON."""
        return self.about.model_dump()

    @property
    def stretch(self) -> float:
        """Of the normalisation of marks."""
        return self.about.stretch

    @cached_property
    def dim(self) -> int:
        """Numbers of a vector."""
        return self.embed(np.zeros((1, SIDE, SIDE), np.uint8)).shape[1]

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of all that determines the vectors."""
        named = sorted(self._tensors().items())
        about = self.about.model_dump_json(exclude={"trained_on"})
        return digest([value for _, value in named], about + " ".join(name for name, _ in named))

    def embed(self, marks: np.ndarray) -> np.ndarray:
        """Vectors of normalised marks, `[n, 64, 64]` uint8 -> `[n, dim]` float32 of unit length."""
        if not len(marks):
            return np.zeros((0, self.dim), np.float32)
        found = features(self.network, marks, self.about.feature, self.head)
        return unit(found) if self.components is None else self.components(found)

    def expand(self, mark: np.ndarray, rotations: Sequence[float]) -> np.ndarray:
        """Vectors `[rotations, dim]` float32 of a normalised mark, `[64, 64]` uint8, turned by some degrees."""
        return self.embed(turned(mark, rotations, self.stretch))

    def _tensors(self) -> dict[str, np.ndarray]:
        found = {f"network/{i:03d}": np.asarray(value) for i, value in enumerate(self.network.get_weights())}
        if self.head is not None:
            found |= {f"head/{i:03d}": np.asarray(value) for i, value in enumerate(self.head.get_weights())}
        if self.components is not None:
            found |= {"mean": self.components.mean, "axes": self.components.axes}
        return found

    def save(self, path: Path, *, half: bool = False) -> None:
        """Writes the encoder's file, whole or not at all; `half` rounds to 16 bits, to almost the same vectors."""
        write_network(path, self._tensors(), KIND, self.settings, bits=16 if half else 32)

    @classmethod
    def load(cls, path: Path) -> Encoder:
        """Reads an encoder's file.

        Raises:
            UsageError: There is no such file.
            CheckpointError: It is damaged, or something else.
        """
        from gankit_sketch_retrieval.model import networks

        facts, tensors = read_network(path, KIND, HINT)

        def numbered(prefix: str) -> list[np.ndarray]:
            return [value for name, value in sorted(tensors.items()) if name.startswith(prefix)]

        head = components = None
        try:
            about = About.model_validate(facts)
            network = networks.reader(
                networks.shape(about.network, about.width), about.outputs, spectral=about.spectral, name="reader"
            )
            network.set_weights(numbered("network/"))
            if about.feature == "contrast":
                head = networks.head(network)
                head.set_weights(numbered("head/"))
            if about.feature == "pooled":
                components = Components(tensors["mean"], tensors["axes"])
                if components.mean.ndim != 1 or components.axes.shape[1:] != components.mean.shape:
                    raise ValueError("its components do not fit each other")
        except (ValueError, KeyError) as error:
            raise CheckpointError(f"the encoder {path} cannot be read: {error}", HINT) from error
        return cls(about, network, head, components)


def open_encoder(run: str, runs_dir: Path | None) -> tuple[Encoder, LoadedRun | None]:
    """The encoder that a command uses, and the run that it is of, if it is of one.

    Args:
        run: "" for the shipped one; a run's folder, id or "latest"; or an encoder's file (.safetensors).
        runs_dir: The folder of all runs.

    Raises:
        UsageError: There is no such run or file, or the run is of another recipe.
        CheckpointError: The file is damaged.
        DataError: The run's training marks are gone.
    """
    from gankit.runs import LoadedRun

    if not run or run.endswith(".safetensors"):
        return Encoder.load(Path(run) if run else SHIPPED), None
    if Path(run).exists() and not (Path(run) / "run.json").is_file():
        raise UsageError(f"{run} is neither a run nor an encoder's file", "'gankit runs' lists runs")
    loaded = LoadedRun.of_recipe(open_run(run, runs_dir), "sketch-retrieval")
    config = loaded.recipe.config
    if config.kind != "pooled":
        return Encoder.of(config, loaded.networks), loaded
    weights = [value for name in sorted(loaded.networks) for value in loaded.networks[name].get_weights()]
    # The file's name holds the weights' hash: a run that was resumed meanwhile gets another one.
    path = loaded.run.path / f"encoder-{digest(weights)[:12]}.safetensors"
    if path.is_file():
        return Encoder.load(path), loaded
    logging.getLogger("gankit").info("fitting the components of %s to its training marks, once", loaded.run.path.name)
    try:
        train = loaded.data.held_out["opened"].train
    except DataError as error:
        raise DataError(f"the run's training marks cannot be read: {error.message}", error.hint) from error
    fitted = Encoder.of(config, loaded.networks, train.pictures)
    with contextlib.suppress(GankitError):  # who may only read the run waits again next time
        fitted.save(path)
    return fitted, loaded


def digest(arrays: Sequence[np.ndarray], about: str = "") -> str:
    """sha256 of a text, and of types, shapes and values, in hex."""
    found = hashlib.sha256(about.encode())
    for value in map(np.asarray, arrays):
        found.update(f"{value.dtype} {value.shape};".encode())
        found.update(np.ascontiguousarray(value).tobytes())
    return found.hexdigest()


def turned(mark: np.ndarray, rotations: Sequence[float], stretch: float) -> np.ndarray:
    """A normalised mark turned by some degrees and normalised again, `[rotations, 64, 64]` uint8."""
    from scipy.ndimage import rotate

    room = np.pad(mark.astype(np.float32) / 255, SIDE // 4)  # the corners of a square reach further when it is turned
    return np.stack(
        [
            normalised(np.clip(rotate(room, angle, reshape=False, order=1), 0, 1), stretch) if angle else mark
            for angle in rotations
        ]
    )
