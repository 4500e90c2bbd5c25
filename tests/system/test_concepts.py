"""The recipe in docs/concepts.md, as a reader would run it."""

import re
from pathlib import Path

import pytest

import gankit
from gankit import plugins

PAGE = Path(__file__).parents[2] / "docs" / "concepts.md"


@pytest.fixture
def ring(tmp_path):
    """The page's only block of Python, in a file."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "ring.py").write_text(code, "utf-8")
    return f"{tmp_path / 'ring.py'}:Ring"


def test_the_page_has_a_recipe_and_every_word_of_the_contract(ring):
    recipe = plugins.find(ring).recipe
    assert recipe.name == "ring" and recipe.Config().steps == 2000
    text = PAGE.read_text("utf-8")
    words = {"Recipe", "Phase", "Stage", "Turn", "Source", "Claim", "Monitor"}
    assert words <= set(gankit.__all__) and all(f"\n| {word} |" in text for word in words)


@pytest.mark.slow
def test_the_page_s_recipe_learns_the_ring(ring, tmp_path):
    run = gankit.train(ring, runs_dir=tmp_path / "runs", seed=0)
    result = run.evaluate()
    assert result["metrics"]["places"] == 8 and result["metrics"]["near"] > 0.8
    assert result["baselines"]["normal noise"]["near"] < 0.15 and result["baselines"]["held-out points"]["places"] == 8
    rows = next((run.run.path / "samples" / "final").glob("points.csv")).read_text("utf-8").splitlines()
    assert rows[0] == "x,y" and len(rows) == 501
