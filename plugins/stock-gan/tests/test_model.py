"""The model: what it sees, how noise becomes a return, its losses against brute force, NumPy against Keras."""

import numpy as np
import pytest
from gankit_stock_gan.backtest import scores
from gankit_stock_gan.config import StockConfig
from gankit_stock_gan.model import calibration, memory, noise
from gankit_stock_gan.model.forecaster import Forecaster
from gankit_stock_gan.model.windows import Past, WindowSource
from scipy.special import ndtri

RNG = np.random.default_rng(0)
RETURNS = RNG.standard_t(5, 600) * 0.01


@pytest.fixture(scope="module")
def network():
    """A generator with random weights."""
    from gankit_stock_gan.model.networks import days

    built = days(3, 5, "generator")
    rng = np.random.default_rng(1)
    built.set_weights([rng.normal(0, 0.5, w.shape) for w in built.get_weights()])
    return built


def test_the_memory_is_weighted_means_of_squares_and_returns():
    found = memory.memories(RETURNS)
    assert found.shape == (600, memory.WIDTH)
    assert np.allclose(found[0], [RETURNS[0] ** 2] * 4 + [RETURNS[0]] * 3)
    assert np.allclose(found[2, :4], np.mean(RETURNS[:3] ** 2)) and np.allclose(found[2, 4:], RETURNS[:3].mean())
    mean = found[299, memory.SCALE]
    for value in RETURNS[300:]:
        mean = mean * 16 / 17 + value**2 / 17
    assert found[-1, memory.SCALE] == pytest.approx(mean, rel=1e-12)
    assert memory.scale(found)[-1] == pytest.approx(np.sqrt(mean + 1e-12), rel=1e-12)


def test_what_is_seen_knows_no_scale():
    small, large = Past.of(RETURNS), Past.of(RETURNS * 7)
    assert np.allclose(small.seen, large.seen, atol=1e-6) and np.allclose(small.scale * 7, large.scale, rtol=1e-6)
    assert np.isfinite(Past.of(np.zeros(50)).seen).all()


def test_arrays_and_tensors_give_the_same():
    import tensorflow as tf

    start, step = memory.memories(RETURNS[:300])[-1:], RETURNS[300:301]
    tensors = tf.constant(start), tf.constant(step)
    assert np.allclose(memory.update(start, step), memory.update(*tensors), rtol=1e-14)
    assert np.allclose(memory.figures(start, step), memory.figures(*tensors), rtol=1e-12)
    shape, z = RNG.normal(size=(4, 4)), RNG.normal(size=(4, 9))
    assert np.allclose(noise.shaped(shape, z), noise.shaped(tf.constant(shape), tf.constant(z)), rtol=1e-12)


def test_noise_becomes_returns_as_jones_and_pewsey_say():
    z = np.linspace(-4, 4, 101)
    plain = noise.shaped(np.zeros((1, 4)), z[None])[0]
    assert np.allclose(plain, 0.85 * np.sinh(np.arcsinh(z) / 0.85))
    for shape in RNG.normal(0, 2, (20, 4)):
        assert (np.diff(noise.shaped(shape, z)) > 0).all()  # quantiles stay quantiles
    wide, right, heavy = ([[1.0, 0, 0, 0]], [[0, 0, 1.0, 0]], [[0, 0, 0, -1.0]])
    assert np.allclose(noise.shaped(np.array(wide), z[None])[0], np.exp(1.5 * np.tanh(1)) * plain)
    skewed = noise.shaped(np.array(right), z[None])[0]
    assert skewed.mean() > plain.mean() + 0.4 and skewed[50] == pytest.approx(0)  # the median stays
    d, c = 0.85, np.tanh(1)
    assert np.allclose(skewed, d * (np.sinh((np.arcsinh(z) + c) / d) - np.sinh(c / d)))
    assert noise.shaped(np.array([[0, 9.0, 0, 0]]), z[None])[0, 50] == pytest.approx(0.3)
    assert noise.shaped(np.array(heavy), z[None])[0, -1] > 1.2 * plain[-1]


def test_the_forecaster_is_the_network(network):
    forecaster = Forecaster.of(network, 20, 0)
    seen, state = RNG.normal(size=(11, memory.FIGURES)), RNG.normal(size=(11, 6)) * 0.3
    shape, after = forecaster.read(seen, state)
    theirs = np.asarray(network(np.concatenate([seen, state], 1).astype("float32")))
    assert np.allclose(np.concatenate([shape, after], 1), theirs, atol=2e-6)


def test_a_forecast_reads_just_its_window(network):
    forecaster, past = Forecaster.of(network, 8, 0), Past.of(RETURNS)
    rows = np.array([forecaster.earliest, 300, 598])
    shape, state = forecaster.after(past, rows)
    for i, row in enumerate(rows):
        alone = forecaster.start(1)
        for session in range(row - 7, row + 1):
            one, alone = forecaster.read(past.seen[session : session + 1], alone)
        assert np.allclose(one[0], shape[i], rtol=1e-12) and np.allclose(alone[0], state[i], rtol=1e-12)
    quantiles = forecaster.raw(past, rows, np.array([0.1, 0.5, 0.9]))
    assert np.allclose(quantiles, past.scale[rows, None] * noise.shaped(shape, ndtri([[0.1, 0.5, 0.9]])))


def test_pits_are_the_levels_of_what_came(network):
    forecaster, past = Forecaster.of(network, 8, 0), Past.of(RETURNS)
    pits = forecaster.pits(past)
    assert np.isnan(pits[: forecaster.earliest + 1]).all() and np.isfinite(pits[forecaster.earliest + 1 :]).all()
    rows = np.arange(forecaster.earliest, 599)
    inside = (pits[rows + 1] > 0.02) & (pits[rows + 1] < 0.98)
    again = forecaster.raw(past, rows, pits[rows + 1][:, None])[:, 0]
    assert np.allclose(again[inside], past.returns[rows + 1][inside], atol=2e-5)


def test_correction_leaves_the_calibrated_and_widens_the_narrow():
    wanted = calibration.levels(50)
    assert np.array_equal(calibration.corrected(np.array([]), wanted), wanted)
    uniform = calibration.corrected(calibration.levels(1000), wanted)
    assert np.abs(uniform - wanted).max() < 2e-3
    outside = RNG.beta(0.5, 0.5, 4000)  # outcomes too often in the tails
    share = (4000 * np.quantile(np.abs(2 * outside - 1), 0.9) + 250 * 0.9) / 4250
    assert share > 0.95
    found = calibration.corrected(outside, np.array([0.05, 0.5, 0.95]))
    assert found == pytest.approx([(1 - share) / 2, 0.5, (1 + share) / 2], abs=2e-3)
    assert (np.diff(calibration.corrected(outside, wanted)) > 0).all()
    assert np.allclose(calibration.corrected(outside, wanted), calibration.corrected(1 - outside, wanted))


def test_rolling_correction_looks_at_the_past_alone():
    pits, wanted = RNG.uniform(size=200), calibration.levels(10)
    pits[:20] = np.nan
    found = calibration.rolling(pits, np.array([100, 150]), 40, wanted)
    assert np.array_equal(found[1], calibration.corrected(pits[110:150], wanted))
    changed = pits.copy()
    changed[100:] = 0.5
    assert np.array_equal(calibration.rolling(changed, np.array([100]), 40, wanted)[0], found[0])
    assert np.array_equal(calibration.rolling(pits, np.array([100]), 0, wanted)[0], wanted)


def test_windows_are_consecutive_and_within_one_series():
    first, second = Past.of(RETURNS[:200]), Past.of(RETURNS[200:] * 3)
    source = WindowSource([first, second], 10, 3)
    per = [len(past.returns) - 3 - (memory.BURN_IN + 9) for past in (first, second)]
    assert source.n == sum(per)
    batch = {k: np.asarray(v) for k, v in source.gather(np.arange(source.n), None, 0).items()}
    assert batch["seen"].shape == (source.n, 10, memory.FIGURES) and batch["future"].shape == (source.n, 3)
    for row, past, origin in ((0, first, memory.BURN_IN + 9), (per[0] - 1, first, 196), (per[0], second, 73)):
        assert np.allclose(batch["past"][row], past.returns[origin - 9 : origin + 1], atol=1e-7)
        assert np.allclose(batch["future"][row], past.returns[origin + 1 : origin + 4], atol=1e-7)
        assert np.allclose(batch["memory"][row], past.memory[origin], atol=1e-7)
        assert np.allclose(batch["scale"][row], past.scale[origin - 9 : origin + 1], atol=1e-7)


class Fixed:
    """A turn whose networks' outputs and noise are given."""

    def __init__(self, batch, shared, strata=0.5):
        self.batch, self.shared, self.strata = batch, shared, strata

    def __getitem__(self, field):
        return self.batch[field]

    def uniform(self, name, *shape):
        import tensorflow as tf

        return tf.fill((2, *shape), tf.constant(self.strata, tf.float64))


def game(**options):
    from gankit_stock_gan.model.phases import ReturnsGame

    return ReturnsGame(StockConfig(window=8, horizon=3, samples=4, **options), lambda networks, data: {})


def batch():
    import tensorflow as tf

    rng = np.random.default_rng(3)
    values = {
        "scale": rng.uniform(0.5, 2, (2, 8)), "past": rng.normal(size=(2, 8)), "future": rng.normal(size=(2, 3)),
        "memory": rng.uniform(0.5, 2, (2, memory.WIDTH)),
    }  # fmt: skip
    return values, {key: tf.constant(value) for key, value in values.items()}


def test_the_score_is_the_crps_of_every_next_session():
    import tensorflow as tf

    values, tensors = batch()
    shapes = np.random.default_rng(4).normal(0, 0.5, (2, 8, 4))
    found = game().score(Fixed(tensors, {"shapes": tf.constant(shapes)}))
    z = ndtri((np.arange(16) + 0.5) / 16)
    series = np.concatenate([values["past"], values["future"][:, :1]], 1)
    wanted = [
        [
            scores.crps(noise.shaped(shapes[i, day], z)[None], series[i, day + 1 : day + 2] / values["scale"][i, day])
            for day in range(5, 8)
        ]
        for i in range(2)
    ]
    assert np.allclose(found, np.mean(wanted, axis=1)[:, 0], rtol=1e-9)


def test_the_path_loss_is_the_energy_score():
    import tensorflow as tf

    values, tensors = batch()
    paths = np.random.default_rng(5).normal(size=(2, 4, 3))
    found = game().path(Fixed(tensors, {"paths": tf.constant(paths)}))
    unit = memory.scale(values["memory"])[:, None] * np.sqrt([1, 2, 3])
    places, place = paths.cumsum(-1) / unit[:, None], values["future"].cumsum(-1) / unit

    def apart(a, b):
        return np.sqrt(((a - b) ** 2).mean(-1) + 1e-6)

    wanted = [
        np.mean([apart(x, place[i]) for x in places[i]])
        - np.mean([apart(places[i, j], places[i, k]) for j in range(4) for k in range(4) if j != k]) / 2
        for i in range(2)
    ]
    assert np.allclose(found, wanted, rtol=1e-9)


def test_paths_feed_their_returns_back(network):
    import tensorflow as tf

    values, tensors = batch()
    z = np.random.default_rng(6).normal(size=(2, 4, 3)).astype("float32")
    shape, state = np.random.default_rng(7).normal(0, 0.3, (2, 2, 4)), np.zeros((2, 6))

    def turn(name, x):
        return tf.cast(network(x), tf.float64)

    turn.normal = lambda name, *shape: tf.constant(z)
    fake = type("T", (), {"__call__": lambda self, *a: turn(*a), "__getitem__": lambda self, k: tensors[k]})()
    fake.normal = turn.normal
    found = game(units=3)._paths(fake, tf.constant(shape[:, 0]), tf.constant(state)).numpy()
    forecaster = Forecaster.of(network, 8, 0)
    for i in range(2):
        for j in range(4):
            now, one, before = values["memory"][i : i + 1], shape[i : i + 1, 0], state[i : i + 1]
            for day in range(3):
                drawn = memory.scale(now) * noise.shaped(one, z[i, j, day].reshape(1, 1))[:, 0]
                assert found[i, j, day] == pytest.approx(drawn[0], rel=1e-4)
                now = memory.update(now, drawn)
                one, before = forecaster.read(memory.figures(now, drawn), before)
