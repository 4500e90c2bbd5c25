"""Run directories: never overwritten, found by what a user would type, held by one process."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from gankit.errors import DataError, GankitError, RunLocked, UsageError
from gankit.runs import run as runs
from gankit.runs.run import Run, all_runs, find_run, runs_root
from gankit.support.files import write_json

ROOT = str(Path(runs.__file__).parent.parent.parent)


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "runs", "ring", "recipe: ring\n", {"seed": 3})


@pytest.fixture
def three(tmp_path):
    """ring/20260101-000000-aaaa (first), ring/20260102-000000-aabb (last), wave/20260103-000000-cccc (between)."""
    root = tmp_path / "runs"
    made = []
    for recipe, name, started in (
        ("ring", "20260101-000000-aaaa", "2026-01-01T00:00:00+00:00"),
        ("ring", "20260102-000000-aabb", "2026-01-05T00:00:00+00:00"),
        ("wave", "20260103-000000-cccc", "2026-01-03T00:00:00+00:00"),
    ):
        path = root / recipe / name
        path.mkdir(parents=True)
        write_json(path / "run.json", {"recipe": recipe, "status": "done", "started": started})
        made.append(Run(path))
    return root, *made


# --- making ----------------------------------------------------------------------------------------------------------


def test_a_new_run_holds_its_configuration_and_facts(run):
    assert (run.path / "config.yaml").read_text() == "recipe: ring\n"
    info = run.info
    assert (info["recipe"], info["status"], info["seed"]) == ("ring", "created", 3)
    assert runs.RUN_ID.fullmatch(run.path.name) and run.path.parent.name == "ring"
    run.update(status="done", exit_code=0)
    assert run.info == {**info, "status": "done", "exit_code": 0}


def test_create_never_overwrites(tmp_path, monkeypatch):
    class Stopped(runs.datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 2, 3, 4, 5, tzinfo=tz)

    monkeypatch.setattr(runs.datetime, "datetime", Stopped)
    monkeypatch.setattr(runs.secrets, "token_hex", lambda n: "ab" * n)
    first = Run.create(tmp_path, "ring", "first", {})
    with pytest.raises(UsageError, match="cannot make the run folder"):
        Run.create(tmp_path, "ring", "second", {})
    assert (first.path / "config.yaml").read_text() == "first"
    assert first.path.name == "20260102-030405-abab"


def test_a_folder_that_cannot_be_made_is_a_usage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught:
        Run.create(tmp_path / "file", "ring", "", {})
    assert "--runs-dir" in caught.value.hint


def test_runs_root(monkeypatch):
    monkeypatch.delenv("GANKIT_RUNS", raising=False)
    assert runs_root() == Path("runs")
    monkeypatch.setenv("GANKIT_RUNS", "/elsewhere")
    assert runs_root() == Path("/elsewhere") and runs_root(Path("given")) == Path("given")


# --- finding ---------------------------------------------------------------------------------------------------------


def test_runs_are_found_by_what_a_user_types(three, monkeypatch):
    root, first, last, wave = three
    assert [run.path for run in all_runs(root)] == [first.path, wave.path, last.path]  # by start, not by name
    assert [run.path for run in all_runs(root, "wave")] == [wave.path]
    for reference, wanted in {
        "latest": last,
        "ring": last,
        "wave": wave,
        "20260101-000000-aaaa": first,
        "20260101": first,
        "20260103": wave,
        "ring/20260101": first,
        "ring/20260101-000000-aaaa": first,
        str(first.path): first,
        f"{first.path}/": first,
    }.items():
        assert find_run(reference, root).path == wanted.path, reference
    monkeypatch.chdir(root / "ring")
    assert find_run("20260101-000000-aaaa", Path("/nowhere")).path.resolve() == first.path


@pytest.mark.parametrize(
    "reference, words", [("2026", "more than one run"), ("zzz", "no run is called"), ("a", "no run")]
)
def test_ambiguous_and_unknown(three, reference, words):
    with pytest.raises(UsageError) as caught:
        find_run(reference, three[0])
    assert words in caught.value.message and "gankit runs" in caught.value.hint


@pytest.mark.parametrize(
    "reference",
    ["../secret", "ring/../../secret", "..", ".", "", "/etc", "-rf", "a b", "RING", "*", "a" * 5000, "a\0b"],
)
def test_what_is_no_id_is_refused(three, reference, monkeypatch):
    root = three[0]
    secret = root.parent / "secret"
    secret.mkdir()
    (secret / "other.json").write_text("{}")
    monkeypatch.chdir(root)
    with pytest.raises(UsageError):
        find_run(reference, root)


def test_without_runs(tmp_path):
    with pytest.raises(UsageError, match="there are no runs"):
        find_run("latest", tmp_path)
    with pytest.raises(UsageError, match="is not a run"):
        Run(tmp_path)


def test_one_damaged_run_does_not_hide_the_others(three):
    root, first, last, wave = three
    for damage in (b"", b"{", b"[1]", b"\xff"):
        (first.path / "run.json").write_bytes(damage)
        assert find_run("latest", root).path == last.path
        assert find_run("wave", root).path == wave.path
        with pytest.raises(DataError, match=r"cannot be read|is damaged"):
            _ = find_run(str(first.path), root).info


# --- the lock --------------------------------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from gankit.runs.run import Run
with Run(Path(sys.argv[1])).locked():
    print("held", flush=True)
    time.sleep(60)
"""


def other_process(code, path):
    return subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        env={**os.environ, "PYTHONPATH": ROOT},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_second_process_is_told_who_holds_the_run_until_that_one_is_killed(run):
    assert not run.alive
    holder = other_process(HOLD, run.path)
    try:
        assert holder.stdout.readline() == "held\n"
        assert run.alive
        with pytest.raises(RunLocked) as caught, run.locked():
            pass
        assert f"process {holder.pid} on {socket.gethostname()}" in caught.value.message
        assert caught.value.exit_code == 2
        assert run.alive  # looking did not free it
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.communicate()
    assert not run.alive
    with run.locked():
        assert run.alive
        second = other_process(HOLD, run.path)
        assert f"RunLocked: {run.path} is being written by process {os.getpid()} on" in second.communicate()[1]
    assert not run.alive


def test_the_lock_is_let_go_after_an_error(run):
    with pytest.raises(ZeroDivisionError), run.locked():
        raise ZeroDivisionError
    with run.locked(), pytest.raises(RunLocked), run.locked():
        pass  # not even the same process holds it twice
    assert not run.alive


# --- metrics ---------------------------------------------------------------------------------------------------------


def line_of(total, loss):
    return {"stage": "ü", "step": total, "total": total, "seconds": 0.5, "terms": {"g/loss": loss}}


def test_a_torn_line_is_left_out(run):
    assert run.metrics() == []
    lines = [line_of(i, i / 3) for i in range(5)]
    for line in lines:
        run.log(line)
    assert run.metrics() == lines
    path = run.path / "metrics.jsonl"
    whole = path.read_bytes()
    for cut in range(len(whole) - 1, len(whole) - 12, -1):
        path.write_bytes(whole[:cut])
        assert run.metrics() == lines[: 5 if cut == len(whole) - 1 else 4]


def test_rewind_drops_what_will_be_done_again(run):
    for total in (10, 20, 30, 40):
        run.log(line_of(total, total + 1e-9))
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"total": 50, "lo')
    run.rewind(20)
    run.log(line_of(30, -1.0))
    assert run.metrics() == [line_of(10, 10 + 1e-9), line_of(20, 20 + 1e-9), line_of(30, -1.0)]
    run.rewind(0)
    assert run.metrics() == []


def test_a_damaged_line_is_named(run):
    for total in (1, 2, 3):
        run.log(line_of(total, 0.0))
    path = run.path / "metrics.jsonl"
    path.write_text(path.read_text().replace('"total": 2', '"total": "two"'))
    with pytest.raises(DataError, match=r"metrics.jsonl, line 2, is damaged: total: Input should be a valid integer"):
        run.metrics()


def test_log_refuses_what_is_not_json(run):
    with pytest.raises(ValueError, match="JSON compliant"):
        run.log({"loss": float("nan")})
    assert run.metrics() == []


# --- write_json ------------------------------------------------------------------------------------------------------


def test_numpy_values_and_paths(tmp_path):
    value = {
        "i": np.int64(3),
        "f": np.float32(0.5),
        "a": np.arange(4).reshape(2, 2),
        "b": np.bool_(True),
        "ü": Path("x/y"),
    }
    write_json(tmp_path / "x.json", value)
    text = (tmp_path / "x.json").read_text("utf-8")
    assert json.loads(text) == {"i": 3, "f": 0.5, "a": [[0, 1], [2, 3]], "b": True, "ü": "x/y"}
    with pytest.raises(TypeError, match="object"):
        write_json(tmp_path / "x.json", {"bad": object()})
    assert (tmp_path / "x.json").read_text("utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_reader_never_sees_half_a_file(tmp_path):
    path, failures, stop = tmp_path / "x.json", [], threading.Event()
    write_json(path, {"n": 0, "filler": []})

    def read():
        while not stop.is_set():
            try:
                value = json.loads(path.read_text())
                assert value["filler"] == [value["n"]] * len(value["filler"])
            except Exception as error:
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for n in range(150):
            write_json(path, {"n": n, "filler": [n] * 5000})
    finally:
        stop.set()
        reader.join()
    assert not failures


def test_a_writer_that_is_killed_leaves_the_old_file(tmp_path, monkeypatch):
    write_json(tmp_path / "x.json", {"n": 1})
    monkeypatch.setattr(runs.os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_json(tmp_path / "x.json", {"n": 2})
    assert json.loads((tmp_path / "x.json").read_text()) == {"n": 1}


def test_a_full_disk_says_what_to_do(run, monkeypatch):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(GankitError, match="the disk is full") as caught:
        run.log({"loss": 1.0})
    assert "gankit resume" in caught.value.hint


def test_started_is_utc_to_the_second(run):
    started = runs.datetime.datetime.fromisoformat(run.info["started"])
    assert started.utcoffset().total_seconds() == 0 and started.microsecond == 0
    assert abs(started.timestamp() - time.time()) < 60


def test_the_state_of_a_run_that_may_only_be_read(run, monkeypatch):
    assert not run.alive

    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(runs, "FileLock", refuse)
    assert run.alive  # what run.json says stands


def test_an_evaluation_is_returned_as_it_is_stored(run):
    from types import SimpleNamespace

    from gankit.metrics.evaluation import Evaluation
    from gankit.runs.loading import store_evaluation

    figures = Evaluation(
        {"gap": np.float32(0.25)}, {"none": {"gap": np.float32(0.5)}}, {"n": np.int64(3)}, {"gap": "lower"}
    )
    found = store_evaluation(run, SimpleNamespace(name="ring", config=None), figures)
    assert json.loads(json.dumps(found)) == found == json.loads((run.path / "evaluation.json").read_text())
    assert Evaluation.from_dict(found).standing("gap") == "better"
