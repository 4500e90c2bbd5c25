"""From marks to vectors, and the encoder's file."""

from types import SimpleNamespace

import numpy as np
import pytest
from gankit_sketch_retrieval.config import SketchConfig
from gankit_sketch_retrieval.features.components import POWER, Components
from gankit_sketch_retrieval.features.encoder import Encoder, open_encoder, turned
from gankit_sketch_retrieval.features.layers import pooled
from gankit_sketch_retrieval.marks.normalisation import normalised
from gankit_sketch_retrieval.recipe import SketchRetrieval
from sklearn.decomposition import PCA

from gankit import Data, UsageError
from gankit.errors import CheckpointError

RNG = np.random.default_rng(0)
MARKS = np.stack([normalised((RNG.random((20, 20)) > 0.6).astype(np.float32).repeat(3, 0)) for _ in range(30)])


def encoder(**options):
    config = SketchConfig(width=4, latent=6, dimensions=8, **options)
    return Encoder.of(config, SketchRetrieval(config).networks(None), MARKS)


def test_components_are_whitened_in_part():
    rows = RNG.normal(size=(500, 6)) @ np.diag([9.0, 4, 2, 1, 0.5, 0.1])
    found, known = Components.fitted(rows, 4), PCA(4).fit(rows)
    np.testing.assert_allclose(found.mean, rows.mean(0), rtol=1e-5)
    coordinates = (rows - found.mean) @ found.axes.T
    scale = np.sqrt(known.explained_variance_ * 499 / 500)
    np.testing.assert_allclose(coordinates.std(0), scale ** (1 - POWER), rtol=1e-3)
    np.testing.assert_allclose(np.abs(np.sum(found.axes * known.components_, 1)), scale**-POWER, rtol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found(rows), axis=1), 1, rtol=1e-5)


def test_components_of_few_marks():
    assert Components.fitted(RNG.normal(size=(5, 40)), 128).axes.shape == (4, 40)
    same = Components.fitted(np.ones((5, 40)), 3)
    assert np.isfinite(same(RNG.normal(size=(2, 40)))).all()


def test_pooling_averages_cells():
    layer = RNG.random((2, 8, 8, 3))
    found = pooled([layer, RNG.random((2, 5))])
    cells = np.stack(
        [layer[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean((1, 2)) for i in range(4) for j in range(4)], 1
    )
    cells = cells.reshape(2, -1)
    np.testing.assert_allclose(found[:, :48], cells / np.linalg.norm(cells, axis=1, keepdims=True))
    np.testing.assert_allclose(np.linalg.norm(found[:, 48:], axis=1), 1)


def test_the_papers_feature_is_the_last_layer():
    found = encoder(network="sketch-gan", feature="paper")
    _, *layers = found.network(MARKS[:2, ..., None].astype(np.float32) / 255, training=False)
    last = np.asarray(layers[-1]).reshape(2, -1)
    assert found.dim == 1024
    np.testing.assert_allclose(found.embed(MARKS[:2]), last / np.linalg.norm(last, axis=1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize(
    "options",
    [{}, {"network": "sketch-gan"}, {"feature": "paper"}, {"contrast": 0.0, "game": "bigan"}, {"spectral": True}],
)
def test_a_file_gives_the_same_vectors(options, tmp_path):
    made = encoder(**options)
    made.save(tmp_path / "one.safetensors")
    read = Encoder.load(tmp_path / "one.safetensors")
    np.testing.assert_allclose(read.embed(MARKS), made.embed(MARKS), atol=1e-6)
    assert read.fingerprint == made.fingerprint
    assert read.about == made.about
    made.save(tmp_path / "half.safetensors", half=True)
    rounded = Encoder.load(tmp_path / "half.safetensors")
    assert (rounded.embed(MARKS) * made.embed(MARKS)).sum(1).min() > 0.999
    assert rounded.fingerprint != made.fingerprint


def test_vectors_do_not_depend_on_the_batch():
    found = encoder()
    np.testing.assert_allclose(found.embed(MARKS)[3:4], found.embed(MARKS[3:4]), atol=1e-6)
    assert found.embed(MARKS[:0]).shape == (0, found.dim)


@pytest.mark.parametrize("damage", ["cut", "text", "other"])
def test_a_damaged_file(damage, tmp_path):
    path = tmp_path / "one.safetensors"
    encoder().save(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "text":
        path.write_text("no encoder")
    else:
        from safetensors.numpy import save_file

        save_file({"x": np.zeros(3)}, path)
    with pytest.raises(CheckpointError, match=r"one\.safetensors"):
        Encoder.load(path)


def test_turned_marks_are_normalised_again():
    bar = np.zeros((64, 64), np.float32)
    bar[30:34, 10:54] = 1
    flat, upright = turned(normalised(bar), [0.0, 90.0], 0.0)
    np.testing.assert_array_equal(flat, normalised(bar))
    assert np.abs(np.rot90(flat).astype(int) - upright).mean() < 3


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run whose training marks can be read once."""
    config = SketchConfig(width=4, latent=6, dimensions=8, feature="pooled")
    opened = [Data({}, {"opened": SimpleNamespace(train=SimpleNamespace(pictures=MARKS))}, {})]

    class Loaded:
        recipe, networks = SketchRetrieval(config), SketchRetrieval(config).networks(None)
        run = SimpleNamespace(path=tmp_path)
        data = property(lambda self: opened.pop())

    monkeypatch.setattr("gankit_sketch_retrieval.features.encoder.open_run", lambda run, runs_dir: run)
    monkeypatch.setattr("gankit.runs.LoadedRun.of_recipe", lambda run, recipe: Loaded())
    return tmp_path


def test_the_components_of_a_run_are_fitted_once(run):
    first, loaded = open_encoder("latest", None)
    (kept,) = run.iterdir()
    again, _ = open_encoder("latest", None)  # there are no marks any more
    assert kept.name.startswith("encoder-") and loaded.run.path == run
    assert again.fingerprint == first.fingerprint == Encoder.load(kept).fingerprint
    np.testing.assert_array_equal(again.embed(MARKS), first.embed(MARKS))


def test_a_run_that_may_only_be_read_can_be_used(run, monkeypatch):
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert open_encoder("latest", None)[0].dim == 8
    assert not list(run.iterdir())


def test_the_shipped_encoder_is_of_no_run(tmp_path):
    assert open_encoder("", None)[1] is None
    with pytest.raises(UsageError, match="there is no file"):
        open_encoder(str(tmp_path / "none.safetensors"), None)
