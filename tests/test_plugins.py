"""Discovery: one broken plugin never breaks the others, and nothing here imports TensorFlow."""

import importlib
import itertools
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gankit import plugins
from gankit.errors import PluginError

COUNT = itertools.count()
RECIPE = """
    from gankit import Recipe, RecipeConfig
    class Mine(Recipe):
        name, summary = "{name}", "of {dist}"
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """install(distribution, entry point name, module text, attribute) puts a distribution on the path."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delenv("GANKIT_PLUGINS", raising=False)

    def add(dist, name, text=RECIPE, attribute="Mine"):
        module = f"gankit_test_plugin_{next(COUNT)}"  # modules of other tests stay in sys.modules
        (site / f"{module}.py").write_text(textwrap.dedent(text).replace("{name}", name).replace("{dist}", dist))
        info = site / f"{dist.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[gankit.recipes]\n{name} = {module}:{attribute}\n")
        importlib.invalidate_caches()

    return add


def found():
    """The entries of this file's distributions."""
    return {entry.name: entry for entry in plugins.discover() if entry.name.startswith("zz-") or entry.name == "run"}


def test_a_good_plugin(install):
    install("gankit-zz", "zz-good")
    entry = plugins.find("zz-good")
    assert entry.recipe is not None and entry.recipe.summary == "of gankit-zz"
    assert (entry.distribution, entry.version, entry.error) == ("gankit-zz", "1.2", "")
    assert found() == {"zz-good": entry}


BROKEN = {
    "raises": ("raise RuntimeError('no licence\\nsecond line')", "RuntimeError: no licence", "no licence\nsecond line"),
    "exits": ("import sys; sys.exit(3)", "SystemExit: 3", "sys.exit"),
    "needs another package": (
        "import absent_package",
        "ModuleNotFoundError: No module named",
        "import",
    ),
    "syntax": ("def", "SyntaxError: invalid syntax", "SyntaxError"),
    "is no class": ("Mine = 3", "not a subclass of gankit.Recipe", ""),
    "is no recipe": ("class Mine: name = 'zz-bad'", "not a subclass of gankit.Recipe", ""),
    "lacks the attribute": ("Other = 3", "AttributeError", "Mine"),
    "has another name": (RECIPE.replace("{name}", "zz-else"), "its entry point is 'zz-bad'", ""),
    "has no name": (RECIPE.replace('"{name}"', "None"), "its entry point is 'zz-bad'", ""),
    "has a config of its own": (RECIPE + "        Config = dict\n", "Config is not a subclass", ""),
    "redefines an engine option": (
        RECIPE.replace("class Mine", "class C(RecipeConfig): seed: int = 3\n    class Mine") + "        Config = C\n",
        "redefines the engine's seed",
        "",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_one_line_and_the_others_work(install, case):
    text, line, details = BROKEN[case]
    install("gankit-zz-bad", "zz-bad", text)
    install("gankit-zz", "zz-good")
    entries = found()
    assert entries["zz-good"].recipe is not None
    assert entries["zz-bad"].recipe is None
    assert line in entries["zz-bad"].error and "\n" not in entries["zz-bad"].error
    assert details in entries["zz-bad"].details and "Traceback" in entries["zz-bad"].details
    with pytest.raises(PluginError) as caught:
        plugins.find("zz-bad")
    assert "'zz-bad' of gankit-zz-bad cannot be loaded" in caught.value.message and line in caught.value.message
    assert details in caught.value.hint


def test_a_verb_is_no_name(install):
    install("gankit-zz", "run")
    assert found()["run"].recipe is None
    assert "'run' is a gankit command" in found()["run"].error
    with pytest.raises(PluginError, match="'run' is a gankit command"):
        plugins.find("run")


def test_every_command_is_a_verb():
    commands = pytest.importorskip("gankit.cli", reason="the command line is not there yet")
    cli = getattr(commands, "main", None) or getattr(commands, "cli", None)
    if not hasattr(cli, "list_commands"):
        pytest.skip("gankit.cli has no click group called main")
    import click

    names = set(cli.list_commands(click.Context(cli))) - {entry.name for entry in plugins.discover()}
    assert names <= plugins.VERBS


def test_two_distributions_with_one_name(install):
    install("gankit-zz-b", "zz-twice")
    install("gankit_zz.a", "zz-twice")
    install("gankit-zz", "zz-good")
    assert sorted(plugins.duplicates(plugins.discover())["zz-twice"]) == ["gankit-zz-b", "gankit_zz.a"]
    with pytest.raises(PluginError) as caught:
        plugins.find("zz-twice")
    assert "gankit-zz-b and gankit_zz.a" in caught.value.message
    assert "say which: gankit-zz-b/zz-twice" in caught.value.hint
    assert plugins.find("gankit-zz-b/zz-twice").recipe.summary == "of gankit-zz-b"
    assert plugins.find("Gankit-ZZ-A/zz-twice").recipe.summary == "of gankit_zz.a"
    assert plugins.find("zz-good").recipe is not None
    with pytest.raises(PluginError, match="no recipe is called"):
        plugins.find("gankit-zz/zz-twice")


@pytest.mark.parametrize(
    "limit, names",
    [
        (None, {"zz-one", "zz-two"}),
        ("", set()),
        (" , ", set()),
        ("gankit-zz-one", {"zz-one"}),
        ("zz-one", {"zz-one"}),
        ("ZZ_one, gankit.zz.two", {"zz-one", "zz-two"}),
        ("zz", set()),
    ],
)
def test_gankit_plugins_limits_what_is_loaded(install, monkeypatch, limit, names):
    install("gankit-zz-one", "zz-one")
    install("gankit-zz-two", "zz-two", RECIPE + "\n    import builtins; builtins.gankit_loaded_two = True\n")
    if limit is not None:
        monkeypatch.setenv("GANKIT_PLUGINS", limit)
    monkeypatch.delattr("builtins.gankit_loaded_two", raising=False)
    assert set(found()) == names
    import builtins

    assert hasattr(builtins, "gankit_loaded_two") == ("zz-two" in names)  # what is left out is not even imported
    monkeypatch.delattr("builtins.gankit_loaded_two", raising=False)
    for name in {"zz-one", "zz-two"} - names:
        with pytest.raises(PluginError, match="no recipe is called"):
            plugins.find(name)


def test_a_near_name_is_suggested(install):
    install("gankit-zz", "zz-good")
    with pytest.raises(PluginError) as caught:
        plugins.find("zz-god")
    assert caught.value.hint == "did you mean 'zz-good'?" and caught.value.exit_code == 2
    with pytest.raises(PluginError):
        plugins.find("")


# --- FILE.py:CLASS ---------------------------------------------------------------------------------------------------


def test_a_recipe_in_a_file(tmp_path):
    for folder in ("a", "b"):  # two files of one name do not meet
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(textwrap.dedent(RECIPE).format(name="mine", dist=folder))
    entries = [plugins.find(f"{tmp_path}/{folder}/mine.py:Mine") for folder in ("a", "b")]
    assert [entry.recipe.summary for entry in entries] == ["of a", "of b"]
    assert entries[0].name == "mine" and entries[0].distribution == str(tmp_path / "a" / "mine.py")
    assert sys.modules[entries[0].recipe.__module__].Mine is entries[0].recipe  # so that pickle and dataclasses work


@pytest.mark.parametrize(
    "reference, text, message, hint",
    [
        ("absent.py:Mine", None, "there is no file", "./mine.py:MyRecipe"),
        ("mine.py", RECIPE, "does not say which class", "mine.py:CLASS"),
        ("mine.py:Mime", RECIPE, "has no class 'Mime'", "did you mean 'Mine'?"),
        ("mine.py:Mine", "1/0", "ZeroDivisionError", "Traceback"),
        ("mine.py:Mine", "raise SystemExit(0)", "SystemExit", "Traceback"),
        ("mine.py:Mine", "def", "SyntaxError", "Traceback"),
        ("mine.py:Mine", "Mine = 3", "not a subclass of gankit.Recipe", ""),
        ("mine.py:Mine", RECIPE.replace("{name}", "Not A Name"), "'Not A Name'", "lower case"),
        (
            "mine.py:Mine",
            RECIPE.replace("{name}", "resume"),
            "command",
            "something else",
        ),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path, monkeypatch, reference, text, message, hint):
    monkeypatch.chdir(tmp_path)
    if text is not None:
        Path("mine.py").write_text(textwrap.dedent(text))
    with pytest.raises(PluginError) as caught:
        plugins.find(reference)
    assert message in caught.value.message and hint in caught.value.hint


# --- lightness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "import gankit.recipe, gankit.config, gankit.errors, gankit.runs.run",
        "from gankit import plugins; plugins.discover()",
        "from gankit import Recipe, RecipeConfig, Stage, Phase, Data, Claim, Evaluation, ArraySource; import toy",
        "import gankit; dir(gankit); gankit.__all__; import gankit.report.run_page",
    ],
)
def test_imports_neither_tensorflow_nor_keras(code):
    path = [str(Path(plugins.__file__).parent.parent), str(Path(__file__).parent)]
    check = "; heavy = {'tensorflow', 'keras', 'jax', 'torch'} & set(sys.modules); assert not heavy, heavy"
    subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {path}; {code}{check}"], check=True)
