"""Studies: what is searched, the same trials for the same seed, and what a stop, a failure or another process does."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy import Ring

from gankit.cli import main
from gankit.config import RecipeConfig, Section, resolve
from gankit.errors import ConfigError, Stopped, UsageError
from gankit.recipe import Evaluation, Phase
from gankit.runs.run import Run, owner
from gankit.studies import tuning
from gankit.studies.search_space import Search, search, usual
from gankit.studies.tuning import Study, tune
from gankit.support import Jobs

optuna = pytest.importorskip("optuna", reason="Optuna is not installed")

TINY = {"steps": 8, "width": 4, "training.batch_size": 8, "training.steps_per_call": 2, "training.log_every": 2}


class Bowl(Ring):
    """Its figures are those of a bowl whose lowest point is at a width of 20; its probe tells them while it trains."""

    better = "lower"

    def figure(self):
        return float((self.config.width - 20) ** 2)

    def stages(self, data):
        (stage,) = super().stages(data)
        if self.config.width == 13:
            judge, fool = stage.phases
            stage = replace(
                stage, phases=(Phase("discriminator", judge.trains, judge.loss, lr=lambda step: np.nan), fool)
            )
        return [replace(stage, probe=lambda networks, data: {"depth": self.figure()})]

    def evaluate(self, networks, data):
        return Evaluation({"depth": self.figure()}, {}, {}, {"depth": self.better})

    def sample(self, networks, data, out):
        return {}


class Height(Bowl):
    better = "higher"


class Signalled(Bowl):
    told: list = []

    def sample(self, networks, data, out):
        if len(self.told) < 1 and out.name == "step-000000000" and self.config.width != TINY["width"]:
            self.told.append(1)
            os.kill(os.getpid(), signal.SIGTERM)
        return {}


def study(folder, recipe=Bowl, searches=("width=1:64",), trials=4, metric="depth", **options):
    config = resolve(recipe.Config, {}, {**TINY, **options})
    found = tuple(search(text, config) for text in searches)
    journal = folder / "ring" / "tune-first.journal"
    values = config.model_dump(mode="json")
    return Study(journal, f"{__file__}:{recipe.__name__}", values, metric, found, trials, folder), recipe, config


def values(trials):
    return [
        (one.number, one.values["width"], one.figure, one.state) for one in sorted(trials, key=lambda one: one.number)
    ]


def test_what_is_searched():
    config = resolve(Ring.Config, {}, {})
    assert search("width=8:64:log", config) == Search("width", 8, 64, log=True, whole=True)
    assert search("clip=0.5:2", config) == Search("clip", 0.5, 2.0)
    assert search("batch_size=16,64", config) == Search("training.batch_size", choices=("16", "64"))
    assert search("refresh=true,false", config).choices == ("true", "false")
    assert str(search("width=8:64:log", config)) == "width=8:64:log"
    for text, said in (
        ("widht=1:2", "no option 'widht'"),
        ("width=2:1", "no range"),
        ("width=0:4:log", "no range"),
        ("width=1:4:lg", "no range"),
        ("width=1:inf", "no range"),
        ("width=a:b", "no number"),
        ("width=8", "no choice"),
        ("refresh=", "no choice"),
    ):
        with pytest.raises(ConfigError, match=said):
            search(text, config)


def test_learning_rates_are_searched_where_nothing_is_said():
    class Late(Section):
        lr: float = 0.5

    class Rates(RecipeConfig):
        lr: float = 1e-3
        discriminator_lr: float = 2e-4
        strength: float = 3.0
        lr_generator: float | None = None
        late: Late = Late()

    assert usual(Rates()) == [
        Search("lr", pytest.approx(1e-4), pytest.approx(1e-2), log=True),
        Search("discriminator_lr", pytest.approx(2e-5), pytest.approx(2e-3), log=True),
        Search("late.lr", pytest.approx(0.05), pytest.approx(5.0), log=True),
    ]
    assert search("late.lr=0.1:1", Rates()) == Search("late.lr", 0.1, 1.0)
    with pytest.raises(ConfigError, match="no learning rate"):
        usual(RecipeConfig())


@pytest.mark.slow
def test_trials_are_runs_and_the_same_seed_makes_the_same(tmp_path):
    told = []
    found = tune(*study(tmp_path / "a", trials=3), told=told.append)
    assert values(found)[0] == (0, 4, 256.0, "done")  # the recipe's own values come first
    assert len(found) == 3 and found[0].figure == min(one.figure for one in found)
    assert [one.number for one in told] == [0, 1, 2]
    best = Run(Path(found[0].run))
    assert best.info["study"] == {"name": "first", "trial": found[0].number} and best.info["status"] == "done"
    assert f"width={found[0].values['width']}" in best.info["argv"]
    assert values(tune(*study(tmp_path / "c", trials=2, **{"training.seed": 5})))[1] != values(found)[1]
    # More trials of the same study are those of a longer one, and no trial is run again.
    more = tune(*study(tmp_path / "a", trials=4))
    assert values(more) == values(tune(*study(tmp_path / "b"))) and values(more)[:3] == values(found)
    assert len(list((tmp_path / "a").glob("ring/*/run.json"))) == 4
    with pytest.raises(UsageError, match="another steps: 8, not 9"):
        tune(*study(tmp_path / "b", steps=9))


@pytest.mark.slow
def test_more_is_better_where_the_evaluation_says_so(tmp_path):
    first, second = tune(*study(tmp_path, Height, trials=2))
    assert first.figure > second.figure


@pytest.mark.slow
def test_a_stopped_study_goes_on_with_the_trial_that_was_stopped(tmp_path):
    Signalled.told.clear()
    with pytest.raises(Stopped) as stop:
        tune(*study(tmp_path / "stopped", Signalled, trials=3))
    assert stop.value.exit_code == 75 and "--study first" in stop.value.hint
    begun, _, config = study(tmp_path / "stopped", Signalled, trials=3)
    opened = begun.open(config)
    other = tmp_path / "stopped" / "other" / "run" / "run.json"  # a study of that name, of another recipe
    other.parent.mkdir(parents=True)
    other.write_text(json.dumps({"recipe": "other", "status": "done", "study": {"name": "first", "trial": 1}}))
    (number,) = tuning._left_over(begun, opened)
    trial = optuna.trial.Trial(opened, opened.trials[number]._trial_id)
    trial.set_user_attr("process", owner(os.getpid()))
    assert not tuning._left_over(begun, opened)  # somebody is at it
    trial.set_user_attr("process", "")
    found = tune(*study(tmp_path / "stopped", Signalled, trials=3))
    assert values(found) == values(tune(*study(tmp_path / "whole", Signalled, trials=3)))
    assert len(list((tmp_path / "stopped").glob("ring/*/run.json"))) == 3
    assert {Run(Path(one.run)).info["status"] for one in found} == {"done"}


@pytest.mark.slow
def test_failures_and_hopeless_trials_end_no_study(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "FIRST", 1)
    found = tune(*study(tmp_path, searches=("width=13,20,60",), trials=8, width=20))
    states = {one.values["width"]: one.state for one in found if one.number}
    assert len(found) == 8 and found[0].figure == 0.0 and found[0].values["width"] == "20"
    assert states["13"] == "failed" and states["60"] == "ended early"
    early = [one for one in found if one.state == "ended early"]
    assert all("worse than the median" in one.reason and one.figure is None for one in early)
    assert all(Run(Path(one.run)).info["status"] == "failed" for one in early)


@pytest.mark.slow
def test_what_no_trial_can_mend_ends_the_study(tmp_path):
    with pytest.raises(UsageError, match="no 'dept'"):
        tune(*study(tmp_path, metric="dept"))
    assert not list(tmp_path.glob("ring/*/run.json"))  # nothing was trained for it


@pytest.mark.slow
def test_processes_share_a_study(tmp_path):
    found = tune(*study(tmp_path, trials=3), jobs=Jobs(2))
    assert [number for number, *_ in values(found)] == [0, 1, 2]
    assert all(one.figure == (one.values["width"] - 20) ** 2 and one.state == "done" for one in found)


@pytest.mark.slow
def test_the_command(tmp_path, capsys):
    options = [word for key, value in TINY.items() for word in ("--set", f"{key}={value}")]
    arguments = ["tune", f"{__file__}:Bowl", "--metric", "depth", "--trials", "2", "--search", "width=1:64", *options]
    arguments += ["--runs-dir", str(tmp_path), "--study", "mine"]
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, err = capsys.readouterr()
    assert stop.value.code == 0 and "study mine searches width=1:64" in err and "trial 0 depth 256" in err
    assert "--seeds 3" in out and "luck" in out
    stored = json.loads((tmp_path / "ring" / "tune-mine.json").read_text())
    assert [one["state"] for one in stored["trials"]] == ["done", "done"]
    for wrong, said in ((["--study", "../mine"], "cannot name a file"), (["--search", "lr=1:2"], "no option 'lr'")):
        with pytest.raises(SystemExit) as stop:
            main([*arguments, *wrong])
        assert stop.value.code == 2 and said in capsys.readouterr().err
