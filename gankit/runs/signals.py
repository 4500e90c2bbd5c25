"""Signals that end a command: between the steps of a training it saves and leaves, elsewhere it leaves at once.

SIGINT is the user's Ctrl-C. SIGTERM and SIGUSR1 are a batch system's ("your time is nearly up"), SIGHUP is a terminal's
that closes. A second SIGINT stops whatever goes on.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1") if hasattr(signal, name))


class Ended(KeyboardInterrupt):
    """A signal ends what goes on; an interrupt, so that nothing that bears with errors bears with it.

    Attributes:
        signal: The signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = number

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C; 75, "try again later", after the others."""
        return exit_code(self.signal)


def exit_code(number: int) -> int:
    """Of a process that a signal has ended."""
    return 130 if number == signal.SIGINT else 75


class Stop:
    """What to do about signals.

    Attributes:
        signal: The number of the last signal that came; 0 if none did.
    """

    def __init__(self) -> None:
        self.signal: int = 0
        self._asked = False

    @contextlib.contextmanager
    def asked(self) -> Iterator[None]:
        """While inside, signals are kept in `signal`, which is asked for between steps; one that was not is late."""
        self._asked = True
        try:
            yield
        finally:
            self._asked = False
        if self.signal:
            raise Ended(self.signal)

    def ignore(self) -> None:
        """From now on there is nothing left to stop."""
        self._asked = True

    def _handle(self, number: int, frame: Any) -> None:
        again = self.signal == signal.SIGINT == number
        self.signal = number
        if again or not self._asked:
            raise Ended(number)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Listens for signals while inside; does nothing outside the main thread, where Python forbids it.

    A signal that whoever began the process has it ignore, as nohup does SIGHUP, stays ignored.
    """
    stop = Stop()
    before: dict[int, Any] = {}
    with contextlib.suppress(ValueError):
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, stop._handle)
    try:
        yield stop
    finally:
        for known, handler in before.items():
            signal.signal(known, handler)
