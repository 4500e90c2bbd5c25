"""What goes on in a process of `gankit.support.jobs`: one call at a time, answered in any case, ended by signals.

A process that is told to end tidies up what it is at, and begins nothing more: whoever began it kills it then.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from gankit.errors import GankitError, Stopped
from gankit.support.children import end_with

T = TypeVar("T")

_one_at_a_time = threading.Lock()
_parent = 0  # who began this process for its calls; 0 for Dask's, which others began
_told_to_end = False
_stopped_round = ""  # the round of calls of which one was stopped


def begin(parent: int, path: tuple[str, ...]) -> None:
    """Makes this process end with its parent, and when it is told to, and import from where its parent does."""
    global _parent
    sys.path[:] = path
    _parent = parent
    end_with(parent)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)


def answer(name: str, function: Callable[..., T], call: tuple[Any, ...]) -> tuple[T | None, Exception | None]:
    """A call's result or error, as a value: joblib's Dask loses errors of calls that are waited for one by one.

    Args:
        name: Of the round of calls.
        function: What is called.
        call: With what.
    """
    global _stopped_round
    with _one_at_a_time:
        try:
            if _told_to_end or _stopped_round == name:
                raise KeyboardInterrupt
            return function(*call), None
        except KeyboardInterrupt:
            if _parent and os.getppid() != _parent:
                os._exit(75)
            return None, Stopped("a process of --jobs was told to end")
        except Exception as error:
            if isinstance(error, Stopped):
                _stopped_round = name
            return None, _portable(error)


def result_of(answered: tuple[T, Exception | None]) -> T:
    """The result; raises the error."""
    result, error = answered
    if error is not None:
        raise error
    return result


def _portable(error: Exception) -> Exception:
    """The error, or its text where it would not survive the way to another process."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return GankitError(f"{type(error).__name__}: {error}")
    return error


def _end(number: int, frame: Any) -> None:
    """Ends the call, the first time; a second signal must not disturb it while it tidies up."""
    global _told_to_end
    first, _told_to_end = not _told_to_end, True
    if first and _one_at_a_time.locked():
        raise KeyboardInterrupt
    if os.getppid() != _parent and not _one_at_a_time.locked():
        os._exit(75)
