"""Runs that are killed again and again, against the run that never was: the same bits, figures and log?

    python benchmarks/kills.py --kills 10 -- srgan --max-steps 60
    python benchmarks/kills.py --kills 10 -- gan --max-steps 400

First the recipe is trained without a kill, which tells how long a run lives, from its first second to its last, and how
long it takes to begin. Then runs are killed (SIGKILL) and resumed, five kills a run, spread evenly over the life: a
process is killed when it has begun anew and has come as far as the next moment. At the end the tensors of the last
checkpoint, the evaluation and metrics.jsonl (without its seconds) must be equal, the status "done", the report there.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from gankit.engine import checkpoint

IN_A_RUN = 5
TIMED = ("seconds", "examples_per_second")


def began(arguments: list[str]) -> subprocess.Popen[bytes]:
    """Begins gankit with some arguments; what it prints is not shown."""
    command = [sys.executable, "-m", "gankit", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def finished(arguments: list[str], root: Path) -> tuple[float, float]:
    """Runs gankit to its end; returns the seconds it took, and those until it had logged its first steps."""
    start, first = time.monotonic(), 0.0
    process = began(arguments)
    while process.poll() is None:
        time.sleep(0.05)
        if not first and (run := run_in(root)) and (run / "metrics.jsonl").is_file():
            first = time.monotonic() - start
    if process.returncode:
        sys.exit(f"gankit {' '.join(arguments)} ended with {process.returncode}")
    return time.monotonic() - start, first


def run_in(root: Path) -> Path | None:
    """The only run of a folder; None if there is none yet."""
    return next((path.parent for path in root.glob("*/*/run.json")), None)


def state_of(run: Path) -> dict[str, Any]:
    """All that must be equal."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    metrics = [{key: value for key, value in line.items() if key not in TIMED} for line in lines]
    evaluation = json.loads((run / "evaluation.json").read_text())
    about = json.loads((run / "run.json").read_text())
    return {
        "tensors": checkpoint.restore(run / "checkpoints")[1],
        "metrics.jsonl": metrics,
        "evaluation": {key: evaluation.get(key) for key in ("metrics", "baselines")},
        "status": about["status"],
        "report": (run / "report.html").is_file(),
    }


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What is not equal."""
    found = [key for key in one if key != "tensors" and one[key] != other[key]]
    mine, theirs = one["tensors"], other["tensors"]
    if mine.keys() != theirs.keys() or not all(np.array_equal(mine[key], theirs[key]) for key in mine):
        found.append("tensors")
    return found


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--work", type=Path, default=Path("kills"), help="an empty folder")
    parser.add_argument("arguments", nargs="+", help="-- RECIPE and options of gankit run")
    options = parser.parse_args()
    recipe, whole = options.arguments[0], options.work / options.arguments[0] / "whole"
    life, begins = finished(["run", *options.arguments, "--runs-dir", str(whole)], whole)
    unbroken = run_in(whole)
    assert unbroken
    expected = state_of(unbroken)
    moments = [(i + 0.5) / options.kills * life for i in range(options.kills)]
    runs = max(1, options.kills // IN_A_RUN)
    equal = hit = 0
    for number in range(runs):
        root, reached, chain = options.work / recipe / f"killed-{number}", 0.0, moments[number::runs]
        for moment in chain:
            run = run_in(root)
            process = began(["resume", str(run)] if run else ["run", *options.arguments, "--runs-dir", str(root)])
            try:
                process.communicate(timeout=moment if moment <= begins else begins + moment - max(reached, begins))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                hit, reached = hit + 1, moment
        run = run_in(root)
        finished(["resume", str(run)] if run else ["run", *options.arguments, "--runs-dir", str(root)], root)
        run = run_in(root)
        assert run
        wrong = differing(expected, state_of(run))
        equal += len(chain) * (not wrong)
        said = f"differs in {', '.join(wrong)}" if wrong else "equal"
        print(f"{recipe}, killed after {', '.join(f'{moment:.1f}' for moment in chain)} s: {said}", flush=True)
    print(f"{recipe}: a life of {life:.0f} s; {hit} of {options.kills} kills hit, {equal} left no trace")
    sys.exit(equal < options.kills)


if __name__ == "__main__":
    main()
