"""Text tables of every kind that people have."""

import gzip

import pytest

from gankit.errors import DataError
from gankit.support import TextTable, tables

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
    monkeypatch.setattr(tables, "LONGEST", 100)
    monkeypatch.setattr(tables, "WIDEST", 20)
    (tmp_path / "x").write_text("a,b\n" + "1" * 200)
    with pytest.raises(DataError, match="longer than 100"):
        list(TextTable(tmp_path / "x").rows())
    (tmp_path / "x").write_text("," * 30 + "a")
    with pytest.raises(DataError, match="31 columns"):
        TextTable(tmp_path / "x")
