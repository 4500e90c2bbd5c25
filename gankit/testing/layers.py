"""What the layers of a recipe's networks compute in."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gankit.recipe import Recipe
from gankit.testing.failure import ensure
from gankit.testing.tiny_game import shared


def check_layers(recipe: type[Recipe], folder: Path) -> None:
    """Each layer computes in the precision that the training is given."""
    from gankit.engine import contract
    from gankit.engine.mixed_precision import precision

    trainer = shared(recipe).game.trainer
    with precision("float64"):
        networks = contract.networks(copy.copy(trainer.recipe), trainer.data)
    found = [f"{layer!r} of network {name!r}" for name, network in networks.items() for layer in fixed(network)]
    more = f", as do {len(found) - 1} more" if len(found) > 1 else ""
    ensure(
        not found,
        f"the layer {found and found[0]} computes in a float type of its own{more}",
        "leave its dtype out: the engine casts what networks give to full precision, and a layer of another type makes "
        "the comparison in float64 inexact",
    )


def fixed(network: Any) -> Iterator[str]:
    """The layers of a float64 network that compute in another float type."""
    for layer in network._flatten_layers():
        if "float" in str(layer.compute_dtype) and layer.compute_dtype != "float64":
            yield layer.name
