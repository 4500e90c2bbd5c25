"""The recipes in docs/examples, as their readers run them."""

import ast
import importlib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import gankit
from gankit import plugins
from gankit.support import loose_file
from gankit.testing import FAST, check_recipe
from gankit.testing.tiny_game import TinyGame

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
LONGEST = {"dcgan": 60, "pix2pix": 130, "cyclegan": 137}  # lines
MARKER = "# --8<-- ["  # begins and ends what a page shows


def recipes(path):
    """Names of a file's recipes: of its classes that have a `name`."""
    for node in ast.parse(path.read_text("utf-8")).body:
        given = [target for line in getattr(node, "body", ()) for target in getattr(line, "targets", ())]
        if isinstance(node, ast.ClassDef) and "name" in {getattr(x, "id", "") for t in given for x in ast.walk(t)}:
            yield node.name


RECIPES = {name: path for path in sorted(EXAMPLES.rglob("*.py")) for name in recipes(path)}


def find(name):
    return plugins.find(f"{RECIPES[name]}:{name}").recipe


def played(name, steps=2):
    """The recipe's state after some steps of each stage, run eagerly: stage -> state -> value."""
    recipe = find(name)
    game = TinyGame(recipe)
    before = {key: value for key, value in game.begun.items() if key.startswith("networks/")}
    for stage in game.trainer.stages:
        game.train(stage, 0, steps)
    after = game.trainer.state.get_state()
    moved = {key.split("/")[1] for key, value in before.items() if not np.array_equal(value, after[key])}
    assert moved == game.trainer.state.trained
    return {stage: {key: np.asarray(v) for key, v in held.items()} for stage, held in game.trainer.state.held.items()}


@pytest.mark.parametrize("name", LONGEST)
def test_an_example_is_short(name):
    lines = (EXAMPLES / f"{name}.py").read_text("utf-8").splitlines()
    assert len([line for line in lines if not line.strip().startswith(MARKER)]) <= LONGEST[name]


@pytest.mark.parametrize("path", sorted(set(RECIPES.values())), ids=lambda path: path.stem)
def test_an_example_takes_public_names_alone(path):
    modules, tree = {}, ast.parse(path.read_text("utf-8"))
    assert any(isinstance(node, ast.ImportFrom) and node.module == "gankit" for node in tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name: gankit.__all__ for alias in node.names if alias.name == "gankit"}
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "gankit":
            public = importlib.import_module(node.module).__all__
            for alias in node.names:
                if alias.name not in public:  # a package, whose public names are looked up below
                    modules[alias.name] = importlib.import_module(f"{node.module}.{alias.name}").__all__
    used = [
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules
    ]
    assert modules.keys() <= {module for module, _ in used}
    assert all(attribute in modules[module] for module, attribute in used)


@pytest.mark.parametrize("path", sorted(set(RECIPES.values())), ids=lambda path: path.stem)
def test_what_a_page_shows_of_an_example_ends(path):
    marked = [
        line.split("[")[1].rstrip("]").split(":") for line in path.read_text("utf-8").splitlines() if MARKER in line
    ]
    begun = [name for what, name in marked if what == "start"]
    assert begun == [name for what, name in marked if what == "end"] and len(set(begun)) == len(begun)


HELD = {  # what the state holds after two steps of four examples
    "PooledGAN": lambda held: held["pool count"] == 8,
    "BalancedGAN": lambda held: 0 < abs(held["k"]) < 0.002,
    "AdaptiveGAN": lambda held: 0 <= held["augmentation"] <= 8 / 50_000,
    "PathLengthGAN": lambda held: held["mean"] > 0,
}


@pytest.mark.parametrize("name", [name for name in RECIPES if name not in ("DCGAN", "CycleGAN")])
def test_an_example_plays(name):
    held = next(iter(played(name).values()))
    assert HELD.get(name, lambda held: not held)(held)


def test_the_growing_example_has_batches_of_each_stage_s_size():
    recipe = find("GrowingGAN")
    stages = recipe(recipe.Config()).stages(None)
    assert [(stage.name, stage.batch_size) for stage in stages] == [("4 pixels", 32), ("8 pixels", 8)]
    assert stages[1].knobs["new"](0) == 0 and stages[1].knobs["new"](6_000) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RECIPES if name not in ("DCGAN", "Pix2Pix", "CycleGAN")])
def test_an_example_s_figures_and_pictures_can_be_had(name, tmp_path):
    check_recipe(find(name), "rehearsal", tmp_path)


@pytest.mark.slow
def test_examples_of_what_one_looks_at(tmp_path):
    using = loose_file.load(EXAMPLES / "cookbook" / "using.py")
    run, pages = using.train_and_look(steps=4, log_every=2, runs_dir=tmp_path)
    assert [page.size for page in pages] == [pages[0].size] * 2 and run.position.total == 4
    probed = gankit.train(find("ProbedGAN"), steps=4, log_every=2, runs_dir=tmp_path)
    best = gankit.load(probed.run.path, weights="best", runs_dir=tmp_path, trust_recipe=True)
    assert best.weights == "best" and best.networks["generator"].count_params() > 1000
    drawn = CliRunner().invoke(
        find("UsefulGAN").commands(),
        ["draw", str(run.run.path), "--trust-recipe", "-o", str(tmp_path / "page.png")],
        catch_exceptions=False,
    )
    assert drawn.exit_code == 0, drawn.output
    assert np.ptp(np.asarray(Image.open(tmp_path / "page.png"))) > 50


@pytest.mark.parametrize(
    ("name", "check"),
    [
        pytest.param(
            name,
            check,
            marks=[pytest.mark.xdist_group(f"kit of {name}"), *([] if check in FAST[:3] else [pytest.mark.slow])],
        )
        for name, checks in {
            # What `gankit new --from pictures` writes plays the same game: tests/cli/test_new.py looks into its graphs.
            "DCGAN": (*FAST[:3], "rehearsal", "phases"),
            "Pix2Pix": (*FAST, "replicas", "resume", "bfloat16"),
            "CycleGAN": (*FAST[:3], "phases", "resume"),  # its graphs on two devices take two minutes
        }.items()
        for check in checks
    ],
)
def test_a_long_example_passes_the_kit(name, check, tmp_path):
    check_recipe(find(name), check, tmp_path)
