"""`gankit launch --workers N -- run RECIPE ...`: starts local workers, and ends or restarts them together."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import click

from gankit.commands import common_options, talk
from gankit.errors import UsageError
from gankit.runs.run import all_runs, owner, runs_root
from gankit.runs.signals import Ended

log = logging.getLogger("gankit")

GRACE = 60.0  # seconds in which a worker that is told to end may save


@click.command("launch", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--workers", type=click.IntRange(1, 64), required=True, help="Processes that train together.")
@click.option(
    "--restarts", type=click.IntRange(0), default=0, show_default=True, help="Times to go on after a worker has failed."
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="-- run RECIPE [OPTIONS]")
@common_options
def command(workers: int, restarts: int, words: tuple[str, ...]) -> None:
    """Train with several processes on this machine.

    What follows -- is the command that each of them runs: 'run RECIPE ...' or 'resume RUN'. Their lines are printed
    with the worker's number. When one fails, all are ended; with --restarts they go on from the last checkpoint.

    On a cluster its own launcher starts the processes: srun, or a Kubernetes Job.
    """
    talk()
    if not words or words[0] not in ("run", "resume"):
        wrong = f"{words[0]!r} does not train" if words else "there is nothing to launch"
        raise UsageError(wrong, "gankit launch --workers 2 -- run RECIPE [OPTIONS]")
    runs = runs_root(Path(folder) if (folder := _value(words, "--runs-dir")) else None)
    strategy = _value(words, "--strategy")
    if strategy not in ("", "multiworker"):
        raise UsageError(f"--strategy {strategy} would train {workers} times", "leave it out")
    if not strategy:
        words = (*words, "--strategy", "multiworker")
    for left in range(restarts, -1, -1):
        code, chief = _together([sys.executable, "-m", "gankit", *words], workers)
        if code in (0, 2) or not left:  # what is wrong in the command does not get right
            break
        if begun := [run.path for run in all_runs(runs) if run.owner == owner(chief)]:
            trust = ["--trust-recipe"] if any(re.search(r"\.py(:|$)", word) for word in words[1:2]) else []
            words = ("resume", str(begun[-1]), "--strategy", "multiworker", *trust)
        log.info("a worker has failed; all go on from the last checkpoint, %d more time(s) if need be", left - 1)
    sys.exit(code)


def _value(words: Sequence[str], option: str) -> str:
    """What an option among some words says; "" if it is not there."""
    for word, after in zip(words, [*words[1:], ""], strict=False):
        if word == option:
            return after
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return ""


def _together(words: list[str], count: int) -> tuple[int, int]:
    """Runs a command in some processes that form a cluster.

    Returns:
        0, or the code of the first that failed; the chief's process.
    """
    from gankit.support.children import begin

    addresses = [f"127.0.0.1:{port}" for port in _free_ports(count)]
    configs = [{"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}} for i in range(count)]
    children = [begin(words, {**os.environ, "TF_CONFIG": json.dumps(config)}) for config in configs]
    printers = [threading.Thread(target=_print, args=pair, daemon=True) for pair in enumerate(children)]
    for printer in printers:
        printer.start()
    try:
        while True:
            codes = [child.poll() for child in children]
            failed = [code for code in codes if code]
            if failed or all(code == 0 for code in codes):
                break
            time.sleep(0.1)
        _end(children, signal.SIGTERM)
    except Ended as ended:
        _end(children, ended.signal)
        raise
    for printer in printers:
        printer.join(GRACE)  # what was said last is the most wanted
    code = next(iter(failed), 0)
    return (code if code >= 0 else 128 - code), children[0].pid  # as a shell tells a signal's number


def _end(children: Sequence[subprocess.Popen[str]], number: int) -> None:
    """Tells those that still run to end, and waits; none outlives the grace."""
    for child in children:
        if child.poll() is None:
            child.send_signal(number)
    deadline = time.monotonic() + GRACE
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _print(index: int, child: subprocess.Popen[str]) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        click.echo(f"[{index}] {line}", nl=False)


def _free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens at."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(found.getsockname()[1]) for found in sockets]
    for found in sockets:
        found.close()
    return ports
