"""Paths: the recursion by hand, the tether, tuning."""

import json

import numpy as np
import pytest
from gankit_stock_gan.bars import Series
from gankit_stock_gan.model import calibration, memory, noise
from gankit_stock_gan.model.forecaster import Forecaster
from gankit_stock_gan.model.windows import Past
from gankit_stock_gan.simulation import facts, tuning
from gankit_stock_gan.simulation.simulate import SLOWEST, Tuning, ahead, anywhere, simulate

SHAPES = [(7, 12), (3, 12), (12,), (10, 5), (5,), (5, 4), (4,)]
RETURNS = np.random.default_rng(2).standard_t(5, 700) * 0.01


def forecaster(size=0.2, seed=0, last=None):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0, size, shape) for shape in SHAPES]
    if last is not None:
        weights[-1] = np.array(last, float)
    return Forecaster(tuple(weights), 10, 0)


def test_a_path_by_hand():
    made, z = forecaster(), np.random.default_rng(1).normal(size=(3, 5))
    start = np.repeat(memory.memories(RETURNS)[-1:], 3, 0)
    shape, state = made.read(memory.figures(start, np.full(3, RETURNS[-1])), made.start(3))
    found = simulate(made, start, shape, state, z)
    now = start
    for day in range(5):
        unit = np.sqrt(now[:, memory.SCALE] + memory.FLOOR)
        drawn = unit * noise.shaped(shape, z[:, [day]])[:, 0]
        assert np.allclose(found.scale[:, day], unit) and np.allclose(found.returns[:, day], drawn)
        now = memory.update(now, drawn)
        shape, state = made.read(memory.figures(now, drawn), state)


def test_paths_ahead_have_the_distribution_of_one_day():
    made, past = forecaster(), Past.of(RETURNS)
    rows = np.array([400, 698])
    paths = ahead(made, past, rows, 400, 3, seed=5)
    assert paths.shape == (2, 400, 3)
    assert np.allclose(np.sort(paths[:, :, 0], axis=1), made.raw(past, rows, calibration.levels(400)))
    assert not np.array_equal(paths, ahead(made, past, rows, 400, 3, seed=6))
    alone = ahead(made, past, rows[1:], 400, 3, seed=5)  # an origin knows no other
    assert np.allclose(paths[1:], alone, rtol=1e-9, atol=1e-12)  # products of other sizes round differently


def test_the_tether_holds_the_level():
    weights = [w * 0 for w in forecaster().weights]
    weights[3][4, 0] = weights[3][5, 0] = weights[3][6, 0] = -0.3  # volatility returns to the slow mean
    weights[5][0, 0] = 1.0
    returning, anchor = Forecaster(tuple(weights), 10, 0), 1e-4

    def level(pull, lower):
        paths = anywhere(returning, Tuning(anchor, pull=pull, level=lower), 60, 1500).returns
        return paths[:, -300:].std() / np.sqrt(anchor)

    assert level(0.0, 0.0) > 2 and level(0.0, -0.2) < 0.5  # without one it wanders off
    assert 0.7 < level(0.3, -0.2) < level(0.3, 0.0) < 1.4


def test_tuning_changes_what_it_says():
    shape = np.arange(8.0).reshape(2, 4)
    tuned = Tuning(1.0, 0.1, gain=2, level=0.5, drift=1, skew=2, tails=3, leverage=0.5)
    assert np.array_equal(tuned.shape(shape), [[0.5, 2, 4, 6], [8.5, 6, 8, 10]])
    assert np.array_equal(tuned.seen(np.ones((1, 7))), [[1, 1, 1, 1, 0.5, 0.5, 0.5]])
    before = np.array([[1.0, 2, 3, 4, 5, 6, 7]])
    after = tuned.tether(before)
    assert after[0, SLOWEST] == pytest.approx(4 + 0.1 * (1 - 4)) and np.array_equal(after[0, 4:], before[0, 4:])
    assert np.array_equal(before[0], [1, 2, 3, 4, 5, 6, 7])
    assert Tuning(1e-3).tether(before)[0, 0] == 1.0  # a thousand times the anchor at most
    plain = Tuning(1.0)
    assert np.array_equal(plain.shape(shape), shape) and np.array_equal(plain.seen(shape), shape)


@pytest.mark.slow
def test_the_search_improves_on_its_beginning(monkeypatch):
    monkeypatch.setattr(tuning, "PATHS", 10)
    history = anywhere(forecaster(), Tuning(1e-4, 0.02, skew=-0.3), 1, 1100, seed=9).returns[0]
    told = []
    found = tuning.tune(forecaster(), history, evaluations=25, told=told.append)
    assert told == [1] * 25 and found.anchor == pytest.approx(history.var())
    real = facts.facts(history)

    def away(one):
        return tuning.mismatch(history, real, anywhere(forecaster(), one, 10, 1100).returns)

    assert away(found) < away(tuning._tuning(tuning.BEGIN, found.anchor))
    assert tuning.mismatch(history, real, np.zeros((3, 1100))) == tuning.WORST
    assert tuning.mismatch(history, real, history[None]) == pytest.approx(0, abs=1e-9)


def test_few_returns_match_the_level_alone(caplog):
    found = tuning.tune(forecaster(), RETURNS)
    assert found == Tuning(float(RETURNS.var())) and "too few to tune" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"anchor": "1"}',
        '{"anchor": NaN}',
        '{"anchor": -1.0}',
        "[" * 100_000,
        '{"anchor": 1, "gain": []}',
    ],
)
def test_a_damaged_tuning_is_made_again(tmp_path, monkeypatch, caplog, text):
    series = Series("ABC", np.exp(np.cumsum(np.full(50, 0.01))))
    monkeypatch.setattr(tuning, "tune", lambda *arguments: Tuning(0.5))
    assert tuning.kept(None, series, 0, tmp_path, "last") == Tuning(0.5)
    (path,) = tmp_path.glob("tuning/*.json")
    path.write_text(text)
    assert tuning.kept(None, series, 0, tmp_path, "last") == Tuning(0.5)
    assert "is damaged" in caplog.text and json.loads(path.read_text())["anchor"] == 0.5
    monkeypatch.setattr(tuning, "tune", None)
    assert tuning.kept(None, series, 0, tmp_path, "last") == Tuning(0.5)
