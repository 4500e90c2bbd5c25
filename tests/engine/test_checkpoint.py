"""Checkpoints: what was saved is read back, what is damaged is never used, and a kill leaves the older ones."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from gankit.engine import checkpoint
from gankit.engine.checkpoint import STATE, TENSORS, Position, checkpoints, read, restore, save
from gankit.errors import CheckpointError

ROOT = str(Path(checkpoint.__file__).parent.parent.parent)
DTYPES = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
]


def position(total):
    return Position(1, total - 1, total, {"warm": 1, "main ü": 99})


def tensors(total):
    return {"networks/a/000/kernel": np.full((3, 2), total, "float32"), "optimizers/a/000": np.array(total)}


@pytest.fixture
def folder(tmp_path):
    """Checkpoints of steps 10 and 20."""
    for total in (10, 20):
        save(tmp_path / "checkpoints", position(total), tensors(total))
    return tmp_path / "checkpoints"


def flip(path, place, mask=0xFF):
    data = bytearray(path.read_bytes())
    data[place] ^= mask
    path.write_bytes(data)


# --- round trip ------------------------------------------------------------------------------------------------------


def test_all_types_and_shapes_come_back(tmp_path):
    rng = np.random.default_rng(0)
    values = {name: (rng.normal(size=(3, 4)) * 50).astype(name) for name in DTYPES}
    values |= {
        "bfloat16": rng.normal(size=5).astype(ml_dtypes.bfloat16),
        "scalar": np.array(7, "int64"),  # Adam's count of iterations
        "scalar float": np.float32(0.5),
        "empty": np.zeros((0, 3)),
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "strided": np.arange(10)[::3],
        "reversed": np.arange(5.0)[::-1],
        "special": np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324]),
        "extreme": np.array([2**64 - 1, 0], "uint64"),
        "a name/with ü 漢": np.ones(2),
    }
    path = save(tmp_path, position(3), values)
    assert path == tmp_path / "step-000000003"
    where, back = read(path)
    assert where == position(3)
    assert set(back) == set(values)
    for name, value in values.items():
        assert back[name].dtype == value.dtype and back[name].shape == value.shape, name
        assert back[name].tobytes() == np.asarray(value).tobytes(), name


def test_the_newest_two_are_kept(tmp_path):
    for total in (10, 20, 30, 40):
        save(tmp_path, position(total), tensors(total))
        assert restore(tmp_path)[0].total == total
    assert [path.name for path in checkpoints(tmp_path)] == ["step-000000030", "step-000000040"]
    save(tmp_path, position(50), tensors(50), keep=3)
    assert len(checkpoints(tmp_path)) == 3


def test_saving_a_step_again_replaces_it(folder):
    save(folder, position(20), tensors(21))
    assert restore(folder)[1]["optimizers/a/000"] == 21
    assert len(checkpoints(folder)) == 2


# --- damage ----------------------------------------------------------------------------------------------------------

DAMAGE = {
    "tensors cut": lambda path: (path / TENSORS).write_bytes((path / TENSORS).read_bytes()[:-3]),
    "tensors longer": lambda path: (path / TENSORS).write_bytes((path / TENSORS).read_bytes() + b"x"),
    "tensors empty": lambda path: (path / TENSORS).write_bytes(b""),
    "tensors gone": lambda path: (path / TENSORS).unlink(),
    "tensors a folder": lambda path: ((path / TENSORS).unlink(), (path / TENSORS).mkdir()),
    "a bit of the last value": lambda path: flip(path / TENSORS, -1, 1),
    "state cut": lambda path: (path / STATE).write_bytes((path / STATE).read_bytes()[:-2]),
    "state empty": lambda path: (path / STATE).write_bytes(b""),
    "state gone": lambda path: (path / STATE).unlink(),
    "state null": lambda path: (path / STATE).write_text("null"),
    "state a list": lambda path: (path / STATE).write_text("[1]"),
    "state a number": lambda path: (path / STATE).write_text("3"),
    "state nested": lambda path: (path / STATE).write_text("[" * 100_000),
    "state of zeros": lambda path: (path / STATE).write_bytes(bytes(300)),
    "another step's tensors": lambda path: (path / TENSORS).write_bytes(
        (path.parent / "step-000000010" / TENSORS).read_bytes()
    ),
    "a step more": lambda path: (path / STATE).write_text((path / STATE).read_text().replace("19", "18")),
    "another format": lambda path: (path / STATE).write_text((path / STATE).read_text().replace(": 1,", ": 2,", 1)),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(folder, caplog, name):
    DAMAGE[name](folder / "step-000000020")
    with pytest.raises(CheckpointError, match="step-000000020 cannot be used"):
        read(folder / "step-000000020")
    with caplog.at_level(logging.WARNING, "gankit"):
        where, values, path = restore(folder)
    assert (where, path.name) == (position(10), "step-000000010")
    assert (values["networks/a/000/kernel"] == 10).all()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "step-000000020" in caplog.text and "going back" in caplog.text


def test_without_a_whole_checkpoint_there_is_an_error(folder, tmp_path):
    for path in checkpoints(folder):
        flip(path / TENSORS, 20)
    for where in (folder, tmp_path / "absent"):
        with pytest.raises(CheckpointError, match="no usable checkpoint"):
            restore(where)


@pytest.mark.parametrize("file", [TENSORS, STATE])
@pytest.mark.parametrize("kind", ["bit", "byte"])
def test_every_flip_is_detected(folder, file, kind):
    path = folder / "step-000000020"
    whole = (path / file).read_bytes()
    rng = np.random.default_rng(0)
    places = rng.permutation(len(whole))[:200]
    assert len(places) >= 150
    for place in places:
        flip(path / file, place, 1 << rng.integers(8) if kind == "bit" else 0xFF)
        with pytest.raises(CheckpointError):
            read(path)
        (path / file).write_bytes(whole)
    assert read(path)[0] == position(20)


# --- faults while saving ---------------------------------------------------------------------------------------------


def script(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": ROOT},
        stdout=subprocess.PIPE,
        text=True,
    )


SAVE = """
import sys
from pathlib import Path
import numpy as np
from gankit.engine.checkpoint import Position, save
folder, total = Path(sys.argv[1]), int(sys.argv[2])
while True:
    total += 1
    save(folder, Position(0, total, total), {f"v{i}": np.full(50_000, total + i) for i in range(5)})
    print(total, flush=True)
"""


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_whole_checkpoint(tmp_path):
    rng, total, leftovers = np.random.default_rng(0), 0, 0
    for _ in range(15):
        process = script(SAVE, tmp_path, total)
        for _ in range(2):
            done = int(process.stdout.readline())
        time.sleep(rng.uniform(0, 0.03))
        os.kill(process.pid, signal.SIGKILL)
        printed = process.communicate()[0].split()
        done = int(printed[-1]) if printed else done
        where, values, _ = restore(tmp_path)
        assert where.total in (done, done + 1)  # killed after the renaming and before the word of it
        for i in range(5):
            assert (values[f"v{i}"] == where.total + i).all()
        leftovers += len(list(tmp_path.glob(".step-*")))
        total = where.total
    assert leftovers  # the kills did fall into writing
    save(tmp_path, position(total + 1), tensors(1))
    assert not list(tmp_path.glob(".*"))
    assert len(checkpoints(tmp_path)) == 2


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from gankit.engine.checkpoint import Position, save
from gankit.errors import CheckpointError
folder = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    save(folder, Position(0, 30, 30), {"v": np.zeros(100_000)})
except CheckpointError as error:
    print("refused:", error.message, "|", error.hint)
"""


@pytest.mark.parametrize("limit", [0, 100, 300_000])
def test_a_full_disk_is_an_error_and_the_old_checkpoint_stays(folder, limit):
    process = script(FULL, folder, limit)
    out = process.communicate()[0]
    assert process.returncode == 0 and out.startswith("refused: cannot write a checkpoint")
    assert "free some space" in out
    assert restore(folder)[0].total == 20
    assert not list(folder.glob(".*"))


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot write"):
        save(tmp_path / "file", position(1), tensors(1))


def test_leftovers_are_swept_and_never_read(folder):
    leftover = folder / ".step-000000099.123"
    leftover.mkdir()
    (leftover / TENSORS).write_bytes(b"half")
    (folder / "step-000000030").write_text("a file, not a checkpoint")
    assert restore(folder)[0].total == 20
    (folder / "step-000000030").unlink()
    save(folder, position(40), tensors(40))
    assert sorted(path.name for path in folder.iterdir()) == ["step-000000020", "step-000000040"]


def test_the_state_is_readable_by_people(folder):
    state = json.loads((folder / "step-000000020" / STATE).read_text())
    assert (state["stage"], state["step"], state["total"], state["steps"]) == (1, 19, 20, {"warm": 1, "main ü": 99})
    assert state["sha256"] == checkpoint.sha256(folder / "step-000000020" / TENSORS)


def test_the_files_are_synced_before_the_renaming(tmp_path, monkeypatch):
    """A power cut must not leave a name without its contents."""
    events = []
    sync, replace = checkpoint.fsync, os.replace
    monkeypatch.setattr(checkpoint, "fsync", lambda path: (events.append(path.name), sync(path)))
    monkeypatch.setattr(checkpoint.os, "replace", lambda a, b: (events.append("replace"), replace(a, b)))
    save(tmp_path / "c", position(1), tensors(1))
    at = events.index("replace")
    assert {TENSORS, STATE} < set(events[:at]) and events[at + 1 :] == ["c"]
