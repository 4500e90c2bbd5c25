"""Operations that draw random numbers from a generator of the process: a recipe's functions of an example have none.

What they draw is another thing after a resume and on another number of devices.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gankit.errors import RecipeError
from gankit.support.blame import is_authors, short

# Those of TensorFlow's stateless functions are not among them.
DRAWING = frozenset(
    [
        "Multinomial",
        "NonDeterministicInts",
        "ParameterizedTruncatedNormal",
        "RandomCrop",
        "RandomGamma",
        "RandomPoisson",
        "RandomPoissonV2",
        "RandomShuffle",
        "RandomStandardNormal",
        "RandomUniform",
        "RandomUniformInt",
        "RngReadAndSkip",
        "SampleDistortedBoundingBox",
        "SampleDistortedBoundingBoxV2",
        "StatefulRandomBinomial",
        "StatefulStandardNormalV2",
        "StatefulTruncatedNormal",
        "StatefulUniform",
        "StatefulUniformFullInt",
        "StatefulUniformInt",
        "TruncatedNormal",
    ]
)
NOISE = (
    "draw with turn.normal(name, *shape) or turn.uniform(name, *shape): numbers that depend on the seed, the example "
    "and the name alone are the same after a resume and on any number of devices"
)
SOURCE_NOISE = (
    "draw with gankit.engine.random.uniform(index, seed, name, shape): gather() gets both, so that an example is the "
    "same after a resume and on any number of devices"
)


@contextmanager
def keyed_alone(hint: str) -> Iterator[None]:
    """Stands around a recipe's function while it is traced.

    Functions within it, a loop's body say, are not looked into; the kit does that.

    Raises:
        RecipeError: It made an operation that draws.
    """
    import tensorflow as tf  # not above: the names of the kit's checks are listed without it

    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    before = len(graph.get_operations()) if graph else 0
    yield
    for op in graph.get_operations()[before:] if graph else ():
        if op.type in DRAWING:
            raise RecipeError(f"it draws random numbers ({op.type}) in {written(op)}", hint)


def written(op: Any) -> str:
    """The line of the author's that made an operation, "mine.py:31 in fakes"."""
    for frame in reversed(list(op.traceback or ())):
        if is_authors(frame.filename):
            return f"{short(frame.filename)}:{frame.lineno} in {frame.name}"
    return f"the operation {op.name}"
