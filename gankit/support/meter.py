"""How a long transfer shows itself on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Any

from gankit.support.home import human

log = logging.getLogger("gankit")


class Meter:
    """A context manager that is told how many bytes have gone by.

    Args:
        label: What is done to what: "fetching a.zip".
        total: Bytes when all is done.
        done: Bytes at the beginning.
    """

    LINE_EVERY = 10.0  # seconds between plain lines, so that a log file stays short

    def __init__(self, label: str, total: int, done: int = 0) -> None:
        self.label, self.total, self.done = label, total, done

    def __enter__(self) -> Meter:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.progress import TransferSpeedColumn as SpeedColumn

        self._bar: Any = None
        self._spoke = time.monotonic()
        console = Console(stderr=True, highlight=False, markup=False)
        if console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(24), DownloadColumn(), SpeedColumn())
            self._bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self.label, total=self.total, completed=self.done)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, count: int) -> None:
        """`count` bytes more are done."""
        self.done += count
        if self._bar:
            self._bar.update(self._task, completed=self.done)
        elif time.monotonic() - self._spoke >= self.LINE_EVERY:
            self._spoke = time.monotonic()
            log.info("%s: %s of %s", self.label, human(self.done), human(self.total))
