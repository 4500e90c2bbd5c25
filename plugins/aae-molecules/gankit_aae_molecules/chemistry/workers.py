"""Work on many molecules, in several processes where that pays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from gankit.support import Jobs

T = TypeVar("T")

FEWEST = 4000  # molecules; below, starting processes that import RDKit takes longer than the work
PIECE = 500  # molecules handed over at a time


def mapped(function: Callable[[str], T], items: Sequence[str], jobs: Jobs | None = None) -> list[T]:
    """Applies a function to many strings.

    Args:
        function: Of a module, so that other processes can import it.
        items: What it is given; other processes are handed `PIECE` of them at a time.
        jobs: Where it is computed; None for one process a processor if there are more than `FEWEST` items, else one.

    Returns:
        Its results, in the order of the items.
    """
    jobs = jobs or Jobs(0 if len(items) > FEWEST else 1)
    pieces = ((function, list(items[i : i + PIECE])) for i in range(0, len(items), PIECE))
    return [result for piece in jobs.map(_each, pieces) for result in piece]


def _each(function: Callable[[str], T], items: Sequence[str]) -> list[T]:
    return [function(item) for item in items]
