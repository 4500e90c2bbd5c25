"""Where gankit keeps what it downloads, and whether it may download at all."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The folder of all downloads: `$GANKIT_HOME`, else the one that the system provides for an application's data.

    Examples:
        >>> home().is_absolute()
        True
    """
    if given := os.environ.get("GANKIT_HOME"):
        return Path(given).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("gankit", appauthor=False)


def offline() -> bool:
    """Whether `--offline` or `$GANKIT_OFFLINE` (anything but "", "0" and "false") forbids to open a socket.

    Examples:
        >>> os.environ.pop("GANKIT_OFFLINE", None) is None and offline()
        False
    """
    return os.environ.get("GANKIT_OFFLINE", "").lower() not in ("", "0", "false")
