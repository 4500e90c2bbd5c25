"""The kinds of data by name, or by how the name of a file ends. A new kind is a class of its own and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from gankit_classics.kinds.kind import DataKind
from gankit_classics.kinds.pictures import FLAT_PICTURES
from gankit_classics.kinds.points import GRID, RING
from gankit_classics.kinds.tables import TABLES

NAMED: Mapping[str, DataKind] = {"ring": RING, "grid": GRID}
ENDINGS: Mapping[str, DataKind] = {".csv": TABLES, ".tsv": TABLES, ".csv.gz": TABLES, ".tsv.gz": TABLES}


def kind_of(source: str) -> DataKind:
    """What knows the data that the user names: pictures, unless a name or an ending says otherwise."""
    of_file = (kind for end, kind in ENDINGS.items() if source.lower().endswith(end))
    return NAMED.get(source) or next(of_file, FLAT_PICTURES)
