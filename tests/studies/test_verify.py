"""Claims: verdicts, shared runs, what is skipped and what fails."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from toy import Ring

from gankit import Claim, Evaluation
from gankit.cli import main
from gankit.errors import DataError, NonFinite, Offline, Stopped, UsageError
from gankit.runs.run import Run
from gankit.studies.claims import Checked, check_claim, chosen, passed, verify, verify_runs

SOURCE = f"{__file__}:Claiming"
TINY = {"steps": 4, "width": 4, "training.batch_size": 8, "training.steps_per_call": 2, "training.log_every": 2}


def claim(metric="modes", value=4.0, tolerance=0.5, **more):
    return Claim(metric, value, tolerance, "toy, 4 steps", "table 1", **more)


class Claiming(Ring):
    """A recipe with one claim of every kind."""

    claims = (
        claim("modes", 4.0, 4.0, options=TINY),  # there are 0 to 8 modes
        claim("high_quality", -1.0, 0.5, options=TINY),
        claim("modes", 9.0, 0.5, options=TINY),
        claim("modes", 1.0, 1.0, options={**TINY, "width": 5}, needs="gpu"),
        claim("mode", 1.0, 1.0, options=TINY),
    )


def gankit(*arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    out = capsys.readouterr()
    return stop.value.code, out.out, out.err


def evaluation(better="higher", **metrics):
    return Evaluation(metrics, {}, {"samples": 10}, {"x": better})


@pytest.fixture
def engine(monkeypatch):
    """Trains nothing: a run's figure x is its seed, plus 10 for width 8; the list holds what was trained."""
    from gankit.runs import training

    trained = []

    def start(source, recipe, root, *, argv=(), listener=None):
        from gankit.config import to_yaml

        recipe.data()
        config = recipe.config
        trained.append((config.width, config.training.seed))
        run = Run.create(root, recipe.name, to_yaml(recipe.name, config), {"seed": config.training.seed})
        if config.width == 13:
            raise NonFinite("a loss is not finite", "lower the learning rate")
        run.update(status="done")
        figure = float(config.training.seed + 10 * (config.width == 8))
        (run.path / "evaluation.json").write_text(json.dumps(evaluation(x=figure, y=1.0).as_dict()))
        return run

    monkeypatch.setattr(training, "start", start)
    return trained


def verdicts(checked):
    return [one.verdict for one in checked]


@pytest.mark.parametrize(
    ("value", "tolerance", "measured", "better", "verdict"),
    [
        (0.3, 0.02, 0.28, "higher", "reproduced"),  # 0.3 - 0.28 is a little more than 0.02 in binary
        (0.3, 0.02, 0.32, "lower", "reproduced"),
        (0.3, 0.02, 0.2799, "higher", "missed"),
        (0.3, 0.02, 0.2799, "lower", "better"),
        (0.3, 0.02, 0.3201, "higher", "better"),
        (0.3, 0.02, 0.3201, "lower", "missed"),
        (0.3, 0.02, 0.3201, "", "missed"),
        (8.0, 0.0, 8.0, "higher", "reproduced"),
        (8.0, 0.0, float("nan"), "higher", "missed"),
    ],
)
def test_verdicts(value, tolerance, measured, better, verdict):
    found = check_claim(claim("x", value, tolerance), [evaluation(better, x=measured)], ["run"])
    assert found.verdict == verdict
    assert found.protocol == {"samples": 10}


def test_the_mean_over_seeds_is_judged():
    found = check_claim(
        claim("x", 5.0, 0.1, seeds=3), [evaluation(x=value) for value in (2.0, 5.0, 8.0)], ["a", "b", "c"]
    )
    assert (found.verdict, found.measured, found.sd, found.reason) == ("reproduced", 5.0, 3.0, "")
    assert "of 2 run(s)" in check_claim(claim("x", seeds=3), [evaluation(x=1.0)] * 2, ["a", "b"]).reason


@pytest.mark.parametrize(
    ("given", "ok", "strictly"),
    [
        (["reproduced", "better"], True, True),
        (["reproduced", "missed"], False, False),
        (["reproduced", "failed"], False, False),
        (["reproduced", "skipped: needs a GPU", "skipped: no data"], True, False),
        (["skipped: needs a GPU"] * 2, True, False),
        (["reproduced", ""], False, False),
        (["skipped: no data"], False, False),
        (["skipped: needs a GPU", "skipped: no data"], False, False),
    ],
)
def test_what_passes(given, ok, strictly):
    checked = [Checked(claim(), verdict) for verdict in given]
    assert passed(checked) is ok and passed(checked, strict=True) is strictly


def test_claims_of_equal_options_and_seeds_share_their_runs(tmp_path, engine):
    claims = [
        claim("x", 1.0, 0.0, seeds=3),
        claim("y", 1.0, 0.0, seeds=3),
        claim("x", 15.5, 0.0, seeds=2, options={"width": 8, "training.seed": 5}),
        claim("x", 15.5, 0.0, seeds=2, options={"training.seed": 5, "width": 8}),
        claim("x", 0.0, 0.0),
    ]
    checked = verify("ring", Ring, claims, tmp_path)
    assert engine == [(64, 0), (64, 1), (64, 2), (8, 5), (8, 6), (64, 0)]
    assert verdicts(checked) == ["reproduced"] * 5
    assert checked[0].runs == checked[1].runs and len(checked[0].runs) == 3 and checked[0].sd == 1.0
    assert checked[2].runs == checked[3].runs and checked[2].values == [15.0, 16.0]


def test_a_failed_run_fails_its_claims_and_no_others(tmp_path, engine):
    claims = [claim("x", options={"width": 13}), claim("x", options={"wdith": 3}), claim("x", 0.0)]
    checked = verify("ring", Ring, claims, tmp_path)
    assert verdicts(checked) == ["failed", "failed", "reproduced"]
    assert "a loss is not finite" in checked[0].reason and len(checked[0].runs) == 1
    assert "did you mean 'width'" in checked[1].reason and checked[1].runs == ()


@pytest.mark.parametrize("error", [Offline("digits must be downloaded", "fetch it"), DataError("no files", "look")])
def test_absent_data_are_told_with_the_hint(tmp_path, engine, monkeypatch, error):
    def data(self):
        raise error

    monkeypatch.setattr(Ring, "data", data)
    (found,) = verify("ring", Ring, [claim("x")], tmp_path)
    assert found.verdict == "skipped: no data" and found.reason == f"{error.message}; {error.hint}"


def test_a_signal_leaves_what_is_known(tmp_path, engine, monkeypatch):
    from gankit.runs import training

    start = training.start

    def stopping(source, recipe, root, **more):
        if recipe.config.width == 8:
            raise Stopped("by a signal", "gankit resume somewhere", 130)
        return start(source, recipe, root, **more)

    monkeypatch.setattr(training, "start", stopping)
    kept = []
    claims = [claim("x", 0.0), claim("x", options={"width": 8})]
    with pytest.raises(Stopped) as stop:
        verify("ring", Ring, claims, tmp_path, record=lambda checked: kept.append(verdicts(checked)))
    assert stop.value.exit_code == 130 and "gankit resume somewhere" in stop.value.hint
    assert "gankit verify ring --run" in stop.value.hint and kept == [["reproduced", ""]]


def test_from_the_command_line(tmp_path, capsys):
    """Trains: one run for the four claims that are checked."""
    code, out, _ = gankit("verify", SOURCE, "--runs-dir", tmp_path, "--json", capsys=capsys)
    result = json.loads(out)
    assert code == 1 and result["passed"] is False and result["recipe"] == "ring"
    found = [one["verdict"] for one in result["claims"]]
    assert found == ["reproduced", "better", "missed", "skipped: needs a GPU", "failed"]
    reason = result["claims"][4]["reason"]
    assert "no 'mode'" in reason and "did you mean 'modes'" in reason and "high_quality" in reason
    (run,) = (path.parent for path in tmp_path.glob("ring/*/run.json"))
    measured = json.loads((run / "evaluation.json").read_text())["metrics"]
    assert result["claims"][0]["measured"] == measured["modes"] and result["claims"][0]["runs"] == [str(run)]
    assert result["claims"][1]["measured"] == measured["high_quality"]
    assert result["claims"][0]["options"] == TINY and result["claims"][0]["evaluation_protocol"] == {"samples": 2000}
    stored = Path(result["file"])
    assert stored.parent == run.parent and stored.name.startswith("verify-")
    assert json.loads(stored.read_text())["claims"] == result["claims"]

    common = ("verify", SOURCE, "--runs-dir", tmp_path, "--run", run)
    code, out, _ = gankit(*common, "--claim", "high_quality", capsys=capsys)
    assert code == 0 and "better" in out and "-1" in out and str(run) in out and "tolerance" in out
    code, out, _ = gankit(*common, "--claim", "modes", capsys=capsys)
    assert code == 1 and "width is 4, not 5" in out and "missed" in out
    code, out, _ = gankit(*common, "--claim", "high_quality", "--strict", capsys=capsys)
    assert code == 0
    assert len(list(tmp_path.glob("ring/*/run.json"))) == 1


def test_runs_of_other_options_are_refused_with_the_differences(tmp_path, engine):
    verify("ring", Ring, [claim("x", options={"width": 8}), claim("x", options={"width": 9})], tmp_path)
    runs = [Run(path.parent) for path in tmp_path.glob("ring/*/run.json")]
    eight, nine = sorted(runs, key=lambda run: "width: 9" in (run.path / "config.yaml").read_text())
    same, other = claim("x", 10.0, options={"width": "8"}), claim("x", 1.0, options={"steps": 5, "width": 9})
    (found,) = verify_runs(Ring, [same], [eight])
    assert found.verdict == "reproduced" and found.reason == ""
    with pytest.raises(UsageError, match=r"width is 8, not 9; steps is 3000, not 5"):
        verify_runs(Ring, [other], [eight])
    assert verdicts(verify_runs(Ring, [same, other], [eight])) == ["reproduced", "skipped: other options"]
    with pytest.raises(UsageError, match=r"width is 8, not \d"):  # a claim that is silent is of the defaults
        verify_runs(Ring, [claim("x", 10.0)], [eight])
    for runs, said in (([eight, nine], "more than their seeds"), ([eight, eight], "twice")):
        with pytest.raises(UsageError, match=said):
            verify_runs(Ring, [same], runs)
    eight.update(status="preempted")
    with pytest.raises(UsageError, match="not finished") as error:
        verify_runs(Ring, [same], [eight])
    assert "gankit resume" in error.value.hint
    nine.update(recipe="other")
    with pytest.raises(UsageError, match="a run of 'other'"):
        verify_runs(Ring, [same], [nine])
    (eight.path / "evaluation.json").write_text("{")
    eight.update(status="done")
    with pytest.raises(UsageError, match="no readable evaluation"):
        verify_runs(Ring, [same], [eight])


def test_finished_runs_of_several_seeds_give_the_mean(tmp_path, engine):
    verify("ring", Ring, [claim("x", seeds=3)], tmp_path)
    runs = [Run(path.parent) for path in tmp_path.glob("ring/*/run.json")]
    wanted = claim("x", 1.0, 0.0, seeds=3, options={"training.seed": 0})
    (found,) = verify_runs(Ring, [wanted], runs)
    assert found.verdict == "reproduced" and found.measured == 1.0 and found.sd == 1.0 and found.reason == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", f"{Path(__file__).parents[1] / 'toy.py'}:Ring"], "makes no claims"),
        (["verify", SOURCE, "--claim", "high_qualty"], "did you mean 'high_quality'"),
        (["verify", SOURCE, "--run", "latest", "--seeds", "2"], "leave one of them out"),
        (["verify", SOURCE, "--run", "latest"], "there are no runs"),
        (["verify", SOURCE, "--seeds", "0"], "--seeds"),
        (["verify", "srgna"], "did you mean 'srgan'"),
    ],
)
def test_wrong_usage_exits_2_with_a_hint(arguments, said, capsys, tmp_path):
    code, out, err = gankit(*arguments, "--runs-dir", tmp_path, capsys=capsys)
    assert code == 2 and out == "" and said in err and "hint:" in err
    assert not list(tmp_path.iterdir())


def test_claims_are_shown_without_training(tmp_path, capsys):
    code, out, _ = gankit("verify", SOURCE, "--list", "--runs-dir", tmp_path, capsys=capsys)
    assert code == 0 and out.count("claim: ") == 5 and "toy, 4 steps" in out and "table 1" in out
    assert "needs a GPU" in out and "steps=4" in out
    code, out, _ = gankit("verify", SOURCE, "--list", "--json", "--claim", "high_quality", "--seeds", 7, capsys=capsys)
    (shown,) = json.loads(out)
    assert code == 0 and shown["options"] == TINY and shown["seeds"] == 7 and shown["value"] == -1.0
    code, out, _ = gankit("info", SOURCE, capsys=capsys)
    assert code == 0 and "claim: modes = 4 +- 4 (table 1)" in out and "protocol: toy, 4 steps" in out
    assert f"gankit verify {SOURCE}" in out
    code, out, _ = gankit("info", SOURCE, "--json", capsys=capsys)
    assert code == 0 and json.loads(out)["claims"][3]["needs"] == "gpu"


def test_listing_claims_imports_no_tensorflow():
    code = (
        "import sys\nfrom gankit.cli import main\n"
        f"try: main(['verify', {SOURCE!r}, '--list'])\nexcept SystemExit as stop: assert not stop.code\n"
        "assert not {'tensorflow', 'keras', 'matplotlib', 'scipy'} & set(sys.modules), 'heavy'"
    )
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "wrong", [{"tolerance": -1.0}, {"value": float("inf")}, {"seeds": 0}, {"needs": "tpu"}, {"tolerance": float("nan")}]
)
def test_a_claim_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="claim of 'modes'"):
        dataclasses.replace(claim(), **wrong)


def test_seeds_can_be_chosen():
    assert [one.seeds for one in chosen(Claiming, ["modes"], 4)] == [4, 4, 4]
    assert [one.seeds for one in chosen(Claiming)] == [1] * 5
