"""Independent calls, in this process, in others, and in a Dask cluster: the same results in the same order."""

import os
import signal
import subprocess
import sys
import time

import pytest

from gankit.errors import DataError, GankitError, Stopped, UsageError
from gankit.support import Jobs

MODULE = """
import os, time
from gankit.errors import DataError, Stopped

def square(x):
    if x == 7:
        raise DataError("seven", "take another")
    if x == 8:
        raise Stopped("eight", "again", 130)
    time.sleep(0.05 * (x % 3))
    return x * x, os.getcwd()

def die(x):
    os._exit(9)

def slow(x, folder):
    with open(f"{folder}/{x}", "w"):
        try:
            time.sleep(60)
        finally:
            os.unlink(f"{folder}/{x}")
"""


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """A module that other processes can import."""
    folder = tmp_path_factory.mktemp("calls")
    (folder / "gankit_calls.py").write_text(MODULE)
    before = os.environ.get("PYTHONPATH", "")
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), before]))
    import gankit_calls

    yield gankit_calls
    sys.path.remove(str(folder))
    os.environ["PYTHONPATH"] = before
    del sys.modules["gankit_calls"]


@pytest.fixture(scope="module")
def scheduler(calls, tmp_path_factory):
    """A Dask cluster on loopback: a scheduler, and two workers, one of which has two threads."""
    pytest.importorskip("distributed")
    folder = tmp_path_factory.mktemp("dask")
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    file = folder / "scheduler.json"
    where = ["--no-dashboard", "--scheduler-file", str(file)]
    begun = [subprocess.Popen([*dask, *where, "--host", "127.0.0.1", "--port", "0"], stderr=subprocess.DEVNULL)]
    for threads in ("1", "2"):
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--local-directory", str(folder)]
        begun.append(subprocess.Popen([*worker, *where, "--nthreads", threads], stderr=subprocess.DEVNULL))
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline and begun[0].poll() is None
        time.sleep(0.1)
    import json

    yield json.loads(file.read_text())["address"]
    for process in reversed(begun):
        process.terminate()
    for process in begun:
        process.wait(30)


def same_everywhere(jobs, calls, folder):
    found = list(jobs.map(calls.square, ((x,) for x in range(7)), shared=[folder]))
    assert found == [(x * x, os.getcwd()) for x in range(7)]
    with pytest.raises(DataError, match="seven") as error:
        list(jobs.map(calls.square, ((x,) for x in range(20))))
    assert error.value.hint == "take another"
    with pytest.raises(Stopped, match="eight") as stopped:
        list(jobs.map(calls.square, ((x,) for x in (1, 8))))
    assert (stopped.value.hint, stopped.value.exit_code) == ("again", 130)
    assert [x for x, _ in jobs.map(calls.square, ((x,) for x in (2, 3)))] == [4, 9]  # after errors, too


def test_in_this_process(calls, tmp_path):
    same_everywhere(Jobs(), calls, tmp_path)
    made = []
    results = Jobs().map(calls.square, ((made.append(x) or x,) for x in range(5)))
    next(results)
    assert made == [0]  # each call when its result is asked for


@pytest.mark.slow
def test_processes_that_are_used_again_know_what_this_one_has_learned_to_import(tmp_path, monkeypatch):
    assert list(Jobs(2).map(pow, [(2, 3), (3, 2)])) == [8, 9]  # they begin here
    (tmp_path / "gankit_later.py").write_text("def f(x):\n    return x + 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    import gankit_later

    assert list(Jobs(2).map(gankit_later.f, [(1,)])) == [2]


@pytest.mark.slow
def test_in_processes(calls, tmp_path, monkeypatch):
    same_everywhere(Jobs(2), calls, tmp_path)
    with pytest.raises(GankitError, match="a process of --jobs died"):
        list(Jobs(2).map(calls.die, ((x,) for x in range(3))))
    assert next(Jobs(2).map(calls.square, [(3,)]))[0] == 9
    monkeypatch.chdir(tmp_path)
    assert next(Jobs(2).map(calls.square, [(3,)]))[1] == str(tmp_path)


@pytest.mark.slow
@pytest.mark.xdist_group("dask")
def test_in_a_cluster(calls, scheduler, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    same_everywhere(Jobs(scheduler=scheduler), calls, tmp_path)
    assert not list(tmp_path.iterdir())  # no token is left


@pytest.mark.slow
@pytest.mark.xdist_group("dask")
def test_what_a_cluster_lacks_is_told(scheduler, tmp_path, monkeypatch):
    (tmp_path / "gankit_unknown.py").write_text("def f(x):\n    return x\n")
    monkeypatch.syspath_prepend(tmp_path)
    import gankit_unknown

    with pytest.raises(GankitError, match="cannot import gankit_unknown"):
        list(Jobs(scheduler=scheduler).map(gankit_unknown.f, [(1,)]))
    from gankit.support import jobs

    monkeypatch.setattr(jobs, "__version__", "0.0.1")
    with pytest.raises(GankitError, match=r"gankit is .*, here 0\.0\.1"):
        list(Jobs(scheduler=scheduler).map(pow, [(1, 1)]))


def test_a_scheduler_that_does_not_answer(monkeypatch):
    pytest.importorskip("distributed")
    from gankit.support import jobs

    monkeypatch.setattr(jobs, "WAIT", 0.2)
    with pytest.raises(GankitError, match="no Dask scheduler answers"):
        list(Jobs(scheduler="tcp://127.0.0.1:9").map(pow, [(1, 1)]))
    with pytest.raises(UsageError, match="not of a Dask cluster"):
        Jobs(4, "tcp://127.0.0.1:9")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_one_that_began_them_and_tidy_up(calls, tmp_path, number):
    if sys.platform != "linux" and number == signal.SIGKILL:
        pytest.skip("only Linux tells a process of its parent's end")
    work = tmp_path / "work"
    work.mkdir()
    script = tmp_path / "script.py"
    script.write_text(
        "import signal, gankit_calls\n"
        "from gankit.runs.signals import stop_on_signals\n"
        "from gankit.support import Jobs\n"
        "if __name__ == '__main__':\n"
        "    with stop_on_signals():\n"
        f"        list(Jobs(2).map(gankit_calls.slow, [(x, {str(work)!r}) for x in range(4)]))\n"
    )
    process = subprocess.Popen([sys.executable, script], stderr=subprocess.DEVNULL)
    wait_until(lambda: len(list(work.iterdir())) == 2)
    process.send_signal(number)
    process.wait(60)
    wait_until(lambda: not list(work.iterdir()))


def wait_until(true):
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_options_of_commands():
    import click
    from click.testing import CliRunner

    from gankit.commands import jobs_options

    @click.command()
    @jobs_options()
    def command(jobs):
        click.echo(f"{jobs.count} {jobs.scheduler}")

    assert CliRunner().invoke(command, ["--jobs", "3"]).output == "3 \n"
    assert CliRunner().invoke(command, ["--backend", "dask", "--scheduler", "tcp://a:1"]).output == "1 tcp://a:1\n"
    for half in (["--backend", "dask"], ["--scheduler", "tcp://a:1"]):
        assert "go together" in str(CliRunner().invoke(command, half).exception)
