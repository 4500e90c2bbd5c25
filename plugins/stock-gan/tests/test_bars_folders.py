"""Folders of bars, what `data check` says of them, and what cannot be read."""

import json

import numpy as np
import pytest
from gankit_stock_gan.bars import describe, read, text

from gankit.errors import DataError, UsageError

YAHOO = "Date,Open,High,Low,Close,Adj Close,Volume\n"
BARS = ["2024-01-02,10,12,9,11,5.5,100", "2024-01-03,11,13,10,12,6,200", "2024-01-04,12,14,11,13,13,300"]


# Folders and descriptions


def test_folder(write, tmp_path, caplog):
    write(YAHOO + "\n".join(BARS), "BB.csv")
    write(YAHOO + "\n".join(BARS), "aa.csv")
    write(YAHOO + "\n".join(BARS[:2]), "short.csv")
    write("no prices", "readme.txt")
    assert [x.name for x in read(str(tmp_path))] == ["BB", "aa", "short"]
    assert [x.name for x in read(str(tmp_path), needed=3)] == ["BB", "aa"]
    assert "short has 2 rows, and 3 are needed" in caplog.text
    assert [x.name for x in read(str(tmp_path), assets=["AA", "bb", "aa"])] == ["aa", "BB"]
    with pytest.raises(DataError, match="short has 2 rows"):
        read(str(tmp_path), assets=["short"], needed=3)
    with pytest.raises(DataError, match=r"no series .* long enough"):
        read(str(tmp_path), needed=4)
    write("unique_id,ds,y\nAA,2024-01-02,1\nAA,2024-01-03,1\n", "long.csv")
    with pytest.raises(DataError, match=r"aa\.csv and long\.csv both hold AA"):
        read(str(tmp_path))


def test_describe(one):
    found = describe([one("Date,Close,Volume\n2024-01-02,100,5\n2024-01-03,110,0\n2024-01-04,99,5\n")])
    (series,) = json.loads(json.dumps(found))["series"]
    assert (series["rows"], series["first"], series["last"], series["zero_volume"]) == (
        3,
        "2024-01-02",
        "2024-01-04",
        1,
    )
    assert series["volatility"] == pytest.approx(abs(np.log(1.1) - np.log(0.9)) / np.sqrt(2) * np.sqrt(252))
    assert [(move["date"], round(move["move"], 9)) for move in series["largest_moves"]] == [
        ("2024-01-04", -0.1),
        ("2024-01-03", 0.1),
    ]
    words = text(found)
    assert (
        "3 daily, 2024-01-02 to 2024-01-04" in words and "-10.0% on 2024-01-04" in words and "zero in 1 rows" in words
    )


# What cannot be read


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n , ,\n", "is empty"),
        (YAHOO, "no rows"),
        ("foo,bar\n1,2\n", "no column of closing prices"),
        ("Date,Open,High,Low,Volume\n2024-01-02,1,1,1,1\n", "no column of closing prices"),
        ("Date,Sector\n2024-01-02,tech\n2024-01-03,tech\n", "no column of closing prices"),
        ("2024-01-02,1,2\n2024-01-03,1,2\n", "holds values, not column names"),
        (b"\x00\x01\x02\xff" * 50, "binary"),
        (b"PK\x03\x04rest", "workbook"),
        (b"PAR1rest", "Parquet"),
        (b"\x1f\x8bbroken", "cannot be read"),
        ("<!DOCTYPE html>\n<html>", "web page"),
        ("Date,Close\n2024-01-02,1\n2024-01-03,1,234\n", "line 3 of abc.csv has 3 fields"),
        ("Date,Close\n2024-01-02,1\n2024-01-03,twelve\n", "line 3 of abc.csv has 'twelve' in the column 'Close'"),
        ("Date;Close\n2024-01-02;1,5\n2024-01-03;1,234.5\n", "mixes decimal"),
        ("Date,Close\n2024-01-02,1\nyesterday,1\n", "line 3 of abc.csv has no date"),
        ("Date,Close\n2024-02-30,1\n2024-03-01,1\n", "does not exist: '2024-02-30'"),
        ("Date,Close\n2024-13-02,1\n2024-03-01,1\n", "does not exist"),
        ("Date,Close\n1/13/2024,1\n13/1/2024,1\n", "some dates have the day first"),
        ("Date,Close\n1/2/2024,1\n2/1/2024,1\n3/2/2024,1\n2/3/2024,1\n", "cannot be told apart"),
        ("Date,Close\n2024-01-02,null\n2024-01-03,\n", "no column of closing prices with a number"),
        ("Date,Close\n2024-01-02,1\n", "abc has 1 row, and 2 are needed"),
        ("Date,Close\n2024-01-02,1\n2024-01-03,0\n", "close of 0 on 2024-01-03 .line 3"),
        ("Date,Close\n2024-01-02,1\n2024-01-03,-2\n", "close of -2 on 2024-01-03"),
        ("Date,Close,Volume\n2024-01-02,1,1\n2024-01-03,2,-5\n", "volume of -5 on 2024-01-03"),
        ("Date,Close\n2024-01-02,1\n2024-01-03,1\n2024-01-03,2\n", "two rows of 2024-01-03 with different prices"),
        ("Date,Close\n2024-01-02 09:30,1\n2024-01-02 10:30,2\n2024-01-03 09:30,2\n", "several rows a day"),
        ("Date,Time,Close\n2024-01-02,09:30:00,1\n2024-01-02,10:30:00,1\n", "several rows a day"),
        ("Date,Close\n2020-01-02,1\n2021-01-03,2\n2022-01-03,2\n", "days apart"),
        ("unique_id,ds,y\nA,2024-01-02,1\n,2024-01-03,1\n", "line 3 of abc.csv has no ticker"),
    ],
)
def test_malformed_files(write, content, message):
    with pytest.raises(DataError, match=message) as caught:
        read(write(content))
    assert caught.value.hint and not caught.value.message.endswith(".")


def test_missing_places(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read(str(tmp_path / "nothing.csv"))
    with pytest.raises(DataError, match="holds no CSV file"):
        read(str(tmp_path))


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"assets": ["AMDD"]}, "no asset 'AMDD'", "'AMD'"),
        ({"calendar": "XNYZ"}, "no exchange calendar is called 'XNYZ'", "'XNYS'"),
        ({"since": "2024-99-01"}, "since is no date", "YYYY-MM-DD"),
        ({"splits": "atuo"}, "splits cannot be 'atuo'", "'auto'"),
    ],
)
def test_wrong_options(write, options, message, hint):
    with pytest.raises(UsageError, match=message) as caught:
        read(write("Date,AMD,IBM\n2024-01-02,1,2\n2024-01-03,1,2\n"), **options)
    assert hint in caught.value.hint


def test_cuts_that_leave_nothing(write):
    path = write("Date,Close\n2024-01-02,1\n2024-01-03,1\n")
    with pytest.raises(DataError, match=r"no row from 2025-01-01 .* it has 2024-01-02 to 2024-01-03"):
        read(path, since="2025-01-01")
    with pytest.raises(UsageError, match="has no dates"):
        read(write("Close\n1\n2\n", "undated.csv"), since="2025-01-01")
