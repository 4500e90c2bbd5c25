"""What a recipe's own command leaves behind: a folder, its files, and what they come from.

results = Results("screen", output, loaded, distribution="gankit-aae-molecules", request={"n": 100})
results.csv("candidates.csv", rows)
print_json({"files": results.finish()})
"""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gankit.runs.loading import LoadedRun
from gankit.runs.run import now
from gankit.support.files import new_folder, write_csv, write_json

_CORE = ("gankit", "keras", "tensorflow", "tensorflow-cpu", "numpy", "gankit-datasets")


def versions(distribution: str = "") -> dict[str, str]:
    """Versions of what decides a result.

    Args:
        distribution: A plugin's distribution, whose own version and those of the libraries that it declares are added.

    Examples:
        >>> "numpy" in versions()
        True
    """
    names = list(_CORE)
    if distribution:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            required = importlib.metadata.requires(distribution) or []
            names += [distribution, *(re.split(r"[^\w.-]", line)[0] for line in required if "extra ==" not in line)]
    found = {}
    for name in dict.fromkeys(names):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def provenance(
    loaded: LoadedRun | None, distribution: str = "", request: Mapping[str, Any] | None = None, **facts: Any
) -> dict[str, Any]:
    """All that decides a result, as JSON can hold it.

    Args:
        loaded: The run whose networks made it; None where there is none.
        distribution: The plugin's.
        request: What the user asked for.
        **facts: What else decides it: the data, a library's hash, a warning.

    Examples:
        >>> sorted(provenance(None, request={"n": 3}))
        ['made', 'request', 'versions']
    """
    origin = {"run": str(loaded.run.path), "checkpoint": loaded.checkpoint.name} if loaded else {}
    return {
        **facts,
        **origin,
        "request": dict(request or {}),
        "made": now(),
        "versions": versions(distribution),
    }


class Results:
    """A new folder for what a command makes.

    Args:
        verb: The command's, such as "screen".
        output: The folder that the user names with -o; None for a new one, "screen-<time>", in the run's folder, or in
            the present one where there is no run, or one that may only be read.
        loaded: The run that it works with.
        distribution: The plugin's, such as "gankit-aae-molecules".
        request: What the user asked for.

    Attributes:
        folder: The folder; it exists and is empty.
        files: What a file is -> its path.

    Raises:
        UsageError: The folder cannot be made, or is not empty.

    Examples:
        >>> results = Results("screen", None, distribution="gankit-mine", request={"n": 3})  # doctest: +SKIP
        >>> results.csv("rows.csv", [{"name": "a"}])  # doctest: +SKIP
    """

    def __init__(
        self,
        verb: str,
        output: Path | None,
        loaded: LoadedRun | None = None,
        *,
        distribution: str,
        request: Mapping[str, Any],
    ) -> None:
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S-%f")
        home = loaded.run.path if loaded and os.access(loaded.run.path, os.W_OK) else Path()
        self.folder = new_folder(output or home / f"{verb}-{stamp}")
        self.files: dict[str, str] = {}
        self._loaded, self._distribution, self._request = loaded, distribution, request

    def path(self, name: str, what: str = "") -> Path:
        """Where a file is to be written, which is known as `what`, or by its name, from now on."""
        place = self.folder / name
        self.files[what or name] = str(place)
        return place

    def csv(self, name: str, rows: Iterable[Mapping[str, Any]], what: str = "", columns: Sequence[str] = ()) -> None:
        """Writes a table; see `gankit.support.write_csv`."""
        write_csv(self.path(name, what), rows, columns)

    def json(self, name: str, value: Any, what: str = "") -> None:
        """Writes JSON."""
        write_json(self.path(name, what), value)

    def finish(self, **facts: Any) -> dict[str, str]:
        """Writes provenance.json, and returns what each file is -> its path.

        Args:
            **facts: As of `provenance`.
        """
        self.json("provenance.json", provenance(self._loaded, self._distribution, self._request, **facts), "provenance")
        return self.files
