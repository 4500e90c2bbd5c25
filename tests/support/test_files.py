"""Files that are written whole or not at all."""

import csv
import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from gankit.errors import GankitError, UsageError
from gankit.support import files, slug, whole, write, write_csv, write_json


def test_json_knows_numpy_and_paths(tmp_path):
    write_json(tmp_path / "x.json", {"a": np.float32(0.5), "b": np.arange(2), "c": Path("d")})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": 0.5, "b": [0, 1], "c": "d"}
    with pytest.raises(TypeError, match="set cannot be stored"):
        write_json(tmp_path / "x.json", {1, 2})


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write(tmp_path / "x", "old")
    with pytest.raises(KeyboardInterrupt), whole(path) as aside:
        aside.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_says_what_to_do(tmp_path, monkeypatch, number):
    path = write(tmp_path / "x", "old")

    def full(*args):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(GankitError, match="the disk is full") as caught:
        write(path, "new")
    assert (
        caught.value.hint == "free some space, then 'gankit resume RUN' or the command again"
        and caught.value.exit_code == 1
    )
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_what_is_durable_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    steps = []
    monkeypatch.setattr(files, "fsync", lambda place: steps.append((place.name, (tmp_path / "x").exists())))
    with whole(tmp_path / "x", durable=True) as aside:
        aside.write_text("new")
    assert steps == [(aside.name, False), (tmp_path.name, True)]
    write(tmp_path / "y", "new")
    assert len(steps) == 2


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"cannot write .*No such file"):
        write(tmp_path / "none" / "x", "")


def test_no_cell_is_a_formula(tmp_path):
    rows = [{"a": "=HYPERLINK(1)", "b": -1.5}, {"a": "-1e-3", "c": "@SUM"}, {"a": "+44 20"}, {"a": "plain, quoted"}]
    write_csv(tmp_path / "x.csv", rows)
    read = list(csv.DictReader((tmp_path / "x.csv").open(newline="")))
    assert [row["a"] for row in read] == ["'=HYPERLINK(1)", "-1e-3", "'+44 20", "plain, quoted"]
    assert (read[0]["b"], read[1]["c"], read[2]["b"]) == ("-1.5", "'@SUM", "")


def test_no_name_of_a_column_is_a_formula(tmp_path):
    written = write_csv(tmp_path / "x.csv", [{"=1+1": 1, "-2": 2, "plain": 3}])
    assert written.read_text() == "'=1+1,-2,plain\n1,2,3\n"


def test_the_longest_name_that_a_file_can_have(tmp_path):
    assert write(tmp_path / ("山" * 85), "x").read_text() == "x"  # 255 bytes


def test_rows_made_one_by_one(tmp_path):
    write_csv(tmp_path / "x.csv", ({"b": i, "a": f"={i}"} for i in range(2)), ("a", "b"))
    assert (tmp_path / "x.csv").read_text() == "a,b\n'=0,0\n'=1,1\n"
    assert write_csv(tmp_path / "y.csv", ({"b": i} for i in range(2))).read_text() == "b\n0\n1\n"


@pytest.mark.parametrize(("name", "expected"), [("a/b c", "a_b_c"), ("...", "data"), ("ü-1.x", "ü-1.x")])
def test_slugs(name, expected):
    assert slug(name) == expected and len(slug(name * 100)) <= 60
