"""The paper's recipe: factors and z-scores by hand, losses against closed forms, no look-ahead, other options."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from gankit_stock_gan.bars.series import Series
from gankit_stock_gan.paper import data, evaluation, factors
from gankit_stock_gan.paper.config import PaperConfig
from gankit_stock_gan.paper.recipe import StockGANPaper

from gankit.errors import DataError
from gankit.testing import check_recipe


def walk(n=200, seed=0, name="X", start="2010-01-01"):
    """Bars of a random walk."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, n)))
    open_ = close * np.exp(rng.normal(0, 0.003, n))
    high, low = np.maximum(open_, close) * 1.002, np.minimum(open_, close) * 0.998
    days = np.datetime64(start) + np.arange(n)
    return Series(name, close, days, open_, high, low, rng.uniform(1e6, 2e6, n))


def config(**options):
    return PaperConfig(**{"test": 40, "units": 8, **options})


@pytest.fixture(scope="module")
def networks():
    """Untrained ones, of a window of five days."""
    import keras

    keras.utils.set_random_seed(0)
    recipe = StockGANPaper(config())
    return recipe.networks(data.cut([walk()], recipe.config))


class Variant(StockGANPaper):
    """The other options."""

    tiny = {
        **StockGANPaper.tiny, "protocol": "shuffled", "output": "linear", "target": "change", "loss": "non-saturating",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("check", ["phases", "replicas", "run"])
def test_variant(check, tmp_path):
    check_recipe(Variant, check, tmp_path)


# -- factors and windows -----------------------------------------------------------------------------------------------


def test_factors_by_hand():
    n = 63
    close, volume = np.arange(1.0, n + 1), np.full(n, 50.0)
    volume[60:] = 100, 25, 10
    series = Series("X", close, None, close + 0.25, close + 0.5, close - 0.5, volume)
    table = factors.factors(series)
    assert table[61] == pytest.approx([62.5, 61.5, 62.25, 62, 25 / (59 * 50 + 100) * 60, 25, 60])
    assert table[60, 4] == 2 and table[62, 4] == pytest.approx(10 / ((58 * 50 + 100 + 25) / 60))
    assert np.isnan(table[:60, 4]).all() and np.isnan(table[:4, 6]).all() and table[4, 6] == 3


def test_turnover_without_any_volume_is_0():
    series = walk(130)
    series.volume[:100] = 0
    turnover = factors.factors(series)[:, 4]
    assert (turnover[60:100] == 0).all() and turnover[100] == 0  # the 60 days before had none
    assert turnover[101] == pytest.approx(series.volume[101] / series.volume[100] * 60)


@pytest.mark.parametrize("column", ["open", "high", "low", "volume"])
def test_missing_columns_are_named(column):
    with pytest.raises(DataError, match=f"X has no {column}") as error:
        factors.factors(replace(walk(), **{column: None}))
    assert "stock-gan needs closes alone" in error.value.hint


def test_z_scores_closed_form():
    # 1..5 have mean 3 and population SD sqrt 2; the next day is 6.
    table = np.repeat(np.arange(1.0, 8.0)[:, None], 7, axis=1)
    cut = factors.windows(table, np.array([5, 6]), 5, epsilon=0.01)
    scale = np.sqrt(2) + 0.03
    assert cut.past[0, :, 2] == pytest.approx(np.array([-2, -1, 0, 1, 2]) / scale)
    assert cut.next[0] == pytest.approx(np.full(7, 3 / scale)) and cut.mean[1, 0] == 4
    assert cut.closes(cut.next) == pytest.approx([6, 7])
    assert cut.closes(np.zeros((2, 7))) == pytest.approx([3, 4])


def test_flat_windows_are_zeros():
    table = np.full((7, 7), 20.0)
    table[5] = 21
    table[:5, 5] = 0  # no volume for five days, then 8
    table[5, 5] = 8
    cut = factors.windows(table, np.array([5]), 5, epsilon=0.001)
    assert (cut.past == 0).all() and np.isfinite(cut.next).all()
    assert cut.next[0, 3] == pytest.approx(1 / 0.02) and cut.next[0, 5] == 8
    assert cut.closes(cut.next) == pytest.approx([21]) and cut.closes(np.zeros((1, 7))) == [20]


# -- what is learned from ----------------------------------------------------------------------------------------------


def test_no_day_is_learned_from_once_another_series_holds_out():
    early, late = walk(300, 1, "A", "2010-01-01"), walk(300, 2, "B", "2010-02-10")  # 40 days later
    found = data.cut([early, late], config(test=50))
    a, b = found.held_out["assets"]
    assert a.test.rows.tolist() == b.test.rows.tolist() == list(range(250, 300))
    assert a.train.rows.tolist() == list(range(65, 250)) and b.train.rows.tolist() == list(range(65, 210))
    assert late.dates[210] == early.dates[250]
    assert found.facts["learned"] == 185 + 145 == found.train["windows"].n and found.train["held_out"].n == 100


def test_the_papers_split_is_disjoint_and_the_same_every_time():
    (one,), (two,) = (data.cut([walk()], config(protocol="shuffled")).held_out["assets"] for _ in range(2))
    assert sorted([*one.train.rows, *one.test.rows]) == list(range(65, 200)) and len(one.test.rows) == 40
    assert one.test.rows.tolist() == two.test.rows.tolist() != list(range(160, 200))


def test_short_series_are_refused():
    with pytest.raises(DataError, match="X has 105 rows, and 106 are the fewest"):
        data.cut([walk(105)], config())
    with pytest.raises(DataError, match="1 windows are left"):
        data.cut([walk(106)], config())


def test_targets_are_clipped_for_training_alone():
    series = walk()
    series.volume[100] = 1e15
    found = data.cut([series], config())
    (asset,) = found.held_out["assets"]
    assert asset.train.next.max() > 1000 and np.abs(found.train["windows"].fields["next"]).max() == data.LIMIT


def test_what_comes_later_changes_nothing_before(networks):
    t, changed, whole = 180, walk(), walk()
    for name in ("close", "open", "high", "low", "volume"):
        getattr(changed, name)[t:] *= 3.7
    one, two = (data.cut([series], config()).held_out["assets"][0] for series in (whole, changed))
    upto = one.test.rows <= t  # the forecast of row t sees the rows up to t - 1
    assert upto.sum() == 21
    assert np.array_equal(one.test.past[upto], two.test.past[upto]) and np.array_equal(one.train.past, two.train.past)
    assert np.array_equal(one.train.next, two.train.next)
    made = [evaluation.forecasts(networks, asset, 8) for asset in (one, two)]
    for name in made[0]:
        assert np.array_equal(made[0][name][upto], made[1][name][upto]), name
        assert not np.isclose(made[0][name][~upto], made[1][name][~upto]).any(), name


# -- networks and losses -----------------------------------------------------------------------------------------------


def test_parameter_counts(networks):
    lstm, dense = 4 * (8 * (7 + 8) + 8), 8 * 7 + 7
    assert networks["generator"].count_params() == networks["lstm"].count_params() == lstm + dense
    judge = (42 * 72 + 72) + (72 * 100 + 100) + (100 * 10 + 10) + 11
    assert networks["discriminator"].count_params() == judge


def test_outputs(networks):
    from gankit_stock_gan.paper.networks import generator

    past, ones = np.random.default_rng(0).normal(size=(9, 5, 7)).astype("float32"), np.ones((9, 8), "float32")
    weights = networks["generator"].get_weights()
    made = {}
    for output, target in (("leaky_relu", "window"), ("linear", "window"), ("linear", "change")):
        network = generator(5, 8, output, target)
        network.set_weights(weights)
        made[output, target] = np.asarray(network([past, ones]))
    plain = made["linear", "window"]
    assert (plain < 0).any() and (plain > 0).any()
    assert made["leaky_relu", "window"] == pytest.approx(np.where(plain < 0, 0.2 * plain, plain), abs=1e-6)
    assert made["linear", "change"] == pytest.approx(plain + past[:, -1], abs=1e-6)
    hidden = network.predict([past, 0 * ones], verbose=0) - past[:, -1]
    assert hidden == pytest.approx(np.broadcast_to(weights[-1], (9, 7)), abs=1e-6)  # nothing but the bias is left


class Turn:
    """Plays networks whose outputs are known."""

    def __init__(self, past, ahead, made):
        self.batch, self.made = {"past": past, "next": ahead}, made
        self.shared = {"next": made}
        self.masks = []

    def __getitem__(self, field):
        return self.batch[field]

    def __call__(self, network, *inputs):
        if network == "discriminator":
            assert inputs[0] is self.batch["past"]
            return np.full((4, 1), 1.5) if inputs[1] is self.batch["next"] else np.full((4, 1), -0.5)
        self.masks.append(np.asarray(inputs[1]))
        return self.made

    def uniform(self, name, *shape):
        import tensorflow as tf

        return tf.reshape(tf.linspace(np.float64(0), 0.99, 4 * 50), (4, *shape))

    def global_mean(self, x):
        return x.mean(axis=0)


def test_losses_in_closed_form():
    from gankit_stock_gan.paper.phases import PaperGame

    rng = np.random.default_rng(3)
    past, ahead, made = rng.normal(size=(4, 5, 7)), rng.normal(size=(4, 7)), rng.normal(size=(4, 7))
    game = PaperGame(config(units=50, dropout=0.25, mse_weight=2, adversarial_weight=0.3))
    turn = Turn(past, ahead, made)
    terms = game.generate(turn)
    assert np.asarray(terms["mse"]) == pytest.approx(((ahead - made) ** 2).mean(axis=1))
    sigmoid = 1 / (1 + np.exp(0.5))  # of the logit -0.5
    assert np.asarray(terms["fake"]) == pytest.approx(np.full(4, np.log(1 - sigmoid)))
    judged = game.discriminate(turn)
    assert np.asarray(judged["real"]) == pytest.approx(np.full(4, np.log(1 + np.exp(-1.5))))
    assert np.asarray(judged["fake"]) == pytest.approx(np.full(4, -np.log(1 - sigmoid)))
    assert np.asarray(game.regress(turn)["mse"]) == pytest.approx(((ahead - made) ** 2).mean(axis=1))
    assert set(np.unique(turn.masks[0])) == {0, 1 / 0.75} and (turn.masks[0] == 0).mean() == pytest.approx(
        0.25, abs=0.01
    )
    stage = game.stage()
    assert [(p.name, dict(p.weights)) for p in stage.phases][1] == ("generator", {"mse": 2, "fake": 0.3})
    assert stage.reads == ("windows",) and stage.monitor.reads == ("held_out",)
    assert set(game.watched(turn)) == {"real", "fake"} and (turn.masks[-1] == 1).all()


def test_the_monitors_see_held_out_windows_alone():
    from gankit.engine.monitor_reader import MonitorReader

    recipe = StockGANPaper(config())
    found = data.cut([walk()], recipe.config)
    for name, source in found.train.items():  # the discriminator plays the mean of the day that it judges
        source.fields["next"] = np.full_like(source.fields["next"], 7.0 if name == "held_out" else -7.0)
    played = {
        "generator": lambda inputs, training: inputs[0][:, -1],
        "discriminator": lambda inputs, training: inputs[1][:, :1],
    }
    probe = MonitorReader(recipe.stages(found)[0], found, played, 0)
    assert probe.n == 40 and (probe.read(0)["real"] == 7).all()


# -- figures -----------------------------------------------------------------------------------------------------------


def asset_of(closes):
    """An asset whose last four closes are held out."""
    closes = np.asarray(closes, float)
    table = np.repeat(closes[:, None], 7, axis=1)
    series = Series("X", closes, volume=np.ones(len(closes)))
    return data.Asset(series, *(factors.windows(table, rows, 2, 1e-6) for rows in (np.array([2, 3]), np.arange(4, 8))))


def test_baselines_by_hand(monkeypatch):
    asset = asset_of([10, 10, 20, 40, 50, 40, 40, 80])
    monkeypatch.setattr(evaluation, "predict", lambda network, windows, units: np.array([44.0, 45, 38, 41]))
    made = evaluation.forecasts({"generator": None, "lstm": None}, asset, 8)
    assert made["persistence"].tolist() == [40, 50, 40, 40]
    assert made["drift"] == pytest.approx([80, 100, 80, 80])  # 10 -> 20 -> 40 doubles
    assert made["window mean"] == pytest.approx([30, 45, 45, 40])
    found = evaluation.figures(made["persistence"], asset)  # errors 10, 10, 0, 40 of 50, 40, 40, 80
    assert found == {
        "mae": 15,
        "rmse": pytest.approx(np.sqrt(1800 / 4)),
        "mape": pytest.approx(100 * (0.2 + 0.25 + 0 + 0.5) / 4),
        "mae_ratio": 1,
    }
    ours = evaluation.figures(made["ours"], asset)  # errors 6, 5, 2, 39; up, down, still, up: all right
    assert ours["mae"] == 13 and ours["mae_ratio"] == pytest.approx(13 / 15) and ours["directional"] == 1
    assert evaluation.figures(np.array([30.0, 50, 41, 41]), asset)["directional"] == pytest.approx(1 / 3)


def test_the_verdict_needs_significance():
    rng = np.random.default_rng(0)
    asset = data.cut([walk(600)], config(test=400)).held_out["assets"][0]
    noise = rng.normal(0, 0.01, 400)
    same = {"persistence": asset.last, "ours": asset.last * (1 + noise / 10)}
    seer = {"persistence": asset.last, "ours": asset.actual * (1 + noise / 10)}
    blind = {"persistence": asset.last, "ours": asset.last * 1.1}
    said, rows = evaluation.skill([asset], [same])
    assert said == rows[0]["verdict"] and said.startswith("no skill over persistence (DM p = ")
    assert evaluation.skill([asset], [seer])[0].startswith("better than persistence by ")
    other = replace(asset, series=replace(asset.series, name="Y"))
    said, rows = evaluation.skill([asset, other], [same, blind])
    assert said.startswith("X: no skill over persistence") and "Y: worse than persistence by " in said
    assert rows[1]["dm"] > 0 and rows[1]["dm_p_holm"] == pytest.approx(2 * rows[1]["dm_p"])
    said, rows = evaluation.skill([asset, other], [same, same])
    assert said == f"no skill over persistence on any of 2 series (DM p >= {rows[0]['dm_p_holm']:.2g} after Holm)"


def test_evaluation_pictures_and_table(networks, tmp_path):
    recipe = StockGANPaper(config(protocol="shuffled", splits="keep"))
    series = [walk(200, i, f"A/{i}") for i in range(6)]
    series[0].volume[:7] = 0
    found = data.cut(series, recipe.config)
    result = recipe.evaluate(networks, found)
    assert set(result.metrics) == {"mae", "rmse", "mape", "mae_ratio", "directional"}
    assert result.metrics["mae"] == pytest.approx(np.mean([row["mae"] for row in result.rows]))
    assert result.baselines["persistence"]["mae_ratio"] == 1 and "directional" not in result.baselines["persistence"]
    assert result.protocol["split"].startswith("leaky split") and "persistence" in result.verdict[0]
    for said in (
        "not investment advice",
        "A/0: no volume on 7 of 200 sessions",
        "short test of 40",
        "proxy",
        "overnight",
    ):
        assert said in result.protocol["warnings"]
    files = recipe.sample(networks, found, tmp_path)
    assert [file.suffix for file in files] == [".png"] * 5 + [".csv"]
    with files[-1].open() as file:
        rows = list(csv.DictReader(file))
    asset = found.held_out["assets"][2]
    mine = [row for row in rows if row["unique_id"] == "A/2"]
    assert len(rows) == 240 and [float(row["y"]) for row in mine] == pytest.approx(asset.actual)
    assert all(np.datetime64(row["cutoff"]) + 1 == np.datetime64(row["ds"]) for row in mine)
    assert [float(row["persistence"]) for row in mine] == pytest.approx(asset.last)


def test_persistence_on_sp500(networks):
    recipe = StockGANPaper(config(test=504))
    result = recipe.evaluate(networks, recipe.data())
    assert result.baselines["persistence"]["mae"] == pytest.approx(13.702, abs=5e-4)
    assert result.baselines["persistence"]["mape"] == pytest.approx(0.5222, abs=5e-5)
    assert result.baselines["drift"]["directional"] == pytest.approx(0.546, abs=2e-3)
