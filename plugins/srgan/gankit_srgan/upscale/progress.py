"""How far a batch of pictures is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Any

import click


def duration(seconds: float) -> str:
    """Hours, minutes and seconds: "0:03:05"."""
    return str(timedelta(seconds=round(seconds)))


class PictureProgress:
    """Counts finished pixels; a context manager.

    Args:
        clock: Gives seconds.

    Attributes:
        total: Pixels of all inputs.
        done: Pixels that are finished.
        name: Of the picture that is being enlarged.
    """

    LINE_EVERY = 10.0  # seconds between plain lines, so that a log file stays short

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.done, self.name = 0, 0, ""
        self._clock = clock

    def __enter__(self) -> PictureProgress:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False, markup=False)
        self._bar: Any = None
        self._began = self._spoke = self._clock()
        return self

    def begin(self, total: int) -> None:
        """Starts the clock: what came before was looking and loading."""
        self.total, self._began = total, self._clock()

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.clear()

    def clear(self) -> None:
        """Takes the bar away, so that a message stands alone; it comes back by itself."""
        if self._bar:
            self._bar.stop()
            self._bar = None

    def __call__(self, pixels: int) -> None:
        """Counts finished pixels."""
        self.done += pixels
        now = self._clock()
        if self._console.is_terminal:
            self._draw(now)
        elif now - self._spoke >= self.LINE_EVERY:
            self._spoke = now
            click.echo(f"{self.name}  {100 * self.done / self.total:.0f} %  {self.left(now)}", err=True)

    def left(self, now: float) -> str:
        """What is left, by the speed so far."""
        if not self.done:
            return ""
        return f"{duration((self.total - self.done) * (now - self._began) / self.done)} left"

    def _draw(self, now: float) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        if self._bar is None:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(24),
                TaskProgressColumn(),
                TextColumn("{task.fields[rest]}"),
            )
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task("", total=self.total, rest="")
        self._bar.update(self._task, total=self.total, completed=self.done, description=self.name, rest=self.left(now))
