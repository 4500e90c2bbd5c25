"""Peak memory, as it is reported."""

import subprocess
import sys

import numpy as np
import pytest

from gankit import memory

REPORT = "from gankit.memory import peak_mb; print(peak_mb())"


@pytest.mark.skipif(not memory.STATUS.exists(), reason="this system has no /proc")
def test_a_child_does_not_report_the_peak_of_its_parent():
    large = np.ones(40_000_000)
    del large
    assert memory.peak_mb() > 300
    child = subprocess.run([sys.executable, "-c", REPORT], capture_output=True, text=True, check=True)
    assert int(child.stdout) < 200


def test_what_is_taken_is_counted():
    take = "import numpy; numpy.ones(40_000_000); "
    child = subprocess.run([sys.executable, "-c", take + REPORT], capture_output=True, text=True, check=True)
    assert 300 < int(child.stdout) < 600


def test_without_proc_the_peak_comes_from_getrusage(monkeypatch, tmp_path):
    pytest.importorskip("resource")
    monkeypatch.setattr(memory, "STATUS", tmp_path / "none")
    assert memory.peak_mb() > 10
