"""The recipes in docs/examples, as their readers run them."""

import ast
import importlib
from pathlib import Path

import pytest

from gankit import plugins
from gankit.testing import CHECKS, FAST, check_recipe

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
LONGEST = {"dcgan": 60}  # lines


@pytest.fixture(scope="module")
def dcgan():
    """The class of the example."""
    return plugins.find(f"{EXAMPLES / 'dcgan.py'}:DCGAN").recipe


@pytest.mark.parametrize("name", LONGEST)
def test_an_example_is_short_and_takes_public_names_alone(name):
    text = (EXAMPLES / f"{name}.py").read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST[name]
    modules, tree = {}, ast.parse(text)
    for node in ast.walk(tree):
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
    assert used and all(attribute in modules[module] for module, attribute in used)


@pytest.mark.xdist_group("kit of small-dcgan")
@pytest.mark.parametrize(
    "check", [pytest.param(check, marks=[] if check in FAST[:3] else [pytest.mark.slow]) for check in CHECKS]
)
def test_the_dcgan_passes_the_kit(check, dcgan, tmp_path):
    check_recipe(dcgan, check, tmp_path)
