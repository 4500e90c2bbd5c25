"""Marks to vectors: a trained network, what is read from it, and the components fitted to its training marks.

An encoder is one file of safetensors. A run makes its own when it is first used; one that was trained on free drawings
comes with the plugin.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from gankit.errors import DataError
from gankit.report.html import write
from gankit_sketch_retrieval.config import SketchConfig
from gankit_sketch_retrieval.features.components import Components, unit
from gankit_sketch_retrieval.features.pooling import features
from gankit_sketch_retrieval.marks.normalise import SIDE, normalised

SHIPPED = Path(__file__).parent.parent / "shipped" / "marks.safetensors"
FORMAT = "gankit-sketch-encoder-1"
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

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: str
    width: int
    spectral: bool
    outputs: int
    feature: str
    stretch: float
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
        """Vectors of a mark turned by some angles.

        Args:
            mark: `[64, 64]` uint8, normalised.
            rotations: Degrees; 0 is the mark itself.

        Returns:
            `[rotations, dim]` float32.
        """
        return self.embed(turned(mark, rotations, self.stretch))

    # -- files -------------------------------------------------------------------------------------------------------

    def _tensors(self) -> dict[str, np.ndarray]:
        found = {f"network/{i:03d}": np.asarray(value) for i, value in enumerate(self.network.get_weights())}
        if self.head is not None:
            found |= {f"head/{i:03d}": np.asarray(value) for i, value in enumerate(self.head.get_weights())}
        if self.components is not None:
            found |= {"mean": self.components.mean, "axes": self.components.axes}
        return found

    def save(self, path: Path, *, half: bool = False) -> None:
        """Writes the encoder's file, atomically.

        Args:
            path: Of the file.
            half: Round the numbers to 16 bits: half the size, and almost the same vectors.
        """
        from safetensors.numpy import save

        tensors = {
            name: np.ascontiguousarray(value, np.float16 if half else value.dtype)
            for name, value in self._tensors().items()
        }
        write(save(tensors, {"format": FORMAT, "about": self.about.model_dump_json()}), path)

    @classmethod
    def load(cls, path: Path) -> Encoder:
        """Reads an encoder's file.

        Raises:
            DataError: It is damaged, or something else.
        """
        from safetensors import SafetensorError, safe_open

        from gankit_sketch_retrieval.model import networks

        try:
            with safe_open(path, "np") as file:
                held = file.metadata() or {}
                if held.get("format") != FORMAT:
                    raise DataError(f"{path} is no encoder of this version", "make it again from its run")
                about = About.model_validate(json.loads(held["about"]))
                tensors = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
            network = networks.reader(
                networks.shape(about.network, about.width), about.outputs, spectral=about.spectral, name="reader"
            )
            network.set_weights(_numbered(tensors, "network/"))
            head = None
            if about.feature == "contrast":
                head = networks.head(network)
                head.set_weights(_numbered(tensors, "head/"))
            components = Components(tensors["mean"], tensors["axes"]) if about.feature == "pooled" else None
        except (OSError, ValueError, KeyError, SafetensorError, ValidationError) as error:
            raise DataError(f"the encoder {path} cannot be read: {error}", "make it again from its run") from error
        return cls(about, network, head, components)


def _numbered(tensors: Mapping[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    return [value for name, value in sorted(tensors.items()) if name.startswith(prefix)]


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
