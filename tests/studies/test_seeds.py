"""Several seeds: their runs, the spread of their figures, failures, signals."""

import json
import math
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from toy import Ring

from gankit.cli import main
from gankit.config import resolve
from gankit.engine import checkpoint
from gankit.errors import ConfigError, Stopped, UsageError
from gankit.recipe import Phase
from gankit.runs.run import Run
from gankit.studies.seeds import aggregate, command, train_seeds
from gankit.support import Jobs

TOY = f"{Path(__file__).parents[1] / 'toy.py'}:Ring"
TINY = {"steps": 4, "width": 4, "training.batch_size": 8, "training.steps_per_call": 2, "training.log_every": 2}
SETS = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]


class Diverging(Ring):
    """Its learning rate is no number with the seed 1."""

    def stages(self, data):
        (stage,) = super().stages(data)
        if self.config.training.seed == 1:
            judge, fool = stage.phases
            broken = Phase("discriminator", judge.trains, judge.loss, lr=lambda step: math.nan)
            stage = type(stage)(stage.name, stage.steps, (broken, fool), stage.shared)
        return [stage]


class Signalled(Ring):
    """Is told to stop before the first step of the seed 1, once."""

    told: list = []

    def sample(self, networks, data, out):
        if self.config.training.seed == 1 and out.name == "step-000000000" and not self.told:
            self.told.append(1)
            os.kill(os.getpid(), signal.SIGTERM)
        return super().sample(networks, data, out)


def gankit(*arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    out = capsys.readouterr()
    return stop.value.code, out.out, out.err


def evaluation(run):
    return json.loads((Path(run) / "evaluation.json").read_text())


def configured(recipe=Ring, **options):
    return resolve(recipe.Config, {}, {**TINY, **options})


@pytest.fixture
def untrained(monkeypatch):
    """Replaces the training by a run folder that holds the seed as a figure."""
    from gankit.runs import training

    configs = []

    def start(source, recipe, root, *, argv=(), listener=None):
        seed = recipe.config.training.seed
        configs.append(recipe.config)
        run = Run.create(root, recipe.name, "", {"seed": seed, "argv": list(argv)})
        figures = {"metrics": {"a": float(seed)}, "baselines": {}, "better": {"a": "lower"}}
        (run.path / "evaluation.json").write_text(json.dumps(figures))
        return run

    monkeypatch.setattr(training, "start", start)
    return configs


def test_mean_and_spread_are_those_of_numpy():
    rng = np.random.default_rng(0)
    values = rng.normal(3, 2, (7, 2))
    found = aggregate([{"a": a, "b": b} for a, b in values])
    for i, name in enumerate("ab"):
        assert found[name]["mean"] == pytest.approx(values[:, i].mean(), rel=1e-14)
        assert found[name]["sd"] == pytest.approx(values[:, i].std(ddof=1), rel=1e-14)
        assert found[name]["values"] == list(values[:, i])


def test_one_run_has_no_spread_and_a_missing_figure_no_mean():
    assert aggregate([{"a": 2.0}]) == {"a": {"mean": 2.0, "sd": None, "values": [2.0]}}
    found = aggregate([{"a": 2.0, "b": 1.0}, {"a": math.nan, "b": None}, {"a": 4.0, "c": 5}])
    assert found["a"] == {"mean": None, "sd": None, "values": [2.0, None, 4.0]}
    assert found["b"]["values"] == [1.0, None, None] and found["c"]["values"] == [None, None, 5.0]
    assert found["c"]["mean"] is None


@pytest.mark.slow
def test_each_seed_is_the_run_that_it_would_be_alone(tmp_path, capsys):
    code, out, _ = gankit(
        *("run", TOY, *SETS, "--seed", 3, "--seeds", 2, "--json", "--runs-dir", tmp_path / "set"), capsys=capsys
    )
    result = json.loads(out)
    assert code == 0 and result["recipe"] == "ring" and result["seeds"] == [3, 4] and result["failed"] == {}
    runs = [Path(result["runs"][seed]) for seed in ("3", "4")]
    assert [run.parent for run in runs] == [tmp_path / "set" / "ring"] * 2
    for metric in ("modes", "high_quality"):
        values = [evaluation(run)["metrics"][metric] for run in runs]
        assert result["metrics"][metric]["values"] == values
        assert result["metrics"][metric]["mean"] == pytest.approx(np.mean(values))
        assert result["metrics"][metric]["sd"] == pytest.approx(np.std(values, ddof=1))
        normal = [evaluation(run)["baselines"]["normal"][metric] for run in runs]
        assert result["baselines"]["normal"][metric]["mean"] == pytest.approx(np.mean(normal))
    stored = json.loads(Path(result.pop("file")).read_text())
    assert stored == result and stored["left"] == []
    # The command that the second run records gives the very same run.
    argv = Run(runs[1]).info["argv"]
    assert argv[:3] == ["gankit", "run", TOY] and argv[-2:] == ["--seed", "4"]
    code, *_ = gankit(*argv[1:], "--runs-dir", tmp_path / "alone", capsys=capsys)
    (alone,) = (tmp_path / "alone" / "ring").glob("2*")
    first, second = (checkpoint.restore(run / "checkpoints")[1] for run in (runs[1], alone))
    assert code == 0 and first.keys() == second.keys()
    assert all(np.array_equal(first[key], second[key]) for key in first)
    other = checkpoint.restore(runs[0] / "checkpoints")[1]
    assert not all(np.array_equal(first[key], other[key]) for key in first)


@pytest.mark.slow
def test_a_seed_that_fails_is_told_and_the_others_go_on(tmp_path, capsys):
    source = f"{__file__}:Diverging"
    code, out, err = gankit(*("run", source, *SETS, "--seeds", 3, "--runs-dir", tmp_path), capsys=capsys)
    assert code == 1 and "seed 1 failed" in err and "Traceback" not in err
    assert "ring, 2 seeds" in out and "mean +- sd" in out and "normal" in out
    (stored,) = tmp_path.glob("ring/seeds-*.json")
    result = json.loads(stored.read_text())
    assert set(result["runs"]) == {"0", "2"} and set(result["failed"]) == {"1"}
    failure = result["failed"]["1"]
    assert "not finite" in failure["error"]
    assert Run(Path(failure["run"])).info["status"] == "failed" and Run(Path(failure["run"])).info["seed"] == 1
    values = [evaluation(result["runs"][seed])["metrics"]["modes"] for seed in ("0", "2")]
    assert result["metrics"]["modes"]["values"] == values


@pytest.mark.slow
def test_processes_train_the_same_seeds(tmp_path):
    one = train_seeds(TOY, Ring, configured(), 3, tmp_path / "one")
    two = train_seeds(TOY, Ring, configured(), 3, tmp_path / "two", jobs=Jobs(2))
    assert list(two.runs) == [0, 1, 2] and not two.failed
    assert one.as_dict()["metrics"] == two.as_dict()["metrics"]
    for seed, run in one.runs.items():
        mine, other = (checkpoint.restore(found.checkpoints)[1] for found in (run, two.runs[seed]))
        assert mine.keys() == other.keys() and all(np.array_equal(mine[key], other[key]) for key in mine)
        assert two.runs[seed].info["argv"] == run.info["argv"]
    source = f"{__file__}:Diverging"
    mixed = train_seeds(source, Diverging, configured(), 3, tmp_path / "mixed", jobs=Jobs(2))
    assert list(mixed.runs) == [0, 2] and "not finite" in str(mixed.failed[1].error) and mixed.failed[1].run


@pytest.mark.slow
def test_a_stopped_set_is_resumed_and_compared(tmp_path, capsys):
    Signalled.told.clear()
    source, folder = f"{__file__}:Signalled", tmp_path / "stopped"
    kept = []
    with pytest.raises(Stopped) as stop:
        train_seeds(source, Signalled, configured(), 3, folder, record=lambda done: kept.append(done.as_dict()))
    assert stop.value.exit_code == 75
    assert list(kept[-1]["runs"]) == ["0"] and kept[-1]["left"] == [1, 2] and kept[-1]["failed"] == {}
    (stopped,) = (path.parent for path in folder.glob("ring/*/run.json") if Run(path.parent).info["seed"] == 1)
    hint = stop.value.hint
    assert f"gankit resume {stopped}" in hint and "--seed 2 --seeds 1" in hint and kept[-1]["runs"]["0"] in hint
    assert Run(stopped).info["status"] == "preempted"
    from gankit.runs.training import resume

    resume(Run(stopped, trusted=True))
    rest = train_seeds(source, Signalled, configured(**{"training.seed": 2}), 1, folder)
    whole = train_seeds(TOY, Ring, configured(), 3, tmp_path / "whole").as_dict()
    runs = [kept[-1]["runs"]["0"], stopped, rest.runs[2].path]
    code, out, _ = gankit("compare", *runs, "--json", "--runs-dir", folder, capsys=capsys)
    assert code == 0 and json.loads(out)["over_seeds"] == whole["metrics"]


def test_seeds_are_checked_before_anything_is_trained(tmp_path, capsys, untrained):
    for arguments, said in (
        (["--seeds", 0], "--seeds"),
        (["--seeds", 2, "--dry-run"], "leave --seeds out"),
        (["--jobs", 2], "add --seeds"),
        (["--seeds", 3, "--seed", 2**31 - 2], "too large"),
        (["--seeds", 2, "--strategy", "multiworker"], "train each by itself"),
        (["--seeds", 2, "--init-from", "latest"], "there are no runs"),
    ):
        code, _, err = gankit("run", TOY, *arguments, "--runs-dir", tmp_path, capsys=capsys)
        assert code == 2 and said in err, (arguments, err)
    assert not untrained and not list(tmp_path.iterdir())
    with pytest.raises(ConfigError):
        train_seeds(TOY, Ring, configured(**{"training.seed": 2**31 - 1}), 2, tmp_path)


def test_all_seeds_start_from_one_run(tmp_path, untrained):
    train_seeds(TOY, Ring, configured(), 1, tmp_path)
    (first,) = (tmp_path / "ring").glob("2*")
    train_seeds(TOY, Ring, configured(**{"training.init_from": "latest", "training.seed": 6}), 3, tmp_path)
    assert [config.training.init_from for config in untrained] == [None] + [str(first)] * 3
    assert [config.training.seed for config in untrained] == [0, 6, 7, 8]


def test_what_no_seed_can_mend_ends_the_set(tmp_path, capsys, monkeypatch):
    def data(self):
        raise UsageError("no such data", "name other data")

    monkeypatch.setattr(Ring, "data", data)
    with pytest.raises(UsageError, match="no such data"):
        train_seeds(TOY, Ring, configured(), 2, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_recorded_command_holds_what_is_not_the_default():
    config = configured(**{"training.seed": 9})
    words = command("ring", config)
    assert words[:3] == ["gankit", "run", "ring"] and words[-2:] == ["--seed", "9"]
    assert "width=4" in words and not any("training.seed" in word for word in words)
