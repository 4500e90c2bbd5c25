"""Text tables as columns, a piece of many rows at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gankit.support import TextTable
from gankit_aae_molecules.tables.responses import Dropped

PIECE = 50_000  # rows at a time

Piece = dict[str, np.ndarray]  # column -> [rows] strings (object), without outer blanks


class PiecewiseTable(TextTable):
    """A text table that is read by columns.

    Args:
        path: As of `TextTable`, with commas, semicolons or tabs between the cells.

    Raises:
        DataError: It is no text table.

    Attributes:
        columns: Names; the second of two equal ones gets ".1". A first column of row names without a name is "".
        first: The cells of the first row; empty if there is none.
        count: Rows read so far.
        ragged: Those of them that do not fit the columns.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, separators=",;\t")
        self.first = next((cells for _, cells in self.rows()), [])
        unnamed = len(self.first) == len(self.names) + 1 and self.first[-1]  # as R's write.table names its columns
        seen: Counter[str] = Counter()
        self.columns = []
        for name in ["", *self.names] if unnamed else self.names:
            self.columns.append(f"{name}.{seen[name]}" if seen[name] else name)
            seen[name] += 1

    def pieces(self) -> Iterator[Piece]:
        """The rows, in pieces of up to `PIECE`. Short ones are filled up, and those with too many cells are left out.

        Raises:
            DataError: The file is damaged.
        """
        self.count, self.ragged = 0, Dropped()
        width, flat = len(self.columns), []  # in one list: many small ones would keep the garbage collector busy
        for _, cells in self.rows():
            self.count += 1
            flat += cells if len(cells) == width else self._fitted(cells, width)
            if len(flat) == PIECE * width:
                yield self._piece(flat)
                flat = []
        if flat:
            yield self._piece(flat)

    def _piece(self, flat: list[str]) -> Piece:
        filled = np.array(flat, object).reshape(-1, len(self.columns))
        return {name: filled[:, i] for i, name in enumerate(self.columns)}

    def _fitted(self, cells: list[str], width: int) -> list[str]:
        """A row of the right width; empty if there is too much in it."""
        if any(cells[width:]):
            self.ragged.add(1, [f"{len(cells)} fields: {self.separator.join(cells)[:60]}"])
            return []
        return cells[:width] + [""] * (width - len(cells))
