"""Run directories: all that one training did.

    runs/<recipe>/<date-time-id>/
        config.yaml      the whole configuration, frozen
        run.json         command, plugin, versions, data hash, seed, device, status, exit code
        recipe/          of a recipe that is run from a file: copies of it and of the modules beside it, to be read
        facts.json       what rebuilding the networks needs
        metrics.jsonl    a line every `log_every` steps
        gankit.log       messages
        samples/         a folder of pictures every `sample_every` steps
        checkpoints/     the newest two
        evaluation.json  held-out figures beside baselines; evaluations/ holds those on other data
        report.html      all of it as a page
        .lock            held while a process writes

A run is never overwritten.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import re
import secrets
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from gankit.errors import DataError, RunLocked, UsageError
from gankit.runs.record import DAMAGED, MetricsLine, RunRecord
from gankit.support.files import unwritable, write, write_json
from gankit.support.stored import parse_stored, read_stored

log = logging.getLogger("gankit")

RUN_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def runs_root(folder: Path | None = None) -> Path:
    """The folder of all runs: as given, else `$GANKIT_RUNS`, else `./runs`.

    Examples:
        >>> runs_root(Path("elsewhere")).name
        'elsewhere'
    """
    return folder or Path(os.environ.get("GANKIT_RUNS") or "runs")


def now() -> str:
    """The time in UTC, to the second, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def new_stamp() -> str:
    """Date, time and two random bytes: the name of a new run folder, or a part of a file's."""
    return f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def owner(process: int) -> str:
    """How a run names a process of this machine that holds it."""
    return f"process {process} on {socket.gethostname()}"


class Run:
    """One run directory.

    Args:
        path: The directory; it must hold run.json.
        trusted: Whether the file that its record names as its recipe may be executed.

    Raises:
        UsageError: It is not a run.

    Examples:
        >>> Run(Path("runs/srgan/20260101-120000-ab12")).info["status"]  # doctest: +SKIP
        'done'
    """

    def __init__(self, path: Path, *, trusted: bool = False) -> None:
        self.path, self.trusted = path, trusted
        if not (path / "run.json").is_file():
            raise UsageError(f"{path} is not a run", "'gankit runs' lists them")

    @classmethod
    def create(cls, root: Path, recipe: str, config: str, info: Mapping[str, Any]) -> Run:
        """Makes a new directory with a configuration as YAML, and the first contents of run.json."""
        path = root / recipe / new_stamp()
        try:
            path.mkdir(parents=True)
        except OSError as error:
            raise UsageError(f"cannot make the run folder {path}: {error}", "choose another with --runs-dir") from error
        (path / "config.yaml").write_text(config, "utf-8")
        write_json(path / "run.json", {"recipe": recipe, "status": "created", "started": now(), **info})
        return cls(path, trusted=True)  # whoever makes a run has chosen its recipe

    @property
    def info(self) -> dict[str, Any]:
        """run.json, as `RunRecord` says.

        Raises:
            DataError: It cannot be read, or is damaged.
        """
        return read_stored(self.path / "run.json", RunRecord, DAMAGED).plain()

    def update(self, **changes: Any) -> None:
        """Changes fields of run.json."""
        write_json(self.path / "run.json", {**self.info, **changes})

    @property
    def owner(self) -> str:
        """Who held the run last, "process 4711 on ada"; "" if nobody has."""
        path = self.path / ".owner"
        return path.read_text("utf-8", "replace") if path.is_file() else ""

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def alive(self) -> bool:
        """Whether some process holds the run; True, too, where nobody can tell, since it may only be read."""
        try:
            with self._lock():
                return False
        except OSError:  # `Timeout` is one
            return True

    def _lock(self) -> FileLock:
        return FileLock(self.path / ".lock", timeout=0)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the run; the operating system lets go when the process ends, however it ends.

        Raises:
            RunLocked: Another process holds it.
        """
        try:
            with self._lock():
                (self.path / ".owner").write_text(owner(os.getpid()), "utf-8")
                yield
        except Timeout as error:
            who = self.owner or "another process"
            raise RunLocked(f"{self.path} is being written by {who}", "wait for it, or stop it first") from error

    def log(self, line: Mapping[str, Any]) -> None:
        """Appends a line to metrics.jsonl."""
        path = self.path / "metrics.jsonl"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, allow_nan=False) + "\n")
        except OSError as error:
            raise unwritable(path, error) from error

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl, as `MetricsLine` says; a last one that a crash cut short is left out.

        Raises:
            DataError: It cannot be read, or a line is damaged.
        """
        path = self.path / "metrics.jsonl"
        try:
            *lines, last = path.read_bytes().split(b"\n") if path.is_file() else [b""]
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error}", DAMAGED) from error
        found = [parse_stored(line, MetricsLine, f"{path}, line {i},", DAMAGED) for i, line in enumerate(lines, 1)]
        with contextlib.suppress(DataError):
            found.append(parse_stored(last, MetricsLine, path, DAMAGED))
        return [line.plain() for line in found]

    def rewind(self, total: int) -> None:
        """Drops the lines of steps that will be done again."""
        lines = [line for line in self.metrics() if line["total"] <= total]
        write(self.path / "metrics.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


def all_runs(root: Path, recipe: str = "") -> list[Run]:
    """The runs under a folder, the oldest first; one whose run.json is damaged is left out with a warning."""
    found = []
    for path in root.glob(f"{recipe or '*'}/*/run.json"):
        run = Run(path.parent)
        try:
            found.append((str(run.info.get("started", "")), path.parent.stat().st_mtime_ns, path.parent.name, run))
        except DataError as error:
            log.warning("%s", error.message)
    return [run for *_, run in sorted(found, key=lambda item: item[:3])]


def find_run(reference: str, root: Path) -> Run:
    """The run that a user means.

    Args:
        reference: A folder; "latest"; a recipe's name (its latest); an id, or the beginning of one.
        root: The folder of all runs.

    Raises:
        UsageError: There is none, or more than one.

    Examples:
        >>> find_run("latest", runs_root()).path.name  # doctest: +SKIP
        '20260101-120000-ab12'
    """
    path = Path(reference)
    with contextlib.suppress(OSError, ValueError):  # too long for a path, or not one at all
        if (path / "run.json").is_file():
            return Run(path)
    if not RUN_ID.fullmatch(reference.rpartition("/")[2]) or ".." in reference:
        raise UsageError(f"{reference!r} is neither a run folder nor a run id", "'gankit runs' lists them")
    runs = all_runs(root)
    if not runs:
        raise UsageError(
            f"there are no runs in {root}", "'gankit run RECIPE' makes one; --runs-dir names another folder"
        )
    if reference == "latest":
        return runs[-1]
    if of_recipe := [run for run in runs if run.path.parent.name == reference]:
        return of_recipe[-1]
    names = [(run, (run.path.name, f"{run.path.parent.name}/{run.path.name}")) for run in runs]
    matches = [run for run, known in names if reference in known] or [
        run for run, known in names if any(name.startswith(reference) for name in known)
    ]
    if len(matches) != 1:
        what = "no run" if not matches else "more than one run"
        raise UsageError(f"{what} is called {reference!r} in {root}", "'gankit runs' lists them")
    return matches[0]
