"""`gankit new`: what it writes trains, passes the kit, and keeps the house's own rules."""

import importlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gankit.cli import main
from gankit.cli.new import KINDS
from gankit.testing import CHECKS, FAST, check_recipe

ROOT = Path(__file__).parents[2]


def new(*arguments, capsys):
    """Exit code, what was printed, and what was said aside."""
    with pytest.raises(SystemExit) as stop:
        main(["new", *map(str, arguments)])
    said = capsys.readouterr()
    return stop.value.code, said.out, said.err


@pytest.fixture(scope="module", params=KINDS)
def written(request, tmp_path_factory):
    """The kind, the recipe's name, and the folder of a distribution."""
    name = f"my-{request.param}"
    folder = tmp_path_factory.mktemp("new") / f"gankit-{name}"
    with pytest.raises(SystemExit):
        main(["new", name, "--from", request.param, "-o", str(folder)])
    return request.param, name, folder


@pytest.fixture(scope="module")
def recipe(written):
    """The class that was written; its package can be imported, and the processes of checks find it, too."""
    kind, _, folder = written
    sys.path.insert(0, str(folder))
    yield getattr(importlib.import_module(f"gankit_my_{kind}.recipe"), f"My{kind.capitalize()}")
    sys.path.remove(str(folder))


@pytest.mark.parametrize("check", FAST[:4])
def test_what_is_written_can_be_listed(recipe, check, tmp_path):
    check_recipe(recipe, check, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS[4:])
def test_what_is_written_passes_the_kit(recipe, check, tmp_path):
    if check in ("replicas", "resume", "bfloat16") and recipe.name != "my-table":
        pytest.skip("minutes; the examples of docs/, which are the same games, are checked")
    check_recipe(recipe, check, tmp_path)


def test_what_is_written_is_a_distribution(written):
    kind, name, folder = written
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    module = f"gankit_my_{kind}"
    assert project["project"]["name"] == f"gankit-{name}" and "gankit>=0.1,<0.2" in project["project"]["dependencies"]
    points = project["project"]["entry-points"]["gankit.recipes"]
    assert points == {name: f"{module}.recipe:My{kind.capitalize()}"}
    assert (folder / module / "py.typed").read_text() == ""
    assert f"gankit run {name} --data" in (folder / "README.md").read_text()
    assert len((folder / module / "recipe.py").read_text().splitlines()) <= 150
    assert not any("{{" in path.read_text() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", ["a", "recipe", "a-very-long-name-for-a-recipe-of-mine-12"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_in_the_houses_style(kind, name, tmp_path, capsys):
    pytest.importorskip("ruff", reason="make venv installs it")
    assert new(name, "--from", kind, "-o", tmp_path / "it", capsys=capsys)[0] == 0
    for check in (["check"], ["format", "--diff"]):
        command = [sys.executable, "-m", "ruff", *check, "--no-cache", "--config", ROOT / "pyproject.toml", "it"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_what_to_type_next_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, out, _ = new("gankit-old-photos", capsys=capsys)
    assert code == 0 and (tmp_path / "gankit-old-photos" / "gankit_old_photos" / "recipe.py").is_file()
    commands = [line.strip() for line in out.splitlines()[2:]]
    assert commands == [
        "pip install -e ./gankit-old-photos",
        "gankit check old-photos --fast",
        "gankit run old-photos --data FOLDER",
    ]
    code, out, _ = new("doses", "--from", "table", "--json", "-o", "some where", capsys=capsys)
    found = json.loads(out)
    assert code == 0 and found["next"][0] == "pip install -e './some where'" and found["next"][2].endswith("FILE.csv")
    assert found["files"] == sorted(p.relative_to("some where").as_posix() for p in Path("some where").rglob("*.*"))


def test_nothing_is_written_over(tmp_path, capsys):
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "mine.txt").write_text("mine")
    code, _, err = new("it", "-o", tmp_path / "it", capsys=capsys)
    assert code == 2 and "is not empty" in err and "another folder" in err
    assert [path.name for path in tmp_path.rglob("*")] == ["it", "mine.txt"]
    (tmp_path / "it" / "mine.txt").unlink()
    assert new("it", "-o", tmp_path / "it", capsys=capsys)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["it"]


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("My GAN", "a recipe cannot be called 'My GAN'", "a letter first: gankit new my-gan"),
        ("3d", "a recipe cannot be called '3d'", "a letter first: gankit new gan-3d"),
        ("-", "a recipe cannot be called '-'", "a letter first"),
        ("a_b", "a recipe cannot be called 'a_b'", "gankit new a-b"),
        ("a" * 41, "a recipe cannot be called", f"gankit new {'a' * 40}"),
        ("run", "'run' is a command of gankit", "gankit new my-run"),
        ("check", "'check' is a command of gankit", "gankit new my-check"),
        ("srgan", "gankit-srgan has a recipe 'srgan'", "gankit new my-srgan"),
        ("classics", "gankit-classics is a distribution of gankit's own", "gankit new my-classics"),
    ],
)
def test_names_that_cannot_be_are_refused_with_one_that_can(name, said, hint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, _, err = new(name, capsys=capsys)
    assert code == 2 and said in err and hint in err and not list(tmp_path.iterdir())


def test_new_imports_no_tensorflow(tmp_path):
    code = (
        "import sys\nfrom gankit.cli import main\n"
        "try: main(['new', 'mine'])\nexcept SystemExit as stop: assert not stop.code\n"
        "assert not {'tensorflow', 'keras', 'matplotlib', 'scipy'} & set(sys.modules), 'heavy'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
