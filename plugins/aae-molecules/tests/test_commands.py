"""What the commands share, and what a run remembers of its training compounds."""

import json

import click
import numpy as np
from click.testing import CliRunner
from gankit_aae_molecules.commands import group, say_left_out, write_table
from gankit_aae_molecules.library import tanimoto
from gankit_aae_molecules.tables import Compounds
from gankit_aae_molecules.training_set import TrainingSet, remembered

from gankit import UsageError

RNG = np.random.default_rng(0)


def test_a_table_has_its_provenance_beside_it(tmp_path, capsys):
    rows = [{"name": "=x", "smiles": "[Na+].[Cl-]"}]
    write_table(rows, tmp_path / "a.csv", {"run": "r"})
    assert (tmp_path / "a.csv").read_text() == "name,smiles\n'=x,[Na+].[Cl-]\n"
    assert json.loads((tmp_path / "a.provenance.json").read_text()) == {"run": "r"}
    assert capsys.readouterr().out == f"{tmp_path / 'a.csv'}\n"
    write_table(rows, None, {})
    assert capsys.readouterr().out == "name,smiles\n'=x,[Na+].[Cl-]\n"


def test_what_is_left_out_is_named_up_to_five(capsys):
    say_left_out([f"m{i}" for i in range(7)])
    assert capsys.readouterr().err.splitlines() == [f"left out: m{i}" for i in range(5)] + ["left out: 2 more"]


def test_each_command_has_the_common_options():
    context = click.Context(group)
    assert group.list_commands(context) == ["generate", "screen", "predict", "embed"]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        options = {option for parameter in command.params for option in parameter.opts}
        assert command.name == name and {"--run", "--runs-dir", "--json", "-o"} <= options and command.help


def test_a_full_folder_is_refused_before_the_work(tmp_path):
    (tmp_path / "x").touch()
    for name in ("embed", "screen"):
        found = CliRunner().invoke(group, [name, "--run", "no-such-run", "-o", str(tmp_path)])
        assert isinstance(found.exception, UsageError) and "is not empty" in str(found.exception)


def test_a_run_remembers_its_training_compounds():
    bits = (RNG.random((30, 166)) < 0.3).astype(np.uint8)
    names = [f"c{i}" for i in range(30)]
    compounds = Compounds(names, ["C"] * 30, [f"{i:014d}-UHFFFAOYSA-N" for i in range(30)], bits)
    rows = np.array([4, 9, 20])
    known = TrainingSet({"training": json.loads(json.dumps(remembered(compounds, rows)))})
    assert known.names == ["c4", "c9", "c20"] and known.smiles == ["C"] * 3 and f"{9:014d}" in known.blocks
    assert np.array_equal(tanimoto.unpack(known.words), bits[rows])
    alike, nearest = known.nearest(bits[[20, 4]])
    assert alike.tolist() == [1, 1] and nearest.tolist() == [2, 0]
    apart = [max((a & b).sum() / (a | b).sum() for b in bits[rows] if (a != b).any()) for a in bits[rows]]
    assert np.isclose(known.applicable_from, np.quantile(np.float32(apart), 0.05), atol=1e-6)
