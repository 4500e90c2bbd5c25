"""Text tables of every kind that people have."""

import gzip

import pytest
from growth import growth

from gankit.errors import DataError
from gankit.support import TextTable, tables, text_lines

TEXT = 'name;dose\r\nMüller;0,5\r\n\r\n;;\r\n"two\nlines"; 7 ;extra\r\n'
ROWS = [(2, ["Müller", "0,5"]), (6, ["two\nlines", "7", "extra"])]


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("latin-1"),
        gzip.compress(TEXT.encode(), mtime=0),
    ],
    ids=["utf-8", "mark", "utf-16", "latin-1", "gzip"],
)
def test_encodings_and_packing(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    table = TextTable(tmp_path / "x")
    assert (table.names, table.separator) == (["name", "dose"], ";")
    assert list(table.rows()) == ROWS == list(table.rows())


def test_lines_are_counted_from_the_top_of_the_file(tmp_path):
    (tmp_path / "x").write_text("\n\na,b\n1,2\n")
    assert list(TextTable(tmp_path / "x").rows()) == [(4, ["1", "2"])]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n,,\n", "is empty"),
        (b"PK\x03\x04rest", "a workbook or a ZIP archive"),
        (b"PAR1rest", "a Parquet file"),
        (b"%PDF-1.7", "a PDF document"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"a,b\n\0\0", "binary data"),
        (gzip.compress(b"a,b\n1,2\n" * 9, mtime=0)[:-9], "cannot be read"),
        (b"a\x07,b\n", "not readable"),
        (b'a,b\n"1,2\n', "cannot be read"),
    ],
)
def test_what_is_no_table(tmp_path, content, message):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        list(TextTable(tmp_path / "x.csv").rows())
    assert caught.value.hint


def test_there_must_be_a_file(tmp_path):
    for place, message in ((tmp_path / "none.csv", "there is no file"), (tmp_path, "is a folder")):
        with pytest.raises(DataError, match=message):
            TextTable(place)


def test_lines_and_columns_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "ROW_CHARACTERS", 100)
    monkeypatch.setattr(tables, "COLUMNS", 20)
    (tmp_path / "x").write_text("a,b\n" + "1" * 200)
    with pytest.raises(DataError, match="longer than 100"):
        list(TextTable(tmp_path / "x").rows())
    (tmp_path / "x").write_text("," * 30 + "a")
    with pytest.raises(DataError, match="31 columns"):
        TextTable(tmp_path / "x")


def test_a_row_of_many_lines_and_a_wide_line_of_names(tmp_path, monkeypatch):
    (tmp_path / "x").write_text("a,b\n" + '"\n",' * 400_000 + "\n")
    with pytest.raises(DataError, match="a row of x is longer than 1,048,576"):
        list(TextTable(tmp_path / "x").rows())
    names = [f"gene{i}" for i in range(20_000)]  # more characters than the module csv takes for a cell
    (tmp_path / "x").write_text(",".join(names) + "\n1,2\n")
    table = TextTable(tmp_path / "x")
    assert table.names == names and list(table.rows()) == [(2, ["1", "2"])]
    monkeypatch.setattr(tables, "LACKING_CELLS", 60_000)
    (tmp_path / "x").write_text(",".join(names) + "\n" + "1\n" * 4)
    with pytest.raises(DataError, match="lack nearly all of its 20,000 columns"):
        list(TextTable(tmp_path / "x").rows())
    (tmp_path / "x").write_text("a,b,c\n" + "1\n" * 100_000)  # a table that lacks a little everywhere is a table
    assert len(list(TextTable(tmp_path / "x").rows())) == 100_000


def test_lines_of_text(tmp_path):
    (tmp_path / "x").write_bytes(gzip.compress("é one\ntwo".encode("latin-1")))
    assert list(text_lines(tmp_path / "x")) == ["é one\n", "two"]
    with pytest.raises(DataError, match="there is no file"):
        list(text_lines(tmp_path / "y"))


@pytest.mark.parametrize("head", ["", "date,close\n"])
def test_a_line_of_300_mb_costs_nothing(tmp_path, head):
    path = tmp_path / "x.csv"
    with path.open("w") as file:
        file.write(head)
        for _ in range(300):
            file.write("1," * 500_000)
    for code in ("list(TextTable(path).rows())", "list(text_lines(path))"):
        took = growth(path, "from gankit.support import TextTable, text_lines", code)
        assert "longer than 1,048,576 characters" in took.said
        assert took.mb < 60 and took.seconds < 1, took
