"""The engine against closed forms: scalar networks whose gradients can be written down, then the toy ring."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from toy import Ring, RingConfig

from gankit import ArraySource, Data, Phase, Recipe, Stage, Training
from gankit.config import resolve
from gankit.engine.distribution import place
from gankit.engine.game import Game
from gankit.engine.precision import precision
from gankit.engine.step import CompiledStage
from gankit.errors import ConfigError, DataError, RecipeError

X = np.array([0.5, -1.0, 2.0, 3.0])  # a batch; the order of rows does not matter to a mean
START = {"g": 0.75, "h": -0.375, "d": 1.5}  # exact in float32, through which Keras' initializers pass


def line(*weights):
    """y = w1 w2 ... x, a network of scalars."""
    layers = [keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(w)) for w in weights]
    return keras.Sequential([keras.Input((1,)), *layers])


class Tiny(Recipe):
    """A recipe from pieces; networks g, h and d are lines through 0, each with its SGD of rate 0.1."""

    name = "tiny"

    def __init__(self, *phases, networks=None, optimizers=None, data=None, steps=100, ema=None, **stage):
        self.phases, self.stage_options, self.steps = phases, stage, steps
        self.makers = networks or {name: lambda w=w: line(w) for name, w in START.items()}
        self.optimizer_makers = optimizers or {}
        self.source = data if data is not None else {"x": ArraySource(x=X[:, None])}
        self.ema = ema or {}

    def data(self):
        return Data(self.source)

    def networks(self, data):
        return {name: make() for name, make in self.makers.items()}

    def optimizers(self):
        made = {phase.optimizer_key: keras.optimizers.SGD(0.1) for phase in self.phases}
        return made | {key: make() for key, make in self.optimizer_makers.items()}

    def stages(self, data):
        return [Stage("only", self.steps, tuple(self.phases), **self.stage_options)]


class Play:
    """A recipe's stage, opened in float64."""

    def __init__(self, recipe, batch=4, kind="single", devices=None, per_call=20, steps=None, start=0, state=None):
        self.data = recipe.data()
        training = Training(batch_size=batch, seed=3)
        with precision("float64"):
            self.game = Game(recipe, self.data, place(kind, devices), training)
            if state:
                self.game.set_state(state)
            self.stage = CompiledStage(self.game, self.game.stages[0], per_call)
            self.stage.begin(self.data, start, steps or self.game.stages[0].steps)

    def __call__(self, step, count, total=None):
        with precision("float64"):
            self.readings = self.stage.advance(step, count, step if total is None else total)
        return self.readings

    def weights(self, name):
        return [float(v.numpy().squeeze()) for v in self.game.networks[name].weights]

    def __getitem__(self, name):
        return self.weights(name)[0]

    def log(self, name, step=-1):
        return self.readings.values[step, self.readings.names.index(name)]


def run(recipe, count=1, **options):
    play = Play(recipe, **options)
    play(0, count)
    return play


def ones(turn):
    return tf.ones_like(turn["x"])


def weight(turn, network):
    """The network's weight itself, `[batch]`."""
    return turn(network, ones(turn))[:, 0]


def phase(loss=None, **options):
    return Phase("p", options.pop("trains", ("g",)), loss or (lambda turn: {"t": weight(turn, "g")}), **options)


def close(a, b, tolerance=1e-13):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


# --- one step --------------------------------------------------------------------------------------------------------


def test_one_step_is_the_one_computed_by_hand():
    def loss(turn):
        y = turn("g", turn["x"])[:, 0]
        return {"square": y**2, "line": y, "unused": 0 * y}

    play = run(Tiny(Phase("p", ("g",), loss, {"square": 2.0, "line": -3.0})))
    g = START["g"]
    gradient = 4 * g * (X**2).mean() - 3 * X.mean()
    close(play["g"], g - 0.1 * gradient)
    close(play.log("p/square"), g**2 * (X**2).mean())  # unweighted
    close(play.log("p/line"), g * X.mean())
    close(play.log("p/gradient_norm"), abs(gradient))
    assert play.readings.names == ["p/square", "p/line", "p/unused", "p/gradient_norm"]
    assert play["d"] == START["d"] and play["h"] == START["h"]  # nothing else moved
    assert play.readings.ran.all() and play.readings.non_finite() is None


def test_phases_see_what_earlier_phases_moved():
    def first(turn):
        return {"t": weight(turn, "g")}

    def second(turn):
        return {"t": weight(turn, "g") * weight(turn, "d")}

    play = run(Tiny(Phase("a", ("g",), first), Phase("b", ("d",), second)))
    close(play["g"], START["g"] - 0.1)
    close(play["d"], START["d"] - 0.1 * (START["g"] - 0.1))


def test_only_networks_that_the_stage_trains_are_called_in_training_mode():
    seen = {}

    class Spy(keras.layers.Layer):
        def call(self, x, training=None):
            seen.setdefault(self.name, set()).add(training)
            return x

    def spied(name):
        return lambda: keras.Sequential([keras.Input((1,)), Spy(name=f"spy_{name}"), *line(1.0).layers])

    def loss(turn):
        return {"t": (turn("g", turn["x"]) * turn("d", turn["x"]))[:, 0]}

    play = Play(Tiny(Phase("p", ("g",), loss), networks={name: spied(name) for name in "gd"}))
    seen.clear()
    play(0, 1)
    assert seen == {"spy_g": {True}, "spy_d": {False}}
    assert not play.game.networks["d"].trainable and play.game.networks["g"].trainable
    assert not any("/d/" in name for name in play.game.get_state())  # frozen networks are not saved


# --- shared values ---------------------------------------------------------------------------------------------------
# fake = g1 g2 x is shared. Its makers move between its uses, and each term is a product, so that a gradient through an
# old value, through half of the path or through nothing is another number.


def step_by_hand(refresh, phases):
    """The same step in Python: weights after it, and the mean of the fakes that each phase saw."""
    w = {"g": [0.75, 1.25], "d": [1.5]}
    made, saw = None, {}
    for name, trains in phases:
        if made is None or (refresh and made != w["g"]):
            made = list(w["g"])
        a, b = made
        d, fake = w["d"][0], a * b * X
        now = w["g"][0] * w["g"][1] * X
        saw[name] = fake.mean()
        # the terms of `losses` below: d fake + fake^3 + 5 (g x)^2, where (g x) is recomputed with today's weights
        outer = d + 3 * fake**2
        through = [(outer * b * X).mean(), (outer * a * X).mean()]
        direct = [(10 * now * w["g"][1] * X).mean(), (10 * now * w["g"][0] * X).mean()]
        gradient = {"g": np.add(through, direct), "d": [fake.mean()]}
        for network in trains:
            w[network] = list(np.array(w[network]) - 0.01 * np.array(gradient[network]))
    return w, saw


def fakes(turn):
    return {"fake": turn("g", turn["x"])}


def game_of(phases, refresh, calls=None):
    def count(name):
        if calls is not None:
            calls[name] = calls.get(name, 0) + 1

    def losses(name):
        def loss(turn):
            count(name)
            fake = turn.shared["fake"][:, 0]
            direct = turn("g", turn["x"])[:, 0]
            return {
                "fake": fake,
                "a": weight(turn, "d") * fake,
                "b": fake**3,
                "c": 5 * direct**2,
            }

        return loss

    def shared(turn):
        count("shared")
        return fakes(turn)

    return Tiny(
        *[Phase(name, trains, losses(name), {"fake": 0.0}) for name, trains in phases],
        networks={"g": lambda: line(0.75, 1.25), "d": lambda: line(1.5)},
        optimizers={name: lambda: keras.optimizers.SGD(0.01) for name, _ in phases},
        shared=shared,
        refresh=refresh,
    )


ORDERS = {
    "critic first": [("d", ("d",)), ("g", ("g",))],
    "critic last": [("g", ("g",)), ("d", ("d",))],
    "two that train the maker": [("d", ("d",)), ("g", ("g",)), ("again", ("g",)), ("third", ("g",)), ("late", ("d",))],
    "together": [("both", ("g", "d")), ("g", ("g",)), ("late", ("d", "g"))],
}


@pytest.mark.parametrize("refresh", [True, False])
@pytest.mark.parametrize("order", ORDERS)
def test_gradients_through_shared_values(order, refresh):
    phases = ORDERS[order]
    play = run(game_of(phases, refresh))
    w, saw = step_by_hand(refresh, phases)
    close(play.weights("g"), w["g"])
    close(play.weights("d"), w["d"])
    for name, mean in saw.items():  # never older than its makers, unless the recipe wants simultaneous updates
        close(play.log(f"{name}/fake"), mean)


def test_a_spent_tape_is_never_entered_again():
    """The gradient of the second use alone would be 1, where 31 is true: fake = w, loss = 1 fake + 30 fake."""

    def a(turn):
        return {"t": turn.shared["fake"][:, 0]}

    def b(turn):
        return {"t": 30 * turn.shared["fake"][:, 0] + weight(turn, "g")}

    for refresh in (True, False):
        recipe = Tiny(
            Phase("a", ("g",), a),
            Phase("b", ("g",), b),
            shared=lambda turn: {"fake": turn("g", ones(turn))},
            refresh=refresh,
        )
        play = run(recipe)
        close(play.log("a/gradient_norm"), 1)
        close(play.log("b/gradient_norm"), 31)
        close(play["g"], START["g"] - 0.1 * 32)


def test_shared_values_of_two_makers():
    """A phase that trains one maker differentiates through it alone, and the next sees its move."""

    def both(turn):
        return {"product": turn("g", ones(turn)) * turn("h", ones(turn))}

    def loss(turn):
        return {"t": turn.shared["product"][:, 0]}

    play = run(Tiny(Phase("h", ("h",), loss), Phase("g", ("g",), loss), shared=both))
    h = START["h"] - 0.1 * START["g"]
    close(play["h"], h)
    close(play["g"], START["g"] - 0.1 * h)
    play = run(Tiny(Phase("h", ("h",), loss), Phase("g", ("g",), loss), shared=both, refresh=False))
    close(play["h"], h)
    close(play["g"], START["g"] - 0.1 * START["h"])


def test_a_critic_gives_its_makers_no_gradient():
    play = run(game_of([("d", ("d",))], True), 3)
    assert play.weights("g") == [0.75, 1.25]
    close(play["d"], 1.5 - 3 * 0.01 * 0.75 * 1.25 * X.mean())


def test_shared_values_are_computed_no_oftener_than_needed():
    for phases, times in ((ORDERS["critic first"], 1), (ORDERS["critic last"], 2), (ORDERS["together"], 3)):
        calls = {}
        run(game_of(phases, True, calls))
        assert calls["shared"] == times * calls[phases[0][0]], phases
    calls = {}
    run(game_of(ORDERS["two that train the maker"], False, calls))
    assert calls["shared"] == calls["d"]


def test_shared_values_that_nobody_reads_are_not_computed():
    calls = []
    play = run(Tiny(phase(), shared=lambda turn: calls.append(1) or {}))
    assert not calls
    close(play["g"], START["g"] - 0.1)


def test_a_move_on_one_batch_makes_the_shared_values_of_all_batches_old():
    """The critic makes the fakes of both batches of a step; then the generator moves between them."""

    def critic(turn):
        return {"t": weight(turn, "d") * turn.shared["fake"][:, 0]}

    def generator(turn):
        return {"t": turn.shared["fake"][:, 0] ** 2}

    recipe = Tiny(
        Phase("critic", ("d",), critic, repeats=2),
        Phase("generator", ("g",), generator, repeats=2),
        shared=lambda turn: {"fake": turn("g", ones(turn))},
    )
    play = run(recipe)
    close(play["d"], START["d"] - 2 * 0.1 * START["g"])
    close(play["g"], START["g"] * 0.8 * 0.8)  # gradient 2 g, each time of the g of that moment


# --- batches, repeats, every, schedules ------------------------------------------------------------------------------


def sum_of_indices(network):
    """After updates with SGD(0.1) the network has lost 0.1 times the sum of the batches' mean indices."""
    return lambda turn: {"t": weight(turn, network) * tf.cast(turn["index"], "float64")}


@pytest.mark.parametrize("kind, devices", [("single", None), ("mirrored", 2)])
def test_repeats_use_fresh_batches_and_the_others_the_last(kind, devices):
    recipe = Tiny(
        Phase("critic", ("d",), sum_of_indices("d"), repeats=3),
        Phase("pair", ("h",), sum_of_indices("h"), repeats=2),
        Phase("generator", ("g",), sum_of_indices("g")),
    )
    start = 2
    play = Play(recipe, kind=kind, devices=devices, start=start)
    play(start, 3)
    play(start + 3, 1)
    means = (np.arange(start * 3, (start + 4) * 3) * 4 + 1.5).reshape(4, 3)  # step, batch
    close(play["d"], START["d"] - 0.1 * means.sum())
    close(play["h"], START["h"] - 0.1 * means[:, 1:].sum())
    close(play["g"], START["g"] - 0.1 * means[:, 2:].sum())


def test_an_epoch_of_training_sees_each_row_once():
    """Eight batches of 4 out of 32 rows: the sum over an epoch is that of the data, whatever the order."""
    values = np.random.default_rng(0).normal(size=32)

    def loss(turn):
        return {"t": weight(turn, "g") * turn["v"]}

    recipe = Tiny(Phase("p", ("g",), loss), data={"x": ArraySource(x=np.ones((32, 1)), v=values)})
    play = Play(recipe)
    play(0, 8)
    first = START["g"] - play["g"]
    close(first, 0.1 * values.sum() / 4)
    play(8, 8)
    close(START["g"] - play["g"], 2 * first)
    half = Play(recipe)
    half(0, 4)
    assert abs(START["g"] - half["g"] - first / 2) > 1e-3


def knob_sum(network):
    return lambda turn: {"t": weight(turn, network) * turn.knobs["step"]}


@pytest.mark.parametrize("kind, devices", [("single", None), ("mirrored", 2)])
def test_lazy_phases_run_in_their_steps_only(kind, devices):
    recipe = Tiny(
        Phase("two", ("h",), knob_sum("h"), every=2),
        Phase("all", ("g",), knob_sum("g")),
        Phase("three", ("d",), knob_sum("d"), every=3),
        knobs={"step": float},
    )
    play = Play(recipe, kind=kind, devices=devices)
    readings = [play(0, 5), play(5, 8)]
    steps = np.arange(13)
    for name, network, every in (("two", "h", 2), ("all", "g", 1), ("three", "d", 3)):
        ran = steps % every == 0
        close(play[network], START[network] - 0.1 * steps[ran].sum())
        for part in ("t", "gradient_norm"):
            column = readings[0].names.index(f"{name}/{part}")
            np.testing.assert_array_equal(np.concatenate([r.ran[:, column] for r in readings]), ran)
            values = np.concatenate([r.values[:, column] for r in readings])
            assert (values[~ran] == 0).all()
            if part == "gradient_norm":
                close(values[ran], steps[ran])
    assert [r.first for r in readings] == [0, 5]


def test_a_stage_may_be_lazy_altogether():
    play = run(Tiny(Phase("p", ("g",), knob_sum("g"), every=4), knobs={"step": float}), 10)
    close(play["g"], START["g"] - 0.1 * (4 + 8))
    np.testing.assert_array_equal(play.readings.ran[:, 0], np.arange(10) % 4 == 0)


def test_learning_rates_and_knobs_go_by_the_step_of_the_stage():
    """Whatever repeats and every are; and an optimizer without a schedule keeps its own rate."""
    recipe = Tiny(
        Phase("often", ("g",), lambda turn: {"t": weight(turn, "g")}, lr=lambda step: 0.1 * (step + 1), repeats=3),
        Phase("rare", ("h",), lambda turn: {"t": weight(turn, "h")}, lr=lambda step: 0.01 * step, every=3),
        Phase("plain", ("d",), knob_sum("d")),
        knobs={"step": lambda step: 2.0 * step},
    )
    play = Play(recipe, start=4)
    play(4, 3)
    play(7, 2)
    steps = np.arange(4, 9)
    close(play["g"], START["g"] - 3 * 0.1 * (steps + 1).sum())
    close(play["h"], START["h"] - 0.01 * 6)
    close(play["d"], START["d"] - 0.1 * 2 * steps.sum())
    close(play.stage.rates(6)["often"], 0.7)
    close(play.stage.rates(6)["plain"], 0.1)


@pytest.mark.parametrize("steps, nominal", [(10, 10 * np.arange(10)), (100, np.arange(10)), (49, [0, 2, 4, 6, 8])])
def test_a_shortened_stage_stretches_its_schedules(steps, nominal):
    seen = []
    recipe = Tiny(
        Phase("p", ("g",), knob_sum("g"), lr=lambda step: seen.append(step) or 0.001 * step),
        knobs={"step": float},
    )
    play = Play(recipe, steps=steps)
    seen.clear()
    play(0, len(nominal))
    assert seen == list(nominal)
    close(play["g"], START["g"] - 0.001 * np.square(nominal).sum())


def test_no_step_is_traced_twice():
    traced = []

    def loss(turn):
        traced.append(1)
        return {"t": weight(turn, "g")}

    play = Play(Tiny(Phase("p", ("g",), loss, lr=lambda step: 1 / (step + 1)), knobs={"k": float}))
    play(0, 1)
    before = len(traced)
    for step, count in ((1, 5), (6, 20), (26, 3)):
        play(step, count)
    play.stage.begin(play.data, 0, 100)
    play(0, 2)
    assert len(traced) == before


def test_streams_end_at_once():
    """With tf.data's autotuner an iterator's end waited for a thread that sleeps up to a minute, 47 s in one case."""
    stage = Play(Tiny(phase())).stage
    assert stage._iterator._dataset.options().autotune.enabled is False


# --- replicas --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, devices", [("single", None), ("mirrored", 2)])
def test_clipping_is_of_the_whole_gradient(kind, devices):
    """Gradients -2 and +4 on two replicas: the mean 1 is clipped to 0.5. Clipped on each replica, they would cancel."""

    def loss(turn):
        return {"t": weight(turn, "g") * turn["v"], "u": weight(turn, "h") * 0 + 1}

    recipe = Tiny(
        Phase("clipped", ("g",), loss, clip=0.5),
        Phase("loose", ("d",), lambda turn: {"t": weight(turn, "d") * turn["v"]}, clip=5.0),
        data={"x": ArraySource(x=np.ones((2, 1)), v=np.array([-2.0, 4.0]))},
    )
    play = run(recipe, batch=2, kind=kind, devices=devices)
    close(play["g"], START["g"] - 0.1 * 0.5)
    close(play["d"], START["d"] - 0.1)
    close(play.log("clipped/gradient_norm"), 1)  # before clipping
    close(play.log("clipped/u"), 1)


def test_clipping_is_by_the_norm_over_all_networks():
    def loss(turn):
        return {"t": 3 * weight(turn, "g") + 4 * weight(turn, "h")}

    play = run(Tiny(Phase("p", ("g", "h"), loss, clip=1.0)))
    close([play["g"], play["h"]], [START["g"] - 0.06, START["h"] - 0.08])


@pytest.mark.parametrize("kind, devices", [("single", None), ("mirrored", 2)])
def test_global_mean_is_over_all_replicas_and_differentiable(kind, devices):
    """loss_i = x_i m(g x)^2 + relu(g x_i - m(g x))^2, with m the mean over the whole batch."""

    def loss(turn):
        y = turn("g", turn["x"])[:, 0]
        m = turn.global_mean(y)
        return {"a": turn["x"][:, 0] * m**2, "b": tf.nn.relu(y - m) ** 2, "m": m + 0 * y}

    play = run(Tiny(Phase("p", ("g",), loss, {"m": 0.0})), kind=kind, devices=devices)
    g, m = START["g"], X.mean()
    above = np.maximum(g * (X - m), 0)
    close(play.log("p/m"), g * m)
    close(play.log("p/b"), (above**2).mean())
    close(play["g"], g - 0.1 * (2 * g * m**3 + (2 * above * (X - m)).mean()))


RING = {
    "alternating": {"lazy": 2, "repeats": 1, "clip": 0.3, "refresh": True},
    "simultaneous": {"lazy": 3, "repeats": 1, "refresh": False},
    "repeats": {"repeats": 2, "clip": 0.3, "refresh": True},
}


@functools.cache
def ring(kind="single", devices=None, dtype="float64", cuts=(20,), **options):
    """State after `cuts[-1]` steps, each part of the way in a new game that starts from the saved state."""
    config = resolve(RingConfig, {}, {"steps": 20, "width": 12, "training.batch_size": 32, **options})
    state, start, logs = None, 0, []
    for end in cuts:
        with precision(dtype):
            recipe = Ring(config)
            data = recipe.data()
            game = Game(recipe, data, place(kind, devices), config.training)
            if state is not None:
                game.set_state(state)
            stage = CompiledStage(game, game.stages[0], 8)
            stage.begin(data, start, 20)
            while start < end:
                count = min(8, end - start)
                logs.append(stage.advance(start, count, start).values)
                start += count
            state = game.get_state()
    return state, np.concatenate(logs or [np.zeros(0)]), game.replicas


@pytest.mark.parametrize(
    "case", ["alternating", *[pytest.param(name, marks=pytest.mark.slow) for name in ("simultaneous", "repeats")]]
)
def test_two_replicas_train_as_one(case, two_devices):
    one, one_logs, _ = ring(**RING[case])
    two, two_logs, replicas = ring("mirrored", 2, **RING[case])
    assert one.keys() == two.keys()
    assert replicas == 2
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, atol=1e-12, rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(two_logs, one_logs, atol=1e-11)
    start = ring(cuts=(0,), **RING[case])[0]
    moved = [np.abs(one[name] - value).max() for name, value in start.items() if name.startswith("networks")]
    assert min(moved) > 1e-3  # or the agreement would mean nothing


@pytest.mark.parametrize("options", [RING["alternating"]], ids=["alternating"])
def test_a_resumed_training_is_the_same_to_the_last_bit(options):
    whole, logs, _ = ring(dtype="float32", **options)
    parts, part_logs, _ = ring(dtype="float32", cuts=(3, 14, 20), **options)
    for name, value in whole.items():
        assert parts[name].dtype == value.dtype
        np.testing.assert_array_equal(parts[name], value, err_msg=name)
    np.testing.assert_array_equal(part_logs, logs)


def test_another_seed_is_another_training():
    one, logs, _ = ring(**RING["alternating"])
    other, other_logs, _ = ring(cuts=(2,), **RING["alternating"], **{"training.seed": 1})
    kernels = [name for name in one if name.startswith("networks") and "kernel" in name]
    assert all(np.abs(one[name] - other[name]).max() > 0.05 for name in kernels)
    assert np.abs(logs[0] - other_logs[0]).min() > 1e-6


def test_mirrored_states_are_read_and_set(two_devices):
    recipe = Tiny(Phase("p", ("g",), lambda turn: {"t": weight(turn, "g")}), ema={"g": 0.9})
    play = run(recipe, 3, kind="mirrored", devices=2)
    state = play.game.get_state()
    assert state["networks/g/000/kernel"].shape == (1, 1)
    close(state["networks/g/000/kernel"], START["g"] - 0.3)
    again = Play(recipe, kind="mirrored", devices=2, state=state, start=3)
    again(3, 2)
    play(3, 2)
    for name, value in play.game.get_state().items():
        np.testing.assert_array_equal(again.game.get_state()[name], value)
    for v in again.game.networks["g"].weights:
        copies = [copy.numpy() for copy in v.value.values]
        assert len(copies) == 2 and copies[0] == copies[1]
    again.game.set_state({**state, "networks/g/000/kernel": np.array([[7.0]])})
    again.game.reset_averages()
    assert again.game.get_state()["averages/g/000/kernel"] == 7


# --- averages and faults ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 100])
def test_the_moving_average_is_the_formula(first):
    recipe = Tiny(Phase("p", ("g",), lambda turn: {"t": weight(turn, "g")}), ema={"g": 0.5, "d": 0.9})
    play = Play(recipe)
    play(0, 12, first)
    play(12, 3, first + 12)
    w = average = START["g"]
    for t in range(first, first + 15):  # by the step of the run
        w -= 0.1
        decay = min(0.5, (1 + t) / (10 + t))
        average = decay * average + (1 - decay) * w
    state = play.game.get_state()
    close(state["averages/g/000/kernel"], average)
    assert not any(name.startswith("averages/d") for name in state)  # d is not trained


def test_averages_take_statistics_as_they_are():
    def make():
        return keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization(momentum=0.5), *line(1.0).layers])

    loss = phase(lambda turn: {"t": turn("g", turn["x"])[:, 0]})
    state = run(Tiny(loss, networks={"g": make}, ema={"g": 0.9}), 3).game.get_state()
    mean = next(name for name in state if name.startswith("averages") and name.endswith("moving_mean"))
    close(state[mean], X.mean() * (1 - 0.5**3))
    close(state[mean], state[mean.replace("averages", "networks")])


@pytest.mark.parametrize("value, step, start", [(np.nan, 7, 5), (np.inf, 0, 0), (-np.inf, 9, 0)])
def test_the_first_value_that_is_not_finite_is_named(value, step, start):
    recipe = Tiny(
        Phase("good", ("h",), lambda turn: {"t": weight(turn, "h")}),
        Phase("bad", ("g",), lambda turn: {"fine": weight(turn, "g"), "broken": weight(turn, "g") * turn.knobs["k"]}),
        knobs={"k": lambda s: value if s == step else 1.0},
    )
    play = Play(recipe, start=start)
    readings = play(start, 10 - start)
    assert readings.non_finite() == (step, "bad/broken")
    good = readings.names.index("good/t")
    assert np.isfinite(readings.values[:, good]).all()


def test_a_gradient_that_is_not_finite_is_named():
    def loss(turn):
        w = weight(turn, "g")
        return {"root": tf.sqrt(tf.abs(w - tf.stop_gradient(w)))}  # 0, with an infinite slope

    readings = run(Tiny(Phase("p", ("g",), loss)), 1).readings
    assert readings.values[0, 0] == 0
    assert readings.non_finite() == (0, "p/gradient_norm")


# --- the contract's errors -------------------------------------------------------------------------------------------


def sgd(**options):
    return {"p": lambda: keras.optimizers.SGD(**options)}


BROKEN = {
    "scalar term": (Tiny(phase(lambda t: {"m": tf.reduce_mean(weight(t, "g"))})), "term p/m has shape ()", "average"),
    "matrix term": (Tiny(phase(lambda t: {"m": turn_square(t)})), "term p/m has shape (4, 1)", "average"),
    "short term": (Tiny(phase(lambda t: {"m": weight(t, "g")[:2]})), "has shape (2,)", "average"),
    "no terms": (Tiny(phase(lambda t: {})), "no loss terms", ""),
    "unknown network called": (Tiny(phase(lambda t: {"t": weight(t, "gg")})), "no network 'gg'", "did you mean 'g'"),
    "unknown network trained": (Tiny(phase(trains=("dd",))), "'dd', which is no network", "did you mean 'd'"),
    "unknown field": (Tiny(phase(lambda t: {"t": t["xx"]})), "no field 'xx'", "did you mean 'x'"),
    "unknown optimizer": (Tiny(phase(optimizer="sdg"), optimizers={}), "no optimizer 'sdg'", "did you mean 'sgd'"),
    "unknown weight": (Tiny(phase(weights={"tt": 1.0})), "weighs 'tt'", "did you mean 't'"),
    "unreached network": (Tiny(phase(trains=("g", "h"))), "trains 'h', but no term of its loss depends on it", ""),
    "no shared values": (Tiny(phase(lambda t: {"t": t.shared["fake"]})), "Stage.shared is not set", ""),
    "clipnorm": (Tiny(phase(), optimizers=sgd(clipnorm=1.0)), "clips by itself", "Phase.clip"),
    "clipvalue": (Tiny(phase(), optimizers=sgd(clipvalue=1.0)), "clips by itself", "Phase.clip"),
    "global_clipnorm": (Tiny(phase(), optimizers=sgd(global_clipnorm=1.0)), "clips by itself", "Phase.clip"),
    "optimizer's average": (Tiny(phase(), optimizers=sgd(use_ema=True)), "averages", "Recipe.ema"),
    "accumulation": (Tiny(phase(), optimizers=sgd(gradient_accumulation_steps=2)), "accumulates", "batch size"),
    "optimizer's schedule": (
        Tiny(phase(), optimizers=sgd(learning_rate=keras.optimizers.schedules.ExponentialDecay(1, 1, 0.5))),
        "schedule that counts updates",
        "Phase.lr",
    ),
    "loss scaling": (
        Tiny(phase(), optimizers={"p": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))}),
        "scales the loss",
        "bfloat16",
    ),
    "two schedules for one optimizer": (
        Tiny(phase(lr=lambda s: 1.0), Phase("q", ("h",), lambda t: {"t": weight(t, "h")}, optimizer="p")),
        "need one schedule",
        "same lr",
    ),
    "two phases of one name": (Tiny(phase(), phase()), "phase names must differ", ""),
    "no trainable weights": (
        Tiny(phase(), networks={"g": lambda: keras.Sequential([keras.Input((1,)), keras.layers.ReLU()])}),
        "no trainable weights",
        "",
    ),
    "average of an unknown network": (Tiny(phase(), ema={"gg": 0.9}), "'gg'", "did you mean 'g'"),
    "unknown source": (Tiny(phase(), reads=("xx",)), "'xx'", "did you mean 'x'"),
    "fields that clash": (
        Tiny(phase(), data={"a": ArraySource(x=np.ones((4, 1))), "b": ArraySource(x=np.ones((4, 1)))}),
        "'x' of source 'b'",
        "",
    ),
}  # fmt: skip


def turn_square(turn):
    return turn("g", turn["x"]) ** 2


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_recipe_is_told_what_is_wrong(case):
    recipe, message, hint = BROKEN[case]
    if case == "unknown optimizer":
        recipe.optimizers = lambda: {"sgd": keras.optimizers.SGD(0.1)}
    with pytest.raises(RecipeError) as caught:
        run(recipe)
    assert message in caught.value.message and hint in caught.value.hint
    assert bool(caught.value.hint) == bool(hint) and caught.value.exit_code == 1


def test_a_broken_recipe_is_told_so_on_replicas_too(two_devices):
    recipe, message, _ = BROKEN["scalar term"]
    with pytest.raises(RecipeError) as caught:
        run(recipe, kind="mirrored", devices=2)
    assert message in caught.value.message


def test_wrong_phases_and_stages():
    for options in ({"repeats": 0}, {"every": 0}, {"repeats": 2, "every": 2}, {"trains": ()}):
        with pytest.raises(ValueError, match="phase 'p'"):
            phase(**options)
    for options in ({"steps": -1, "phases": (phase(),)}, {"steps": 1, "phases": ()}):
        with pytest.raises(ValueError, match="stage 's'"):
            Stage("s", **options)
    with pytest.raises(DataError, match="no training examples"):
        run(Tiny(phase(), data={}))


def test_a_batch_must_split_evenly(two_devices):
    with pytest.raises(ConfigError, match="a batch of 3 cannot be split evenly over 2 replicas") as caught:
        run(Tiny(phase()), batch=3, kind="mirrored", devices=2)
    assert "--batch-size" in caught.value.hint


def test_a_state_that_does_not_fit_is_refused():
    play = Play(Tiny(phase()))
    state = play.game.get_state()
    with pytest.raises(RecipeError, match="differ in 1 variables, first networks/g/000/kernel"):
        play.game.set_state({name: value for name, value in state.items() if "kernel" not in name})
    with pytest.raises(RecipeError, match="saved with shape"):
        play.game.set_state({**state, "networks/g/000/kernel": np.zeros((2, 2))})
    with pytest.raises(ConfigError, match="uses one device"):
        place("single", 2)


def test_a_partial_gradient_is_legal():
    """A layer that a loss does not reach stays; the rest of its network is trained."""

    def make():
        x = keras.Input((1,))
        one, other = (keras.layers.Dense(1, use_bias=False, kernel_initializer="ones") for _ in range(2))
        return keras.Model(x, [one(x), other(x)])

    recipe = Tiny(phase(lambda turn: {"t": turn("g", ones(turn))[0][:, 0]}), networks={"g": make})
    close(run(recipe, 2).weights("g"), [0.8, 1.0])


# --- it learns -------------------------------------------------------------------------------------------------------


class Backwards(Ring):
    """The generator helps the discriminator."""

    def stages(self, data):
        stage = super().stages(data)[0]
        *others, generator = stage.phases
        wrong = Phase("generator", generator.trains, generator.loss, {"adversarial": -1.0})
        return [Stage(stage.name, stage.steps, (*others, wrong), shared=stage.shared)]


class Unguided(Ring):
    """The discriminator never moves."""

    def stages(self, data):
        stage = super().stages(data)[0]
        return [Stage(stage.name, stage.steps, stage.phases[-1:], shared=stage.shared)]


def train(cls, **options):
    config = resolve(RingConfig, {}, options)
    recipe = cls(config)
    data = recipe.data()
    game = Game(recipe, data, place("single"), config.training)
    stage = CompiledStage(game, game.stages[0], config.training.steps_per_call)
    stage.begin(data, 0, config.steps)
    for step in range(0, config.steps, config.training.steps_per_call):
        assert stage.advance(step, min(config.training.steps_per_call, config.steps - step), step).non_finite() is None
    state = game.get_state()
    average = {f"networks/{key.partition('/')[2]}": v for key, v in state.items() if key.startswith("averages/")}
    game.set_state(state | average)
    return recipe.evaluate(game.networks, data)


@pytest.mark.slow
def test_the_ring_is_learned():
    evaluation = train(Ring)
    assert evaluation.metrics["modes"] == 8 and evaluation.metrics["high_quality"] >= 0.95
    assert evaluation.baselines["normal"]["high_quality"] < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("cls", [Backwards, Unguided])
def test_a_wrong_game_does_not_learn_the_ring(cls):
    assert train(cls, steps=1000).metrics["high_quality"] < 0.5
