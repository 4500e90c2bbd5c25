"""Exported files against the networks they came from, and everything that must keep a bad one from being written."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gankit.errors import GankitError, RecipeError, UsageError
from gankit.export import formats
from gankit.export.networks import TOLERANCE, check, export, largest_difference, trials

TOY = f"{Path(__file__).parents[1] / 'toy.py'}:Ring"
FORMATS = [("net.onnx", "onnx"), ("net.keras", "keras"), ("net", "savedmodel")]


def needs(format):
    if format == "onnx":
        pytest.importorskip("tf2onnx", reason="needs the extra gankit[onnx]")
        pytest.importorskip("onnxruntime", reason="needs the extra gankit[onnx]")


def images():
    """Any size, gankit's own layers, activations with and without weights, statistics away from their start."""
    from keras import Model, layers

    from gankit.images import BicubicUpscale, PixelShuffle

    low = layers.Input((None, None, 3), name="low_resolution")
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(low)
    x = layers.PReLU(shared_axes=[1, 2])(layers.BatchNormalization(synchronized=True)(x))
    x = PixelShuffle(2)(layers.LeakyReLU(0.1)(layers.Conv2D(12, 3, padding="same")(x)))
    x = layers.Rescaling(0.5, 0.5)(x)
    return Model(low, layers.Add(name="high_resolution")([BicubicUpscale(2)(low), x]), name="images")


def conditional():
    """Noise and a class to an image and a score: two inputs of two types, two outputs."""
    from keras import Model, layers

    noise, label = layers.Input((6,), name="noise"), layers.Input((1,), dtype="int32", name="label")
    x = layers.Concatenate()([noise, layers.Flatten()(layers.Embedding(10, 4)(label))])
    x = layers.Reshape((3, 3, 4))(layers.Dense(36, activation="relu")(x))
    x = layers.BatchNormalization()(layers.Conv2DTranspose(8, 4, 2, padding="same")(x))
    image = layers.Conv2DTranspose(3, 4, 2, padding="same", activation="tanh", name="picture")(x)
    score = layers.Dense(1, name="judgement")(layers.GlobalAveragePooling2D()(x))
    return Model([noise, label], [image, score], name="conditional")


def plain():
    from keras import Sequential, layers

    return Sequential([layers.Input((5,)), layers.Dense(7, activation="tanh"), layers.Dense(2)])


NETWORKS = {make.__name__: make for make in (images, conditional, plain)}


def shaken(make):
    """A network none of whose variables has a special value: a 0 or a 1 may hide what is missing."""
    model, rng = make(), np.random.default_rng(5)
    for v in model.variables:
        v.assign(rng.uniform(0.2, 0.6, v.shape) * (1 if "variance" in v.name else rng.choice([-1, 1], v.shape)))
    return model


def loaded(networks, exports=None):
    """What `export` uses of a LoadedRun."""
    return SimpleNamespace(
        networks=networks,
        recipe=SimpleNamespace(name="enlarge", exports=exports or {}),
        run=SimpleNamespace(path=Path("runs/enlarge/20260102-030405-abcd")),
        position=SimpleNamespace(total=123),
    )


@pytest.fixture(scope="module")
def models():
    return {name: shaken(make) for name, make in NETWORKS.items()}


@pytest.mark.parametrize("file, format", FORMATS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_computes_what_the_network_computes(models, name, file, format, tmp_path):
    needs(format)
    model = models[name]
    done = export(loaded({name: model}), tmp_path / file, format=format)
    assert done["difference"] <= TOLERANCE
    rng = np.random.default_rng(9)  # sizes that `trials` has not seen
    inputs = [
        rng.integers(0, 10, (4, 1)).astype("int32") if t.dtype == "int32" else rng.random([4, *t.shape[1:]], np.float32)
        for t in model.inputs
        if None not in t.shape[1:]
    ] or [rng.random((4, 5, 9, 3), np.float32)]
    expected = formats.function_of(model)(inputs)
    results = formats.READERS[format](tmp_path / file, formats.output_names(model))(inputs)
    assert len(results) == len(expected)
    for result, truth in zip(results, expected, strict=True):
        assert np.ptp(truth) > 0.1  # the comparison says something
        np.testing.assert_allclose(result, truth, atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == [file]
    assert done["bytes"] == sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())


def test_an_onnx_file_names_its_ends_and_its_origin(models, tmp_path):
    needs("onnx")
    import onnx

    about = {"generator": "RGB in [0, 1]"}
    done = export(loaded({"critic": models["plain"], "generator": models["images"]}, about), tmp_path / "g.onnx")
    proto = onnx.load(tmp_path / "g.onnx")

    def described(values):
        return {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}

    assert described(proto.graph.input) == {
        "low_resolution": ["batch", "low_resolution_height", "low_resolution_width", 3]
    }
    assert described(proto.graph.output) == {
        "high_resolution": ["batch", "high_resolution_height", "high_resolution_width", 3]
    }
    notes = {prop.key: prop.value for prop in proto.metadata_props}
    assert notes["gankit.recipe"] == "enlarge" and notes["gankit.run"] == "20260102-030405-abcd"
    assert notes["gankit.network"] == "generator" and notes["gankit.about"] == "RGB in [0, 1]"
    assert notes["gankit.step"] == "123" and notes["gankit.gankit"]
    assert done["inputs"] == {"low_resolution": {"shape": [None, None, None, 3], "dtype": "float32"}}
    # The names must not depend on how many tensors the process has made.
    proto = formats.to_onnx(models["plain"])
    assert (*described(proto.graph.input), *described(proto.graph.output)) == ("input_0", "output_0")


@pytest.mark.parametrize("file, format", FORMATS[1:])
def test_the_other_formats_carry_the_note_in_a_file(models, file, format, tmp_path):
    export(loaded({"g": models["plain"]}), tmp_path / file, format=format)
    if format == "keras":
        note = json.loads(zipfile.ZipFile(tmp_path / file).read(formats.NOTE))
    else:
        note = json.loads((tmp_path / file / "assets.extra" / formats.NOTE).read_text())
    assert note["recipe"] == "enlarge" and note["step"] == 123


@pytest.mark.parametrize("shift, kept", [(1e-3, False), (1e-5, True)])
def test_a_file_that_computes_something_else_is_not_kept(models, shift, kept, tmp_path, monkeypatch):
    model = models["plain"]

    def wrong(path, outputs):
        return lambda inputs: [output + shift for output in formats.function_of(model)(inputs)]

    monkeypatch.setitem(formats.READERS, "keras", wrong)
    (tmp_path / "net.keras").write_text("the older file")
    if kept:
        done = export(loaded({"g": model}), tmp_path / "net.keras", force=True)
        assert shift / 5 < done["difference"] <= 1.1 * shift
    else:
        with pytest.raises(GankitError, match=r"would differ from g by \d\.\de-04"):
            export(loaded({"g": model}), tmp_path / "net.keras", force=True)
        assert (tmp_path / "net.keras").read_text() == "the older file"
    assert [path.name for path in tmp_path.iterdir()] == ["net.keras"]


def test_a_writer_that_fails_leaves_nothing(models, tmp_path, monkeypatch):
    def full(model, path, note):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(formats.WRITERS, "keras", full)
    with pytest.raises(GankitError, match=r"g cannot be written as keras: .*No space left"):
        export(loaded({"g": models["plain"]}), tmp_path / "net.keras")
    assert not list(tmp_path.iterdir())


def test_what_onnx_cannot_say_is_one_clear_error(tmp_path):
    needs("onnx")
    import keras
    import tensorflow as tf

    class Bessel(keras.layers.Layer):
        def call(self, x):
            return tf.math.special.bessel_i0(x)

        def compute_output_shape(self, shape):
            return shape

    x = keras.Input((3,))
    with pytest.raises(GankitError, match="g cannot be written as onnx: "):
        export(loaded({"g": keras.Model(x, Bessel()(x))}), tmp_path / "g.onnx")
    assert not list(tmp_path.iterdir())


def test_the_difference_is_relative_above_one_and_keeps_nan():
    def pair(result, truth):
        return largest_difference(lambda inputs: [np.array(result, np.float32)], [([], [np.array(truth, np.float32)])])

    assert pair([0.5, 0.25], [0.5, 0.5]) == 0.25
    assert pair([8.0, 0.5], [8.0, 1.5]) == 0.125  # a difference of 1 where the largest output is 8
    assert np.isnan(pair([np.nan, 1], [0, 1]))
    two = [([], [np.zeros(1)]), ([], [np.zeros(1)])]
    values = iter([3.0, 1.0])
    assert largest_difference(lambda inputs: [np.array([next(values)])], two) == 3.0  # the worst, not the last
    with pytest.raises(GankitError, match=r"\[2\] would become \[1\]"):
        pair([1.0], [1.0, 1.0])


def test_trials_leave_out_sizes_that_the_network_refuses(models):
    from keras import Model, layers

    x = layers.Input((None, None, 1))
    # No padding: nine pixels at least. (Where the output would be just empty, CPUs differ in whether they refuse.)
    strided = Model(x, layers.Conv2D(1, 9)(x))
    assert [inputs[0].shape[1:3] for inputs, _ in trials(strided)] == [(16, 24), (32, 32)]
    found = trials(models["images"])
    assert [inputs[0].shape for inputs, _ in found][:3] == [(1, 1, 1, 3), (2, 1, 2, 3), (3, 2, 7, 3)]
    assert {inputs[1].dtype.name for inputs, _ in trials(models["conditional"])} == {"int32"}
    x = layers.Input((None, None, 1))
    with pytest.raises(GankitError, match="accepts no input"):
        trials(Model(x, layers.Conv2D(1, 64)(x)))


def test_the_network_that_is_meant(models, tmp_path):
    plain, other = models["plain"], models["conditional"]
    both = {"critic": plain, "generator": other}
    assert export(loaded({"only": plain}), tmp_path / "a.keras")["network"] == "only"
    assert export(loaded(both, {"generator": ""}), tmp_path / "b.keras")["network"] == "generator"
    assert export(loaded(both), tmp_path / "c.keras", network="critic")["network"] == "critic"
    with pytest.raises(UsageError, match="2 networks") as error:
        export(loaded(both), tmp_path / "d.keras")
    assert "critic, generator" in error.value.hint
    with pytest.raises(UsageError, match="no network 'generatr'") as error:
        export(loaded(both), tmp_path / "d.keras", network="generatr")
    assert "'generator'" in error.value.hint
    with pytest.raises(RecipeError, match="inputs"):
        export(loaded({"g": object()}), tmp_path / "d.keras")


def test_refusals_before_any_work(tmp_path, monkeypatch):
    file, folder, saved = tmp_path / "a.keras", tmp_path / "folder", tmp_path / "saved"
    file.write_text("")
    for path in (folder, saved):
        path.mkdir()
    (saved / "saved_model.pb").write_text("")
    for said, path, options in (
        ("does not say the format", tmp_path / "b.txt", {}),
        ("does not say the format", tmp_path / "b", {}),
        ("no format 'onx'", tmp_path / "b", {"format": "onx"}),
        ("Keras would not read b.txt", tmp_path / "b.txt", {"format": "keras"}),
        ("no folder", tmp_path / "absent" / "b.keras", {}),
        ("exists", file, {}),
        ("exists", saved, {"format": "savedmodel"}),
        ("could replace", folder, {"format": "savedmodel", "force": True}),
        ("could replace", file, {"format": "savedmodel", "force": True}),
        ("could replace", saved, {"format": "onnx", "force": True}),
    ):
        with pytest.raises(UsageError, match=said):
            check(path, **options)
    assert check(file, force=True) == "keras"
    assert check(saved, "savedmodel", force=True) == "savedmodel"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "tf2onnx" else name)
    with pytest.raises(GankitError, match="needs tf2onnx") as error:
        check(tmp_path / "b.onnx")
    assert "gankit[onnx]" in error.value.hint
    assert check(tmp_path / "b.keras") == "keras"


def test_force_replaces_a_whole_savedmodel(models, tmp_path):
    old = tmp_path / "saved"
    old.mkdir()
    (old / "saved_model.pb").write_text("old")
    (old / "left over").write_text("old")
    export(loaded({"g": models["plain"]}), old, format="savedmodel", force=True)
    assert (old / "saved_model.pb").stat().st_size > 100 and not (old / "left over").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def test_refusals_need_no_tensorflow(tmp_path):
    code = (
        "import sys\nfrom gankit.cli import main\n"
        f"try: main(['export', 'latest', '-o', {str(tmp_path / 'a.txt')!r}])\n"
        "except SystemExit as stop: assert stop.code == 2\n"
        "assert not {'tensorflow', 'keras', 'onnx'} & set(sys.modules), 'heavy'"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "does not say the format" in done.stderr


@pytest.mark.slow
def test_a_run_is_exported_from_the_command_line(tmp_path, capsys):
    from gankit.cli import main

    def gankit(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in arguments])
        return stop.value.code, *capsys.readouterr()

    quick = ["--steps", "4", "--width", "8", "--set", "training.steps_per_call=2"]
    assert gankit("run", TOY, *quick, "--runs-dir", tmp_path)[0] == 0
    command = [
        "export",
        "latest",
        "--trust-recipe",
        "--runs-dir",
        tmp_path,
        "-o",
        tmp_path / "g.keras",
        "--network",
        "generator",
    ]
    code, out, err = gankit(*command, "--json")
    assert code == 0 and "Traceback" not in err
    told = json.loads(out)
    assert told["recipe"] == "ring" and told["step"] == 4 and told["difference"] <= TOLERANCE
    # The average of the weights, as evaluate and sample use it.
    import gankit as package

    generator = package.load("latest", runs_dir=tmp_path, trust_recipe=True).networks["generator"]
    z = np.random.default_rng(0).normal(size=(3, 8)).astype("float32")
    result = formats.READERS["keras"](tmp_path / "g.keras", ["output_0"])([z])[0]
    np.testing.assert_allclose(result, generator(z), atol=1e-6)
    code, out, err = gankit(*command)
    assert code == 2 and out == "" and "--force" in err
    code, out, err = gankit(*command, "--force")
    assert code == 0 and "in  input_0 [any, 8] float32" in out and "out output_0 [any, 2] float32" in out
