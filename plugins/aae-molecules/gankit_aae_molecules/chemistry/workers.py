"""Work on many molecules, in several processes where that pays."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from joblib import Parallel, cpu_count, delayed

T = TypeVar("T")
log = logging.getLogger("gankit")

FEWEST = 4000  # molecules; below, starting processes that import RDKit takes longer than the work
PIECE = 500  # molecules handed over at a time


def mapped(function: Callable[[str], T], items: Sequence[str], workers: int | None = None) -> list[T]:
    """Applies a function to many strings.

    Args:
        function: Of a module, so that other processes can import it.
        items: What it is given; other processes are handed `PIECE` of them at a time.
        workers: Processes; None for one a processor if there are more than `FEWEST` items, else one.

    Returns:
        Its results, in the order of the items.
    """
    pieces = [list(items[i : i + PIECE]) for i in range(0, len(items), PIECE)]
    if workers is None:
        workers = cpu_count() if len(items) > FEWEST else 1
    if min(workers, len(pieces)) > 1:
        try:
            return [result for piece in streamed(_each, ((function, x) for x in pieces), workers) for result in piece]
        except (BrokenProcessPool, OSError) as error:
            log.warning("processes could not be used (%s), so one does all the work", error)
    return _each(function, items)


def _each(function: Callable[[str], T], items: Sequence[str]) -> list[T]:
    return [function(item) for item in items]


def streamed(function: Callable[..., T], calls: Iterable[tuple[Any, ...]], workers: int) -> Iterator[T]:
    """Results of calls in their order, each made by one of some processes, a few calls ahead of the reader.

    The processes are begun afresh and do not import the program that began this one: a copy of a process in which
    TensorFlow has threads can hang, and a script without a guard would run again in each of them.
    """
    parallel = Parallel(workers, batch_size=1, pre_dispatch="2 * n_jobs", return_as="generator")
    yield from parallel(delayed(function)(*call) for call in calls)
