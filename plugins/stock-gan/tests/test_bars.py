"""Every layout and every rule on small files whose numbers are known."""

import gzip

import numpy as np
import pytest
from gankit_stock_gan.bars import Series, calendars, describe, read
from gankit_stock_gan.bars.splits import find

from gankit.errors import DataError

YAHOO = "Date,Open,High,Low,Close,Adj Close,Volume\n"
BARS = ["2024-01-02,10,12,9,11,5.5,100", "2024-01-03,11,13,10,12,6,200", "2024-01-04,12,14,11,13,13,300"]


def days(*texts):
    return np.array(texts, "datetime64[D]")


def noted(series, *parts):
    return any(all(part in note for part in parts) for note in series.notes)


def market(n, seed=0, sigma=0.015, start="2015-01-01"):
    """Opens, highs, lows, closes of a random walk on weekdays."""
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(sigma * random.standard_normal(n)))
    opens = np.append(100, close[:-1]) * np.exp(0.002 * random.standard_normal(n))
    high, low = np.maximum(opens, close) * 1.003, np.minimum(opens, close) * 0.997
    return np.busday_offset(start, np.arange(n), roll="forward"), [opens, high, low, close]


def yahoo(dates, prices, volume=1000):
    rows = [",".join([str(day), *(f"{x[i]:.9f}" for x in prices), str(volume)]) for i, day in enumerate(dates)]
    return "Date,Open,High,Low,Close,Volume\n" + "\n".join(rows)


# Layouts


def test_yahoo_is_scaled_by_the_adjusted_close(one):
    found = one(YAHOO + "\n".join(BARS))
    assert found.name == "abc" and found.whole and (found.dates == days("2024-01-02", "2024-01-03", "2024-01-04")).all()
    for role, values in {
        "open": [5, 5.5, 12],
        "high": [6, 6.5, 14],
        "low": [4.5, 5, 11],
        "close": [5.5, 6, 13],
        "volume": [100, 200, 300],
    }.items():
        np.testing.assert_allclose(getattr(found, role), values, rtol=1e-15)
    assert noted(found, "adjusted by the file's adjusted close")


@pytest.mark.parametrize(
    "content",
    [
        "adj_close,VOLUME, low,high ,OPEN,close\n5.5,100,9,12,10,11\n6,200,10,13,11,12\n",
        "\ufeffOpen;High;Low;Close;Adj Close;Volume\n10,0;12,0;9,0;11,0;5,5;100\n11,0;13,0;10,0;12,0;6,0;200\n",
        "Open\tHigh\tLow\tClose*\tAdj Close**\tVolume\n10\t12\t9\t11\t5.5\t100\n11\t13\t10\t12\t6\t200\n\n",
        "Open|High|Low|Close/Last|Adjusted|Vol.\n$10|$12|$9|$11|$5.5|.1K\n$11|$13|$10|$12|$6|.2K\n",
    ],
)
def test_columns_in_any_order_without_dates(one, content):
    found = one(content)
    assert found.dates is None and found.calendar == "" and noted(found, "no dates")
    assert found.close.tolist() == [5.5, 6] and found.open.tolist() == [5, 5.5] and found.volume.tolist() == [100, 200]


def test_encodings_and_gzip(write):
    content = YAHOO + "\n".join(BARS)
    for packed in (gzip.compress(content.encode()), content.encode("utf-16"), content.encode("utf-8-sig")):
        assert read(write(packed, "xyz.csv.gz"))[0].close.tolist() == [5.5, 6, 13]
    assert read(write(packed, "xyz.csv.gz"))[0].name == "xyz"


def test_without_adjusted_close_it_is_said(one):
    assert noted(one("Date,Close\n2024-01-02,1\n2024-01-03,2\n"), "taken as they are", "unadjusted")


def test_adjusted_close_alone(one):
    found = one("Date,Open,High,Low,Adj Close\n2024-01-02,10,12,9,5\n2024-01-03,10,12,9,6\n")
    assert found.close.tolist() == [5, 6] and found.open is None


MULTI = {
    "new": "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\nTicker,A,B,A,B,A,B,A,B,A,B\nDate,,,,,,,,,,\n",
    "old": ",Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\n,A,B,A,B,A,B,A,B,A,B\nDate,,,,,,,,,,\n",
    "flat": "Date,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\n,A,B,A,B,A,B,A,B,A,B\n",
    "by ticker": "Ticker,A,B,A,B,A,B,A,B,A,B\n"
    "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\nDate,,,,,,,,,,\n",
    "quantmod": ",A.Close,B.Close,A.High,B.High,A.Low,B.Low,A.Open,B.Open,A.Volume,B.Volume\n",
    "joined": "Date,Close_A,Close_B,High_A,High_B,Low_A,Low_B,Open_A,Open_B,Volume_A,Volume_B\n",
}


@pytest.mark.parametrize("kind", MULTI)
def test_several_tickers_side_by_side(write, kind):
    rows = (
        "2024-01-02 00:00:00-05:00,2,20,3,30,1,10,1.5,15,7,70\n2024-01-03 00:00:00-05:00,2.5,25,3,30,1,10,2,20,8,80\n"
    )
    a, b = read(write(MULTI[kind] + rows))
    assert (a.name, b.name) == ("A", "B") and a.dates.tolist() == days("2024-01-02", "2024-01-03").tolist()
    assert a.close.tolist() == [2, 2.5] and b.open.tolist() == [15, 20] and b.volume.tolist() == [70, 80]
    assert [x.name for x in read(write(MULTI[kind] + rows), assets=["b"])] == ["B"]


def test_words_in_the_first_row_are_no_tickers(one):
    assert one("Date,Close,Volume\n2024-01-02,null,null\n2024-01-03,2,5\n2024-01-04,3,5\n").close.tolist() == [2, 3]


def test_nixtla(write):
    a, b = read(write("unique_id,ds,y,extra\nA,2024-01-02,1,x\nB,2024-01-02,5,x\nA,2024-01-03,2,x\nB,2024-01-03,6,x\n"))
    assert (a.name, a.close.tolist(), b.name, b.close.tolist()) == ("A", [1, 2], "B", [5, 6])


def test_long_bars_name_the_series(one):
    found = one(
        "High,Low,Open,Close,Volume,Adj Close,Name,date\n"
        "12,9,10,11,100,11,AAL,1/30/2015\n13,9,10,12,90,12,AAL,2/2/2015\n"
    )
    assert found.name == "AAL" and found.dates.tolist() == days("2015-01-30", "2015-02-02").tolist()


def test_wide(write):
    found = read(
        write("Date,AAPL,LOW,Sector,AMD\n2024-01-02,1,5,tech,\n2024-01-03,2,6,tech,7\n2024-01-04,3,7,tech,8\n")
    )
    assert [x.name for x in found] == ["AAPL", "LOW", "AMD"]
    assert [x.close.tolist() for x in found] == [[1, 2, 3], [5, 6, 7], [7, 8]]
    assert found[2].dates[0] == np.datetime64("2024-01-03") and not noted(found[2], "dropped")


def test_other_vendors(one):
    investing = (
        '"Date","Price","Open","High","Low","Vol.","Change %"\n"01/03/2024","12.00","11","13","10","1.5K","9%"\n'
    )
    found = one(investing + '"01/02/2024","11.00","10","12","9","1.2K","1%"\n', until="2024-01-31")
    assert found.close.tolist() == [11, 12] and found.volume.tolist() == [1200, 1500] and noted(found, "newest first")
    stooq = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
    found = one(stooq + "A.US,D,20240102,000000,10,12,9,11,5,0\nA.US,D,20240103,000000,11,13,10,12,6,0\n")
    assert found.name == "A.US" and found.close.tolist() == [11, 12] and str(found.dates[1]) == "2024-01-03"


def test_numbers_as_numpy_saves_them(one):
    assert one("Open,High,Low,Close\n1e1,1.2e1,9e0,1.1e1\n1e1,1.2e1,9e0,1.1e1\n").close.tolist() == [11, 11]


# Numbers and dates


@pytest.mark.parametrize(
    ("header", "cells", "value"),
    [
        ("Date;Close;Volume", "{};1.234,5;1.000.000", 1234.5),
        ("Date;Close;Volume", "{};1234,567;5", 1234.567),
        ("Date;Close;Volume", "{};1,234;5", 1.234),
        ("Date,Close,Volume", '{},"1,234.5","1,000,000"', 1234.5),
        ("Date,Close,Volume", '{},"1,234","1,000,000"', 1234),
        ("Date,Close,Volume", '{},"12,5",3', 12.5),
        ("Date,Close,Volume", "{},1.2e3,1.5M", 1200),
    ],
)
def test_numbers(one, header, cells, value):
    assert one("\n".join([header, cells.format("2024-01-02"), cells.format("2024-01-03")])).close[0] == value


@pytest.mark.parametrize("missing", ["", "null", "N/A", "NaN", ".", "-"])
def test_rows_without_a_close_are_dropped_and_counted(one, missing):
    found = one(f"Date,Close\n2024-01-02,1\n2024-01-03,{missing}\n2024-01-04,3\n")
    assert found.close.tolist() == [1, 3] and noted(found, "1 row without a close", "2024-01-03")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("2024-01-02", "2024-01-03", "2024-01-02"),
        ("20240102", "20240103", "2024-01-02"),
        ("2024/1/2", "2024/1/3", "2024-01-02"),
        ("2024-01-02T16:00:00Z", "2024-01-03T16:00:00Z", "2024-01-02"),
        ("2024-03-08 00:00:00-05:00", "2024-03-11 00:00:00-04:00", "2024-03-08"),
        ("2024-01-02 23:30:00-05:00", "2024-01-03 23:30:00-05:00", "2024-01-02"),
        ("1/30/2015", "2/2/2015", "2015-01-30"),
        ("30.1.2015", "2.2.2015", "2015-01-30"),
        ("12/11/98", "12/14/98", "1998-12-11"),
        ("Jan 02, 2024", "Jan 03, 2024", "2024-01-02"),
        ("2-Jan-2024", "3-Jan-2024", "2024-01-02"),
        ("1/4/1999", "1/5/1999", "1999-01-04"),
        ("4/1/1999", "5/1/1999", "1999-01-04"),
        ("4/4/1999", "5/5/1999", "1999-04-04"),
    ],
)
def test_dates(one, first, second, expected):
    assert str(one(f'Date,Close\n"{first}",1\n"{second}",2\n').dates[0]) == expected


def test_days_and_months_by_the_order_of_rows(one):
    cells = ["3/12/2001", "4/12/2001", "2/1/2002", "3/1/2002"]  # December and January, where Americans see no order
    found = one("Date,Close\n" + "".join(f"{cell},1\n" for cell in cells))
    assert found.dates.tolist() == days("2001-12-03", "2001-12-04", "2002-01-02", "2002-01-03").tolist()


# Cleaning


def test_newest_first_and_unsorted(one):
    rows = ["2024-01-02,1", "2024-01-03,2", "2024-01-04,3"]
    reversed_ = one("Date,Close\n" + "\n".join(rows[::-1]))
    assert reversed_.close.tolist() == [1, 2, 3] and noted(reversed_, "newest first")
    mixed = one("Date,Close\n" + "\n".join([rows[0], rows[2], rows[1]]))
    assert mixed.close.tolist() == [1, 2, 3] and noted(mixed, "sorted", "2024-01-03")


def test_equal_duplicates_are_merged(one):
    found = one(YAHOO + "\n".join([BARS[0], BARS[1], BARS[1].replace(",200", ",250"), BARS[2]]))
    assert found.volume.tolist() == [100, 250, 300] and noted(found, "1 row", "merged", "2024-01-03")


def test_bars_are_widened(one):
    found = one(
        "Date,Open,High,Low,Close\n2024-01-02,10,9,9,11\n2024-01-03,10,12,11,11\n2024-01-04,10,10.0000001,9,10\n"
    )
    assert found.high.tolist()[:2] == [11, 12] and found.low.tolist() == [9, 10, 9]
    assert noted(found, "2 bars", "2024-01-02, 2024-01-03")


def test_missing_opens(one):
    rows = "".join(f"2024-01-{d:02},10,12,9,11\n" for d in range(8, 13))
    found = one("Date,Open,High,Low,Close\n" + rows + "2024-01-15,0,12,,11.5\n")
    assert found.open[-1] == 11 and found.high[-1] == 12 and found.low[-1] == 11 and noted(found, "1 row", "completed")
    poor = one("Date,Open,High,Low,Close\n2024-01-02,0,12,9,11\n2024-01-03,0,12,9,11\n2024-01-04,10,12,9,11\n")
    assert not poor.whole and noted(poor, "2 rows of 3 lack one")
    assert one("Date,Open,Close\n2024-01-02,1,1\n2024-01-03,1,1\n").open is None


def test_zero_volume(one):
    rows = ["2024-01-02,10,12,9,11,5", "2024-01-03,11,11,11,11,0", "2024-01-04,11,12,9,11,0", "2024-01-05,11,12,9,11,5"]
    head = "Date,Open,High,Low,Close,Volume\n"
    found = one(head + "\n".join(rows))
    assert found.dates.tolist() == days("2024-01-02", "2024-01-04", "2024-01-05").tolist()
    assert noted(found, "1 row without trading", "2024-01-03") and noted(
        found, "1 row without volume kept", "2024-01-04"
    )
    index = one(head + "\n".join([rows[0], rows[1], rows[2], rows[2].replace("04", "08")]))
    assert len(index) == 4 and noted(index, "zero in 3 of 4 rows: all kept")


def test_gaps_are_told_and_not_filled(one):
    found = one("Date,Close\n" + "".join(f"2024-01-{day:02},1\n" for day in (1, 2, 3, 4, 15, 29)))
    assert len(found) == 6 and noted(found, "2 gaps of more than 10 days", "14 days up to 2024-01-29")


def test_since_and_until_hide_the_rest(one):
    content = "Date,Close\n2024-01-02,-1\n2024-01-03,1\n2024-01-04,2\n2024-01-05,0\n"
    found = one(content, since="2024-01-03", until="2024-01-04")
    assert found.close.tolist() == [1, 2]


# Splits


@pytest.mark.parametrize(("ratio", "words"), [(2, "2:1"), (1.5, "3:2"), (7, "7:1"), (20, "20:1"), (0.1, "1:10")])
def test_a_forgotten_split_is_mended(one, ratio, words):
    dates, prices = market(300)
    broken = [np.append(x[:200], x[200:] / ratio) for x in prices]
    found = one(yahoo(dates, broken), calendar="")
    assert noted(found, f"a {words} split on {dates[200]}", "was not adjusted for")
    np.testing.assert_allclose(found.close, prices[3] / ratio, rtol=1e-6)
    np.testing.assert_allclose(found.low, prices[2] / ratio, rtol=1e-6)
    np.testing.assert_allclose(found.volume, np.append(np.full(200, 1000 * ratio), np.full(100, 1000)))
    kept = one(yahoo(dates, broken), splits="keep", calendar="")
    np.testing.assert_allclose(kept.close, broken[3], rtol=1e-6)
    assert noted(kept, f"a {words} split on {dates[200]}", "as asked")


def test_two_splits_multiply(one):
    dates, prices = market(300)
    broken = [np.concatenate([x[:100] * 6, x[100:200] * 2, x[200:]]) for x in prices]
    np.testing.assert_allclose(one(yahoo(dates, broken), calendar="").close, prices[3], rtol=1e-6)


@pytest.mark.parametrize(
    ("open_at", "close_at", "low_at"),
    [
        (0.93, 0.795, 0.79),  # October 1987
        (0.99, 0.5, 0.49),  # halves during the day
        (0.53, 0.48, 0.46),  # Apple, 2000-09-29
        (0.54, 0.52, 0.515),  # quiet after a gap near a half
        (0.6, 0.6, 0.59),  # an airline after 2001-09-11
        (0.5, 0.5, 0.35),  # opens at a half by chance, on a wild day
    ],
)
def test_crashes_are_no_splits(open_at, close_at, low_at):
    _, (opens, high, low, close) = market(300)
    before = close[199]
    for values, at in ((opens, open_at), (close, close_at), (low, low_at), (high, max(open_at, close_at) + 0.01)):
        values[200:] *= before * at / values[200]
    assert find(close, (opens, high, low)) == []


def test_closes_alone_prove_large_ratios_only(one):
    dates, prices = market(300)
    for ratio, mended in ((2, False), (10, True)):
        close = np.append(prices[3][:200] * ratio, prices[3][200:])
        found = one("Date,Close\n" + "\n".join(f"{d},{c:.9f}" for d, c in zip(dates, close, strict=True)), calendar="")
        np.testing.assert_allclose(found.close, prices[3] if mended else close, rtol=1e-6)
        assert noted(found, f"{ratio}:1 split on {dates[200]}", "earlier prices" if mended else "nothing was changed")


def test_an_adjusted_file_has_no_split(one):
    dates, prices = market(300)
    close = np.append(prices[3][:200] * 2, prices[3][200:])
    rows = [f"{d},{c:.9f},{a:.9f}" for d, c, a in zip(dates, close, prices[3], strict=True)]
    found = one("Date,Close,Adj Close\n" + "\n".join(rows), calendar="")
    assert not noted(found, "split")
    np.testing.assert_allclose(found.close, prices[3], rtol=1e-6)


# Calendars


def sessions(name, first, last):
    import exchange_calendars

    return exchange_calendars.get_calendar(name, start=first, end=last).sessions.to_numpy().astype("datetime64[D]")


@pytest.mark.parametrize("name", ["XNYS", "XLON", "XSHG", "XHKG", "XTKS", "XETR"])
def test_the_calendar_is_guessed(one, name):
    dates = sessions(name, "2014-01-01", "2017-12-31")
    dates = np.delete(dates, [100, 101])
    found = one("Date,Close\n" + "".join(f"{day},{i % 7 + 5}\n" for i, day in enumerate(dates)))
    assert found.calendar == name and noted(found, f"2 sessions of {name} are missing")


def test_no_calendar_for_weekdays_and_for_few_rows(one):
    dates = np.busday_offset("2014-01-01", np.arange(500), roll="forward")
    rows = [f"{day},{i % 7 + 5}" for i, day in enumerate(dates)]
    assert one("Date,Close\n" + "\n".join(rows)).calendar == ""
    assert one("Date,Close\n" + "\n".join(rows), calendar="nyse").calendar == "XNYS"
    assert noted(
        one("Date,Close\n" + "\n".join(rows), calendar="XNYS"), "rows are no sessions of XNYS, first 2014-01-01"
    )


def following(last, count, calendar="", step=1, rows=30, start=None):
    last = np.datetime64(last)
    dates = start if start is not None else last - step * np.arange(rows)[::-1]
    return [
        str(day) for day in calendars.next_sessions(Series("x", np.ones(len(dates)), dates, calendar=calendar), count)
    ]


def test_next_sessions():
    work = np.busday_offset("2018-12-31", np.arange(-30, 1))
    assert following("", 3, "XNYS", start=work) == ["2019-01-02", "2019-01-03", "2019-01-04"]
    assert following("", 2, start=work) == ["2019-01-01", "2019-01-02"]
    assert following("2024-01-05", 3) == ["2024-01-06", "2024-01-07", "2024-01-08"]
    assert following("2024-01-05", 2, step=7) == ["2024-01-12", "2024-01-19"]
    assert calendars.next_sessions(Series("x", np.ones(3)), 2) is None


def test_next_sessions_of_months():
    first = np.arange("2020-01", "2022-01", dtype="datetime64[M]").astype("datetime64[D]")
    assert following("", 2, start=first) == ["2022-01-01", "2022-02-01"]
    assert following("", 2, start=first - 1) == ["2021-12-31", "2022-01-31"]
    assert following("", 2, start=np.busday_offset(first - 1, 0, roll="backward")) == ["2021-12-31", "2022-01-31"]
    assert following("", 3, start=np.busday_offset(first, 0, roll="forward")) == [
        "2022-01-03",
        "2022-02-01",
        "2022-03-01",
    ]


def test_a_calendar_that_ends_goes_on_with_weekdays():
    work = np.busday_offset("2026-12-29", np.arange(-30, 1))
    found = following("", 60, "XSHG", start=work)
    assert found[:2] == ["2026-12-30", "2026-12-31"] and len(found) == len(set(found)) == 60
    early = np.busday_offset("1899-01-05", np.arange(-3, 1))
    assert following("", 2, "XTKS", start=early) == ["1899-01-06", "1899-01-09"]


def test_weekly_rows_have_no_missing_sessions(one):
    dates = np.datetime64("2020-01-03") + 7 * np.arange(150)
    found = one("Date,Close\n" + "".join(f"{day},5\n" for day in dates))
    assert found.calendar == "" and not noted(found, "missing")
    assert describe([found])["series"][0]["spacing"] == "weekly"


# What may be true


def test_highs_below_the_lows_are_an_error_if_they_are_many(one):
    dates, (opens, high, low, close) = market(200)
    with pytest.raises(DataError, match="highs below the lows in 200 rows of 200"):
        one(yahoo(dates, [opens, low, high, close]))
    high[7], low[7] = low[7], high[7]
    assert noted(one(yahoo(dates, [opens, high, low, close])), "1 bar whose high or low")


def test_a_price_there_and_back_is_told_of(one):
    dates, prices = market(200)
    for values in prices:
        values[50] *= 9.7
    assert noted(one(yahoo(dates, prices)), "1 close far from both neighbours", str(dates[50]))
    assert not noted(one(yahoo(*market(200))), "far from both")


def test_a_last_date_in_the_future_is_told_of(one):
    dates, prices = market(30, start=str(np.datetime64("today") - 10))
    assert noted(one(yahoo(dates, prices)), "lies in the future")


@pytest.mark.parametrize(
    ("step", "kind", "year"), [(1, "daily", 365), (7, "weekly", 52), (30, "monthly", 12)], ids=lambda x: str(x)
)
def test_sessions_of_a_year(step, kind, year):
    dates = np.datetime64("2020-01-01") + step * np.arange(60)
    assert calendars.spacing(dates) == kind and calendars.per_year(dates) == year
    assert calendars.per_year(market(60)[0]) == 252 == calendars.per_year(None)
