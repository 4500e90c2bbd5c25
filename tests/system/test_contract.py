"""Averages, values that are not finite, and recipes that break the contract."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from scalars import START, Play, Tiny, X, close, line, ones, phase, run, weight

from gankit import ArraySource, Phase, Stage, Training
from gankit.engine.distribution import place
from gankit.engine.mixed_precision import precision
from gankit.engine.step import CompiledStage
from gankit.engine.train_state import TrainState
from gankit.errors import ConfigError, DataError, RecipeError


@pytest.mark.parametrize("first", [0, 100])
def test_the_moving_average_is_the_formula(first):
    recipe = Tiny(Phase("p", ("g",), lambda turn: {"t": weight(turn, "g")}), ema={"g": 0.5, "d": 0.9})
    play = Play(recipe, before={"g": first, "d": 7})
    play(0, 12)
    play(12, 3)
    w = average = START["g"]
    for t in range(first, first + 15):  # by the steps that trained it
        w -= 0.1
        decay = min(0.5, (1 + t) / (10 + t))
        average = decay * average + (1 - decay) * w
    state = play.state.get_state()
    close(state["averages/g/000/kernel"], average)
    assert not any(name.startswith("averages/d") for name in state)  # d is not trained


def test_a_stage_knows_how_long_its_networks_were_trained_before():
    from gankit.runs.trainer import Trainer

    def stage(*trains):
        return SimpleNamespace(stage=SimpleNamespace(phases=[SimpleNamespace(trains=names) for names in trains]))

    trainer = SimpleNamespace(stages={"a": stage(("g",), ("g",)), "b": stage(("g", "h")), "c": stage(("k",))})
    before = Trainer._trained_before(trainer, 2, {"a": 5, "b": 7, "c": 1})
    assert before == {"g": 12, "h": 7} and Trainer._trained_before(trainer, 0, {}) == {}


def test_a_stage_leaves_the_averages_of_others_alone():
    first = Stage("a", 12, (Phase("p", ("g",), lambda turn: {"t": weight(turn, "g")}),))
    second = Stage("b", 9, (Phase("q", ("h",), lambda turn: {"t": weight(turn, "h")}),))
    recipe = Tiny(*first.phases, *second.phases, ema={"g": 0.9, "h": 0.9})
    recipe.stages = lambda data: [first, second]
    with precision("float64"):
        game = TrainState(recipe, data := recipe.data(), place("single", None), Training(batch_size=4, seed=3))
        for stage in game.stages:
            compiled = CompiledStage(game, stage, 20)
            compiled.begin(data, 0, stage.steps)
            compiled.advance(0, stage.steps)
    state = game.get_state()
    for name, steps in (("g", 12), ("h", 9)):
        w = average = START[name]
        for t in range(steps):
            w -= 0.1
            decay = min(0.9, (1 + t) / (10 + t))
            average = decay * average + (1 - decay) * w
        close(state[f"averages/{name}/000/kernel"], average)


def test_averages_take_statistics_as_they_are():
    def make():
        return keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization(momentum=0.5), *line(1.0).layers])

    loss = phase(lambda turn: {"t": turn("g", turn["x"])[:, 0]})
    state = run(Tiny(loss, networks={"g": make}, ema={"g": 0.9}), 3).state.get_state()
    mean = next(name for name in state if name.startswith("averages") and name.endswith("moving_mean"))
    close(state[mean], X.mean() * (1 - 0.5**3))
    close(state[mean], state[mean.replace("averages", "networks")])


def test_a_call_without_training_leaves_statistics_alone_and_learns():
    def make():
        return keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization(momentum=0.5), *line(1.0).layers])

    loss = phase(lambda turn: {"t": turn("g", turn["x"], training=False)[:, 0] ** 2})
    state = run(Tiny(loss, networks={"g": make}), 1).state.get_state()
    mean = next(value for name, value in state.items() if name.startswith("networks") and name.endswith("moving_mean"))
    kernel = next(value for name, value in state.items() if name.startswith("networks") and name.endswith("kernel"))
    close(mean, 0)
    close(kernel, 1 - 0.1 * 2 * np.square(X).mean() / (1 + 1e-3))  # the statistics of a new layer: mean 0, variance 1


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


def sgd(**options):
    return {"p": lambda: keras.optimizers.SGD(**options)}


BROKEN = {
    "scalar term": (Tiny(phase(lambda t: {"m": tf.reduce_mean(weight(t, "g"))})), "term p/m has shape ()", "average"),
    "matrix term": (Tiny(phase(lambda t: {"m": turn_square(t)})), "term p/m has shape (4, 1)", "average"),
    "short term": (Tiny(phase(lambda t: {"m": weight(t, "g")[:2]})), "has shape (2,)", "average"),
    "no terms": (Tiny(phase(lambda t: {})), "it returned nothing", "is a `return` missing?"),
    "unknown network called": (Tiny(phase(lambda t: {"t": weight(t, "gg")})), "no network 'gg'", "did you mean 'g'"),
    "unknown network trained": (Tiny(phase(trains=("dd",))), "'dd', which is no network", "did you mean 'd'"),
    "unknown field": (Tiny(phase(lambda t: {"t": t["xx"]})), "no field 'xx'", "did you mean 'x'"),
    "unknown optimizer": (Tiny(phase(optimizer="sdg"), optimizers={}), "no optimizer 'sdg'", "did you mean 'sgd'"),
    "unknown weight": (Tiny(phase(weights={"tt": 1.0})), "weighs 'tt'", "did you mean 't'"),
    "unreached network": (
        Tiny(phase(trains=("g", "h"))),
        "trains 'h', but no term of its loss depends on it",
        "turn('h', ...)",
    ),
    "no shared values": (Tiny(phase(lambda t: {"t": t.shared["fake"]})), "Stage.shared is not set", ""),
    "clipnorm": (Tiny(phase(), optimizers=sgd(clipnorm=1.0)), "clips by itself", "Phase.clip"),
    "clipvalue": (Tiny(phase(), optimizers=sgd(clipvalue=1.0)), "clips by itself", "Phase.clip"),
    "global_clipnorm": (Tiny(phase(), optimizers=sgd(global_clipnorm=1.0)), "clips by itself", "Phase.clip"),
    "optimizer's average": (Tiny(phase(), optimizers=sgd(use_ema=True)), "averages", "Recipe.ema"),
    "accumulation": (Tiny(phase(), optimizers=sgd(gradient_accumulation_steps=2)), "accumulates", "Phase.accumulate"),
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
        "another name",
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
    state = play.state.get_state()
    with pytest.raises(RecipeError, match="differ in 1 variables, first networks/g/000/kernel"):
        play.state.set_state({name: value for name, value in state.items() if "kernel" not in name})
    with pytest.raises(RecipeError, match="saved with shape"):
        play.state.set_state({**state, "networks/g/000/kernel": np.zeros((2, 2))})
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
