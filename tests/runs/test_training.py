"""Runs from Python: training, loading, starting from other weights, budgets, failures."""

import json
import logging
import shutil

import numpy as np
import pytest
from toy import QUICK, Ring, tensors

import gankit
from gankit import Training
from gankit.config import resolve
from gankit.engine import checkpoint
from gankit.engine.budget import shorten
from gankit.errors import CheckpointError, ConfigError, DataError, NonFinite, RunLocked, UsageError
from gankit.runs.loading import LoadedRun, recipe_of
from gankit.runs.run import Run
from gankit.runs.training import fit, resume, start


def train(folder, recipe=Ring, **options):
    return gankit.train(recipe, runs_dir=folder, **{**QUICK, **options})


def test_public_names_are_all_there():
    assert all(getattr(gankit, name) is not None for name in gankit.__all__)
    assert sorted(gankit.__all__) == list(gankit.__all__)


def test_a_run_holds_all_that_was_done(tmp_path):
    run = train(tmp_path, seed=5, warm_steps=10)
    folder, info = run.run.path, run.run.info
    assert info["status"] == "done" and info["exit_code"] == 0 and info["seed"] == 5
    assert [(s["name"], s["steps"]) for s in info["stages"]] == [("warm", 10), ("adversarial", 20)]
    lines = run.run.metrics()
    assert [line["total"] for line in lines] == [5, 10, 15, 20, 25, 30]
    assert {line["stage"] for line in lines} == {"warm", "adversarial"}
    assert set(lines[-1]["terms"]) >= {"discriminator/real", "generator/adversarial", "generator/gradient_norm"}
    # The learning rate of a line is that of its last step: 1e-3 (1 - step / 10) in the warm stage.
    assert lines[0]["lr"]["warm"] == pytest.approx(1e-3 * (1 - 4 / 10))
    assert lines[0]["lr"] == {"warm": lines[0]["lr"]["warm"]}
    assert (folder / "samples" / "final" / "points.png").is_file() and (folder / "report.html").is_file()
    assert json.loads((folder / "facts.json").read_text()) == {"dimensions": 2}
    for damage in ("[1]", '{"dimensions": '):
        (folder / "facts.json").write_text(damage)
        with pytest.raises(DataError, match=r"facts\.json is damaged"):
            gankit.load(folder, trust_recipe=True)


def test_load_gives_the_moving_average(tmp_path):
    run = train(tmp_path)
    saved = tensors(run)
    again = gankit.load(run.run.path, trust_recipe=True)
    weights = again.networks["generator"].get_weights()
    average = [saved[key] for key in sorted(saved) if key.startswith("averages/generator/")]
    raw = [saved[key] for key in sorted(saved) if key.startswith("networks/generator/")]
    assert all(np.array_equal(a, b) for a, b in zip(weights, average, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(weights, raw, strict=True))
    judge = [saved[key] for key in sorted(saved) if key.startswith("networks/discriminator/")]
    assert all(np.array_equal(a, b) for a, b in zip(again.networks["discriminator"].get_weights(), judge, strict=True))


def test_evaluating_later_gives_the_figures_of_the_run(tmp_path):
    run = train(tmp_path)
    stored = json.loads((run.run.path / "evaluation.json").read_text())
    assert gankit.load(run.run.path, trust_recipe=True).evaluate()["metrics"] == stored["metrics"]


def test_init_from_takes_averaged_weights(tmp_path):
    first = train(tmp_path)
    second = train(tmp_path, init_from=str(first.run.path), seed=9, steps=0)
    a, b = tensors(first), tensors(second)
    for key in (k for k in a if k.startswith("averages/generator/")):
        assert np.array_equal(a[key], b[key.replace("averages", "networks")])
        assert np.array_equal(a[key], b[key])


def test_init_from_refuses_other_networks(tmp_path):
    first = train(tmp_path)
    with pytest.raises(CheckpointError, match="other weights"):
        train(tmp_path, init_from=str(first.run.path), width=9)


def test_init_partial_takes_what_fits(tmp_path, caplog):
    first = train(tmp_path)
    caplog.set_level(logging.INFO, "gankit")
    second = train(tmp_path, init_from=str(first.run.path), init_partial=True, width=9, seed=9, steps=0)
    a, b = tensors(first), tensors(second)
    shapes = {k: a[k.replace("networks", "averages")] if "networks/generator" in k else a[k] for k in b if k in a}
    taken = {k for k, value in shapes.items() if k.startswith("networks/") and value.shape == b[k].shape}
    left = {k for k, value in shapes.items() if k.startswith("networks/") and value.shape != b[k].shape}
    assert taken and left and all(np.array_equal(shapes[k], b[k]) for k in taken)
    assert all(k.split("/", 2)[2] in caplog.text for k in left)


def test_unknown_options_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="stpes"):
        train(tmp_path, stpes=3)


def test_shorten_keeps_proportions_and_the_sum():
    assert shorten({"a": 100, "b": 50}, 0.1) == {"a": 10, "b": 5}
    assert shorten({"a": 100, "b": 50}, 1.5) == {"a": 100, "b": 50}
    assert shorten({"a": 1000, "b": 2, "c": 0}, 1e-9) == {"a": 1, "b": 1, "c": 0}
    for total in (7, 31, 149):
        assert sum(shorten({"a": 100, "b": 49, "c": 1}, total / 150).values()) == total


def test_max_steps_stretches_the_schedule(tmp_path):
    run = train(tmp_path, warm_steps=100, steps=100, max_steps=20, log_every=1)
    assert checkpoint.restore(run.run.checkpoints)[0].steps == {"warm": 10, "adversarial": 10}
    rates = [line["lr"]["warm"] for line in run.run.metrics() if line["stage"] == "warm"]
    assert rates == pytest.approx([1e-3 * (1 - step / 10) for step in range(10)], rel=1e-5)


@pytest.mark.slow
def test_max_minutes_is_about_kept_and_fixed_before_the_first_step(tmp_path):
    seen = []
    run = gankit.train(
        Ring,
        runs_dir=tmp_path,
        callbacks=[lambda now, _: seen.append(now)],
        **{**QUICK, "steps": 10**7, "max_minutes": 0.1},
    )
    (stage,) = run.run.info["stages"]
    assert 0 < stage["steps"] < stage["planned_steps"] == 10**7
    assert {progress.planned for progress in seen} == {stage["steps"]}
    assert run.run.metrics()[-1]["seconds"] < 5 * 6  # generous: the machine may be shared


class Diverging(Ring):
    """Its generator's loss overflows in the 8th step."""

    def stages(self, data):
        from dataclasses import replace

        (stage,) = super().stages(data)
        *others, generator = stage.phases

        def overflow(turn):
            return {"adversarial": generator.loss(turn)["adversarial"] * turn.knobs["scale"]}

        phases = (*others, replace(generator, loss=overflow))
        return [replace(stage, phases=phases, knobs={"scale": lambda step: 1.0 if step < 7 else float("inf")})]


def test_not_a_number_stops_the_run_and_names_the_place(tmp_path):
    with pytest.raises(NonFinite, match=r"generator/.* step 7 of stage 'adversarial'") as error:
        train(tmp_path, Diverging, checkpoint_every=5)
    assert "step-000000005" in error.value.hint and "'generator'" in error.value.hint
    (path,) = tmp_path.glob("ring/*")
    run = Run(path)
    assert run.info["status"] == "failed" and run.info["exit_code"] == 1 and "not finite" in run.info["error"]
    position, state, _ = checkpoint.restore(run.checkpoints)
    assert position.total == 5 and all(np.isfinite(v).all() for v in state.values())
    assert (path / "report.html").is_file()


def test_a_locked_run_cannot_be_resumed(tmp_path):
    run = train(tmp_path).run
    run.update(status="running")
    with run.locked(), pytest.raises(RunLocked, match="process"):
        resume(Run(run.path, trusted=True))


class Shifted(Ring):
    """The same recipe over changed data."""

    def data(self):
        data = super().data()
        data.train["points"].fields["point"] = data.train["points"].fields["point"] + 1
        return data


def test_resume_refuses_changed_data(tmp_path, monkeypatch):
    run = train(tmp_path).run
    run.update(status="running")
    monkeypatch.setattr("gankit.runs.training.recipe_of", lambda run: Shifted(recipe_of(run).config))
    with pytest.raises(DataError, match="changed"):
        resume(Run(run.path, trusted=True))


def test_a_full_disk_is_refused_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr("gankit.runs.trainer.shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(CheckpointError, match="MB free"):
        train(tmp_path)


def test_a_batch_that_replicas_cannot_share_is_refused(tmp_path, two_devices):
    config = Ring.Config(training=Training(batch_size=15, strategy="mirrored", devices=2))
    with pytest.raises(ConfigError, match="batch of 15"):
        start("ring", Ring(config), tmp_path)


def test_fit_trains_as_a_run_does_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {**{f"training.{key}": QUICK[key] for key in ("batch_size", "steps_per_call", "log_every")}, "steps": 20}
    networks = fit(Ring(resolve(Ring.Config, {}, {**options, "width": 8})))
    assert not list(tmp_path.iterdir())
    theirs = train(tmp_path).networks["generator"].get_weights()
    ours = networks["generator"].get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_a_command_of_a_recipe_refuses_runs_of_others(tmp_path):
    run = train(tmp_path).run
    assert LoadedRun.of_recipe(run, "ring").run is run
    with pytest.raises(UsageError, match="is a run of ring"):
        LoadedRun.of_recipe(run, "dcgan")


def test_a_command_says_that_a_run_is_not_finished(tmp_path, caplog):
    def stop(progress, networks):
        if progress.step == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[stop], checkpoint_every=5)
    (path,) = (tmp_path / "ring").iterdir()
    LoadedRun.of_recipe(Run(path, trusted=True), "ring")
    assert "is not finished (interrupted, after 5 of 20 steps)" in caplog.text


class Known(Ring):
    """Knows one set of weights by name: all 0.25."""

    def initial_weights(self, reference):
        if reference != "quarters":
            raise UsageError(f"there is no ring {reference!r}", "known: quarters")
        return {"generator": [np.full(v.shape, 0.25) for v in self.networks(self.data())["generator"].variables]}


def test_init_from_takes_what_the_recipe_knows(tmp_path):
    made = train(tmp_path, Known, init_from="quarters", steps=0)
    found = tensors(made)
    assert all((v == 0.25).all() for k, v in found.items() if "/generator/" in k and k[0] in "na")
    assert not any((v == 0.25).all() for k, v in found.items() if k.startswith("networks/discriminator/"))
    info = made.run.info
    assert info["init_from"] == "quarters" and len(info["init_sha256"]) == 64
    again = train(tmp_path, init_from="latest", steps=0)  # runs come first, and are recorded alike
    assert again.run.info["init_from"] == str(made.run.path) and len(again.run.info["init_sha256"]) == 64


def test_init_from_names_what_the_recipe_knows(tmp_path):
    with pytest.raises(UsageError, match=r"there are no runs in .*; there is no ring 'halves'") as error:
        train(tmp_path, Known, init_from="halves")
    assert error.value.hint == "known: quarters"
    with pytest.raises(UsageError, match="no runs in"):
        train(tmp_path, init_from="halves")
    train(tmp_path, steps=0)


class Short(Known):
    """Gives fewer arrays than its generator has."""

    def initial_weights(self, reference):
        return {name: arrays[:-1] for name, arrays in super().initial_weights(reference).items()}


def test_arrays_that_do_not_fit_are_refused_as_those_of_runs(tmp_path):
    with pytest.raises(CheckpointError, match="the saved generator has other weights"):
        train(tmp_path, Short, init_from="quarters")


def test_a_run_that_was_stopped_at_once_takes_the_same_weights_again(tmp_path):
    made = train(tmp_path, Known, init_from="quarters", steps=1)
    rewind = dict(made.run.info, status="preempted")
    for folder in made.run.checkpoints.iterdir():
        shutil.rmtree(folder)
    (made.run.path / "run.json").write_text(json.dumps(rewind))
    run = Run(made.run.path)
    run.trusted = True
    before = train(tmp_path, Known, init_from="quarters", steps=1)
    again = LoadedRun(resume(run), Known(made.recipe.config))
    for key, value in tensors(before).items():
        np.testing.assert_array_equal(value, tensors(again)[key])
    for folder in made.run.checkpoints.iterdir():
        shutil.rmtree(folder)
    (made.run.path / "run.json").write_text(json.dumps(rewind | {"init_sha256": "0" * 64}))
    with pytest.raises(DataError, match="weights of quarters have changed"):
        resume(run)
