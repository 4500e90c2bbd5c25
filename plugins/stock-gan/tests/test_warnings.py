"""What a run says of bars that it knows, or that are unlike those that it knows; and of figures that are better."""

import numpy as np
import pytest
from gankit_stock_gan.backtest.evaluation import Backtest, verdicts
from gankit_stock_gan.bars import Series
from gankit_stock_gan.config import StockConfig
from gankit_stock_gan.data import Asset, crossed, foreign
from gankit_stock_gan.model.windows import Past
from gankit_stock_gan.warnings import warnings

DAYS = np.busday_offset("2015-01-01", np.arange(400), roll="forward")
CLOSE = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, 400)))
FACTS = {
    "series": [{"name": "A", "start": 300, "selected_until": str(DAYS[300]), "spacing": "daily"}],
}


def test_bars_that_a_run_has_learned_from_are_told_of():
    dated, bare = Series("B", CLOSE, DAYS), Series("A", CLOSE)
    assert foreign(FACTS, [dated], [301]) == []
    (said,) = foreign(FACTS, [dated], [300])
    assert said.startswith("forecasts of B begin before") and str(DAYS[300]) in said
    assert foreign(FACTS, [dated.rows(0, 200)], [200])  # a forecast from the past on
    assert foreign(FACTS, [dated], [400]) == []
    undated = {"series": [{**FACTS["series"][0], "selected_until": "300"}]}
    assert foreign(undated, [bare], [301]) == [] and "forecasts of A" in foreign(undated, [bare], [300])[0]
    assert foreign(undated, [Series("C", CLOSE)], [10]) == []


def test_bars_of_another_spacing_are_told_of():
    weekly = Series("W", CLOSE, np.datetime64("2016-01-01") + 7 * np.arange(400))
    assert foreign(FACTS, [weekly], [399]) == ["this run has learned from daily bars, and W has others"]


def test_series_that_end_apart_are_told_of():
    def one(name, trained, selected):
        return {"name": name, "trained_until": trained, "selected_until": selected}

    old, new = one("OLD", "2009-01-05", "2011-01-05"), one("NEW", "2014-12-31", "2016-12-28")
    (said,) = crossed({"series": [old, new]})
    assert said.startswith("held-out sessions of OLD begin before 2014-12-31")
    assert crossed({"series": [new, one("NEAR", "2014-12-20", "2016-12-12")]}) == []
    assert crossed({"series": [one("X", "300", "400"), one("Y", "900", "999")]}) == []


def test_what_every_result_says():
    series = Series("A", CLOSE, DAYS, volume=np.where(np.arange(400) < 3, 0.0, 1.0), notes=("2 rows dropped",))
    said = warnings(StockConfig(splits="keep"), [series], 100)
    assert said[0].startswith("not investment advice") and "short test of 100 sessions" in said[1]
    assert "A: 2 rows dropped" in said and "A: no volume on 3 of 400 sessions" in said and "splits" in said[-1]
    assert len(warnings(StockConfig(), [Series("A", CLOSE)], 504)) == 1


def test_a_verdict_names_whoever_is_nearer():
    series = Series("A", CLOSE, DAYS)
    rows = np.arange(299, 398)
    actual = CLOSE[rows + 2]
    closes = {"stock-gan": actual + 0.5, "persistence": CLOSE[rows + 1], "drift": actual + 0.1}
    draws = {name: np.sort(np.random.default_rng(1).normal(0, sd, (99, 200)), 1) for name, sd in
             (("stock-gan", 0.01), ("ewma", 0.03))}  # fmt: skip
    test = Backtest(Asset(series, Past.of(series.returns), 300, 300), rows, 1, 1, draws, closes)
    said = verdicts([test])
    assert said["closes"]["A"].endswith("; drift is nearer: MAE 0.1 against 0.5")
    assert said["closes"]["A"].startswith("better than persistence by")
    assert said["distributions"]["A"].startswith("better than ewma: CRPS")
    closes["drift"] = actual + 0.9
    assert "nearer" not in verdicts([test])["closes"]["A"]
    assert test.figures("drift")["mase"] == pytest.approx(0.9 / np.abs(np.diff(CLOSE[:301])).mean())
