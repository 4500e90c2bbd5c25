"""Whose examples a network is called on: what layers need that draw by the example.

Keras' layers are given tensors alone. A layer that draws a mask needs to know which examples of the run they are, so
that the same example meets the same mask on one device and on many, before and after a resume.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ExampleKey:
    """The examples that a network is being called on.

    Attributes:
        index: `[batch]` int64, their numbers in the run.
        seed: Of the stage's stream.
        network: Name of the network.
    """

    index: Any
    seed: int
    network: str


_KEY: ContextVar[ExampleKey | None] = ContextVar("example key", default=None)


@contextmanager
def keyed_by(key: ExampleKey) -> Iterator[None]:
    """Layers called inside draw by these examples."""
    token = _KEY.set(key)
    try:
        yield
    finally:
        _KEY.reset(token)


def example_key() -> ExampleKey | None:
    """The examples that a network is being called on; None outside of a training."""
    return _KEY.get()
