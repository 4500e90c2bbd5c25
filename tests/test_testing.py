"""The compliance kit finds what is wrong with a recipe, and nothing wrong with a sound one."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from gankit import ArraySource, Data, Phase, Recipe, RecipeConfig, Stage
from gankit.engine.train_state import TrainState
from gankit.nn.losses import cross_entropy
from gankit.testing import check_recipe, drift

X = np.random.default_rng(0).normal(size=(64, 2))


class Sound(Recipe):
    """A game on points in the plane; what is wrong with a recipe replaces one of its methods."""

    name = "sound"
    Config = RecipeConfig

    def data(self):
        return Data({"points": ArraySource(x=X)})

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


@pytest.mark.parametrize("check", ["replicas", "bfloat16", "resume", "phases"])
def test_a_sound_recipe_passes_in_any_order(check, tmp_path):
    check_recipe(Sound, check, tmp_path)


class FreeNoise(Sound):
    def noise(self, turn):
        return tf.random.normal(tf.shape(turn["x"]), dtype=turn["x"].dtype)


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
    """What differs between replicas is too small to be seen in float32."""

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
        self.runs = tf.Variable(0.0)
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


@pytest.mark.parametrize(
    ("recipe", "check", "said"),
    [
        (FreeNoise, "resume", "variables differ after a resume in 'only'"),
        (FreeNoise, "replicas", "float32: one and two replicas differ"),
        (SameMask, "replicas", "float32: one and two replicas differ"),
        (OwnStatistics, "replicas", "float32: one and two replicas differ"),
        (OwnMean, "replicas", "float32: one and two replicas differ"),
        (Hardly, "replicas", "float64: one and two replicas differ"),
        (Meddler, "phases", r"phase 'd' of 'only' moved \['d', 'g'\]"),
        (Idle, "phases", r"phase 'g' of 'only' moved \[\]"),
        (OtherData, "resume", "variables differ after a resume"),
        (Counter, "resume", "variables differ after a resume"),
        (Rare, "resume", "variables differ after a resume"),
        (HalfWeights, "bfloat16", "weights of the networks are kept in float16"),
        (NotANumber, "bfloat16", "is not finite"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_what_is_wrong_is_found(recipe, check, said, tmp_path):
    with pytest.raises(AssertionError, match=said):
        check_recipe(recipe, check, tmp_path)


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
    from gankit.errors import RecipeError

    variables = TrainState.variables

    class Named(Sound):
        pass

    monkeypatch.setattr(TrainState, "variables", lambda self: ((f"{k}/{id(self)}", v) for k, v in variables(self)))
    with pytest.raises(RecipeError, match="the saved state and the networks differ"):
        check_recipe(Named, "resume", tmp_path)


def test_drift_is_of_whole_networks():
    a = {"networks/g/000/kernel": np.array([3.0, 0.0]), "networks/g/001/bias": np.array([4.0])}
    b = {**a, "networks/g/000/kernel": np.array([3.0, 0.05])}
    assert drift(a, a) == 0 and drift(a, b) == pytest.approx(0.05 / 5)
    more = {"networks/d/000/kernel": np.array([1.0])}
    assert drift({**a, **more}, {**b, "networks/d/000/kernel": np.array([1.5])}) == pytest.approx(0.5)
