"""The readers on real files of the development data, where they are."""

import shutil

import numpy as np
import pytest
from gankit_stock_gan.bars import read


@pytest.fixture
def stock(test_data):
    return test_data / "stock"


def alone(path, **options):
    (found,) = read(str(path), **options)
    return found


def noted(series, *parts):
    return any(all(part in note for part in parts) for note in series.notes)


EXPECTED = {
    "arch/sp500.csv": (5031, "1999-01-04", "2018-12-31", "XNYS"),
    "arch/nasdaq.csv": (5031, "1999-01-04", "2018-12-31", "XNYS"),
    "arch/vix.csv": (1305 - 46, "2014-01-03", "2019-01-03", "XNYS"),
    "bokeh_wiki/AAPL.csv": (3270, "2000-03-01", "2013-03-01", "XNYS"),
    "bokeh_wiki/FB.csv": (196, "2012-05-18", "2013-03-01", "XNYS"),
    "mplfinance/GOOG-20040819-20180120.csv": (3379, "2004-08-19", "2018-01-19", "XNYS"),
    "mplfinance/INTC-19950101-20040412.csv": (2335, "1995-01-03", "2004-04-08", "XNYS"),
    "paper5/IBM.csv": (5031, "1999-01-04", "2018-12-31", "XNYS"),
    "paper5/PAICC.csv": (3594 - 18 - 56, "2004-06-24", "2018-12-28", "XHKG"),
    "paper5/SSE.csv": (4989 - 2 - 119, "1999-01-04", "2018-12-28", "XSHG"),
    "skfolio/sp500_index_close.csv": (8313, "1990-01-02", "2022-12-28", "XNYS"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_rows_dates_and_calendars(stock, name):
    found = alone(stock / name)
    assert (len(found), str(found.dates[0]), str(found.dates[-1]), found.calendar) == EXPECTED[name]
    if found.whole:
        assert (found.high >= np.maximum(found.open, found.close) * (1 - 1e-6)).all()
        assert (found.low <= np.minimum(found.open, found.close) * (1 + 1e-6)).all()


def test_the_built_in_index_is_the_file(stock):
    built_in, filed = alone("sp500"), alone(stock / "arch/sp500.csv")
    assert built_in.name == "sp500" and built_in.calendar == "XNYS"
    for role in ("dates", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(built_in, role), getattr(filed, role))
    np.testing.assert_array_equal(alone(stock / "paper5/SP500.csv").close, filed.close)


def test_notes_of_the_shanghai_index(stock):
    found = alone(stock / "paper5/SSE.csv")
    assert noted(found, "2 rows without a close", "2007-05-03, 2007-05-04")
    assert noted(found, "119 rows without trading") and noted(found, "1,020 rows without volume kept")


@pytest.mark.parametrize(("name", "rows"), [("AAPL", 3270), ("IBM", 3270), ("MSFT", 3270), ("GOOG", 2148)])
def test_adjusted_prices_are_those_of_the_file(stock, name, rows):
    found = alone(stock / "bokeh_wiki" / f"{name}.csv", calendar="")
    table = np.genfromtxt(stock / "bokeh_wiki" / f"{name}.csv", delimiter=",", skip_header=1, usecols=range(1, 7))
    assert len(found) == len(table) == rows
    np.testing.assert_array_equal(found.close, table[:, 4])
    np.testing.assert_allclose(found.open, table[:, 0] * table[:, 4] / table[:, 3], rtol=1e-14)
    assert not noted(found, "split")


@pytest.mark.parametrize(
    ("name", "splits"), [("AAPL", ["2000-06-21", "2005-02-28"]), ("MSFT", ["2003-02-18"]), ("IBM", []), ("GOOG", [])]
)
def test_splits_of_unadjusted_prices(stock, tmp_path, name, splits):
    rows = [line.split(",") for line in (stock / "bokeh_wiki" / f"{name}.csv").read_text().splitlines()]
    (tmp_path / "raw.csv").write_text("\n".join(",".join(row[:5] + row[6:]) for row in rows))
    found, adjusted = alone(tmp_path / "raw.csv", calendar=""), alone(stock / "bokeh_wiki" / f"{name}.csv", calendar="")
    assert [note[15:25] for note in found.notes if "2:1 split" in note] == splits
    assert sum("split" in note for note in found.notes) == len(splits)
    # But for dividends these are the returns of the adjusted closes; on a split's day, of the adjusted close exactly.
    for day in splits:
        row = int(np.flatnonzero(found.dates == np.datetime64(day))[0])
        assert found.returns[row - 1] == pytest.approx(adjusted.returns[row - 1], abs=1e-3)
    assert np.abs(found.returns - adjusted.returns).max() < 0.12
    kept = alone(tmp_path / "raw.csv", splits="keep", calendar="")
    assert kept.close[0] == pytest.approx(found.close[0] * 2 ** len(splits)) and kept.close[-1] == found.close[-1]


def test_no_split_in_adjusted_files(stock):
    for path in sorted(stock.glob("*/*.csv")):
        if path.parent.name in ("bokeh_wiki", "mplfinance", "paper5", "skfolio", "timegan"):
            assert not any(noted(found, "earlier prices") for found in read(str(path), calendar="")), path


def test_twenty_stocks_side_by_side(stock):
    found = read(str(stock / "skfolio/sp500_20stocks_adjclose.csv"))
    assert len(found) == 20 and {len(one) for one in found} == {8313} and {one.calendar for one in found} == {"XNYS"}
    (amd,) = read(str(stock / "skfolio/sp500_20stocks_adjclose.csv"), assets=["AMD"], since="1990-01-03")
    assert amd.close[0] == 4.0 and len(amd) == 8312


def test_no_dates(stock):
    found = alone(stock / "timegan/stock_data_GOOG.csv")
    assert found.dates is None and len(found) == 3685 and found.close[0] == 49.845802 and found.whole


def test_a_folder_with_a_short_history(stock, tmp_path, caplog):
    for path in (stock / "bokeh_wiki").glob("*.csv"):
        shutil.copy(path, tmp_path)
    assert [one.name for one in read(str(tmp_path), needed=300, calendar="")] == ["AAPL", "GOOG", "IBM", "MSFT"]
    assert "FB has 196 rows, and 300 are needed" in caplog.text
