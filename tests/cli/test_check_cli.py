"""`gankit check`, as an author types it."""

import json
from pathlib import Path

import pytest

from gankit.cli import main

TOY = f"{Path(__file__).parents[1] / 'toy.py'}:Ring"


def check(*arguments, capsys):
    """Exit code, what was printed, and what was said aside."""
    with pytest.raises(SystemExit) as stop:
        main(["check", *map(str, arguments)])
    said = capsys.readouterr()
    return stop.value.code, said.out, said.err


def test_a_line_a_check(capsys):
    code, out, _ = check(TOY, "--only", "layers", "--only", "identity", capsys=capsys)
    first, second, last = out.splitlines()
    assert code == 0 and first.startswith("ok      identity ") and second.startswith("ok      layers ")
    assert " s  Each layer computes in the precision" in second and last.startswith("all 2 checks passed in ")


MINE = """
from gankit import ArraySource, Data, Phase, Recipe, Stage

class Mine(Recipe):
    name = "mine"

    def data(self):
        return Data({"points": ArraySource(x=[1.0] * 8)})

    def networks(self, data):
        import keras

        return {"g": keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])}

    def optimizers(self):
        import keras

        return {"g": keras.optimizers.SGD(0.1)}

    def stages(self, data):
        return [Stage("only", 2, (Phase("g", ("g",), self.judge),))]

    def judge(self, turn):
        return {"square": turn("g", turn["x"][:, None])[:, 0] * turn.knobs["weight"]}
"""


def test_what_fails_is_said_once_with_what_to_do(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(MINE)
    chosen = [word for name in ("identity", "light_import", "purity", "phases") for word in ("--only", name)]
    recipe = f"{tmp_path / 'mine.py'}:Mine"
    code, out, _ = check(recipe, *chosen, capsys=capsys)
    lines = out.splitlines()
    assert code == 1 and lines[-1].startswith("3 of 4 checks failed in ")
    assert lines[0].startswith("FAILED  identity ") and lines[0].endswith("s  Mine.summary is ''")
    assert lines[1].split("hint: ")[1] == "write one line of less than 100 characters: 'gankit list' shows it"
    assert lines[2].startswith("ok      light_import")
    assert lines[3].endswith("stage 'only' has no knob 'weight'") and "mine.py:24 in judge" in lines[3]
    assert lines[5].startswith("FAILED  phases ") and lines[5].endswith("s  as purity")
    code, out, _ = check(recipe, *chosen, "--json", capsys=capsys)
    found = json.loads(out)
    assert code == 1 and not found["ok"] and [row["ok"] for row in found["checks"]] == [False, True, False, False]
    assert found["checks"][2]["message"] == found["checks"][3]["message"] and found["checks"][0]["hint"]


def test_two_choices_are_one_too_many(capsys):
    code, _, err = check(TOY, "--fast", "--only", "phases", capsys=capsys)
    assert code == 2 and "--fast and --only both choose checks" in err
