"""Tables for the recipe gan."""

import numpy as np
import pytest
from gankit_classics.evaluation import tables as scored
from gankit_classics.kinds import tables

from gankit import DataError
from gankit.support import write_csv

ROWS = 400


def written(path, columns):
    write_csv(path, [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)])
    return path


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    size = rng.lognormal(3, 1, ROWS)
    return {
        "size": size,
        "count": rng.poisson(4, ROWS),
        "colour": np.where(size > 20, "red", np.where(rng.random(ROWS) < 0.5, "green", "blue")),
        "sold": (rng.random(ROWS) < 0.3).astype(str),
        "name": np.array([f"thing {i}" for i in range(ROWS)]),
        "always": np.full(ROWS, 7),
    }


@pytest.fixture
def opened(table, tmp_path):
    from gankit_classics.gan import GANConfig

    return tables.Tables().open(GANConfig(data=str(written(tmp_path / "things.csv", table))))


def test_what_cannot_be_learned_is_left_out(opened):
    assert [column["name"] for column in opened.facts["columns"]] == ["size", "count", "colour", "sold"]
    assert opened.facts["groups"] == [3, 2] and opened.facts["width"] == 2 + 5
    assert opened.train["rows"].n == ROWS - ROWS // 5 and len(opened.held_out["test"]) == ROWS // 5


def test_a_row_comes_back_as_it_was(opened, table):
    facts = opened.facts
    knots = facts["columns"][0]["knots"]
    inner = (table["size"] > knots[1]) & (table["size"] < knots[-2])
    known = {name: values[inner] for name, values in table.items()}
    again = tables.Tables().decode(tables.encode(known, facts), facts)
    np.testing.assert_allclose(again["size"], known["size"], rtol=1e-6)
    assert np.array_equal(again["count"], known["count"]) and again["count"].dtype.kind == "i"
    assert np.array_equal(again["colour"], known["colour"]) and np.array_equal(again["sold"], known["sold"])


def test_encoded_numbers_are_normal_whatever_their_scale(opened):
    size = opened.held_out["train"][:, 0]
    assert abs(size.mean()) < 0.02 and size.std() == pytest.approx(1, abs=0.03)


def test_a_shared_value_gets_the_middle_of_its_quantiles():
    knots = np.quantile(np.array([0.0] * 50 + list(range(1, 51))), np.linspace(0, 1, 201))
    encoded = tables._normal(np.array([0.0]), knots)
    from scipy.stats import norm

    assert encoded[0] == pytest.approx(norm.ppf(0.25), abs=0.02)


def test_each_score_sees_its_fault(opened):
    facts, train, test = opened.facts, opened.held_out["train"], opened.held_out["test"]
    real = scored.scores(train, test, train[:200], facts)
    apart = scored.scores(train, test, scored.independent(train, facts, 200), facts)
    shifted = scored.scores(train, test, train[:200] + np.eye(1, 7) * 2, facts)
    assert apart["correlations"] > 1.5 * real["correlations"] and apart["columns"] < 0.15
    assert shifted["columns"] > real["columns"] + 0.1 and shifted["detection"] > 0.9
    assert abs(real["detection"] - 0.5) < 0.15


def test_the_gaussian_has_the_means_of_the_rows(opened):
    train, facts = opened.held_out["train"], opened.facts
    rows = scored.gaussian(train, lambda rows: tables.encode(tables.Tables().decode(rows, facts), facts), 20_000)
    np.testing.assert_allclose(rows[:, :2].mean(0), train[:, :2].mean(0), atol=0.03)
    np.testing.assert_allclose(np.corrcoef(rows[:, :2].T)[0, 1], np.corrcoef(train[:, :2].T)[0, 1], atol=0.03)
    assert set(np.unique(rows[:, 2:])) == {0.0, 1.0} and (rows[:, 2:5].sum(1) == 1).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3,4\n", r"2 row\(s\) under its names"),
        ("a,b\n" + "\n".join(f"{i}," if i % 2 else f",{i}" for i in range(60)), "has 0 whole rows"),
        ("a\n" + "\n".join(f"name {i}" for i in range(60)), "0 usable columns"),
        ("a\n" + "x\n" * 60, "0 usable columns"),
        ("", "is empty"),
        ("a,b\n" + "1,2\n" * 30 + "1,2,3\n" * 30, "line 32 of .* has 3 cells, and there are 2 names"),
        ("<!DOCTYPE html>\n", "is a web page"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        tables.read(tmp_path / "t.csv")


def test_why_a_column_is_left_out_is_said(tmp_path, caplog):
    rows = "\n".join(f"{i},7,person {i},{'inf' if i == 3 else i}" for i in range(60))
    (tmp_path / "t.csv").write_text(f"n,always,who,far\n{rows}\n")
    assert list(tables.read(tmp_path / "t.csv")[0]) == ["n"]
    assert "always (constant or empty), who (60 different words), far (infinite values)" in caplog.text


def test_a_missing_line_of_names_is_noticed(tmp_path, caplog):
    (tmp_path / "t.csv").write_text("\n".join(f"{i}.5,-{i}e-3" for i in range(60)))
    tables.read(tmp_path / "t.csv")
    assert "is the line of names missing?" in caplog.text


def test_no_such_file(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        tables.read(tmp_path / "t.csv")


def test_text_of_an_older_encoding_is_read(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"stadt\n" + "München\nKöln\n".encode("latin-1") * 30)
    assert set(tables.read(tmp_path / "t.csv")[0]["stadt"]) == {"München", "Köln"}


def test_rows_with_gaps_are_left_out_and_counted(tmp_path, caplog, table):
    size = table["size"].astype(object)
    size[3], size[9] = "", "NA"
    found, _, rows = tables.read(written(tmp_path / "t.csv", {**table, "size": size}))
    assert len(found["size"]) == ROWS - 2 and found["size"].dtype == float and rows == ROWS
    assert "2 of 400 rows" in caplog.text


def test_names_that_are_empty_or_stand_twice_are_told_apart(tmp_path):
    (tmp_path / "t.csv").write_text("a,,a\n" + "".join(f"{i},{i},{2 * i}\n" for i in range(60)))
    assert list(tables.read(tmp_path / "t.csv")[0]) == ["a", "column 2", "a.1"]


def test_what_only_python_takes_for_a_number_is_a_word(tmp_path):
    (tmp_path / "t.csv").write_text("a\n" + "1_000\n2_000\n" * 30)
    assert set(tables.read(tmp_path / "t.csv")[0]["a"]) == {"1_000", "2_000"}


def test_the_check_says_what_columns_hold_and_what_is_left_out(tmp_path, table):
    from gankit_classics.gan import GAN, GANConfig

    facts, text = GAN(GANConfig()).check(str(written(tmp_path / "things.csv", table)))
    assert facts["ok"] and facts["rows"] == ROWS and facts["train"] == 320 and facts["test"] == 80
    assert facts["left_out"] == {"name": "400 different words", "always": "constant or empty"}
    assert "column      colour: 3 words: blue, green, red" in text
    assert "column      count: whole numbers, 0 to" in text and "left out    name: 400 different words" in text


def test_rows_are_written_as_the_file_has_them(opened, tmp_path):
    kind = tables.Tables()

    def draw(count):
        return kind.decode(opened.held_out["test"][:count], opened.facts)

    config = type("Config", (), {"samples": 60})
    rows, picture = kind.sample(config, opened, draw, tmp_path)
    lines = rows.read_text().splitlines()
    assert lines[0] == "size,count,colour,sold" and len(lines) == 61 and picture.stat().st_size > 5000
    again = tables.read(rows)[0]
    np.testing.assert_allclose(again["size"], draw(60)["size"])
    assert np.array_equal(again["colour"], draw(60)["colour"])
