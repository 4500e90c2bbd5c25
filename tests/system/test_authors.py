"""Mistakes of authors: each message names the file, the line and the method, and its hint says what to do.

A mistake is a replacement in a recipe that is right. What a graph shows is found when the first step is traced; all
else is found before, and costs no graph.
"""

import traceback

import pytest

from gankit import plugins
from gankit.engine import contract
from gankit.errors import RecipeError

RIGHT = """
import numpy as np
from gankit import ArraySource, Data, Evaluation, Phase, Recipe, RecipeConfig, Stage, Training


class Config(RecipeConfig):
    width: int = 8
    training: Training = Training(batch_size=16, steps_per_call=2, log_every=2)


class Source(ArraySource):
    def gather(self, rows, index, seed):
        return super().gather(rows, index, seed)


class Mine(Recipe):
    name, summary = "mine", "Points."
    Config = Config

    def data(self):
        x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
        return Data({"points": Source(point=x)}, {"points": x}, {"z": 4})

    def networks(self, data):
        import keras
        from keras.layers import Dense, Input

        def mlp(i, o):
            return keras.Sequential([Input((i,)), Dense(self.config.width, activation="tanh"), Dense(o)])

        return {"generator": mlp(data.facts["z"], 2), "discriminator": mlp(2, 1)}

    def optimizers(self):
        import keras

        return {name: keras.optimizers.Adam(1e-3) for name in ("generator", "discriminator")}

    def stages(self, data):
        import tensorflow as tf
        from gankit.nn import cross_entropy

        def fakes(turn):
            return {"fake": turn("generator", turn.normal("z", 4))}

        def judge(turn):
            real, fake = turn("discriminator", turn["point"]), turn("discriminator", turn.shared["fake"])
            return {"real": cross_entropy(real, True), "fake": cross_entropy(fake, False)}

        def fool(turn):
            return {"adversarial": cross_entropy(turn("discriminator", turn.shared["fake"]), True)}

        phases = (Phase("discriminator", ("discriminator",), judge), Phase("generator", ("generator",), fool))
        return [Stage("adversarial", 6, phases, shared=fakes)]

    def evaluate(self, networks, data):
        figures = {"mean": 0.5}
        return Evaluation(figures, {"noise": {"mean": 1.0}}, {"n": 64}, {"mean": "lower"})

    def sample(self, networks, data, out):
        (out / "points.txt").write_text("points")
        return [out / "points.txt"]
"""


def line_of(text, part):
    return text[: text.index(part)].count("\n") + 1


@pytest.fixture
def mistake(tmp_path):
    """mistake(old, new) is the recipe with a replacement; `.line` says where it was made."""

    def make(old="", new=""):
        assert RIGHT.count(old) == 1 or not old, f"{old!r} stands {RIGHT.count(old)} times"
        path = tmp_path / "mine.py"
        path.write_text(RIGHT.replace(old, new) if old else RIGHT)
        cls = plugins.find(f"{path}:Mine").recipe
        return contract.make(cls, cls.Config())

    return make


def everything(recipe, folder):
    """All that a training does before and after its steps, in its order."""
    from gankit.runs.trainer import Trainer

    trainer = Trainer(recipe)
    contract.evaluate(recipe, trainer.state.networks, trainer.data)
    contract.sample(recipe, trainer.state.networks, trainer.data, folder)
    return trainer


def step(recipe):
    """Traces and runs a step."""
    from gankit.runs.trainer import Trainer

    trainer = Trainer(recipe)
    (stage,) = trainer.stages.values()
    stage.begin(trainer.data, 0, 6)
    stage.advance(0, 1)
    return stage


def test_the_recipe_is_right(mistake, tmp_path):
    recipe = mistake()
    everything(recipe, tmp_path)
    assert step(recipe).names[0] == "discriminator/real"


NETWORKS = 'return {"generator": mlp(data.facts["z"], 2), "discriminator": mlp(2, 1)}'
DATA = 'return Data({"points": Source(point=x)}, {"points": x}, {"z": 4})'
OPTIMIZERS = 'return {name: keras.optimizers.Adam(1e-3) for name in ("generator", "discriminator")}'
STAGES = 'return [Stage("adversarial", 6, phases, shared=fakes)]'
GENERATOR = 'Phase("generator", ("generator",), fool)'
FIGURES = 'figures = {"mean": 0.5}'
SAMPLES = 'return [out / "points.txt"]'

# What is wrong: (old, new), what stands in the line that is named, message, hint.
BEFORE = {
    "data returns nothing": ((DATA, "Data()"), "def data", "in data: it returned None", "is a `return` missing?"),
    "an array is no source": (
        ("Source(point=x)}, {", "x}, {"),
        "def data",
        "in data: Data.train['points'] is a NumPy array of shape (64, 2), not a source",
        "ArraySource(field=array) makes an array one",
    ),
    "facts that are an array": (
        ('{"z": 4}', '{"z": 4, "mean": [x.mean(0)]}'),
        "def data",
        "in data: facts['mean'][0] is a NumPy array of shape (2,)",
        "tolist() makes one",
    ),
    "facts that are NumPy's number": (
        ('{"z": 4}', '{"z": 4, "mean": x.mean()}'),
        "def data",
        "in data: facts['mean'] is a float32 of shape ()",
        "item() makes one",
    ),
    "facts that are not finite": (('{"z": 4}', '{"z": float("inf")}'), "def data", "facts['z'] is inf", "use None"),
    "facts by numbers": (('{"z": 4}', '{"z": {3: 4}}'), "def data", "facts['z'] has the key 3, an int", "write '3'"),
    "facts that are missing": (
        ('facts["z"]', 'facts["zz"]'),
        'facts["zz"]',
        "in networks: KeyError: 'zz'",
        "",
    ),
    "networks returns nothing": ((NETWORKS, "pass"), "def networks", "in networks: it returned None", "`return`"),
    "networks in a list": (
        (NETWORKS, "return [mlp(4, 2), mlp(2, 1)]"),
        "def networks",
        "in networks: it returned a list",
        "return a dictionary, name -> keras.Model",
    ),
    "a layer is no model": (
        ("mlp(2, 1)}", "Dense(1)}"),
        "def networks",
        "in networks: 'discriminator' is a Dense, not a keras.Model",
        "keras.Sequential([...])",
    ),
    "a model without an input": (
        ("[Input((i,)), ", "["),
        "def networks",
        "in networks: 'generator' is not built",
        "begin a Sequential with keras.layers.Input",
    ),
    "an average of no network": (
        ("    Config = Config\n", '    Config = Config\n    ema = {"generater": 0.9}\n'),
        "def networks",
        "Mine.ema names 'generater', which is no network",
        "did you mean 'generator'?",
    ),
    "exports of no network": (
        ("    Config = Config\n", '    Config = Config\n    exports = {"generater": "points"}\n'),
        "def networks",
        "Mine.exports names 'generater', which is no network",
        "did you mean 'generator'?",
    ),
    "an optimizer of another name": (
        ('("generator", "discriminator")}', '("gen", "discriminator")}'),
        "def optimizers",
        "in optimizers: there is no optimizer 'generator'",
        "known: discriminator, gen",
    ),
    "the name of an optimizer": (
        ("keras.optimizers.Adam(1e-3)", '"adam"'),
        "def optimizers",
        "in optimizers: 'generator' is a text, not a Keras optimizer",
        "keras.optimizers.Adam",
    ),
    "one optimizer for two": (
        (OPTIMIZERS, "one = keras.optimizers.Adam()\n        return dict(generator=one, discriminator=one)"),
        "def optimizers",
        "'generator' and 'discriminator' are one and the same",
        "optimizer='generator'",
    ),
    "an optimizer that clips": (
        ("Adam(1e-3)", "Adam(1e-3, clipnorm=1.0)"),
        "def optimizers",
        "in optimizers: optimizer 'discriminator' clips by itself",
        "Phase.clip",
    ),
    "stages returns nothing": ((STAGES, "_ = phases"), "def stages", "in stages: it returned None", "a list"),
    "stages returns one": (
        (STAGES, STAGES.replace("[", "").replace("]", "")),
        "def stages",
        "returned a Stage",
        "list",
    ),
    "a stage twice": ((STAGES, STAGES + " * 2"), "def stages", "in stages: stage names must differ", ""),
    "a phase trains no network": (
        (GENERATOR, GENERATOR.replace('("generator",)', '("generater",)')),
        "def stages",
        "in stages: phase 'generator' trains 'generater', which is no network",
        "did you mean 'generator'?",
    ),
    "a phase without its comma": (
        (GENERATOR, GENERATOR.replace('("generator",)', '("generator")')),
        "phases = (",
        "in stages: ValueError: phase 'generator': trains is a tuple of names: ('generator',), with its comma",
        "",
    ),
    "a learning rate that is a number": (
        (GENERATOR, GENERATOR.replace("fool", "fool, lr=1e-3")),
        "phases = (",
        "phase 'generator': lr is a function of the step",
        "",
    ),
    "a method's name": (
        ("def optimizers", "def optimisers"),
        "class Mine",
        ": the class Mine has no method 'optimizers'",
        "every recipe writes it",
    ),
    "evaluate returns a tuple": (
        ("return Evaluation(figures", "return (figures"),
        "def evaluate",
        "in evaluate: it returned a tuple",
        "return a gankit.Evaluation",
    ),
    "an array as a figure": (
        (FIGURES, 'figures = {"mean": np.zeros(2)}'),
        "def evaluate",
        "in evaluate: Evaluation.metrics['mean'] is a NumPy array of shape (2,)",
        "float(values.mean())",
    ),
    "a figure that is no number": (
        (FIGURES, 'figures = {"mean": float("nan")}'),
        "def evaluate",
        "Evaluation.metrics['mean'] is nan",
        "one finite number",
    ),
    "a direction of no figure": (
        ('{"mean": "lower"}', '{"means": "lower"}'),
        "def evaluate",
        "in evaluate: Evaluation.better names 'means', which is no metric",
        "did you mean 'mean'?",
    ),
    "a direction that is none": (
        ('{"mean": "lower"}', '{"mean": "low"}'),
        "def evaluate",
        "Evaluation.better['mean'] is 'low'",
        "write 'higher' or 'lower'",
    ),
    "a network is given another shape at the end": (
        (FIGURES, 'figures = {"mean": float(networks["generator"](np.zeros((3, 5)))[0, 0])}'),
        "figures =",
        "in evaluate: ValueError: ",
        "the network was built for 4 in axis -1 and was given (3, 5)",
    ),
    "sample raises": ((SAMPLES, 'raise KeyError("colour")'), 'raise KeyError("c', "in sample: KeyError: 'colour'", ""),
    "sample returns nothing": ((SAMPLES, "pass"), "def sample", "in sample: it returned None", "list of the files"),
    "sample returns texts": (
        (SAMPLES, SAMPLES.replace("out / ", "")),
        "def sample",
        "in sample: it returned a list with a text in it: 'points.txt'",
        "[out / 'points.png']",
    ),
    "sample returns what is not there": (
        (SAMPLES, SAMPLES.replace("points", "other")),
        "def sample",
        "in sample: it returned other.txt, which it has not written",
        "list of the files written",
    ),
}


def assert_told(error, text, where, message, hint):
    place = f"mine.py:{line_of(text, where)}" if where else ""
    assert error.message.startswith(place) and message in error.message, error.message
    assert hint in error.hint, error.hint
    assert "\n" not in error.message and len(error.message) < 400


@pytest.mark.parametrize("case", BEFORE)
def test_mistakes_that_need_no_step(mistake, tmp_path, case):
    change, where, message, hint = BEFORE[case]
    recipe = mistake(*change)
    with pytest.raises(RecipeError) as caught:
        everything(recipe, tmp_path)
    assert_told(caught.value, (tmp_path / "mine.py").read_text(), where, message, hint)


MADE = {
    "the base class is not called": (
        (
            "    def data(self):",
            "    def __init__(self, config):\n        self.width = config.width\n\n    def data(self):",
        ),
        "in __init__: self.config is not set",
        "super().__init__(config)",
    ),
    "the base class is called too late": (
        (
            "    def data(self):",
            "    def __init__(self, config): self.width = self.config.width\n\n    def data(self):",
        ),
        "in __init__: AttributeError: 'Mine' object has no attribute 'config'",
        "must begin with super().__init__(config)",
    ),
    "no configuration is taken": (
        ("    def data(self):", "    def __init__(self):\n        pass\n\n    def data(self):"),
        "in __init__: TypeError: Mine.__init__() takes 1 positional argument but 2 were given",
        "def __init__(self, config): super().__init__(config)",
    ),
}


@pytest.mark.parametrize("case", MADE)
def test_mistakes_in_making_the_recipe(mistake, tmp_path, case):
    change, message, hint = MADE[case]
    with pytest.raises(RecipeError) as caught:
        mistake(*change)
    assert_told(caught.value, (tmp_path / "mine.py").read_text(), "def __init__", message, hint)


JUDGE = 'real, fake = turn("discriminator", turn["point"]), turn("discriminator", turn.shared["fake"])'
FOOL = 'return {"adversarial": cross_entropy(turn("discriminator", turn.shared["fake"]), True)}'
FAKES = 'return {"fake": turn("generator", turn.normal("z", 4))}'
GATHER = "return super().gather(rows, index, seed)"
IN_JUDGE, IN_FOOL = "in judge, loss of phase 'discriminator': ", "in fool, loss of phase 'generator': "
IN_FAKES = "in fakes, Stage.shared of 'adversarial': "

# As above.
TRACED = {
    "a name that is none": (
        (JUDGE, JUDGE.replace("real", "turns, real", 1).replace("= turn", "= turns, turn")),
        "turns, real",
        IN_JUDGE + "UnboundLocalError: cannot access local variable 'turns'",
        "",
    ),
    "a field that is none": (
        (JUDGE, JUDGE.replace("point", "points")),
        "real, fake",
        IN_JUDGE + "the batch has no field 'points'",
        "did you mean 'point'?",
    ),
    "a shared value that is none": (
        (FOOL, FOOL.replace('"fake"', '"fakes"')),
        'return {"adv',
        IN_FOOL + "Stage.shared of 'adversarial' gives no 'fakes'",
        "did you mean 'fake'?",
    ),
    "a knob that is none": (
        (FAKES, FAKES.replace("4)", '4) * turn.knobs["noise"]')),
        'return {"fake',
        IN_FAKES + "stage 'adversarial' has no knob 'noise'",
        "none at all",
    ),
    "another shape than the network's": (
        (FAKES, FAKES.replace("4", "5")),
        'return {"fake',
        IN_FAKES + "network 'generator' was given [batch, 5], and takes [batch, 4]",
        "Input of the network",
    ),
    "an if on a tensor": (
        (FOOL, "if tf.reduce_mean(turn.shared['fake']) > 0: pass\n            " + FOOL),
        "if tf.reduce",
        IN_FOOL + "OperatorNotAllowedInGraphError: Using a symbolic `tf.Tensor` as a Python `bool` is not allowed",
        "tf.where",
    ),
    "a loop over a tensor": (
        (FOOL, "for row in turn.shared['fake']: pass\n            " + FOOL),
        "for row",
        IN_FOOL + "OperatorNotAllowedInGraphError: Iterating over a symbolic `tf.Tensor` is not allowed",
        "the whole batch at once",
    ),
    "NumPy in a loss": (
        (JUDGE, JUDGE.replace('turn["point"]', 'np.abs(turn["point"])')),
        "real, fake",
        IN_JUDGE + "NotImplementedError: Cannot convert a symbolic tf.Tensor",
        "TensorFlow's functions",
    ),
    "a shape that holds for one batch": (
        (FAKES, FAKES.replace('turn.normal("z", 4)', 'tf.reshape(turn.normal("z", 4), (64, 4))')),
        'return {"fake',
        IN_FAKES + "ValueError: Cannot reshape a tensor with 64 elements to shape [64,4] (256 elements)",
        "write -1",
    ),
    "float64 meets float32": (
        (FAKES, FAKES.replace("4))", "4)) + tf.ones((2,), tf.float64)")),
        'return {"fake',
        IN_FAKES + "TypeError: Input 'y' of 'AddV2' Op has type float64 that does not match type float32",
        "tf.cast(x, y.dtype)",
    ),
    "a scalar loss": (
        ('"fake": cross_entropy(fake, False)}', '"fake": tf.reduce_mean(fake)}'),
        "def judge",
        IN_JUDGE + "term discriminator/fake has shape (), not one value an example (16,)",
        "all axes but the first",
    ),
    "a loss in a list": (
        (FOOL, FOOL.replace('{"adversarial": ', "[").replace("}", "]")),
        "def fool",
        IN_FOOL,
        "{term:",
    ),
    "a loss that is a tensor": (
        (FOOL, FOOL.replace('{"adversarial": ', "").replace(", True)}", ", True)")),
        "def fool",
        IN_FOOL + "it returned a SymbolicTensor",
        "{term: one value an example}",
    ),
    "a column against a row": (
        ('"fake": cross_entropy(fake, False)}', '"fake": fake - turn["point"][:, 0]}'),
        "def judge",
        IN_JUDGE + "term discriminator/fake has shape (16, 16), not one value an example (16,)",
        "take x[:, 0] of the one",
    ),
    "a loss without a return": (
        (FOOL, FOOL.replace("return", "_ =")),
        "def fool",
        IN_FOOL + "it returned nothing",
        "`re",
    ),
    "a learning rate without a return": (
        (GENERATOR, GENERATOR.replace("fool", "fool, lr=lambda step: None")),
        "phases = (",
        "in stages, learning rate of 'generator' in stage 'adversarial': TypeError: float() argument",
        "is a `return` missing?",
    ),
    "numpy in gather": (
        (GATHER, "return {'point': self.fields['point'][rows.numpy()]}"),
        "rows.numpy()",
        "in gather, source 'points': AttributeError: 'SymbolicTensor' object has no attribute 'numpy'",
        "tf.gather",
    ),
    "noise of the process": (
        (FAKES, FAKES.replace('turn.normal("z", 4)', "tf.random.normal((16, 4))")),
        "def judge",
        IN_JUDGE + "it draws random numbers (RandomStandardNormal) in mine.py:43 in fakes",
        "turn.normal(name, *shape)",
    ),
    "noise of the process in a source": (
        (GATHER, "import tensorflow as tf; return {'point': tf.random.normal((16, 2))}"),
        "def gather",
        "in gather, source 'points': it draws random numbers (RandomStandardNormal) in mine.py:13 in gather",
        "gankit.engine.random.uniform(index, seed, name, shape)",
    ),
    "fewer rows than asked": (
        (GATHER, "return {k: v[:3] for k, v in super().gather(rows, index, seed).items()}"),
        "def gather",
        "in gather: field 'point' of source 'points': 3 rows where 16 were asked",
        "a row for each",
    ),
}


@pytest.mark.parametrize("case", TRACED)
def test_mistakes_that_the_first_step_shows(mistake, tmp_path, case):
    change, where, message, hint = TRACED[case]
    recipe = mistake(*change)
    with pytest.raises(RecipeError) as caught:
        step(recipe)
    assert_told(caught.value, (tmp_path / "mine.py").read_text(), where, message, hint)


def test_what_a_replica_raises_keeps_its_place(mistake, tmp_path, two_devices):
    recipe = mistake(JUDGE, JUDGE.replace("point", "points"))
    training = recipe.config.training.model_copy(update={"strategy": "mirrored", "devices": 2})
    with pytest.raises(RecipeError) as caught:
        step(contract.make(type(recipe), recipe.config.model_copy(update={"training": training})))
    assert_told(caught.value, RIGHT, "real, fake", IN_JUDGE + "the batch has no field 'points'", "did you mean")
    assert "judge" in [frame.name for frame in traceback.extract_tb(caught.tb)]


def test_debug_shows_the_authors_lines(mistake):
    with pytest.raises(RecipeError) as caught:
        step(mistake(JUDGE, JUDGE.replace("real, fake", "real, fake, wrong")))
    assert "judge" in [frame.name for frame in traceback.extract_tb(caught.tb)]


def test_options_of_tiny_that_are_wrong_are_the_recipes_fault(mistake):
    from gankit.testing.tiny_game import tiny

    recipe = mistake("    Config = Config\n", '    Config = Config\n    tiny = {"widht": 4}\n')
    with pytest.raises(RecipeError) as caught:
        tiny(type(recipe))
    assert_told(caught.value, RIGHT, "class Mine", ", Mine.tiny: widht: unknown key", "did you mean 'width'?")


def test_what_only_the_running_graph_shows_has_its_place(mistake, tmp_path):
    index = 'tf.gather(tf.zeros(4), tf.cast(turn.shared["fake"][:, 0] * 0 + 99, tf.int32))'
    recipe = mistake(FOOL, f"missing = {index}\n            {FOOL.replace(', True)', ', True) + missing')}")
    with pytest.raises(RecipeError) as caught:
        step(recipe)
    text = (tmp_path / "mine.py").read_text()
    assert_told(caught.value, text, "missing = ", "in fool: InvalidArgumentError: indices[0] = 99 is not in [0, 4)", "")
