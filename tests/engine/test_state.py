"""State of a stage: read as the step found it, changed once, equal on replicas, exact after a cut."""

import numpy as np
import pytest
import tensorflow as tf
from scalars import START, Play, Tiny, X, close, phase, run, weight

from gankit import Phase
from gankit.errors import ConfigError, RecipeError

PLACES = [("single", None), ("mirrored", 2)]


def terms(turn):
    return {"t": weight(turn, "g") * turn["x"][:, 0], "n": tf.cast(turn.state["n"], tf.float64) + 0 * turn["x"][:, 0]}


def counting(**options):
    """Counts steps, and remembers the batch and the mean of a term."""

    def update(turn):
        return {
            "n": turn.state["n"] + 1,
            "seen": turn.gather(turn["x"])[:, 0],
            "mean": turn.global_mean(turn.terms["p/t"]),
            "weight": turn.global_mean(weight(turn, "g")),
        }

    state = {"n": 0, "seen": np.zeros(4), "mean": lambda data: data.train["x"].n / 8, "weight": 0.0}
    return Tiny(phase(terms, weights={"n": 0.0}), state=state, update=update, **options)


def values(play):
    return {name: v.numpy() for name, v in play.state.held["only"].items()}


@pytest.mark.parametrize("kind, devices", PLACES)
def test_state_is_read_as_the_step_found_it_and_changed_at_its_end(kind, devices):
    play = Play(counting(), kind=kind, devices=devices)
    assert values(play)["mean"] == 0.5  # a function of the data
    play(0, 3)
    assert play.readings.values[:, play.readings.names.index("p/n")].tolist() == [0, 1, 2]
    found = values(play)
    assert found["n"] == 3 and found["n"].dtype == np.int64
    assert sorted(found["seen"]) == sorted(X)  # of both replicas
    close(found["mean"], play.log("p/t"))
    close(found["weight"], START["g"] - 3 * 0.1 * X.mean())  # after the phases


def test_replicas_gather_the_examples_in_their_order_and_find_their_own():
    def loss(turn):
        everyone = turn.gather(turn["index"])
        moved = tf.cast(turn.own(everyone) - turn["index"], tf.float64)
        ordered = tf.cast(everyone - everyone[0] - tf.range(4, dtype=tf.int64), tf.float64)
        positive = tf.cast(turn.gather(turn["x"][:, 0] > 0), tf.float64)
        zero = 0 * turn["x"][:, 0]
        return {
            "square": weight(turn, "g") * tf.reduce_mean(turn.gather(turn["x"]) ** 2),
            "moved": moved**2,
            "disorder": tf.reduce_sum(ordered**2) + zero,
            "positive": tf.reduce_sum(positive) + zero,
        }

    play = run(Tiny(phase(loss)), kind="mirrored", devices=2)
    assert play.log("p/moved") == play.log("p/disorder") == 0
    assert play.log("p/positive") == (X > 0).sum()
    close(play["g"], START["g"] - 0.1 * (X**2).mean())


def test_one_and_two_replicas_and_a_cut_training_hold_the_same():
    whole = Play(counting())
    whole(0, 12)
    two = Play(counting(), kind="mirrored", devices=2)
    two(0, 12)
    cut = Play(counting())
    cut(0, 5)
    again = Play(counting(), state=cut.state.get_state(), start=5)
    again(5, 7)
    ended = whole.state.get_state()
    assert {"state/only/n", "state/only/seen", "state/only/mean", "state/only/weight"} <= set(ended)
    for name, value in ended.items():
        assert np.array_equal(value, again.state.get_state()[name]), name
        close(value, two.state.get_state()[name], 1e-12)


def test_state_is_no_weight():
    play = run(counting())
    assert set(play.state.networks) == set(START)
    assert all(network.count_params() == 1 for network in play.state.networks.values())


def test_a_lazy_phase_has_no_terms_in_steps_in_which_it_does_not_run():
    def update(turn):
        if "lazy/t" in turn.terms:
            turn.log("square", turn.terms["lazy/t"] ** 2)
            return {"runs": turn.state["runs"] + 1}
        return {}

    lazy = Phase("lazy", ("d",), lambda turn: {"t": weight(turn, "d") + 0 * turn["x"][:, 0]}, every=3)
    play = run(Tiny(phase(), lazy, state={"runs": 0}, update=update), 7)
    assert values(play)["runs"] == 3
    column = play.readings.names.index("update/square")
    assert play.readings.ran[:, column].tolist() == [True, False, False] * 2 + [True]
    close(play.readings.values[0, column], START["d"] ** 2)


def test_an_update_sees_the_shared_values_that_the_losses_read_last():
    """Not those that the moved generator would make."""

    def update(turn):
        return {"fake": turn.global_mean(turn.shared["fake"])}

    first = Phase("a", ("d",), lambda turn: {"t": weight(turn, "d") * turn.shared["fake"]})
    second = Phase("b", ("g",), lambda turn: {"t": turn.shared["fake"]})
    stage = {"shared": lambda turn: {"fake": weight(turn, "g")}, "state": {"fake": 0.0}, "update": update}
    close(values(run(Tiny(first, second, **stage)))["fake"], START["g"])
    close(values(run(Tiny(second, first, **stage)))["fake"], START["g"] - 0.1)  # the second phase makes it anew


@pytest.mark.parametrize("kind, devices", PLACES)
def test_what_is_logged_without_a_loss_is_a_mean_and_moves_nothing(kind, devices):
    def loss(turn):
        turn.log("x", turn["x"][:, 0])
        turn.log("seven", 7.0)
        return {"t": weight(turn, "g")}

    play = run(Tiny(phase(loss)), kind=kind, devices=devices)
    close(play.log("p/x"), X.mean())
    close(play.log("p/seven"), 7)
    close(play["g"], START["g"] - 0.1)


@pytest.mark.parametrize("kind, devices", PLACES)
def test_accumulated_batches_make_the_update_of_a_larger_one(kind, devices):
    """The same examples with the same noise in the same order, in parts."""

    def judge(turn):
        return {"t": turn("d", turn.shared["fake"])[:, 0] ** 2 + weight(turn, "d") * turn.normal("z")}

    def fool(turn):
        return {"t": (turn("d", turn.shared["fake"])[:, 0] - 1) ** 2, "p": turn["x"][:, 0]}

    def recipe(accumulate):
        phases = (
            Phase("d", ("d",), judge, accumulate=accumulate, clip=0.5),
            Phase("g", ("g",), fool, accumulate=accumulate),
        )
        return Tiny(*phases, shared=lambda turn: {"fake": turn("g", turn["x"])})

    whole = run(recipe(1), 6, batch=4)
    parts = run(recipe(2), 6, batch=2, kind=kind, devices=devices)
    close([parts["d"], parts["g"]], [whole["d"], whole["g"]], 1e-12)
    assert parts.readings.names == whole.readings.names
    close(parts.readings.values, whole.readings.values, 1e-12)


def test_a_phase_that_accumulates_beside_one_that_does_not():
    """The other phase sees the newest batch, with shared values of its own."""

    def judge(turn):
        return {"t": weight(turn, "d") * turn["x"][:, 0]}

    def fool(turn):
        return {"t": turn.shared["g"] * turn["x"][:, 0] ** 2}

    phases = Phase("d", ("d",), judge, accumulate=4), Phase("g", ("g",), fool)
    play = run(Tiny(*phases, shared=lambda turn: {"g": weight(turn, "g")}), batch=1)
    close(play["d"], START["d"] - 0.1 * X.mean())
    assert np.isclose(0.1 * X**2, START["g"] - play["g"]).sum() == 1  # of one example


def test_a_stage_may_have_a_batch_size_of_its_own():
    def loss(turn):
        return {"t": weight(turn, "g"), "size": turn["x"].shape[0] + 0 * turn["x"][:, 0]}

    assert run(Tiny(phase(loss), batch_size=2)).log("p/size") == 2
    assert run(Tiny(phase(loss))).log("p/size") == 4
    with pytest.raises(ConfigError, match="batches of 3, which cannot be split evenly over 2"):
        run(Tiny(phase(loss), batch_size=3), kind="mirrored", devices=2)


def keep_a_model():
    recipe = Tiny()

    def loss(turn):
        return {"t": tf.cast(recipe.kept(turn["x"])[:, 0], tf.float64) + weight(turn, "g")}

    recipe.phases = (phase(loss),)
    return recipe


@pytest.mark.parametrize("frozen", [False, True])
def test_a_loss_that_calls_a_model_outside_of_the_game_is_an_error(frozen):
    """Copies that were built for looking are frozen, and would train nothing, silently."""
    recipe = keep_a_model()
    recipe.kept = recipe.networks(None)["g"]
    recipe.kept.trainable = not frozen
    with pytest.raises(RecipeError, match=r"test_state.py:\d+ in loss, loss of phase 'p': a loss reads the variable"):
        run(recipe)


MISTAKES = {
    "is no state": ({"n": 0.0}, lambda turn: {"m": 1.0}, "did you mean|known: n"),
    "is int32 .*initial value float64": ({"n": 0.0}, lambda turn: {"n": 1}, "0.0 begins a float"),
    "is float64 .4,.*initial value float64": ({"n": 0.0}, lambda turn: {"n": turn["x"][:, 0]}, "must be alike"),
    "returned NoneType": ({"n": 0.0}, lambda turn: None, "return {name: new value}"),
    "has no state 'k'": ({"n": 0.0}, lambda turn: {"n": turn.state["k"]}, "known: n"),
    "there is no term 'p/u'": ({"n": 0.0}, lambda turn: {"n": turn.terms["p/u"]}, "p/t"),
    "is no number and no array": ({"n": "zero"}, lambda turn: {}, ""),
    "is logged with shape": ({"n": 0.0}, lambda turn: turn.log("x", turn["x"]) or {}, "one value an example"),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_mistakes_with_state_are_named(message):
    import re

    state, update, hint = MISTAKES[message]
    with pytest.raises(RecipeError, match=message) as error:
        run(Tiny(phase(), state=state, update=update))
    assert re.search(hint, error.value.hint)


def test_terms_and_knobs_that_do_not_exist_are_named():
    with pytest.raises(RecipeError, match="Turn\\.terms are known when the phases have run"):
        run(Tiny(phase(lambda turn: {"t": turn.terms["p/t"]})))
    with pytest.raises(RecipeError, match="stage 'only' has no knob 'noise'") as error:
        run(Tiny(phase(lambda turn: {"t": turn.knobs["noise"] * weight(turn, "g")}), knobs={"noises": float}))
    assert error.value.hint == "did you mean 'noises'?"
    with pytest.raises(RecipeError, match="p/t is logged, but it is a term"):
        run(Tiny(phase(lambda turn: turn.log("t", 1.0) or {"t": weight(turn, "g")})))
    with pytest.raises(RecipeError, match="outside of a loss"):
        shared = lambda turn: turn.log("a", 1.0) or {}  # noqa: E731
        run(Tiny(phase(lambda turn: {"t": weight(turn, "g"), **turn.shared}), shared=shared))
