"""Peak memory, as it is reported."""

import subprocess
import sys

import numpy as np
import pytest

from gankit.support import memory

REPORT = "from gankit.support.memory import peak_mb; print(peak_mb())"


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
    # Kibibytes taken for MiB would be above this for any process that runs these tests, bytes for kibibytes below.
    assert 10 < memory.peak_mb() < 50_000


def test_a_dry_run_can_do_without_the_figure(capsys):
    from gankit.cli.run import report_plan

    plan = {"weights": {}, "stages": {}, "device": "CPU", "memory_mb": None, "disk_mb": 1.0, "minutes": 2.0}
    plan |= {"init_from": None, "rehearsal": None}
    report_plan(plan, as_json=False)
    assert "memory   unknown on this system" in capsys.readouterr().out
