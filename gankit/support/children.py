"""Processes that end when the one that began them does, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Makes this process be told to end (SIGTERM) when its parent ends; on Linux, elsewhere it does nothing.

    Args:
        parent: The parent's number: it may have ended before this is called.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)


def begin(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """A process whose output can be read, line by line; a terminal's Ctrl-C does not reach it.

    Examples:
        >>> begin([sys.executable, "-c", "print(3)"], os.environ).communicate()[0].strip()
        '3'
    """
    parent = os.getpid()
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        bufsize=1,
        env={**environment, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
        preexec_fn=lambda: end_with(parent),
    )
