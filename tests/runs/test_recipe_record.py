"""The code that trained a run: recorded, kept, and compared when the run is used again."""

import hashlib
import importlib
import logging
import textwrap

import pytest

from gankit import plugins
from gankit.errors import PluginError, RecipeError
from gankit.recipe import Recipe
from gankit.runs import recipe_record
from gankit.runs.loading import recipe_of
from gankit.runs.results import versions
from gankit.runs.run import Run

MINE = """
    from helper import WIDTH
    from gankit import Recipe, RecipeConfig

    class Mine(Recipe):
        name, summary = "mine", "Of a file."
        width = WIDTH

        def sample(self, networks, data, out):
            import parts.late
"""


@pytest.fixture
def folder(tmp_path):
    """A recipe's file and what lies beside it."""
    path = tmp_path / "work"
    (path / "parts").mkdir(parents=True)
    for name, text in {
        "mine.py": MINE,
        "helper.py": "WIDTH = 3",
        "parts/__init__.py": "",
        "parts/late.py": "",
        "notes.py": "",
    }.items():
        (path / name).write_text(textwrap.dedent(text))
    return path


def begun(root, source):
    """A run as `start` begins it, and its recipe."""
    cls = plugins.find(source).recipe
    info = recipe_record.record(plugins.origin(cls, source))
    run = Run.create(root, cls.name, f"recipe: {cls.name}\n", info)
    recipe_record.keep(run, cls)
    return run, cls


def told(caplog, run):
    """The recipe that a run finds again, and what is said of it."""
    caplog.clear()
    with caplog.at_level(logging.WARNING, "gankit"):
        recipe = recipe_record.found_again(run)
    return recipe, [record.getMessage() for record in caplog.records]


@pytest.fixture(autouse=True)
def _heard(monkeypatch):
    monkeypatch.setattr(logging.getLogger("gankit"), "propagate", True)  # a test before may have made it talk


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_its_neighbours_and_their_hashes(folder, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(folder)
    run, cls = begun(tmp_path / "runs", "mine.py:Mine")
    monkeypatch.chdir(tmp_path)  # found by its whole path
    assert run.info["source"] == f"{folder}/mine.py:Mine"
    names = ["helper.py", "mine.py"]
    assert run.info["plugin"] == {
        "file": str(folder / "mine.py"),
        "sha256": {name: digest(folder / name) for name in run.info["plugin"]["sha256"]},
        "copy": "recipe",
    }
    assert sorted(run.info["plugin"]["sha256"]) == names
    cls(cls.Config()).sample({}, None, None)
    recipe_record.keep(run, cls, 10)  # as at the end, when its methods have imported more
    names += ["parts/__init__.py", "parts/late.py"]
    copies = run.path / "recipe"
    assert sorted(run.info["plugin"]["sha256"]) == names and "plugin_before" not in run.info
    assert sorted(str(path.relative_to(copies)) for path in copies.rglob("*.py")) == names
    assert all((copies / name).read_bytes() == (folder / name).read_bytes() for name in names)
    assert told(caplog, run) == (cls, [])


def test_what_has_changed_is_said_in_one_warning(folder, tmp_path, caplog):
    run, cls = begun(tmp_path / "runs", f"{folder}/mine.py:Mine")
    cls(cls.Config()).sample({}, None, None)
    recipe_record.keep(run, cls, 10)
    (folder / "helper.py").write_text("WIDTH = 4")
    (folder / "parts" / "late.py").unlink()
    (folder / "notes.py").write_text("# nobody has imported it")
    recipe, said = told(caplog, run)
    assert recipe.width == 4
    assert said == [
        f"{run.path} was trained with other code: helper.py has changed, parts/late.py is gone; "
        f"{run.path}/recipe holds what it was"
    ]
    assert recipe_of(run).width == 4  # what all uses of a run go through


def test_a_run_that_goes_on_with_other_code_keeps_both(folder, tmp_path, caplog):
    run, _ = begun(tmp_path / "runs", f"{folder}/mine.py:Mine")
    first = run.info["plugin"]
    (folder / "helper.py").write_text("WIDTH = 4")
    changed, _ = told(caplog, run)
    for _ in range(2):  # at its beginning and at its end
        recipe_record.keep(run, changed, 20)
    assert run.info["plugin_before"] == [{**first, "until_step": 20}]
    assert run.info["plugin"]["copy"] == "recipe-2"
    assert [(run.path / name / "helper.py").read_text() for name in ("recipe", "recipe-2")] == [
        "WIDTH = 3",
        "WIDTH = 4",
    ]
    assert told(caplog, run)[1] == []


def test_the_copy_is_what_ran_and_not_what_was_written_since(folder, tmp_path):
    cls = plugins.find(f"{folder}/mine.py:Mine").recipe
    (folder / "helper.py").write_text("WIDTH = 5")
    origin = plugins.origin(cls)
    run = Run.create(tmp_path / "runs", "mine", "", recipe_record.record(origin))
    recipe_record.keep(run, cls)
    assert (run.path / "recipe" / "helper.py").read_text() == "WIDTH = 3"


def test_a_file_that_has_gone(folder, tmp_path):
    run, _ = begun(tmp_path / "runs", f"{folder}/mine.py:Mine")
    (run.path / "recipe" / "mine.py").write_text("raise AssertionError('a copy is never run')")
    (folder / "mine.py").unlink()
    with pytest.raises(PluginError) as caught:
        recipe_of(run)
    assert caught.value.message == f"{folder}/mine.py, the recipe of {run.path}, is gone"
    assert caught.value.hint == (
        f"{run.path}/recipe holds copies of it and of the modules beside it: read them, then cp -r "
        f"{run.path}/recipe/. {folder}"
    )


def test_a_recipe_that_forgets_its_base_class_is_told_when_it_is_found_again(folder, tmp_path):
    run, _ = begun(tmp_path / "runs", f"{folder}/mine.py:Mine")
    with (folder / "mine.py").open("a") as file:
        file.write("\n    def __init__(self, config):\n        pass\n")
    with pytest.raises(RecipeError, match=r"mine.py:1\d in __init__: self.config is not set"):
        recipe_of(run)


def test_a_class_that_no_file_holds(tmp_path):
    recipe = type("Typed", (Recipe,), {"name": "zz-typed"})
    run = Run.create(tmp_path, "zz-typed", "", recipe_record.record(plugins.origin(recipe)))
    recipe_record.keep(run, recipe)
    assert (run.info["source"], run.info["plugin"]) == ("zz-typed", {})
    with pytest.raises(PluginError, match="was a class that no file holds"):
        recipe_of(run)


# --- distributions ---------------------------------------------------------------------------------------------------


@pytest.fixture
def install(tmp_path, monkeypatch):
    """install(distribution, version) offers the recipe zz-own, each time from a module of its own."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delenv("GANKIT_PLUGINS", raising=False)

    def add(distribution, version):
        module = f"gankit_test_{distribution.replace('-', '_')}"
        (site / f"{module}.py").write_text(
            f"from gankit import Recipe\nclass Own(Recipe):\n    name, summary = 'zz-own', 'of {distribution}'\n"
        )
        for old in site.glob(f"{distribution.replace('-', '_')}-*.dist-info"):
            old.rename(old.with_suffix(".gone"))
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[gankit.recipes]\nzz-own = {module}:Own\n")
        importlib.invalidate_caches()

    add.site = site
    return add


def test_a_run_finds_its_own_distribution(install, tmp_path, caplog):
    install("gankit-zz-one", "1.0")
    run, cls = begun(tmp_path / "runs", "zz-own")
    assert run.info["source"] == "gankit-zz-one/zz-own"
    assert run.info["plugin"] == {"distribution": "gankit-zz-one", "version": "1.0"}
    assert not (run.path / "recipe").exists() and versions("gankit-zz-one")["gankit-zz-one"] == "1.0"
    install("gankit-zz-another", "3.0")  # offers the same name
    with pytest.raises(PluginError, match="is offered by"):
        plugins.find("zz-own")
    assert told(caplog, run) == (cls, [])


def test_another_version_is_said(install, tmp_path, caplog):
    install("gankit-zz-two", "1.0")
    run, _ = begun(tmp_path / "runs", "zz-own")
    install("gankit-zz-two", "1.1")
    assert told(caplog, run)[1] == [f"{run.path} was trained with other code: gankit-zz-two 1.0 is 1.1 now"]


def test_a_distribution_that_has_gone(install, tmp_path):
    install("gankit-zz-three", "1.0")
    run, _ = begun(tmp_path / "runs", "zz-own")
    (install.site / "gankit_zz_three-1.0.dist-info").rename(install.site / "gone")
    importlib.invalidate_caches()
    for _ in range(2):
        with pytest.raises(PluginError) as caught:
            recipe_of(run)
        assert caught.value.message == f"the recipe of {run.path} is of gankit-zz-three 1.0, which is not installed"
        assert caught.value.hint == "pip install gankit-zz-three==1.0"
        install("gankit-zz-other", "1.0")  # one of the same name does not stand in for it


def test_a_file_that_a_run_names_is_executed_only_if_it_is_trusted(folder, tmp_path, monkeypatch):
    kept, _ = begun(tmp_path / "runs", f"{folder}/mine.py:Mine")
    (folder / "mine.py").write_text("raise SystemExit('executed')")
    run = Run(kept.path)  # as somebody else opens it
    with pytest.raises(PluginError, match="which would be executed") as caught:
        recipe_record.found_again(run)
    assert f"sha256 {digest(folder / 'mine.py')[:16]}, not the one that trained it" in caught.value.message
    assert "--trust-recipe" in caught.value.hint
    run.trusted = True
    with pytest.raises(PluginError, match="executed"):
        recipe_record.found_again(run)
    for limits in ("", "gankit-srgan"):
        monkeypatch.setenv("GANKIT_PLUGINS", limits)
        with pytest.raises(PluginError, match="GANKIT_PLUGINS limits recipes to installed ones"):
            recipe_record.found_again(run)


@pytest.mark.parametrize("source", ["{}/evil.py:Evil", "evil.py:Evil", "{}/evil.py", "../evil.py:Evil", "evil:Evil"])
def test_no_name_of_a_source_executes_a_file(tmp_path, monkeypatch, source):
    (tmp_path / "evil.py").write_text("import pathlib; pathlib.Path(__file__).with_name('done').touch()")
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    (tmp_path / "cwd" / "evil.py").write_text((tmp_path / "evil.py").read_text())
    run = Run(Run.create(tmp_path / "runs", "evil", "recipe: evil\n", {"source": source.format(tmp_path)}).path)
    with pytest.raises(PluginError):
        recipe_of(run)
    assert not list(tmp_path.rglob("done"))
