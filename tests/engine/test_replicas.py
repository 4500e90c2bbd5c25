"""Several replicas train what one trains; a resume goes on in the same bits; the toy is learned."""

import functools
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from scalars import START, Play, Tiny, X, close, run, weight
from toy import Ring, RingConfig

from gankit import ArraySource, Phase, Stage
from gankit.config import resolve
from gankit.engine.distribution import place
from gankit.engine.mixed_precision import precision
from gankit.engine.step import CompiledStage
from gankit.engine.train_state import TrainState


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


@contextmanager
def eagerly(eager=True):
    """Steps run without a graph."""
    tf.config.run_functions_eagerly(eager)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


@functools.cache
def ring(kind="single", devices=None, dtype="float64", cuts=(20,), eager=False, **options):
    """State after `cuts[-1]` steps, each part of the way in a new game that starts from the saved state."""
    config = resolve(RingConfig, {}, {"steps": 20, "width": 12, "training.batch_size": 32, **options})
    state, start, logs = None, 0, []
    for end in cuts:
        with precision(dtype), eagerly(eager):
            recipe = Ring(config)
            data = recipe.data()
            game = TrainState(recipe, data, place(kind, devices), config.training)
            if state is not None:
                game.set_state(state)
            stage = CompiledStage(game, game.stages[0], 8)
            stage.begin(data, start, 20)
            while start < end:
                count = min(8, end - start)
                logs.append(stage.advance(start, count).values)
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


def test_two_replicas_train_as_one_in_float32(two_devices):
    """A few steps, whose rounding is all that differs.

    It decides the sign of gradients that are nearly 0, so that Adam moves a few weights by as much as a step. Hence all
    of a network's weights are compared together.
    """
    few = {"dtype": "float32", "cuts": (3,), "eager": True, **RING["alternating"]}
    one, two = ring(**few)[0], ring("mirrored", 2, **few)[0]
    for network in ("generator", "discriminator"):
        a, b = (
            np.concatenate([value.ravel() for name, value in state.items() if name.startswith(f"networks/{network}/")])
            for state in (one, two)
        )
        assert a.dtype == np.float32 and np.linalg.norm(a - b) < 1e-4 * np.linalg.norm(a)


@pytest.mark.parametrize("options", [RING["alternating"]], ids=["alternating"])
@pytest.mark.slow
def test_a_resumed_training_is_the_same_to_the_last_bit(options):
    whole, logs, _ = ring(dtype="float32", **options)
    parts, part_logs, _ = ring(dtype="float32", cuts=(11, 20), **options)
    for name, value in whole.items():
        assert parts[name].dtype == value.dtype
        np.testing.assert_array_equal(parts[name], value, err_msg=name)
    np.testing.assert_array_equal(part_logs, logs)


@pytest.mark.slow
def test_another_seed_is_another_training():
    one, logs, _ = ring(**RING["alternating"])
    other, other_logs, _ = ring(cuts=(2,), **RING["alternating"], **{"training.seed": 1})
    kernels = [name for name in one if name.startswith("networks") and "kernel" in name]
    assert all(np.abs(one[name] - other[name]).max() > 0.05 for name in kernels)
    assert np.abs(logs[0] - other_logs[0]).min() > 1e-6


def test_mirrored_states_are_read_and_set(two_devices):
    recipe = Tiny(Phase("p", ("g",), lambda turn: {"t": weight(turn, "g")}), ema={"g": 0.9})
    play = run(recipe, 3, kind="mirrored", devices=2)
    state = play.state.get_state()
    assert state["networks/g/000/kernel"].shape == (1, 1)
    close(state["networks/g/000/kernel"], START["g"] - 0.3)
    again = Play(recipe, kind="mirrored", devices=2, state=state, start=3)
    again(3, 2)
    play(3, 2)
    for name, value in play.state.get_state().items():
        np.testing.assert_array_equal(again.state.get_state()[name], value)
    for v in again.state.networks["g"].weights:
        copies = [copy.numpy() for copy in v.value.values]
        assert len(copies) == 2 and copies[0] == copies[1]
    again.state.set_state({**state, "networks/g/000/kernel": np.array([[7.0]])})
    again.state.reset_averages()
    assert again.state.get_state()["averages/g/000/kernel"] == 7


class Backwards(Ring):
    """The generator helps the discriminator."""

    def stages(self, data):
        stage = super().stages(data)[0]
        *others, generator = stage.phases
        wrong = replace(generator, weights={"adversarial": -1.0})
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
    game = TrainState(recipe, data, place("single"), config.training)
    stage = CompiledStage(game, game.stages[0], config.training.steps_per_call)
    stage.begin(data, 0, config.steps)
    for step in range(0, config.steps, config.training.steps_per_call):
        assert stage.advance(step, min(config.training.steps_per_call, config.steps - step)).non_finite() is None
    state = game.get_state()
    average = {f"networks/{key.partition('/')[2]}": v for key, v in state.items() if key.startswith("averages/")}
    game.set_state(state | average)
    return recipe.evaluate(game.networks, data)


@pytest.mark.slow
def test_the_ring_is_learned():
    evaluation = train(Ring, steps=6000, lazy=4)
    assert evaluation.metrics["modes"] == 8 and evaluation.metrics["high_quality"] >= 0.95
    assert evaluation.baselines["normal"]["high_quality"] < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("cls", [Backwards, Unguided])
def test_a_wrong_game_does_not_learn_the_ring(cls):
    assert train(cls, steps=1500, lazy=4).metrics["high_quality"] < 0.5
