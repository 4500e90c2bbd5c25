"""Steps against closed forms: losses, shared values, repeats, lazy phases, schedules."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scalars import START, Play, Tiny, X, close, line, ones, phase, run, weight

from gankit import ArraySource, Phase
from gankit.engine.mixed_precision import precision


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
    assert not play.state.networks["d"].trainable and play.state.networks["g"].trainable
    assert not any("/d/" in name for name in play.state.get_state())  # frozen networks are not saved


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
    with precision("float64"):
        play.stage.begin(play.data, 0, 100)
    play(0, 2)
    assert len(traced) == before


def test_streams_end_at_once():
    """With tf.data's autotuner an iterator's end waited for a thread that sleeps up to a minute, 47 s in one case."""
    stage = Play(Tiny(phase())).stage
    assert stage._iterator._dataset.options().autotune.enabled is False
