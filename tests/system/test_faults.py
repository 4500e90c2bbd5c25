"""Kills, signals and workers: real processes, most of them forks of one that has imported TensorFlow."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from forks import Server

from gankit.engine import checkpoint
from gankit.runs.run import all_runs

pytestmark = pytest.mark.slow
TOY = f"{Path(__file__).parents[1] / 'toy.py'}:Ring"
GANKIT = [sys.executable, "-m", "gankit"]
LONG = ["--steps", "1600", "--warm-steps", "200", "--lazy", "4", "--width", "32", "--checkpoint-every", "37"]
LONG += ["--log-every", "37", "--set", "training.steps_per_call=13", "--sample-every", "1000", "--seed", "5"]


def heed():
    """Whoever runs the tests in the background may have them ignore these, and whatever they begin, too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="module")
def forks():
    server = Server()
    yield server
    server.close()


def anew(*arguments, **environment):
    """`gankit` as a user types it."""
    return subprocess.Popen(
        [*GANKIT, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=heed,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
    )


@pytest.fixture
def launch(forks):
    return forks.launch


@pytest.fixture
def resume(launch):
    return lambda root: launch("resume", "latest", "--trust-recipe", "--runs-dir", root)


def finish(process, code=0):
    out, _ = process.communicate(timeout=300)
    assert process.returncode == code, out
    return out


def final(root):
    (run,) = all_runs(root)
    position, tensors, _ = checkpoint.restore(run.checkpoints)
    return run, position, tensors


def wait_for_step(root, total, process):
    """Waits until a checkpoint of at least `total` steps is there."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        steps = [int(p.name.split("-")[1]) for p in root.glob("ring/*/checkpoints/step-*")]
        if steps and max(steps) >= total:
            return
        time.sleep(0.01)
    raise AssertionError(f"step {total} was not reached: {process.poll()}")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """The run that nobody kills, in no fork."""
    root = tmp_path_factory.mktemp("untouched")
    finish(anew("run", TOY, *LONG, "--runs-dir", root))
    return final(root)


def untimed(run):
    """metrics.jsonl without what a clock says."""
    timed = ("seconds", "examples_per_second")
    return [{key: value for key, value in line.items() if key not in timed} for line in run.metrics()]


def assert_same_end(root, untouched):
    run, position, tensors = final(root)
    assert run.info["status"] == "done" and position.total == untouched[1].total == 1800
    assert all(np.array_equal(tensors[key], value) for key, value in untouched[2].items())
    assert untimed(run) == untimed(untouched[0])
    assert (run.path / "report.html").is_file()
    ours, theirs = (json.loads((r.path / "evaluation.json").read_text()) for r in (run, untouched[0]))
    assert ours["metrics"] == theirs["metrics"]


def test_killed_at_random_moments_it_ends_in_the_same_bits(tmp_path, launch, resume, untouched):
    """Twice; what the second kill left as the newest checkpoint is damaged, and the one before is taken."""
    rng = random.Random(7)
    process = launch("run", TOY, *LONG, "--runs-dir", tmp_path)
    for damaged, target in enumerate(sorted(rng.sample(range(75, 1600), 2))):  # from 75 on there are two checkpoints
        wait_for_step(tmp_path, target, process)
        time.sleep(rng.random() * 0.3)  # anywhere: in a step, in a save, in a sample
        process.kill()
        process.wait()
        if damaged:
            newest = sorted(tmp_path.glob("ring/*/checkpoints/step-*/state.safetensors"))[-1]
            newest.write_bytes(newest.read_bytes()[:-100])
        process = resume(tmp_path)
    assert "going back to the one before" in finish(process)
    assert_same_end(tmp_path, untouched)


def test_signals_save_and_say_how_to_go_on(tmp_path, launch, resume, untouched):
    process = launch("run", TOY, *LONG, "--runs-dir", tmp_path)
    for number, code, status, target in (
        (signal.SIGTERM, 75, "preempted", 400),
        (signal.SIGINT, 130, "interrupted", 1100),
    ):
        wait_for_step(tmp_path, target, process)
        process.send_signal(number)
        out = finish(process, code)
        run, position, _ = final(tmp_path)
        assert run.info["status"] == status and run.info["exit_code"] == code
        assert "hint: gankit resume" in out and target <= position.total < 1800
        process = resume(tmp_path)
    finish(process)
    assert_same_end(tmp_path, untouched)


SLEEPY = """
import time
from toy import Ring

class Sleepy(Ring):
    name = "sleepy"

    def {where}(self, *arguments):
        print("now", flush=True)
        time.sleep({seconds})
        return super().{where}(*arguments)
"""


def interrupted(process, number, code):
    """What a process printed that got a signal in a method of `Sleepy`."""
    while "now" not in process.read():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    return finish(process, code)


@pytest.fixture
def sleepy(tmp_path, launch):
    """Starts a run or goes on with it; each of its samples or evaluations, say, takes some seconds."""
    module = tmp_path / "mine.py"
    options = ["--steps", 6, "--width", 8, "--batch-size", 16, "--runs-dir", tmp_path]

    def sleepy(where, seconds=60, run=None):
        module.write_text(SLEEPY.format(where=where, seconds=seconds))
        words = ["resume", run.path, "--trust-recipe"] if run else ["run", f"{module}:Sleepy", *options]
        return launch(*words, PYTHONPATH=str(Path(TOY).parent))

    return sleepy


def test_a_signal_before_there_is_a_run(tmp_path, sleepy):
    out = interrupted(sleepy("data"), signal.SIGTERM, 75)
    assert "stopped: by a signal" in out and "Traceback" not in out and all_runs(tmp_path) == []


def test_signals_before_and_after_the_steps(tmp_path, sleepy):
    """Before the first step, then twice after the last."""
    run = None
    for number, code, status, where in (
        (signal.SIGHUP, 75, "preempted", "sample"),
        (signal.SIGUSR1, 75, "preempted", "evaluate"),
        (signal.SIGINT, 130, "interrupted", "evaluate"),
    ):
        out = interrupted(sleepy(where, run=run), number, code)
        (run,) = all_runs(tmp_path)
        assert "stopped: by a signal" in out and "Traceback" not in out and f"gankit resume {run.path}" in out
        assert (run.info["status"], run.info["exit_code"]) == (status, code)
        assert not (run.path / "evaluation.json").is_file()
    finish(sleepy("evaluate", 0, run))
    assert run.info["status"] == "done" and (run.path / "evaluation.json").is_file()


def test_a_budget_is_fixed_for_good(tmp_path, launch, resume):
    process = launch(
        "run", TOY, "--steps", 10**7, "--max-minutes", 0.3, "--checkpoint-every", 20, "--runs-dir", tmp_path
    )
    wait_for_step(tmp_path, 20, process)
    process.kill()
    process.wait()
    steps = final(tmp_path)[1].steps
    finish(resume(tmp_path))
    _, position, _ = final(tmp_path)
    assert position.steps == steps and position.total == sum(steps.values()) < 10**7


def test_two_processes_train_as_one_and_in_the_same_bits_when_one_is_killed(tmp_path, launch):
    options = ["--steps", 200, "--warm-steps", 50, "--lazy", 4, "--width", 16, "--batch-size", 32]
    options += ["--precision", "float64", "--checkpoint-every", 25, "--log-every", 5, "--seed", 3]
    finish(launch("run", TOY, *options, "--runs-dir", tmp_path / "one"))
    out = finish(anew("launch", "--workers", 2, "--", "run", TOY, *options, "--runs-dir", tmp_path / "whole"))
    assert all(f"[{worker}] " in out for worker in (0, 1)) and out.count("no authentication") == 2
    (one, _, a), (whole, _, b) = final(tmp_path / "one"), final(tmp_path / "whole")
    assert whole.info["replicas"] == 2 and whole.info["strategy"] == "multiworker"
    for key, value in a.items():
        np.testing.assert_allclose(b[key], value, rtol=1e-9, atol=1e-12)
    for x, y in zip(one.metrics(), whole.metrics(), strict=True):
        assert x["terms"] == pytest.approx(y["terms"], rel=1e-9, abs=1e-12)

    again = anew(
        *("launch", "--workers", 2, "--restarts", 1, "--", "run", TOY, *options, "--runs-dir", tmp_path / "cut")
    )
    wait_for_step(tmp_path / "cut", 75, again)
    workers = subprocess.run(["pgrep", "-P", str(again.pid)], capture_output=True, text=True, check=True).stdout.split()
    os.kill(int(workers[-1]), signal.SIGKILL)  # the children in the order of their beginning: the chief is the first
    out = finish(again)
    assert "[0] error: worker 1 at 127.0.0.1:" in out and "all go on from the last checkpoint" in out
    assert "[0] resuming" in out and "Traceback" not in out and "CollectiveReduce" not in out
    cut, position, c = final(tmp_path / "cut")
    assert position.total == 250 and untimed(cut) == untimed(whole)
    assert all(np.array_equal(c[key], value) for key, value in b.items())


UNLIKE = """
import json, os
from gankit import ArraySource, Data
from toy import Ring

class Unlike(Ring):
    name = "unlike"

    def data(self):
        index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
        if index == {without}:
            raise FileNotFoundError("photos")
        found = super().data()
        name, source = next(iter(found.train.items()))
        fields = {{key: value[: len(value) - 8 * index] for key, value in source.fields.items()}}
        return Data({{name: ArraySource(**fields)}}, found.held_out, found.facts)
"""


@pytest.mark.parametrize(
    ("without", "said"), [(-1, "the data of the workers differ in source "), (1, "error: worker 1 at 127.0.0.1:")]
)
def test_workers_whose_data_differ_end_together(tmp_path, without, said):
    (tmp_path / "mine.py").write_text(UNLIKE.format(without=without))
    path = {"PYTHONPATH": str(Path(TOY).parent)}
    words = ["run", f"{tmp_path}/mine.py:Unlike", "--steps", 6, "--batch-size", 16, "--runs-dir", tmp_path]
    process = anew("launch", "--workers", 2, "--", *words, **path)
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 1 and said in out and all_runs(tmp_path) == []
    assert ("FileNotFoundError: photos" in out) == (without == 1) and "Traceback" not in out


MINE = """
from helper import COLOUR
from toy import Ring

class Mine(Ring):
    name = "mine"

    def sample(self, networks, data, out):
        return super().sample(networks, data, out) + [{"red": out / "points.png"}[COLOUR]]
"""


def test_the_last_samples_count_and_a_mended_file_goes_on(tmp_path, launch):
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "helper.py").write_text("COLOUR = 'blue'")
    short = ["--steps", 6, "--width", 8, "--batch-size", 16, "--runs-dir", tmp_path / "runs"]
    path = {"PYTHONPATH": str(Path(TOY).parent)}
    out = finish(launch("run", f"{tmp_path}/mine.py:Mine", *short, **path), 1)
    assert "samples of step-000000000 failed: mine.py:9 in sample: KeyError: 'blue'" in out
    assert "error: mine.py:9 in sample: KeyError: 'blue'" in out and "the training is kept" in out
    (run,) = all_runs(tmp_path / "runs")
    assert (run.info["status"], run.info["exit_code"]) == ("failed", 1)
    assert run.info["error"] == "mine.py:9 in sample: KeyError: 'blue'" and (run.path / "evaluation.json").is_file()
    (tmp_path / "helper.py").write_text("COLOUR = 'red'")
    out = finish(launch("resume", run.path, "--trust-recipe", **path))
    assert out.count("was trained with other code: helper.py has changed") == 1
    assert run.info["status"] == "done" and run.info["plugin_before"][0]["until_step"] == 6
    assert "was trained with other code" not in finish(launch("evaluate", run.path, "--trust-recipe", **path))
    (tmp_path / "mine.py").rename(tmp_path / "moved.py")
    out = finish(launch("sample", run.path, "-o", tmp_path / "out", **path), 2)
    assert "is gone" in out and f"cp -r {run.path}/recipe-2/." in " ".join(out.split())
