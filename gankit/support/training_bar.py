"""How a training shows itself: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

import click

from gankit.runs.metrics_log import Progress


def duration(seconds: float) -> str:
    """Seconds as "42 s", "3 min 05 s" or "2 h 10 min"."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left:02d} min" if hours else f"{minutes} min {rest:02d} s"


def losses(progress: Progress) -> str:
    """The terms of the newest steps, without gradient norms."""
    shown = {name: value for name, value in progress.terms.items() if not name.endswith("/gradient_norm")}
    return "  ".join(f"{name} {value:.4g}" for name, value in shown.items())


class ProgressBar:
    """A training's listener; a context manager."""

    LINE_EVERY = 10.0  # seconds between plain lines, so that a log file stays short

    def __enter__(self) -> ProgressBar:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False, markup=False)
        self._bar: Any = None
        self._began = self._spoke = 0.0
        self._first = 0
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Shows where the training stands."""
        now = time.monotonic()
        if not self._began:
            self._began, self._first = now, progress.total
        rate = (progress.total - self._first) / max(now - self._began, 1e-9)
        left = f"{duration((progress.planned - progress.total) / rate)} left  " if rate else ""
        if self._console.is_terminal:
            self._draw(progress, left)
        elif now - self._spoke >= self.LINE_EVERY or progress.step == progress.steps:
            self._spoke = now
            click.echo(
                f"{progress.stage} {progress.step}/{progress.steps}  {progress.examples_per_second:.0f} examples/s  "
                f"{left}{losses(progress)}",
                err=True,
            )

    def _draw(self, progress: Progress, left: str) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bar

        if self._bar is None:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rest]}"),
            )
            self._bar = Bar(*columns, console=self._console)
            self._bar.start()
            self._task = self._bar.add_task("", total=progress.planned, rest="")
        rest = f"{progress.examples_per_second:.0f} examples/s  {left}{losses(progress)}"
        self._bar.update(self._task, completed=progress.total, description=progress.stage, rest=rest)
