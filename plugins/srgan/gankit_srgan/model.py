"""A trained generator: its construction and weights, and the file that keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gankit.errors import CheckpointError, UsageError
from gankit.support import read_network, write_network
from gankit_srgan.enlarger import CELLS

KIND = "gankit-srgan/1"
HINT = "a model's file is made by 'gankit srgan pack RUN -o FILE'"


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    blocks: int = Field(0, ge=0, le=1000)
    width: int = Field(0, ge=0, le=10_000)


class _Facts(BaseModel):
    """What a file says beside its weights; see `Model`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    generator: Literal["compact", "fast", "unet", "paper"]
    scale: int = Field(ge=1, le=16)
    options: _Options
    radius: int = Field(ge=0, le=1000)
    trained: dict[str, Any] = {}
    generative: bool = False
    base: str = ""


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
        base: Name of the model, trained for the smallest error, that the adversarial stage began from; "" for none.
    """

    name: str
    generator: str
    scale: int
    options: Mapping[str, Any]
    radius: int
    weights: Mapping[str, np.ndarray] = field(repr=False)
    trained: Mapping[str, Any] = field(default_factory=dict)
    generative: bool = False
    base: str = ""

    @property
    def cell(self) -> int:
        """`Enlarger.cell`."""
        return CELLS.get(self.generator, 1)

    def save(self, path: Path, bits: Literal[8, 16] = 16) -> None:
        """Writes the model's file. 16 bits cost less than 0.001 dB of PSNR, 8 bits 0.002 dB (compact, Set5)."""
        facts = {key: value for key, value in vars(self).items() if key != "weights"}
        write_network(path, self.weights, KIND, facts, bits=bits)

    @classmethod
    def read(cls, path: Path) -> Model:
        """Reads a model's file.

        Raises:
            UsageError: There is none.
            CheckpointError: It is damaged, or no model of this plugin.
        """
        facts, weights = read_network(path, KIND, HINT)
        try:
            found = _Facts.model_validate(facts)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise CheckpointError(f"{path} is damaged: {where}: {first['msg']}", HINT) from error
        # A small file must not make a large network: each of its blocks has at least one convolution.
        if max(1, found.options.blocks) * 9 * found.options.width**2 > sum(value.size for value in weights.values()):
            raise CheckpointError(f"{path} is damaged: it has fewer weights than its network", HINT)
        if found.generator != "paper" and found.options.model_fields_set != {"blocks", "width"}:
            raise CheckpointError(f"{path} is damaged: options lack blocks and width", HINT)
        return cls(**{**facts, "options": found.options.model_dump(exclude_unset=True)}, weights=weights)

    def towards(self, base: Model, strength: float) -> Model:
        """A network between the one that errs least and the one that invents detail.

        Weights of two networks of which one was trained on from the other lie so close together that every network
        between them works (Wang et al. 2018, ESRGAN, section 3.4, network interpolation).

        Args:
            base: The model that this one was trained on from.
            strength: 0 is the base, 1 is this model.

        Raises:
            UsageError: The two are not of one shape.
        """
        ours, theirs = ({key: value.shape for key, value in model.weights.items()} for model in (self, base))
        if (self.generator, self.scale, ours) != (base.generator, base.scale, theirs):
            raise UsageError(f"{self.name} and {base.name} are networks of different shapes", "leave --strength out")
        weights = {
            key: (1 - strength) * base.weights[key].astype(np.float32) + strength * value.astype(np.float32)
            for key, value in self.weights.items()
        }
        return replace(self, name=f"{self.name}, strength {strength:g}", weights=weights, generative=strength > 0)

    def network(self) -> Any:
        """The generator as a `keras.Model` with these weights."""
        from gankit.engine import precision
        from gankit.runs import assign
        from gankit_srgan import networks

        with precision("float32"):
            network = getattr(networks, self.generator)(self.scale, **self.options)
        assign({"generator": network}, {f"networks/generator/{key}": value for key, value in self.weights.items()})
        return network
