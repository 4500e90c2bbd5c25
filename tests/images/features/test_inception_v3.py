"""InceptionV3: the same features as keras.applications has with the same weights; files found or refused."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from gankit.errors import DataError, Offline
from gankit.images.features import inception_v3
from gankit.images.features.embeddings import embedding


def write(path, layers):
    """The layout of keras.applications; `layers` is (name, arrays) in order."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name, _ in layers]
        for name, arrays in layers:
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"w{i}".encode() for i in range(len(arrays))]
            for i, array in enumerate(arrays):
                group.create_dataset(f"w{i}", data=array)


@pytest.fixture(scope="module")
def official():
    """Keras' own network with random weights, and their arrays by layer."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.applications.InceptionV3(weights=None)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):  # so that a picture is not forgotten on the way through
            layer.set_weights([1.5 * w for w in layer.get_weights()])
        if isinstance(layer, keras.layers.BatchNormalization):  # beta, mean, variance: told apart by their order alone
            values = [rng.normal(0, 0.3, w.shape) for w in layer.weights[:2]]
            layer.set_weights([*values, rng.uniform(0.5, 1.5, layer.weights[2].shape)])
    return model, [(f"saved_{layer.name}", layer.get_weights()) for layer in model.layers[:-1]] + [
        ("predictions", model.layers[-1].get_weights())
    ]


@pytest.mark.slow
def test_features_are_those_of_keras_applications(official, tmp_path):
    import keras
    import tensorflow as tf

    model, layers = official
    write(tmp_path / "w.h5", layers)
    embed = embedding("inception-v3", weights_file=tmp_path / "w.h5")
    images = np.random.default_rng(1).integers(0, 256, (2, 40, 30, 1)).astype(np.uint8)
    images[1] //= 8
    resized = tf.image.resize(tf.cast(images, tf.float32), (299, 299), "bilinear", antialias=True)
    prepared = keras.applications.inception_v3.preprocess_input(np.repeat(resized, 3, axis=3))
    expected = keras.Model(model.input, [model.get_layer("avg_pool").output, model.output])(prepared)
    features = embed(images)
    assert features.shape == (2, 2048) == (2, embed.width) and embed.classes == 1000
    assert np.abs(features[0] - features[1]).max() > 1e-2 * features.max()
    np.testing.assert_allclose(features, expected[0], rtol=1e-3, atol=1e-4 * features.max())
    np.testing.assert_allclose(embed.probabilities(images), expected[1], rtol=1e-2, atol=1e-6)
    assert "keras-imagenet" in embed.protocol["layer"] and "antialias=True" in embed.protocol["resize"]
    # without the classifier there are no probabilities, and the same features
    write(tmp_path / "n.h5", layers[:-1])
    bare = embedding("inception-v3", weights_file=tmp_path / "n.h5")
    np.testing.assert_allclose(bare(images), features, rtol=1e-3, atol=1e-4 * features.max())
    assert bare.probabilities(images) is None and bare.sha256 != embed.sha256


@pytest.mark.slow
def test_other_weights_are_refused(official, tmp_path):
    _, layers = official
    weighted = [(name, arrays) for name, arrays in layers if arrays]
    cases = [("layers with weights", weighted[1:]), ("other shapes", [("first", weighted[2][1]), *weighted[1:]])]
    nan = [np.full_like(weighted[0][1][0], np.nan)]
    cases.append(("not finite", [("first", nan), *weighted[1:]]))
    for reason, bad in cases:
        write(tmp_path / "w.h5", bad)
        with pytest.raises(DataError, match=reason):
            inception_v3.build(tmp_path / "w.h5")


def test_damaged_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="can't be read"):
        embedding("inception-v3", weights_file=tmp_path / "absent.h5")
    (tmp_path / "torn.h5").write_bytes(b"torn")
    with pytest.raises(DataError, match=r"torn\.h5"):
        embedding("inception-v3", weights_file=tmp_path / "torn.h5")


def test_offline(tmp_path, monkeypatch):
    import keras

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def no_network(*args, **kwargs):
        raise Exception("URL fetch failure on https://...: None -- [Errno -3]")

    def no_call(*args, **kwargs):
        raise AssertionError("offline, yet a download was tried")

    def wrong_hash(*args, **kwargs):
        raise ValueError("Incomplete or corrupted file detected.")

    monkeypatch.setattr(keras.utils, "get_file", no_call)
    with pytest.raises(Offline, match="96 MB"):
        inception_v3.WEIGHTS.locate(offline=True)
    monkeypatch.setenv("GANKIT_OFFLINE", "1")
    with pytest.raises(Offline) as caught:
        embedding("inception-v3")
    assert "--feature-weights" in caught.value.hint
    cached = tmp_path / "models" / inception_v3.WEIGHTS.url.rsplit("/", 1)[1]
    cached.parent.mkdir()
    cached.write_bytes(b"torn")
    with pytest.raises(DataError, match="MD5"):
        embedding("inception-v3")
    monkeypatch.delenv("GANKIT_OFFLINE")
    monkeypatch.setattr(keras.utils, "get_file", no_network)
    with pytest.raises(Offline, match="can't be downloaded"):
        embedding("inception-v3")
    monkeypatch.setattr(keras.utils, "get_file", wrong_hash)
    with pytest.raises(DataError, match="MD5"):
        embedding("inception-v3")


def test_url_and_hash_are_those_of_keras():
    import keras.src.applications.inception_v3 as official

    assert inception_v3.WEIGHTS.url == official.WEIGHTS_PATH
    assert inception_v3.WEIGHTS.md5 in Path(official.__file__).read_text()
