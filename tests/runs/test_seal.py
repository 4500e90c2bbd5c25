"""What a run began as: sealed, compared when it goes on, and the same log however often it stops."""

import json
import logging
import os
import shutil
import signal

import pytest
from toy import QUICK, Ring

import gankit
from gankit.engine import checkpoint
from gankit.errors import Stopped, UsageError
from gankit.runs import seal
from gankit.runs.loading import recipe_of
from gankit.runs.run import Run, all_runs
from gankit.runs.trainer import Trainer
from gankit.runs.training import resume


def heard(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("gankit"), "propagate", True)
    caplog.clear()
    return caplog.at_level(logging.WARNING, "gankit")


def untimed(run):
    return [{k: v for k, v in line.items() if k not in ("seconds", "examples_per_second")} for line in run.metrics()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nobody stops. Its lines are of 7 steps, its calls of 5 at most, its checkpoints 5 apart."""
    return gankit.train(Ring, runs_dir=tmp_path_factory.mktemp("whole"), **OPTIONS).run


OPTIONS = {**QUICK, "warm_steps": 9, "log_every": 7, "checkpoint_every": 5}


def stopped(folder, after):
    """The same run, which a signal stops after some steps."""
    original = Trainer._count

    def count(trainer, position, steps):
        if position.total >= after:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(trainer, position, steps)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "_count", count)
        with pytest.raises(Stopped):
            gankit.train(Ring, runs_dir=folder, **OPTIONS)
    (run,) = all_runs(folder)
    run.trusted = True
    return run


@pytest.mark.parametrize("after", [3, 9, 17])
def test_the_log_of_a_run_that_was_stopped_is_that_of_the_whole(tmp_path, whole, after):
    run = stopped(tmp_path, after)
    position = checkpoint.restore(run.checkpoints)[0]
    assert 0 < position.total < 29 and run.info["status"] == "preempted"
    assert bool(position.window) == bool(position.total % 7 and position.total != 9)
    resume(run)
    assert run.info["status"] == "done" and untimed(run) == untimed(whole)


def copy_of(run, folder):
    """A stopped run like a finished one, for what is refused before anything is trained."""
    shutil.copytree(run.path, folder)
    again = Run(folder, trusted=True)
    again.update(status="preempted")
    return again


def test_an_edited_configuration_is_refused_by_name(tmp_path, whole):
    run = copy_of(whole, tmp_path / "run")
    path = run.path / "config.yaml"
    before = path.read_text()
    path.write_text(before.replace("log_every: 7", "log_every: 70"))
    with pytest.raises(UsageError, match=r"training\.log_every is 70 and was 7") as caught:
        resume(run)
    assert "--init-from" in caught.value.hint
    path.write_text("# a comment changes nothing\n" + before)
    resume(run)
    assert run.info["status"] == "done"


def test_what_is_sealed_cannot_be_edited_either(tmp_path, whole):
    for change in ({"seed": 4}, {"versions": {}}, {"machine": {}}, {"recipe": "other"}, {"data": {}}):
        run = copy_of(whole, tmp_path / next(iter(change)))
        seal.check(run, whole_config(run), run.info["versions"])
        run.update(**change)
        with pytest.raises(UsageError, match="its seal is broken"):
            seal.check(run, whole_config(run), whole.info["versions"])


def whole_config(run):
    return recipe_of(run).config


def test_other_versions_and_threads_are_said(tmp_path, whole, monkeypatch, caplog):
    run = copy_of(whole, tmp_path / "run")
    config, versions = whole_config(run), whole.info["versions"]
    with heard(caplog, monkeypatch):
        seal.check(run, config, versions)
        assert caplog.messages == []
        monkeypatch.setattr(seal, "_processors", lambda: 99)
        seal.check(run, config, {**versions, "keras": "0.1"} | {"numpy": versions["numpy"]})
    (said,) = set(caplog.messages)  # another test may have the logger speak twice
    assert (
        f"keras was {versions['keras']} and is 0.1" in said and "and is 99; the bits of the result may differ" in said
    )


def test_a_report_that_is_missing_is_made(tmp_path, whole):
    run = copy_of(whole, tmp_path / "run")
    run.update(status="done")
    (run.path / "report.html").unlink()
    resume(run)
    assert "done" in (run.path / "report.html").read_text("utf-8")


def test_the_report_is_there_before_a_run_is_done(tmp_path, monkeypatch):
    seen = []
    update = Run.update

    def watched(run, **changes):
        if changes.get("status") == "done":
            seen.append("done" in (run.path / "report.html").read_text("utf-8"))
        update(run, **changes)

    monkeypatch.setattr(Run, "update", watched)
    gankit.train(Ring, runs_dir=tmp_path, **QUICK)
    assert seen == [True]


def test_a_run_that_has_no_checkpoint_begins_again(tmp_path, whole):
    run = copy_of(whole, tmp_path / "ring" / "run")
    for path in run.checkpoints.iterdir():
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    resume(run)
    assert untimed(run) == untimed(whole)
    assert (
        json.loads((run.path / "evaluation.json").read_text())["metrics"]
        == json.loads((whole.path / "evaluation.json").read_text())["metrics"]
    )
