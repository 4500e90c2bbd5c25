"""What a method is, and how it is timed: from 8-bit pixels in memory to 8-bit pixels in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

SCALE = 4  # the factor that every peer has

Run = Callable[[np.ndarray], tuple[np.ndarray, float]]


class Failed(Exception):
    """A method could not enlarge this picture; the others go on."""


@dataclass(frozen=True)
class Method:
    """One way of enlarging.

    Attributes:
        name: Unique, as the table and the picture show it.
        family: `ours`, or whose it is: methods of a family share a colour.
        run: `[h, w, 3]` uint8 RGB -> `[4 h, 4 w, 3]` uint8 RGB and the seconds it took. Raises `Failed`.
        facts: What tells a reader how it was run: versions, threads, files.
    """

    name: str
    family: str
    run: Run
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Missing:
    """A method that cannot be run here: `reason`, and how to get it."""

    name: str
    reason: str
    how: str


@dataclass(frozen=True)
class Place:
    """Where peers are found, and what they may use.

    Attributes:
        folder: Holds what was installed for the peers alone: Python packages, `node_modules`, `*.pb` files.
        scratch: For pictures that go to another process.
        threads: Processor threads a method may use.
        models: Our models to run, shipped ones or files; every shipped one of the factor if empty.
    """

    folder: Path
    scratch: Path
    threads: int
    models: tuple[str, ...] = ()


Found = list[Method | Missing]


def timed(function: Callable[[np.ndarray], Any], before: Any = None, after: Any = None) -> Run:
    """A method within this process: only `function` is timed.

    Args:
        function: What a user of the method calls.
        before: What the user's pixels would be already, such as OpenCV's order of colours; not timed.
        after: Back to RGB; not timed.
    """

    def run(low: np.ndarray) -> tuple[np.ndarray, float]:
        given = before(low) if before else low
        began = time.perf_counter()
        try:
            output = function(given)
        except Exception as error:  # each library has errors of its own, for want of memory above all
            raise Failed(f"{type(error).__name__}: {str(error)[:200]}") from error
        seconds = time.perf_counter() - began
        return np.asarray(after(output) if after else output), seconds

    return run


def eight_bits(pixels: np.ndarray) -> np.ndarray:
    """`[..., 3]` float32 in [0, 1], unclipped -> uint8, rounded half up; works in place, for speed."""
    pixels *= 255.0
    pixels += 0.5
    return np.clip(pixels, 0, 255, out=pixels).astype(np.uint8)
