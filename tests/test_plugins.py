"""Discovery: one broken plugin never breaks the others, and nothing here imports TensorFlow."""

import importlib
import itertools
import json
import os
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path

import pytest

from gankit import plugins
from gankit.errors import GankitError, PluginError
from gankit.support import loose_file

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
    "raises": (
        "raise RuntimeError('no licence\\nsecond line')",
        ".py:1: RuntimeError: no licence second line",
        "--debug",
    ),
    "exits": ("import sys\n\nsys.exit(3)", ".py:3: SystemExit: 3", "--debug"),
    "needs another package": (
        "import absent_package",
        ".py:1: ModuleNotFoundError: No module named 'absent_package'",
        "install it with pip",
    ),
    "syntax": ("x = 1\ndef", ".py:2: SyntaxError: invalid syntax", "--debug"),
    "is no class": ("Mine = 3", "not a subclass of gankit.Recipe", "--debug"),
    "is no recipe": ("class Mine: name = 'zz-bad'", "not a subclass of gankit.Recipe", "--debug"),
    "lacks the class": (
        RECIPE.replace("class Mine", "class Other"),
        "no such class; known: Other (a changed entry",
        "--debug",
    ),
    "has another name": (RECIPE.replace("{name}", "zz-else"), "its entry point is 'zz-bad'", "one name for both"),
    "has no name": (RECIPE.replace('"{name}"', "None"), "Mine.name is None", "my-gan"),
    "has a config of its own": (RECIPE + "        Config = dict\n", "Config is not a subclass", "--debug"),
    "has no class for a config": (RECIPE + "        Config = 3\n", "Config is not a subclass", "--debug"),
    "redefines an engine option": (
        RECIPE.replace("class Mine", "class C(RecipeConfig): seed: int = 3\n    class Mine") + "        Config = C\n",
        "redefines the engine's seed",
        "--debug",
    ),
    "has a field without a type": (
        RECIPE.replace("class Mine", "class C(RecipeConfig): width = 3\n    class Mine") + "        Config = C\n",
        "PydanticUserError: A non-annotated attribute was detected: `width = 3`",
        "width: int",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_one_line_and_the_others_work(install, case):
    text, line, hint = BROKEN[case]
    install("gankit-zz-bad", "zz-bad", text)
    install("gankit-zz", "zz-good")
    entries = found()
    assert entries["zz-good"].recipe is not None
    assert entries["zz-bad"].recipe is None
    assert line in entries["zz-bad"].error and "\n" not in entries["zz-bad"].error
    with pytest.raises(PluginError) as caught:
        plugins.find("zz-bad")
    assert "'zz-bad' of gankit-zz-bad cannot be loaded" in caught.value.message and line in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.__cause__ is not None  # --debug shows it


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
        ("mine.py:Mine", "\n1/0", "mine.py:2: ZeroDivisionError", "--debug"),
        ("mine.py:Mine", "raise SystemExit(0)", "mine.py:1: SystemExit", "--debug"),
        ("mine.py:Mine", "x = 1\ndef", "mine.py:2: SyntaxError", "--debug"),
        ("mine.py:Mine", "from gankit import Sauce", "cannot import name 'Sauce'", "--debug"),
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


def write(folder, files):
    """Files of these names and texts in a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder


FILE = """
    import random
    from helper import SCALE
    import parts.deep as deep
    from gankit import Recipe, RecipeConfig

    class Mine(Recipe):
        name, summary = "mine", "of {dist}"

        def data(self):
            import late
            from parts import more

            return SCALE, deep.DEPTH, late.SCALE, more.WORD, random.random()
"""


def neighbours(folder, number):
    """A recipe of a file, and the modules beside it."""
    files = {
        "mine.py": FILE.replace("{dist}", str(number)),
        "helper.py": f"import random\nSCALE = {number} + 0 * random.random()",
        "late.py": "from helper import SCALE",
        "random.py": "raise AssertionError('the standard library is hidden')",
        "parts/__init__.py": "",
        "parts/deep.py": f"from .more import WORD\nDEPTH = {number * 10}",
        "parts/more.py": f"WORD = 'w{number}'",
    }
    return write(folder, files)


def test_a_file_imports_the_modules_beside_it(tmp_path):
    before = list(sys.path), set(sys.modules)
    one, two = (neighbours(tmp_path / name, number) for name, number in (("one", 1), ("two", 2)))
    made = [plugins.find(f"{folder}/mine.py:Mine").recipe for folder in (one, two)]
    given = [recipe(recipe.Config()).data() for recipe in made]  # after both were loaded: neither has the other's
    assert [one[:4] for one in given] == [(1, 10, 1, "w1"), (2, 20, 2, "w2")] and 0 <= given[0][4] < 1
    assert sys.path == before[0] and not {"helper", "late", "parts"} & set(sys.modules)
    assert not list(one.rglob("__pycache__"))
    names = ["helper.py", "late.py", "mine.py", "parts/__init__.py", "parts/deep.py", "parts/more.py"]
    assert sorted(loose_file.files(one / "mine.py")) == names
    assert all((one / name).read_bytes() == ran for name, ran in loose_file.files(one / "mine.py").items())


def test_a_file_is_run_again_when_it_or_a_neighbour_has_changed(tmp_path):
    folder = neighbours(tmp_path / "one", 1)
    name = f"{folder}/mine.py:Mine"
    first = plugins.find(name).recipe
    assert plugins.find(name).recipe is first
    (folder / "helper.py").write_text("SCALE = 7")
    second = plugins.find(name).recipe
    assert second is not first and second(second.Config()).data()[0] == 7
    (folder / "helper.py").write_text("SCALE = ")
    with pytest.raises(PluginError, match=r"helper.py:1: SyntaxError"):
        plugins.find(name)
    (folder / "helper.py").write_text("SCALE = 8")
    third = plugins.find(name).recipe
    assert third(third.Config()).data()[0] == 8


def test_defaults_that_break_their_own_limits_are_the_recipes_fault(tmp_path):
    text = """
        from pydantic import Field
        from gankit import Recipe, RecipeConfig, Training

        class Config(RecipeConfig):
            width: int = Field({width}, ge=1)
            {more}

        class Mine(Recipe):
            name = "mine"
            Config = Config
    """
    place = r"mine.py:5, defaults of Config: "
    for number, (width, more, message, hint) in enumerate(
        (
            (0, "", r"width: Input should be greater than or equal to 1 \(given 0\)", "own limits"),
            (1, "depth: int", "depth: Field required", "give each field a default"),
            (
                1,
                "training: Training = Training(log_every=0)",
                r"mine.py:7 in Config: .* log_every Input .*\(given 0\)$",
                "--debug",
            ),
        )
    ):
        folder = write(tmp_path / str(number), {"mine.py": text.replace("{width}", str(width)).replace("{more}", more)})
        with pytest.raises(GankitError, match=message if number == 2 else place + message) as caught:
            plugins.find(f"{folder}/mine.py:Mine")
        assert hint in caught.value.hint


# --- where it comes from ---------------------------------------------------------------------------------------------


def test_the_origin_of_an_installed_recipe_names_its_own_distribution(install):
    install("gankit-zz-b", "zz-twice")
    install("gankit_zz.a", "zz-twice")
    for distribution in ("gankit-zz-b", "gankit_zz.a"):
        recipe = plugins.find(f"{distribution}/zz-twice").recipe
        origin = plugins.origin(recipe, "zz-twice")
        assert origin == plugins.Origin(f"{distribution}/zz-twice", distribution, "1.2") and origin.file is None
        assert plugins.find(origin.source).recipe is recipe


def test_the_origin_of_a_file_is_its_whole_path(tmp_path, monkeypatch):
    folder = neighbours(tmp_path / "one", 1)
    monkeypatch.chdir(folder)
    recipe = plugins.find("mine.py:Mine").recipe
    for origin in (plugins.origin(recipe, "mine.py:Mine"), plugins.origin(recipe)):
        assert (origin.source, origin.file) == (f"{folder}/mine.py:Mine", folder / "mine.py")
        assert sorted(origin.files) == ["helper.py", "mine.py", "parts/__init__.py", "parts/deep.py", "parts/more.py"]

    class Local(recipe):
        pass

    assert plugins.origin(Local) == plugins.Origin("mine")  # nobody will find it again


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


HEAVY_PLUGIN = """
    from typing import TYPE_CHECKING
    import {library}
    from gankit import Recipe

    if TYPE_CHECKING:
        import keras

    class Mine(Recipe):
        name, summary = "{name}", "of {dist}"

        def data(self):
            import keras
"""


def test_a_plugin_that_imports_tensorflow_is_named(install, tmp_path):
    user = tmp_path / "user"
    fake = Path(sysconfig.get_path("purelib", "posix_user", {"userbase": str(user)}))
    # As heavy as the real ones, for a test.
    write(
        fake, {"tensorflow.py": "", "keras/__init__.py": "", "keras/layers.py": "", "through.py": "import tensorflow"}
    )
    install("gankit-zz-a", "zz-a", HEAVY_PLUGIN.replace("{library}", "tensorflow as tf"))
    install("gankit-zz-b", "zz-b", HEAVY_PLUGIN.replace("{library}", "through"))
    install("gankit-zz-c", "zz-c", HEAVY_PLUGIN.replace("{library}", "keras.layers"))
    install("gankit-zz-d", "zz-d")
    code = "import sys; sys.path[:0] = {}; from gankit import plugins\n".format(
        [str(fake), str(tmp_path / "site"), str(Path(plugins.__file__).parent.parent)]
    )

    def run(code, *arguments):
        environment = {**os.environ, "PYTHONUSERBASE": str(user)}
        return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment)

    def named(*names):
        return run(code + "for name in sys.argv[1:]: print(plugins.find(name).heavy)", *names).stdout.splitlines()

    heavy, none = named("zz-a", "zz-d")
    assert heavy.startswith("gankit_test_plugin_") and heavy.endswith(".py:3 imports tensorflow") and none == ""
    assert named("zz-d", "zz-b") == ["", "a library that it imports imports TensorFlow"]
    heavy = named("zz-a", "zz-c")  # the second, too, though the first has done the harm
    assert [line.partition(" ")[2] for line in heavy] == ["imports tensorflow", "imports keras.layers"]
    listed = run(code + "from gankit.cli import main; main(['list'])")
    assert f"zz-a slows this list: {heavy[0]} at its top" in listed.stderr and "zz-d slows" not in listed.stderr
    assert "zz-a" in listed.stdout and listed.returncode == 0
    examined = run(code + "from gankit.cli import main; main(['doctor', '--json'])")
    problems = json.loads(examined.stdout)["problems"]
    assert f"recipe zz-a slows every command: {heavy[0]} at its top" in problems and examined.returncode == 1
