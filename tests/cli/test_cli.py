"""The command line as a user types it."""

import contextlib
import io
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gankit.cli import main
from gankit.cli.app import VERBS, app
from gankit.commands import talk
from gankit.errors import RecipeError

TOY = f"{Path(__file__).parents[1] / 'toy.py'}:Ring"
QUICK = ["--steps", "30", "--width", "8", "--set", "training.steps_per_call=10"]


def gankit(*arguments, capsys=None):
    """Exit code and what was printed, in this process."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    out = capsys.readouterr() if capsys else None
    return stop.value.code, *((out.out, out.err) if out else ("", ""))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A runs folder with one finished toy run."""
    root = tmp_path_factory.mktemp("runs")
    code, *_ = gankit("run", TOY, *QUICK, "--seed", 3, "--runs-dir", root)
    assert code == 0
    return root


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["run", "--help"], ["info", "srgan"], ["new", "--help"], ["check", "--help"]]
)
def test_light_verbs_do_not_import_tensorflow(arguments):
    code = (
        "import sys\nfrom gankit.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit as stop: assert not stop.code\n"
        "assert not {'tensorflow', 'keras', 'matplotlib', 'scipy'} & set(sys.modules), 'heavy'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_help_shows_each_verb_as_the_verb_describes_itself():
    context = app.make_context("gankit", ["list"], resilient_parsing=True)
    for name, text in VERBS.items():
        own = app.get_command(context, name).get_short_help_str(200)
        assert own.rstrip(".").startswith(text.rstrip(".").split(",")[0].split(";")[0]), (name, own)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "did you mean 'run'"),
        (["run", "srgna"], "did you mean 'srgan'"),
        (["srgna"], "did you mean 'srgan'"),
        (["run", "srgan", "--sclae", "2"], "--scale"),
        (["run", "srgan", "--set", "sclae=2"], "did you mean 'scale'"),
        (["run", "srgan", "--set", "pixel.stpes=2"], "did you mean 'steps'"),
        (["run", "srgan", "--scale", "5"], "less than or equal to 4"),
        (["run", "srgan", "--stages", "pixle"], "pixel, adversarial"),
        (["run", "srgan", "--data", "phtoos", "--dry-run"], "did you mean 'photos'"),
        (["run", "srgan", "--crop", "50"], "divisible"),
        (["run", "./absent.py:Mine"], "no file"),
        (["resume", "../../etc"], "neither a run folder nor a run id"),
        (["evaluate", "nothing-like-that"], "there are no runs"),
    ],
)
def test_wrong_usage_exits_2_with_a_hint(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = gankit(*arguments, capsys=capsys)
    assert code == 2
    assert out == "" and err.startswith("error: ") and said in err
    assert "Traceback" not in err


def test_run_prints_figures_beside_a_baseline(trained, capsys):
    code, out, _ = gankit("evaluate", "latest", "--trust-recipe", "--runs-dir", trained, capsys=capsys)
    assert code == 0
    assert "modes" in out and "normal" in out and "ours" in out


def test_evaluate_json(trained, capsys):
    code, out, _ = gankit("evaluate", "latest", "--trust-recipe", "--runs-dir", trained, "--json", capsys=capsys)
    result = json.loads(out)
    assert code == 0
    assert set(result) >= {"recipe", "run", "data", "protocol", "metrics", "baselines"}
    assert result["recipe"] == "ring" and set(result["metrics"]) == {"modes", "high_quality"}
    assert set(result["baselines"]["normal"]) == {"modes", "high_quality"}


def test_evaluate_refuses_other_data_where_the_recipe_has_none(trained, capsys):
    code, _, err = gankit("evaluate", "latest", "--trust-recipe", "--runs-dir", trained, "--data", "x", capsys=capsys)
    assert code == 2 and "leave --data out" in err


def test_the_same_command_gives_the_same_figures(trained, capsys, tmp_path):
    code, out, _ = gankit("run", TOY, *QUICK, "--seed", 3, "--runs-dir", tmp_path, "--json", capsys=capsys)
    first = json.loads(next(trained.glob("ring/*/evaluation.json")).read_text())
    assert code == 0 and json.loads(out)["metrics"] == first["metrics"]


def test_sample_overwrites_nothing(trained, tmp_path, capsys):
    code, out, _ = gankit(
        "sample", "ring", "--trust-recipe", "--runs-dir", trained, "-o", tmp_path / "new", capsys=capsys
    )
    assert code == 0 and (tmp_path / "new" / "points.png").is_file() and "points.png" in out
    code, _, err = gankit(
        "sample", "ring", "--trust-recipe", "--runs-dir", trained, "-o", tmp_path / "new", capsys=capsys
    )
    assert code == 2 and "not empty" in err


def test_runs_lists_them(trained, capsys):
    code, out, _ = gankit("runs", "--runs-dir", trained, "--json", capsys=capsys)
    assert code == 0
    (run,) = json.loads(out)
    assert run["status"] == "done" and "modes" in run["metrics"]
    code, out, _ = gankit("runs", "--runs-dir", trained, capsys=capsys)
    assert code == 0 and "done" in out


def test_a_done_run_is_not_trained_again(trained, capsys):
    before = sorted(p.name for p in trained.glob("ring/*/checkpoints/*"))
    code, *_ = gankit("resume", "latest", "--trust-recipe", "--runs-dir", trained, capsys=capsys)
    assert code == 0 and sorted(p.name for p in trained.glob("ring/*/checkpoints/*")) == before


def test_dry_run_counts_weights_and_leaves_nothing(tmp_path, capsys):
    code, out, _ = gankit("run", TOY, "--width", 8, "--dry-run", "--runs-dir", tmp_path, "--json", capsys=capsys)
    plan = json.loads(out)
    assert code == 0
    assert plan["weights"] == {"generator": 72 + 72 + 18, "discriminator": 24 + 72 + 9}
    assert plan["stages"]["adversarial"]["steps"] == 3000 and plan["minutes"] > 0 and plan["memory_mb"] > 0
    assert plan["rehearsal"]["metrics"] == ["modes", "high_quality"] and plan["rehearsal"]["baselines"] == ["normal"]
    assert plan["rehearsal"]["files"] == ["points.png"] and plan["rehearsal"]["seconds"] > 0
    assert plan["init_from"] is None and not list(tmp_path.iterdir())


def test_dry_run_says_what_would_begin_from_another_run(trained, capsys):
    begin = ["run", TOY, "--dry-run", "--runs-dir", trained, "--init-from", "latest"]
    code, out, _ = gankit(*begin, "--width", 8, capsys=capsys)
    lines = dict(line.split(maxsplit=1) for line in out.splitlines() if not line.startswith(" "))
    assert code == 0 and lines["init"].startswith(f"discriminator, generator from {trained}")
    assert lines["evaluate"] == "modes, high_quality, beside normal" and lines["sample"] == "points.png"
    code, out, _ = gankit(*begin, "--width", 9, "--init-partial", capsys=capsys)
    assert code == 0 and "init     generator begins 5 variables of another shape afresh, first 000/kernel" in out
    code, _, err = gankit(*begin, "--width", 9, capsys=capsys)
    assert code == 1 and "has other weights than the configuration builds" in err


def test_config_file_and_set(tmp_path, capsys):
    (tmp_path / "c.yaml").write_text("recipe: ring\nwidth: 4\ntraining: {batch_size: 32}\n")
    common = ["run", TOY, "--config", tmp_path / "c.yaml", "--dry-run", "--json"]
    _, out, _ = gankit(*common, capsys=capsys)
    assert json.loads(out)["weights"]["discriminator"] == 12 + 20 + 5
    _, out, _ = gankit(*common, "--set", "width=5", capsys=capsys)
    assert json.loads(out)["weights"]["discriminator"] == 15 + 30 + 6


def test_info_prints_a_configuration_that_run_accepts(tmp_path, capsys):
    from gankit_srgan.recipe import SRGANConfig

    from gankit.config import from_document, parse_yaml

    code, out, _ = gankit("info", "srgan", capsys=capsys)
    assert code == 0
    document = out[out.index("recipe: srgan") :]
    assert from_document(SRGANConfig, parse_yaml(document, "info")) == SRGANConfig()


def test_doctor(capsys):
    code, out, _ = gankit("doctor", "--json", capsys=capsys)
    found = json.loads(out)
    assert code == 0 and found["problems"] == [] and "srgan" in found["recipes"]


def test_completion_offers_recipes_and_verbs():
    environment = {**os.environ, "_GANKIT_COMPLETE": "bash_complete", "COMP_WORDS": "gankit run sr", "COMP_CWORD": "2"}
    done = subprocess.run(
        [Path(sys.executable).parent / "gankit"], env=environment, capture_output=True, text=True, check=False
    )
    assert "srgan" in done.stdout, done.stderr
    for shell in ("bash", "zsh", "fish"):
        assert gankit("completion", shell)[0] == 0


def test_unexpected_errors_are_one_line_unless_debugged(monkeypatch, capsys, tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text(
        "from gankit import Recipe\nclass Mine(Recipe):\n    name = 'mine'\n    summary = 'x'\n"
        "    def data(self):\n        raise KeyError('surprise')\n"
    )
    code, _, err = gankit("run", f"{broken}:Mine", "--runs-dir", tmp_path, capsys=capsys)
    assert code == 1 and "broken.py:6 in data: KeyError: 'surprise'\nhint: " in err
    assert "--debug" in err and "Traceback" not in err
    with pytest.raises(RecipeError, match="surprise"):
        main(["run", f"{broken}:Mine", "--runs-dir", str(tmp_path), "--debug"])


def test_a_recipes_own_commands_stand_behind_its_name(monkeypatch, capsys):
    import click

    from gankit import plugins

    @click.group()
    def group():
        """The toy's own."""

    @group.command()
    @click.argument("count", type=int)
    def double(count):
        click.echo({4: 8}[count])

    recipe = plugins.find("srgan").recipe
    monkeypatch.setattr(recipe, "commands", classmethod(lambda cls: None))
    code, _, err = gankit("srgan", "double", "4", capsys=capsys)
    assert code == 2 and "no commands of its own" in err and "gankit run srgan" in err
    monkeypatch.setattr(recipe, "commands", classmethod(lambda cls: group))
    code, out, _ = gankit("srgan", "double", "4", capsys=capsys)
    assert code == 0 and out == "8\n"
    code, _, err = gankit("srgan", "double", "5", capsys=capsys)
    assert code == 1 and re.search(r"error: test_cli.py:\d+ in double: KeyError: 5\n.*--debug", err)
    code, out, _ = gankit("info", "srgan", capsys=capsys)
    assert "gankit srgan double" in out
    code, out, _ = gankit("info", "stock-gan", capsys=capsys)  # whose commands are files
    assert "gankit stock-gan simulate" in out


def test_messages_follow_stderr_when_it_is_exchanged(capsys):
    log = logging.getLogger("gankit")
    log.handlers.clear()
    talk()
    elsewhere = io.StringIO()
    with contextlib.redirect_stderr(elsewhere):
        log.warning("one")
    log.warning("two")
    assert elsewhere.getvalue() == "one\n" and capsys.readouterr().err == "two\n"
