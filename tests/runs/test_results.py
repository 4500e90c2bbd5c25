"""What commands of recipes leave behind."""

import csv
import json
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from gankit.errors import UsageError
from gankit.runs import Results, provenance, versions


def loaded(folder):
    return SimpleNamespace(run=SimpleNamespace(path=folder), checkpoint=Path("step-7"))


def results(folder, output=None, verb="screen"):
    return Results(verb, output, loaded(folder), distribution="gankit-srgan", request={"n": 3})


def test_they_go_to_a_new_folder_in_the_run(tmp_path):
    made = results(tmp_path)
    assert made.folder.parent == tmp_path and made.folder.name.startswith("screen-2")
    assert results(tmp_path, made.folder).folder == made.folder  # empty as yet
    (made.folder / "file").touch()
    with pytest.raises(UsageError, match="is not empty"):
        results(tmp_path, made.folder)
    with pytest.raises(UsageError, match="cannot make"):
        results(tmp_path, made.folder / "file" / "deeper")


def test_without_a_run_they_go_to_the_present_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = Results("search", None, distribution="gankit-srgan", request={})
    assert made.folder.resolve().parent == tmp_path.resolve()
    assert "run" not in json.loads(Path(made.finish()["provenance"]).read_text())


def test_beside_a_run_that_may_only_be_read_they_go_to_the_present_folder(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)  # whoever tests as root may write anywhere
    assert results(tmp_path).folder.resolve().parent == tmp_path / "here"


def test_files_and_where_they_come_from(tmp_path):
    made = results(tmp_path)
    made.csv("rows.csv", [{"a": 1, "b": "=2+2"}], "table")
    files = made.finish(warning="known of nothing")
    assert list(csv.DictReader(Path(files["table"]).read_text().splitlines())) == [{"a": "1", "b": "'=2+2"}]
    told = json.loads(Path(files["provenance"]).read_text())
    assert (told["run"], told["checkpoint"]) == (str(tmp_path), "step-7")
    assert (told["request"], told["warning"]) == ({"n": 3}, "known of nothing")


def test_versions_are_those_of_gankit_the_plugin_and_what_it_declares():
    assert "pyvips" not in versions() and versions()["gankit"] == version("gankit")
    found = provenance(None, "gankit-srgan")["versions"]
    assert (found["gankit-srgan"], found["pyvips"]) == (version("gankit-srgan"), version("pyvips"))
