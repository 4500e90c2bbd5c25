"""Runs that are killed again and again, against the run that never was: the same bits, figures and log?

    python benchmarks/kills.py --kills 10 -- srgan --max-steps 60
    python benchmarks/kills.py --kills 10 -- gan --max-steps 400

First the recipe is trained without a kill, which tells how long a run lives, from its first second to its last. Then
runs are killed (SIGKILL) and resumed, five kills a run; the seconds of the kills are spread evenly over the life, in an
order drawn by the seed. At the end the tensors of the last checkpoint, the evaluation and metrics.jsonl (without its
seconds) must be equal, the status "done", and the report there.
"""

from __future__ import annotations

import argparse
import json
import random
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
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finished(arguments: list[str]) -> float:
    """Runs gankit to its end; returns seconds."""
    start = time.monotonic()
    process = began(arguments)
    _, said = process.communicate()
    if process.returncode:
        sys.exit(f"gankit {' '.join(arguments)} ended with {process.returncode}:\n{said.decode()[-2000:]}")
    return time.monotonic() - start


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
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("kills"), help="an empty folder")
    parser.add_argument("arguments", nargs="+", help="-- RECIPE and options of gankit run")
    options = parser.parse_args()
    recipe, whole = options.arguments[0], options.work / options.arguments[0] / "whole"
    life = finished(["run", *options.arguments, "--runs-dir", str(whole)])
    unbroken = run_in(whole)
    assert unbroken
    expected = state_of(unbroken)
    moments = [(i + 0.5) / options.kills * life for i in range(options.kills)]
    random.Random(options.seed).shuffle(moments)
    equal = landed = 0
    for number, first in enumerate(range(0, options.kills, IN_A_RUN)):
        root = options.work / recipe / f"killed-{number}"
        for moment in (chain := moments[first : first + IN_A_RUN]):
            run = run_in(root)
            start = ["resume", str(run)] if run else ["run", *options.arguments, "--runs-dir", str(root)]
            process = began(start)
            try:
                process.communicate(timeout=moment)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                landed += 1
        run = run_in(root)
        finished(["resume", str(run)] if run else ["run", *options.arguments, "--runs-dir", str(root)])
        run = run_in(root)
        assert run
        wrong = differing(expected, state_of(run))
        equal += len(chain) * (not wrong)
        said = f"differs in {', '.join(wrong)}" if wrong else "equal"
        print(f"{recipe}, killed after {', '.join(f'{moment:.1f}' for moment in chain)} s: {said}", flush=True)
    print(f"{recipe}: a life of {life:.0f} s; {landed} of {options.kills} kills hit, {equal} left no trace")
    sys.exit(equal < options.kills)


if __name__ == "__main__":
    main()
