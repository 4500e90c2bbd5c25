"""Cards of the datasets that gankit knows by name."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable


def cards() -> list[Traversable]:
    """The card files, sorted by name: what the entry-point group `gankit.datasets` asks a distribution for."""
    found = (card for card in files(__name__).joinpath("cards").iterdir() if card.name.endswith(".yaml"))
    return sorted(found, key=lambda card: card.name)


__all__ = ["cards"]
