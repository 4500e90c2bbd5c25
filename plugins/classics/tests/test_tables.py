"""Tables for the recipe gan."""

import numpy as np
import pandas as pd
import pytest
from gankit_classics import table_scores, tables

from gankit.errors import DataError, UsageError

ROWS = 400


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    size = rng.lognormal(3, 1, ROWS)
    return pd.DataFrame(
        {
            "size": size,
            "count": rng.poisson(4, ROWS),
            "colour": np.where(size > 20, "red", np.where(rng.random(ROWS) < 0.5, "green", "blue")),
            "sold": rng.random(ROWS) < 0.3,
            "name": [f"thing {i}" for i in range(ROWS)],
            "always": 7,
        }
    )


@pytest.fixture
def opened(table, tmp_path):
    from gankit_classics.gan import GANConfig

    table.to_csv(tmp_path / "things.csv", index=False)
    return tables.open_data(GANConfig(data=str(tmp_path / "things.csv")))


def test_what_cannot_be_learned_is_left_out(opened):
    assert [column["name"] for column in opened.facts["columns"]] == ["size", "count", "colour", "sold"]
    assert opened.facts["groups"] == [3, 2] and opened.facts["width"] == 2 + 5
    assert opened.train["rows"].n == ROWS - ROWS // 5 and len(opened.held_out["test"]) == ROWS // 5


def test_a_row_comes_back_as_it_was(opened, table):
    facts = opened.facts
    known = table[
        (table["size"] > facts["columns"][0]["knots"][1]) & (table["size"] < facts["columns"][0]["knots"][-2])
    ]
    again = tables.decode(tables.encode(known, facts), facts)
    np.testing.assert_allclose(again["size"], known["size"], rtol=1e-6)
    assert (again["count"].to_numpy() == known["count"].to_numpy()).all() and again["count"].dtype.kind == "i"
    assert (again["colour"].to_numpy() == known["colour"].to_numpy()).all()
    assert (again["sold"].to_numpy() == known["sold"].astype(str).to_numpy()).all()


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
    real = table_scores.scores(train, test, train[:200], facts)
    apart = table_scores.scores(train, test, table_scores.independent(train, facts, 200), facts)
    shifted = table_scores.scores(train, test, train[:200] + np.eye(1, 7) * 2, facts)
    assert apart["correlations"] > 1.5 * real["correlations"] and apart["columns"] < 0.15
    assert shifted["columns"] > real["columns"] + 0.1 and shifted["detection"] > 0.9
    assert abs(real["detection"] - 0.5) < 0.15


def test_the_gaussian_has_the_means_of_the_rows(opened):
    train, facts = opened.held_out["train"], opened.facts
    rows = table_scores.gaussian(train, facts, 20_000)
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
        ("", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        tables.read(tmp_path / "t.csv")


def test_why_a_column_is_left_out_is_said(tmp_path, caplog):
    rows = "\n".join(f"{i},7,person {i},{'inf' if i == 3 else i}" for i in range(60))
    (tmp_path / "t.csv").write_text(f"n,always,who,far\n{rows}\n")
    assert list(tables.read(tmp_path / "t.csv")[1]) == ["n"]
    assert "always (constant or empty), who (60 different words), far (infinite values)" in caplog.text


def test_a_missing_line_of_names_is_noticed(tmp_path, caplog):
    (tmp_path / "t.csv").write_text("\n".join(f"{i}.5,-{i}e-3" for i in range(60)))
    tables.read(tmp_path / "t.csv")
    assert "is the line of names missing?" in caplog.text


def test_no_such_file(tmp_path):
    with pytest.raises(UsageError, match="there is no file"):
        tables.read(tmp_path / "t.csv")


def test_text_that_is_not_utf8(tmp_path):
    (tmp_path / "t.csv").write_bytes("stadt\nMünchen\n".encode("latin-1") * 60)
    with pytest.raises(DataError, match="not UTF-8") as error:
        tables.read(tmp_path / "t.csv")
    assert error.value.hint == "save it as UTF-8"


def test_rows_with_gaps_are_left_out_and_counted(tmp_path, caplog, table):
    holed = table.copy()
    holed.loc[[3, 9], "size"] = np.nan
    holed.to_csv(tmp_path / "t.csv", index=False)
    whole, _ = tables.read(tmp_path / "t.csv")
    assert len(whole) == ROWS - 2 and "2 of 400 rows" in caplog.text
