"""Before workers train together, they compare what they are about to train.

The chief listens at its own address, before TensorFlow's server does, and each other worker tells it what decides the
result. What differs between two of them ends all, with its name. The chief also leaves a token in the folder of runs,
which the others must find: they read checkpoints there when a run is resumed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gankit.engine.cluster import SPEAKS_EVERY, Cluster, split_address
from gankit.errors import GankitError, UsageError
from gankit.support.files import write

log = logging.getLogger("gankit")

LONGEST = 1 << 20  # bytes of a message; a configuration has some thousands
HELLO = "gankit workers 1"
SHARED = "run folders must lie on a file system that all workers share: --runs-dir on NFS or Lustre, say"


def shake_hands(cluster: Cluster, facts: Mapping[str, Any], folder: Path, wait_minutes: float = 10.0) -> None:
    """Returns when all workers are there and agree.

    Args:
        cluster: The workers.
        facts: What decides the result, by names that people understand; values as JSON has them.
        folder: Of runs; it is made if need be.
        wait_minutes: How long to wait for all.

    Raises:
        UsageError: Something differs, or a worker cannot read what the chief writes.
        GankitError: Somebody does not come in time.
    """
    deadline = time.monotonic() + wait_minutes * 60
    part = _as_chief if cluster.index == 0 else _as_worker
    verdict = part(cluster, dict(facts), folder, deadline)
    if verdict:
        message, _, hint = verdict.partition("\n")
        raise UsageError(message, hint)


class _Line:
    """A connection that says and hears JSON, a line each."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")

    def say(self, value: Any) -> None:
        self._connection.sendall(json.dumps(value).encode() + b"\n")

    def hear(self, seconds: float) -> Any:
        self._connection.settimeout(max(seconds, 0.1))
        line = self._file.readline(LONGEST)
        if not line.endswith(b"\n"):
            raise ConnectionError("the other end is gone")
        return json.loads(line)

    def close(self) -> None:
        self._file.close()
        self._connection.close()


def _late(cluster: Cluster, missing: list[int]) -> GankitError:
    return GankitError(
        f"waited in vain for {', '.join(map(cluster.called, missing))}",
        "start it, or look at what it printed; --wait-minutes waits longer",
    )


def _as_chief(cluster: Cluster, facts: dict[str, Any], folder: Path, deadline: float) -> str:
    lines: dict[int, _Line] = {}
    told: dict[int, dict[str, Any]] = {0: facts}
    token = folder / f".token-{secrets.token_hex(8)}"
    with contextlib.ExitStack() as stack:
        try:
            server = socket.create_server(("", split_address(cluster.workers[0])[1]), backlog=len(cluster.workers))
        except OSError as error:
            raise UsageError(
                f"{cluster.called(0)}, this one, cannot listen there: {error.strerror}",
                "is another training using the port? choose another one, for all workers",
            ) from error
        stack.enter_context(server)
        spoke = time.monotonic()
        while missing := [worker for worker in range(len(cluster.workers)) if worker not in told]:
            if time.monotonic() > deadline:
                raise _late(cluster, missing)
            server.settimeout(max(0.1, min(spoke + SPEAKS_EVERY, deadline) - time.monotonic()))
            try:
                line = _Line(server.accept()[0])
                stack.callback(line.close)
                hello = line.hear(5)
                worker = int(hello["worker"])
                if hello["hello"] == HELLO and 0 < worker < len(cluster.workers):
                    if worker in told:  # it has been begun anew, or two have one number
                        log.warning("%s has come a second time; the later one counts", cluster.called(worker))
                    told[worker], lines[worker] = dict(hello["facts"]), line
            except TimeoutError:
                pass
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.debug("somebody else spoke to %s: %s", cluster.workers[0], error)
            if time.monotonic() - spoke >= SPEAKS_EVERY:
                spoke = time.monotonic()
                log.info("waiting for %s", ", ".join(map(cluster.called, missing)))
        verdict = _difference(told)
        if not verdict:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                write(token, token.name)
                stack.callback(token.unlink, missing_ok=True)
            except (OSError, GankitError) as error:
                verdict = f"{cluster.called(0)} cannot write to {folder}: {error}\n{SHARED}"
        unseen = []
        for worker, line in lines.items():
            with contextlib.suppress(OSError, ValueError):
                line.say({"token": "" if verdict else token.name})
                if line.hear(60) is not True:
                    unseen.append(worker)
        if unseen and not verdict:
            who = ", ".join(map(cluster.called, unseen))
            verdict = f"{who} does not see what the chief writes to {folder.resolve()}\n{SHARED}"
        for line in lines.values():
            with contextlib.suppress(OSError):
                line.say(verdict)
    return verdict


def _as_worker(cluster: Cluster, facts: dict[str, Any], folder: Path, deadline: float) -> str:
    spoke = time.monotonic()
    while True:
        try:
            line = _Line(socket.create_connection(split_address(cluster.workers[0]), timeout=5))
            line.say({"hello": HELLO, "worker": cluster.index, "facts": facts})
            # The chief answers when all are there.
            token = line.hear(deadline - time.monotonic())["token"]
            line.say(not token or _sees(folder / Path(str(token)).name))
            verdict = str(line.hear(120))
            line.close()
            return verdict
        except (OSError, ValueError, KeyError, TypeError):  # nobody is there yet
            if time.monotonic() > deadline:
                raise _late(cluster, [0]) from None
        if time.monotonic() - spoke >= SPEAKS_EVERY:
            spoke = time.monotonic()
            log.info("waiting for %s, the chief", cluster.called(0))
        time.sleep(0.2)


def _sees(token: Path) -> bool:
    for _ in range(50):  # a file system of several machines may take some seconds
        with contextlib.suppress(OSError):
            if token.read_text("utf-8") == token.name:
                return True
        time.sleep(0.1)
    return False


def _difference(told: Mapping[int, Mapping[str, Any]]) -> str:
    """The first facts that differ from the chief's, and a hint in a second line; "" if none does.

    Examples:
        >>> _difference({0: {"training.lr": 0.1}, 1: {"training.lr": 0.2}}).splitlines()[0]
        'workers differ in training.lr: 0.1 in worker 0 and 0.2 in worker 1'
        >>> _difference({0: {"seed": 1}, 1: {"seed": 1}})
        ''
    """
    chief = told[0]
    for worker, facts in sorted(told.items()):
        keys = sorted(key for key in chief.keys() | facts.keys() if chief.get(key) != facts.get(key))
        if keys:
            found = "; ".join(
                f"{k}: {chief.get(k)!r} in worker 0 and {facts.get(k)!r} in worker {worker}" for k in keys[:3]
            )
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            return f"workers differ in {found}{more}\ngive all of them the same command, data and versions"
    return ""
