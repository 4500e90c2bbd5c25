"""Selecting a stage's weights by a held-out score."""

import math
from dataclasses import replace

import numpy as np
import pytest
from toy import QUICK, Ring, tensors

import gankit
from gankit import Selection
from gankit.errors import CheckpointError, RecipeError
from gankit.runs.loading import LoadedRun
from gankit.runs.run import Run
from gankit.runs.training import resume

STEPS, EVERY = 40, 5


class Selected(Ring):
    """A ring whose generator is scored by how near its bias is to what it was at the third look."""

    name = "selected"
    scores = (5.0, 4.0, 1.0, math.nan, 3.0, 2.0, 6.0, 7.0)
    seen: list = []

    def stages(self, data):
        def probe(networks, data):
            self.seen.append([np.array(w) for w in networks["generator"].get_weights()])
            return {"distance": self.scores[len(self.seen) - 1], "looks": float(len(self.seen))}

        (stage,) = super().stages(data)
        return [replace(stage, probe=probe, selection=Selection("distance", ("generator",)))]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(Selected, "seen", [])


def train(folder, recipe=Selected, **options):
    return gankit.train(recipe, runs_dir=folder, **{**QUICK, "steps": STEPS, "checkpoint_every": 5, **options})


def test_the_best_look_is_what_the_stage_ends_with(tmp_path):
    run = train(tmp_path)
    assert len(Selected.seen) == STEPS // EVERY
    ours = run.networks["generator"].get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(ours, Selected.seen[2], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(ours, Selected.seen[-1], strict=True))
    scored = [line.get("held_out", {}).get("distance", math.nan) for line in run.run.metrics()]
    assert np.array_equal(scored, Selected.scores, equal_nan=True)
    assert not [name for name in tensors(run) if name.startswith("best/")]  # put back, and done with


@pytest.mark.slow
def test_networks_that_are_not_named_keep_their_last_weights(tmp_path):
    selected, plain = tensors(train(tmp_path)), tensors(train(tmp_path, Ring))
    same = {name: np.array_equal(selected[name], plain[name]) for name in plain}
    assert all(same[name] for name in plain if "/discriminator/" in name)
    assert not any(same[name] for name in plain if name.startswith("networks/generator/") and "kernel" in name)


@pytest.mark.slow
def test_a_resumed_stage_remembers_its_best(tmp_path):
    whole = tensors(train(tmp_path / "whole"))
    Selected.seen.clear()

    def stop(progress, networks):
        if progress.step == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", callbacks=[stop])
    (path,) = (tmp_path / "cut" / "selected").iterdir()
    assert "best/score" in gankit.engine.checkpoint.restore(path / "checkpoints")[1]
    del Selected.seen[5:]  # the checkpoint is of step 25; the sixth look is taken again
    resume(Run(path, trusted=True))
    cut = gankit.engine.checkpoint.restore(path / "checkpoints")[1]
    assert set(cut) == set(whole) and all(np.array_equal(cut[name], whole[name]) for name in whole)


def test_a_score_that_is_never_a_number_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(Selected, "scores", (math.nan,) * 8)
    run = train(tmp_path)
    assert all(
        np.array_equal(a, b) for a, b in zip(run.networks["generator"].get_weights(), Selected.seen[-1], strict=True)
    )


def test_selecting_what_is_no_network_is_the_recipes_mistake(tmp_path):
    class Wrong(Selected):
        def stages(self, data):
            (stage,) = super().stages(data)
            return [replace(stage, selection=replace(stage.selection, networks=("genrator",)))]

    with pytest.raises(RecipeError, match="genrator"):
        train(tmp_path, Wrong)


def test_the_higher_figure_may_be_the_better_one(tmp_path):
    class Highest(Selected):
        def stages(self, data):
            (stage,) = super().stages(data)
            return [replace(stage, selection=replace(stage.selection, better="higher"))]

    ours = train(tmp_path, Highest).networks["generator"].get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(ours, Selected.seen[7], strict=True))


class Beside(Selected):
    """It keeps its best weights beside the last ones; a second stage without a probe follows."""

    def stages(self, data):
        (stage,) = super().stages(data)
        kept = replace(stage, selection=replace(stage.selection, restore=False))
        return [kept, replace(kept, name="after", steps=10, probe=None, selection=None)]


def test_the_best_weights_are_kept_beside_the_last(tmp_path):
    run = train(tmp_path, Beside)
    best = LoadedRun(run.run, run.recipe, weights="best").networks["generator"].get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(best, Selected.seen[2], strict=True))
    last = run.networks["generator"].get_weights()
    assert not any(np.array_equal(a, b) for a, b in zip(last, Selected.seen[-1], strict=True))  # trained on
    evaluated = LoadedRun(run.run, run.recipe, weights="best").evaluate()
    assert evaluated["weights"] == "best" and "weights" not in run.evaluate()
    assert (run.run.path / "evaluations" / "best.json").is_file()


@pytest.mark.slow
def test_a_resume_in_a_later_stage_still_has_the_best(tmp_path):
    whole = tensors(train(tmp_path / "whole", Beside))
    Selected.seen.clear()

    def stop(progress, networks):
        if progress.total == STEPS + 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", Beside, callbacks=[stop])
    (path,) = (tmp_path / "cut" / "selected").iterdir()
    resume(Run(path, trusted=True))
    cut = gankit.engine.checkpoint.restore(path / "checkpoints")[1]
    assert any(name.startswith("best/") for name in cut)
    assert set(cut) == set(whole) and all(np.array_equal(cut[name], whole[name]) for name in whole)


def test_a_run_without_best_weights_says_so(tmp_path):
    run = train(tmp_path, Ring)
    with pytest.raises(CheckpointError, match="no best weights"):
        LoadedRun(run.run, run.recipe, weights="best")


def test_a_figure_that_the_probe_does_not_give_is_named(tmp_path):
    class Wrong(Selected):
        def stages(self, data):
            (stage,) = super().stages(data)
            return [replace(stage, selection=replace(stage.selection, figure="distanse"))]

    with pytest.raises(RecipeError, match="selects by 'distanse'") as error:
        train(tmp_path, Wrong)
    assert "did you mean 'distance'" in error.value.hint
    with pytest.raises(ValueError, match="has no probe"):
        replace(Ring(Ring.Config()).stages(None)[0], selection=Selection("x", ("generator",)))


def test_a_callback_is_given_copies_of_the_networks(tmp_path):
    told: list = []

    def spoil(progress, networks):
        told.append((progress.step, dict(progress.held_out), sorted(progress.terms)[0]))
        networks["generator"].set_weights([0 * w for w in networks["generator"].get_weights()])

    spoiled = train(tmp_path / "a", callbacks=[spoil]).networks["generator"].get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(spoiled, Selected.seen[2], strict=True))  # nothing was disturbed
    assert [step for step, *_ in told] == list(range(EVERY, STEPS + 1, EVERY))
    assert told[0][1:] == ({"distance": 5.0, "looks": 1.0}, "discriminator/fake")
