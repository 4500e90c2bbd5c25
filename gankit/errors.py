"""Every error that a user can cause or mend.

    GankitError                 exit 1: something failed
    ├── UsageError              exit 2: the command line or a file named on it is wrong
    │   ├── ConfigError         a configuration value or key is wrong
    │   ├── PluginError         a recipe is unknown, broken or ambiguous
    │   └── RunLocked           another process writes to the run
    ├── DataError               a file or table cannot be used as data
    ├── RecipeError             a recipe breaks the contract (a bug in the plugin, not in the user's input)
    ├── CheckpointError         no checkpoint can be read, or it does not fit the networks
    ├── NonFinite               a loss or a gradient became NaN or infinite
    ├── Offline                 a download is needed and may not happen
    └── Stopped                 exit 75 or 130: a signal ended the run, which can be resumed

An error says what happened (`message`) and what to do (`hint`). The command line prints just these two; `--debug`
adds the traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "CheckpointError",
    "ConfigError",
    "DataError",
    "GankitError",
    "NonFinite",
    "Offline",
    "PluginError",
    "RecipeError",
    "RunLocked",
    "Stopped",
    "UsageError",
    "did_you_mean",
]


class GankitError(Exception):
    """Base of all errors with a message for people.

    Args:
        message: What happened, in one sentence without a final full stop.
        hint: What the user can do about it; empty if there is nothing to say.

    Examples:
        >>> error = GankitError("no such folder: x", "give a folder of pictures")
        >>> error.message, error.hint, error.exit_code
        ('no such folder: x', 'give a folder of pictures', 1)
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(GankitError):
    """The command line, or something it names, is wrong."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration key is unknown or a value is out of range."""


class PluginError(UsageError):
    """A recipe is unknown, broken or offered by two distributions."""


class RunLocked(UsageError):
    """Another process holds the run."""


class DataError(GankitError):
    """A file, an image or a table cannot be used as data."""


class RecipeError(GankitError):
    """A recipe breaks the contract, or its code raised something.

    Attributes:
        place: Where, "mine.py:44 in judge, loss of phase 'critic'", with which the message begins; "" if unknown.
    """

    place = ""

    def put(self, place: str) -> None:
        """Says where it came from, unless that is known."""
        if place and not self.place:
            self.place, self.message = place, f"{place}: {self.message}"
            self.args = (self.message,)


class CheckpointError(GankitError):
    """No usable checkpoint, or one that does not fit the networks."""


class NonFinite(GankitError):
    """A loss or a gradient is NaN or infinite."""


class Offline(GankitError):
    """Something must be downloaded, but `--offline` forbids it or there is no network."""


class Stopped(GankitError):
    """A signal ended the run after a complete step; it can be resumed.

    Args:
        message: What happened.
        hint: The command that resumes the run.
        exit_code: 130 after SIGINT, 75 after SIGTERM, SIGHUP and SIGUSR1.
    """

    def __init__(self, message: str, hint: str = "", exit_code: int = 75) -> None:
        super().__init__(message, hint)
        self.exit_code = exit_code


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names the closest known words, or all of them if none is close.

    Args:
        word: What the user wrote.
        known: What would have been understood.

    Returns:
        A sentence for `GankitError.hint`.

    Examples:
        >>> did_you_mean("adm", ["adam", "sgd"])
        "did you mean 'adam'?"
    """
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(repr(name) for name in close) + "?"
    return "known: " + ", ".join(names) if names else ""
