"""Signals set a flag; the loop finishes its step, saves, and leaves. A second SIGINT stops at once."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any


class Stop:
    """Whether a signal asked the training to stop.

    Attributes:
        signal: The signal's number; 0 if none came.
    """

    def __init__(self) -> None:
        self.signal: int = 0

    @property
    def interrupted(self) -> bool:
        """Whether it was the user's Ctrl-C."""
        return self.signal == signal.SIGINT

    def _handle(self, number: int, frame: Any) -> None:
        if self.signal == signal.SIGINT == number:
            raise KeyboardInterrupt
        self.signal = number


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Listens for SIGINT and SIGTERM while inside; does nothing outside the main thread, where Python forbids it."""
    stop = Stop()
    before: dict[int, Any] = {}
    with contextlib.suppress(ValueError):
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, stop._handle)
    try:
        yield stop
    finally:
        for known, handler in before.items():
            signal.signal(known, handler)
