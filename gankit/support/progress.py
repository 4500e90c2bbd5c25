"""How work shows itself on stderr: one bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

from gankit.support.values import duration, human

Unit = Literal["", "bytes", "share"]

LINE_EVERY = 10.0  # seconds between plain lines, so that a log file stays short


class Bar:
    """Work that is done bit by bit; a context manager, to be called with what has been done.

    Args:
        label: What is done to what: "fetching a.zip".
        total: The amount when all is done.
        done: The amount at the beginning.
        unit: "" shows counts, "bytes" sizes, and "share" a percentage.
        clock: Gives seconds.

    Attributes:
        label: As given; change it for each part of the work.
        note: Shown behind the rest.

    Examples:
        >>> with Bar("reading", total=3) as bar:
        ...     for _ in range(3):
        ...         bar(1)
        >>> bar.done
        3
    """

    def __init__(
        self, label: str, total: int, done: int = 0, unit: Unit = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.label, self.total, self.done, self.unit, self.note = label, total, done, unit, ""
        self._clock = clock
        self._bar: Any = None
        self._console: Any = None

    def __enter__(self) -> Self:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False, markup=False)
        self.begin()
        self._spoke = self._clock()
        return self

    def begin(self) -> None:
        """Starts the clock by which the time that is left is told: what came before was looking and loading."""
        self._began, self._first = self._clock(), self.done

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.clear()

    def __call__(self, count: int) -> None:
        """`count` more are done."""
        self.show(self.done + count)

    def clear(self) -> None:
        """Takes the bar away, so that a message stands alone; it comes back by itself."""
        if self._bar:
            self._bar.stop()
            self._bar = None

    def show(self, done: int, *, last: bool = False) -> None:
        """So many are done in all; `last` writes the plain line in any case."""
        self.done = done
        now = self._clock()
        if self._console.is_terminal:
            self._draw(now)
        elif (last or now - self._spoke >= LINE_EVERY) and logging.getLogger("gankit").isEnabledFor(logging.INFO):
            self._spoke = now
            parts = (self.label, self.amount(), self.left(now), self.note)
            print("  ".join(part for part in parts if part), file=sys.stderr, flush=True)

    def amount(self) -> str:
        """How much is done, in the bar's unit."""
        if self.unit == "bytes":
            return f"{human(self.done)} of {human(self.total)}"
        if self.unit == "share":
            return f"{100 * self.done / max(self.total, 1):.0f} %"
        return f"{self.done:,} of {self.total:,}"

    def left(self, now: float) -> str:
        """The time that is left, by the speed so far."""
        gone = self.done - self._first
        return f"{duration(max(self.total - self.done, 0) * (now - self._began) / gone)} left" if gone > 0 else ""

    def _draw(self, now: float) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        if self._bar is None:
            # The name of a file may hold brackets, which are no markup.
            texts = [TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[rest]}")]
            self._bar = Progress(texts[0], BarColumn(24), texts[1], console=self._console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task("", total=self.total, rest="")
        rest = "  ".join(part for part in (self.amount(), self.left(now), self.note) if part)
        self._bar.update(self._task, total=self.total, completed=self.done, description=self.label, rest=rest)


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Attributes:
        stage: Name of the stage.
        step: Steps done in the stage.
        steps: Steps of the stage.
        total: Steps done in the run.
        planned: Steps of the run.
        examples_per_second: In the newest steps.
        terms: Mean of each term over the newest steps.
        held_out: The figures of `Stage.probe`, if the stage has one.

    Examples:
        >>> Progress("main", 5, 10, 5, 10, 120.0, {"generator/loss": 0.7}).step
        5
    """

    stage: str
    step: int
    steps: int
    total: int
    planned: int
    examples_per_second: float
    terms: dict[str, float]
    held_out: dict[str, float] = field(default_factory=dict)


Listener = Callable[[Progress], None]
"""Told of a training's progress each time that it logs."""


class TrainingBar(Bar):
    """A `Listener` that shows a training, with its speed and the terms of its newest steps.

    Examples:
        >>> with TrainingBar() as bar:
        ...     bar(Progress("main", 5, 10, 5, 10, 120.0, {"generator/loss": 0.7}))
    """

    def __init__(self) -> None:
        super().__init__("", 0)

    def __call__(self, progress: Progress) -> None:  # type: ignore[override]  # a listener is told all at once
        """Shows where the training stands."""
        shown = {name: value for name, value in progress.terms.items() if not name.endswith("/gradient_norm")}
        terms = "  ".join(f"{name} {value:.4g}" for name, value in shown.items())
        if not self.total:
            self.done = progress.total
            self.begin()
        self.label, self.total = progress.stage, progress.planned
        self.note = f"{progress.examples_per_second:.0f} examples/s  {terms}"
        self.show(progress.total, last=progress.step == progress.steps)
