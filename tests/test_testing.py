"""The compliance kit finds what is wrong with a recipe, and nothing wrong with a sound one."""

import re
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

from gankit import ArraySource, Data, Evaluation, Phase, Recipe, RecipeConfig, Stage
from gankit.engine import random
from gankit.engine.train_state import TrainState
from gankit.errors import RecipeError, UsageError
from gankit.nn.losses import cross_entropy
from gankit.testing import CHECKS, FAST, check_recipe, tiny_pictures
from gankit.testing.agreement import difference
from gankit.testing.failure import CheckFailed
from gankit.testing.identity import check_light_import
from gankit.testing.purity import check_graphs, traced
from gankit.testing.tiny_game import tiny

X = np.random.default_rng(0).normal(size=(64, 2))


class Sound(Recipe):
    """A game on points in the plane; what is wrong with a recipe replaces one of its methods."""

    name, summary = "sound", "Points in the plane."
    Config = RecipeConfig

    def data(self):
        return Data({"points": self.source()})

    def source(self):
        return ArraySource(x=X)

    def middle(self):
        return layers.BatchNormalization(synchronized=True)

    def networks(self, data):
        self.g = keras.Sequential([layers.Input((2,)), layers.Dense(3, use_bias=False), self.middle(), layers.Dense(2)])
        return {"g": self.g, "d": keras.Sequential([layers.Input((2,)), layers.Dense(1)])}

    def optimizers(self):
        return {name: keras.optimizers.Adam(1e-2) for name in ("g", "d")}

    def noise(self, turn):
        return turn.normal("z", 2)

    def judge(self, turn):
        real, fake = turn("d", turn["x"]), turn("d", turn.shared["fake"])
        return {"real": cross_entropy(real, True), "fake": cross_entropy(fake, False)}

    def fool(self, turn):
        return {"fake": cross_entropy(turn("d", turn.shared["fake"]), True)}

    def stages(self, data):
        phases = (Phase("d", ("d",), self.judge), Phase("g", ("g",), self.fool))
        return [Stage("only", 4, phases, shared=lambda turn: {"fake": turn("g", self.noise(turn))})]

    def evaluate(self, networks, data):
        return Evaluation({"mean": 0.0}, {"nothing": {"mean": 1.0}}, {}, {"mean": "lower"})

    def sample(self, networks, data, out):
        (out / "points.txt").write_text("points")
        return [out / "points.txt"]


@pytest.mark.parametrize("check", ["replicas", "rehearsal", "bfloat16", "purity", "resume", "layers", "phases"])
def test_a_sound_recipe_passes_in_any_order(check, tmp_path):
    check_recipe(Sound, check, tmp_path)


class FreeNoise(Sound):
    def noise(self, turn):
        return tf.random.normal(tf.shape(turn["x"]), dtype=turn["x"].dtype)


class LoopNoise(Sound):
    def noise(self, turn):
        return tf.map_fn(lambda x: x + tf.random.uniform((2,), dtype=x.dtype), turn["x"])


class SameMask(Sound):
    def middle(self):
        return layers.Dropout(0.5)


class OwnStatistics(Sound):
    def middle(self):
        return layers.BatchNormalization()


class OwnMean(Sound):
    def fool(self, turn):
        terms = super().fool(turn)
        return {"fake": terms["fake"] ** 2 / tf.reduce_mean(terms["fake"])}


class Hardly(Sound):
    """What differs between replicas is less than float32 rounds to."""

    def fool(self, turn):
        terms = super().fool(turn)
        return {"fake": terms["fake"] * (1 + 1e-6 * tf.reduce_mean(turn["x"]))}


class HalfWeights(Sound):
    def networks(self, data):
        half = keras.Sequential([layers.Input((2,)), layers.Dense(2, dtype="float16")])
        return {**super().networks(data), "g": half}


class Meddler(Sound):
    def judge(self, turn):
        self.g.trainable_variables[0].assign_add(tf.ones_like(self.g.trainable_variables[0]) * 1e-3)
        return super().judge(turn)


class Idle(Sound):
    def fool(self, turn):
        return {"fake": 0 * super().fool(turn)["fake"]}


class OtherData(Sound):
    def data(self):
        return Data({"points": ArraySource(x=np.random.default_rng().permutation(X))})


class Counter(Sound):
    calls = 0

    def fool(self, turn):
        Counter.calls += 1
        return {"fake": Counter.calls * super().fool(turn)["fake"] ** 2}


class Rare(Sound):
    """A phase that runs every third step keeps the number of its runs where no checkpoint sees it."""

    tiny = {"training.steps_per_call": 2}

    def networks(self, data):
        self.runs = tf.Variable(0.0, trainable=False, name="runs")
        return super().networks(data)

    def stages(self, data):
        def late(turn):
            self.runs.assign_add(1)
            return {"square": self.runs * tf.reduce_sum(turn("d", turn["x"]) ** 2, axis=1)}

        (stage,) = super().stages(data)
        return [Stage("only", 9, (*stage.phases, Phase("late", ("d",), late, optimizer="d", every=3)), stage.shared)]


class NotANumber(Sound):
    def fool(self, turn):
        half = keras.config.dtype_policy().name == "mixed_bfloat16"
        return {"fake": super().fool(turn)["fake"] * (float("nan") if half else 1.0)}


class Gaussian(Sound):
    def middle(self):
        return layers.GaussianNoise(1.0, name="rain")


class UpdateNoise(Sound):
    def stages(self, data):
        return [replace(super().stages(data)[0], state={"p": 0.0}, update=lambda turn: {"p": tf.random.uniform(())})]


class Kept(Sound):
    """A Keras user's reflex: keep the model, call it."""

    def fool(self, turn):
        return {"fake": cross_entropy(turn("d", self.g(turn.normal("z", 2), training=True)), True)}


class OwnGenerator(Sound):
    def noise(self, turn):
        return keras.random.normal(tf.shape(turn["x"]), dtype=turn["x"].dtype)


class NoisySource(Sound):
    def source(self):
        return Shifted(lambda x: x + tf.random.normal((2,)))


class HiddenNoiseSource(Sound):
    def source(self):
        return Shifted(lambda x: tf.numpy_function(lambda x: x + np.float32(np.random.normal()), [x], tf.float32))


class Shifted(ArraySource):
    def __init__(self, shift):
        super().__init__(x=X.astype("float32"))
        self.shift = shift

    def gather(self, rows, index, seed):
        return {"x": self.shift(super().gather(rows, index, seed)["x"])}


class Heads(Sound):
    def middle(self):
        return layers.Dense(3, dtype="float32", name="head")


class SameNetworks(Sound):
    def networks(self, data):
        if not hasattr(self, "made"):
            self.made = super().networks(data)
        return self.made


class NoData(Sound):
    def data(self):
        raise UsageError("there is nothing to train on", "--data FOLDER")


class Bare(Sound):
    def evaluate(self, networks, data):
        return Evaluation({"mean": 0.0}, {}, {})


class Undefined(Sound):
    def evaluate(self, networks, data):
        return Evaluation({"mean": 0.0}, {"nothing": {"mean": float("nan")}}, {})


class OtherFigures(Sound):
    def evaluate(self, networks, data):
        return Evaluation({"mean": 0.0}, {"nothing": {"fid": 1.0}}, {})


class NoEvaluation(Sound):
    def evaluate(self, networks, data):
        return {"mean": 0.0}


class Unwritten(Sound):
    def sample(self, networks, data, out):
        return [out / "points.png"]


class Flat(Sound):
    def sample(self, networks, data, out):
        Image.new("L", (8, 8), 7).save(out / "grey.png")
        return [out / "grey.png"]


NOISE, SOURCE = "draws random numbers", r"gather\(\) of source 'points'"


@pytest.mark.parametrize(
    ("recipe", "check", "said"),
    [
        (OwnGenerator, "resume", "variables differ after a resume in stage 'only'"),
        (SameMask, "replicas", "in float64, one and two replicas differ"),
        (OwnStatistics, "replicas", "in float64, one and two replicas differ"),
        (OwnMean, "replicas", "in float64, one and two replicas differ"),
        (Hardly, "replicas", "in float64, one and two replicas differ"),
        (Meddler, "phases", "phase 'd' of stage 'only' moves the weights of g, which it does not train"),
        (Idle, "phases", "phase 'g' of stage 'only' leaves the weights of g as they are"),
        (OtherData, "resume", "variables differ after a resume"),
        (Counter, "resume", "variables differ after a resume"),
        (Rare, "resume", "variables differ after a resume"),
        (HalfWeights, "bfloat16", "weights of the networks are kept in float16"),
        (NotANumber, "bfloat16", "is not finite"),
        (FreeNoise, "resume", "variables differ after a resume in stage 'only'"),
        (FreeNoise, "purity", rf"loss of phase 'd' {NOISE} \(RandomStandardNormal\) in test_testing.py:\d+ in noise"),
        (UpdateNoise, "purity", rf"Stage.update of 'only' {NOISE} \(RandomUniform\) in test_testing.py"),
        (NoisySource, "purity", rf"{SOURCE} {NOISE} \(RandomStandardNormal\) in test_testing.py:\d+ in <lambda>"),
        (LoopNoise, "purity", rf"loss of phase 'd' {NOISE} \(RandomUniform\) in test_testing.py:\d+ in"),
        (Gaussian, "purity", r"layer 'rain' \(GaussianNoise\) of network 'g' draws random numbers of its own"),
        (OwnGenerator, "purity", rf"loss of phase 'd' {NOISE} \(keras.random\) in test_testing.py:\d+ in noise"),
        (
            Rare,
            "purity",
            r"the loss of phase 'late' uses the variable 'runs', which is not the game's, in .*:\d+ in late",
        ),
        (HiddenNoiseSource, "purity", rf"{SOURCE} gives other values of 'x' for the same examples"),
        (Heads, "layers", "the layer 'head' of network 'g' computes in a float type of its own"),
        (
            NoData,
            "layers",
            "it cannot be opened with its tiny options: there is nothing to train on\nhint: Recipe.tiny ",
        ),
        (SameNetworks, "rehearsal", r"networks\(\) gives the same 'g' twice"),
        (Bare, "rehearsal", "the evaluation has no baseline"),
        (OtherFigures, "rehearsal", "the baseline 'nothing' has 'fid', which the networks' own figures have not"),
        (Flat, "rehearsal", "the picture grey.png is one flat colour"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_what_is_wrong_is_found(recipe, check, said, tmp_path):
    with pytest.raises(CheckFailed, match=said) as found:
        check_recipe(recipe, check, tmp_path)
    assert found.value.hint


@pytest.mark.parametrize(
    ("recipe", "check", "said"),
    [
        (Kept, "purity", r"in fool, loss of phase 'g': a loss reads the variable '\S+' .*, which is of no network"),
        (NoEvaluation, "rehearsal", "in evaluate: it returned a dictionary"),
        (Undefined, "rehearsal", r"in evaluate: Evaluation.baselines\['nothing'\]\['mean'\] is nan"),
        (Unwritten, "rehearsal", "in sample: it returned points.png, which it has not written"),
    ],
)
def test_what_the_engine_refuses_is_met(recipe, check, said, tmp_path):
    with pytest.raises(RecipeError, match=said) as found:
        check_recipe(recipe, check, tmp_path)
    assert found.value.hint


def test_what_a_checkpoint_forgets_is_found(tmp_path, monkeypatch):
    variables = TrainState.variables

    class Forgotten(Sound):
        pass

    def forgetful(self):  # Adam's first momentum
        return (pair for pair in variables(self) if not pair[0].startswith("optimizers/g/002"))

    monkeypatch.setattr(TrainState, "variables", forgetful)
    with pytest.raises(AssertionError, match="variables differ after a resume"):
        check_recipe(Forgotten, "resume", tmp_path)


def test_what_a_name_of_the_process_does_to_a_checkpoint_is_found(tmp_path, monkeypatch):
    variables = TrainState.variables

    class Named(Sound):
        pass

    monkeypatch.setattr(TrainState, "variables", lambda self: ((f"{k}/{id(self)}", v) for k, v in variables(self)))
    with pytest.raises(RecipeError, match="the saved state and the networks differ"):
        check_recipe(Named, "resume", tmp_path)


X3 = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda: tf.random.normal((2,)), "draws random numbers (RandomStandardNormal)"),
        (lambda: tf.random.shuffle(X3), "draws random numbers (RandomShuffle)"),
        (lambda: tf.map_fn(lambda x: x + tf.random.uniform((2,)), X3), "draws random numbers (RandomUniform)"),
        (lambda: tf.cond(X3[0, 0] > 0, lambda: tf.random.uniform(()), lambda: 0.0), "random numbers (RandomUniform)"),
        (lambda: X3 + RNG.normal(), "is another one each time that Python runs"),
        (lambda: X3 + 1 if RNG.random() < 0.5 else X3 * 2, "is another one each time that Python runs"),
    ],
)
def test_randomness_shows_in_graphs(function, said):
    graphs = [traced(function) for _ in range(8)]
    with pytest.raises(
        CheckFailed, match=rf"^it .*{re.escape(said)}.*test_testing.py:\d+.*\nhint: .*draw by the example"
    ):
        for graph in graphs[1:]:
            check_graphs(graphs[0], graph, "it", "draw by the example")


def test_what_hangs_on_the_example_alone_is_no_randomness():
    def pure():
        index = tf.range(3, dtype=tf.int64)
        rows = tf.raw_ops.RandomIndexShuffle(index=index, seed=tf.constant([1, 2, 3], tf.uint32), max_index=2)
        return tf.gather(X3, rows) + random.normal(index, 0, "z", (2,)) + tf.random.stateless_uniform((2,), (1, 2))

    check_graphs(traced(pure), traced(pure), "it", "")


def test_each_variable_and_the_state_of_a_stage_counts():
    a = {"networks/g/000/kernel": np.array([3.0]), "state/main/mean": np.array([2.0]), "state/main/count": np.array(4)}
    assert difference(a, a) == 0
    assert difference(a, {**a, "networks/g/000/kernel": np.array([3.03])}) == pytest.approx(0.01)
    assert difference(a, {**a, "state/main/mean": np.array([2.5])}) == pytest.approx(0.25)
    assert difference(a, {**a, "state/main/count": np.array(5)}) == pytest.approx(0.25)


class Drawn(Sound):
    """A recipe whose data are the user's."""

    tiny = {"training.batch_size": 2, "training.seed": 3}
    made = 0

    @classmethod
    def tiny_data(cls, folder):
        cls.made += 1
        np.save(folder / "points.npy", X)
        return {"training.init_from": str(folder / "points.npy"), "training.batch_size": 8}


def test_tiny_data_are_written_once_and_win_over_tiny():
    config = tiny(Drawn, max_steps=5).training
    assert (config.batch_size, config.seed, config.max_steps) == (8, 3, 5)
    np.testing.assert_array_equal(np.load(config.init_from), X)
    assert tiny(Drawn).training.init_from == config.init_from and Drawn.made == 1


FILE = """
from gankit import Recipe
import helper

class Mine(Recipe):
    name = "mine"
"""


def test_what_imports_tensorflow_is_named(tmp_path):
    from gankit import plugins

    (tmp_path / "mine.py").write_text(FILE)
    (tmp_path / "helper.py").write_text("import os\n\nimport keras\n")
    recipe = plugins.find(f"{tmp_path / 'mine.py'}:Mine").recipe
    with pytest.raises(CheckFailed, match=r"^helper.py:3 imports keras .* \(imported by mine.py:3\)\nhint: import it"):
        check_light_import(recipe, tmp_path)


def test_the_fast_checks_come_first():
    assert CHECKS[: len(FAST)] == FAST and {"rehearsal", "purity"} <= set(FAST) and "run" not in FAST


def test_tiny_pictures_are_the_same_each_time_and_others_in_each_folder(tmp_path):
    def pixels(folder):
        return [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]

    pairs, alone = tiny_pictures(tmp_path / "pairs", "A", "B", count=3, side=8), tiny_pictures(tmp_path / "x")
    assert np.shape(pixels(pairs / "A")) == (3, 8, 8, 3) and np.shape(pixels(alone)) == (10, 16, 16, 3)
    assert np.ptp(pixels(pairs / "A")) > 200
    assert abs(np.subtract(pixels(pairs / "A"), pixels(pairs / "B"), dtype=float)).mean() > 50
    np.testing.assert_array_equal(pixels(tiny_pictures(tmp_path / "again")), pixels(alone))
