"""The kinds of data by name. A new kind is a class of its own and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from gankit_classics.kinds.kind import DataKind
from gankit_classics.kinds.pictures import FlatPictures
from gankit_classics.kinds.points import GRID, RING
from gankit_classics.kinds.tables import Tables

KINDS: Mapping[str, DataKind] = {"ring": RING, "grid": GRID, "table": Tables(), "pictures": FlatPictures()}


def kind_of(source: str) -> DataKind:
    """The first kind that takes what the user names; pictures, which come last, take anything."""
    return next(kind for kind in KINDS.values() if kind.takes(source))
