"""Scalar networks whose gradients can be written down, and a way to play single steps of them."""

import keras
import numpy as np
import tensorflow as tf

from gankit import ArraySource, Data, Phase, Recipe, Stage, Training
from gankit.engine.distribution import place
from gankit.engine.mixed_precision import precision
from gankit.engine.step import CompiledStage
from gankit.engine.train_state import TrainState

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

    def __init__(self, recipe, batch=4, kind="single", devices=None, per_call=20, steps=None, start=0, **given):
        state, before = given.get("state"), given.get("before")
        self.data = recipe.data()
        training = Training(batch_size=batch, seed=3)
        with precision("float64"):
            self.state = TrainState(recipe, self.data, place(kind, devices), training)
            if state:
                self.state.set_state(state)
            self.stage = CompiledStage(self.state, self.state.stages[0], per_call)
            self.stage.begin(self.data, start, steps or self.state.stages[0].steps, before)

    def __call__(self, step, count):
        with precision("float64"):
            self.readings = self.stage.advance(step, count)
        return self.readings

    def weights(self, name):
        return [float(v.numpy().squeeze()) for v in self.state.networks[name].weights]

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
