"""What a piece of code takes, measured in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from gankit.support import memory

PROGRAM = """
import contextlib, json, re, sys, time, warnings
from pathlib import Path
from gankit.errors import GankitError
from gankit.support.memory import STATUS, peak_mb
path = Path(sys.argv[1])
exec(sys.argv[2])
resident = int(re.search(r"VmRSS:\\s+(\\d+)", STATUS.read_text())[1]) // 1024
began, said = time.perf_counter(), ""
warnings.simplefilter("ignore")
try:
    exec(sys.argv[3])
except GankitError as error:
    said = f"{error.message} | {error.hint}"
print(json.dumps([peak_mb() - resident, time.perf_counter() - began, said]))
"""


class Growth(NamedTuple):
    """MiB beyond what was there before, seconds, and the message and hint of gankit's error if there was one."""

    mb: int
    seconds: float
    said: str


def growth(path: Path, before: str, code: str) -> Growth:
    """What `code` takes that uses `path`, once `before` (imports, say) has run; other errors than gankit's fail."""
    if not memory.STATUS.exists():
        pytest.skip("this system has no /proc")
    command = [sys.executable, "-c", PROGRAM, str(path), before, code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Growth(*json.loads(done.stdout.splitlines()[-1]))
