"""The other variant under the compliance kit, and the commands from end to end on a small table."""

import csv
import json

import numpy as np
import pytest
from gankit_aae_molecules import shipped
from gankit_aae_molecules.recipe import AAEMolecules

import gankit
from gankit.cli import main
from gankit.testing import check_recipe


class Drugan(AAEMolecules):
    """The other variant, with the variational autoencoder beside it."""

    tiny = {**AAEMolecules.tiny, "variant": "drugan", "pretrain_steps": 0}  # its losses are a part of the others


@pytest.mark.slow
@pytest.mark.parametrize("check", ["purity", "phases", "replicas"])  # what a resume would lose, purity names
def test_drugan(check, tmp_path):
    check_recipe(Drugan, check, tmp_path)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A short training on the worked example."""
    folder = tmp_path_factory.mktemp("molecules")
    options = {"molecules": "none", "pretrain_steps": 0, "steps": 30, "generated": 20}
    return gankit.train("aae-molecules", runs_dir=folder, log_every=10, **options).run


def called(*arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return end.value.code, *capsys.readouterr()


@pytest.mark.slow
def test_generate_gives_fingerprints_for_a_response(run, capsys):
    code, out, _ = called("aae-molecules", "generate", "--run", run.path, "-n", 7, "--gi", 6, "--json", capsys=capsys)
    rows = json.loads(out)
    assert code == 0 and len(rows) == 7 and {row["asked"] for row in rows} == {6.0}
    assert all(len(row["bits"]) == 166 and set(row["bits"]) <= {"0", "1"} for row in rows)
    assert all(row["log_conc"] is None for row in rows)  # potencies: no concentration is an input
    again = called("aae-molecules", "generate", "--run", run.path, "-n", 7, "--gi", 6, "--json", capsys=capsys)
    assert json.loads(again[1]) == rows
    code, _, err = called("aae-molecules", "generate", "--run", run.path, "--gi", 400, capsys=capsys)
    assert code == 2 and "never seen in training" in err and "pGI50 from" in err


@pytest.mark.slow
def test_screen_writes_a_table_with_its_provenance(run, tmp_path, capsys):
    out = tmp_path / "hits"
    code, text, _ = called(
        "aae-molecules",
        "screen",
        "--run",
        run.path,
        "-n",
        20,
        "-k",
        30,
        "--top",
        15,
        "-o",
        out,
        "--json",
        capsys=capsys,
    )
    result = json.loads(text)
    assert code == 0 and len(result["rows"]) == 15 == len({row["inchikey"][:14] for row in result["rows"]})
    with (out / "candidates.csv").open() as file:
        rows = list(csv.DictReader(file))
    similarities = [float(row["tanimoto"]) for row in rows]
    assert similarities == sorted(similarities, reverse=True) and [row["rank"] for row in rows[:2]] == ["1", "2"]
    assert (out / "candidates.sdf").read_text().count("$$$$") == 15
    assert json.loads((out / "provenance.json").read_text())["request"]["count"] == 20
    assert result["set"]["candidates"]["molecules"] == result["set"]["random draw"]["molecules"] == 15
    code, _, err = called("aae-molecules", "screen", "--run", run.path, "-o", out, capsys=capsys)
    assert code == 2 and "not empty" in err


@pytest.mark.slow
def test_filters_keep_what_they_say(run, tmp_path, capsys):
    common = ("aae-molecules", "screen", "--run", run.path, "-n", 20, "--top", 10, "--json")
    code, text, _ = called(*common, "--qed", 0.6, "--sa", 3, "--no-pains", "-o", tmp_path / "a", capsys=capsys)
    rows = json.loads(text)["rows"]
    assert code == 0 and rows
    assert all(row["qed"] >= 0.6 and row["sa"] <= 3 and row["pains"] == "" for row in rows)
    code, _, err = called(*common, "--qed", 1, "-o", tmp_path / "b", capsys=capsys)
    assert code == 2 and "no molecule of the library passes" in err and not (tmp_path / "b").exists()


@pytest.mark.slow
def test_predict_names_what_it_leaves_out_and_what_it_does_not_know(run, tmp_path, capsys):
    with shipped.series(tmp_path).open() as file:
        known = next(csv.DictReader(file))["smiles"]
    cisplatin = "[Pt+2].[NH3].[NH3].[Cl-].[Cl-] cisplatin"
    (tmp_path / "mine.smi").write_text(f"{known} known\nC methane\nnonsense bad\n{cisplatin}\n{known} again\n")
    code, text, err = called(
        "aae-molecules", "predict", tmp_path / "mine.smi", "--run", run.path, "--json", capsys=capsys
    )
    result = json.loads(text)
    assert code == 0 and "left out: bad" in err and len(result["left_out"]) == 1
    first, methane, cisplatin, again = result["rows"]
    assert "no carbon" in cisplatin["warning"] and first["warning"] == ""
    assert {key: value for key, value in again.items() if key != "name"} == {
        key: value for key, value in first.items() if key != "name"
    }
    assert methane["warning"] == "unlike the training compounds" and methane["similarity"] < 0.2
    assert first["low_90"] < first["response"] < first["high_90"] and first["similarity"] > 0.7
    code, _, err = called("aae-molecules", "predict", tmp_path / "none.smi", "--run", run.path, capsys=capsys)
    assert code == 1 and "there is no file" in err
    code, _, err = called(
        "aae-molecules", "predict", tmp_path / "mine.smi", "--run", run.path, "--conc", 1, capsys=capsys
    )
    assert code == 2 and "knows no concentrations" in err


@pytest.mark.slow
def test_embed_draws_the_training_compounds(run, tmp_path, capsys):
    code, text, _ = called("aae-molecules", "embed", "--run", run.path, "-o", tmp_path / "e", "--json", capsys=capsys)
    result = json.loads(text)
    with open(result["table"]) as file:
        rows = list(csv.DictReader(file))
    facts = json.loads((run.path / "facts.json").read_text())
    assert code == 0 and len(rows) == facts["compounds"]["train"] and {"z1", "z4", "response"} <= set(rows[0])
    assert np.isfinite([float(row["z4"]) for row in rows]).all()
    (tmp_path / "mine.smi").write_text("CCO ethanol\nnonsense bad\n")
    code, text, err = called(
        "aae-molecules",
        "embed",
        tmp_path / "mine.smi",
        "--run",
        run.path,
        "-o",
        tmp_path / "f",
        "--json",
        capsys=capsys,
    )
    assert code == 0 and "left out: bad" in err and len(json.loads(text)["left_out"]) == 1
