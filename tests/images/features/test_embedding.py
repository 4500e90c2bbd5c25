"""Embeddings: vectors in the order of the pictures, whatever the batches, with the promised resizing."""

import importlib.metadata
from types import SimpleNamespace

import numpy as np
import pytest

from gankit.errors import DataError, NonFinite
from gankit.images.features import efficientnet_lite0, embeddings
from gankit.images.features.embeddings import Embedding, embedding
from gankit.metrics import kid

try:
    importlib.metadata.distribution(efficientnet_lite0.DISTRIBUTION)
except importlib.metadata.PackageNotFoundError:
    LACKING = True
else:
    LACKING = False
needs_weights = pytest.mark.skipif(LACKING, reason=f"{efficientnet_lite0.DISTRIBUTION} is not installed")

IMAGES = np.random.default_rng(0).integers(0, 256, (700, 6, 5, 1)).astype(np.uint8)


def made(network, classes=3, side=0):
    return Embedding("made", "0" * 64, "layer", "none", 2, classes, side, network)


def network(images):
    x = images.reshape(len(images), -1).astype(np.float64)
    return np.stack([x.mean(1), x.std(1)], 1), np.repeat([[0.5, 0.25, 0.25]], len(x), 0)


def test_batches_are_bounded_and_in_order():
    sizes = []

    def counted(images):
        sizes.append(len(images))
        return network(images)

    features = made(counted)(IMAGES)
    np.testing.assert_allclose(features, network(IMAGES)[0], rtol=1e-6)
    assert features.dtype == np.float32 and max(sizes) <= 256 and sum(sizes) == 700
    rows = np.array([5, 600, 5])
    chosen = np.concatenate([x for x, _ in made(counted).batches(IMAGES, rows)])
    np.testing.assert_array_equal(chosen, features[rows])
    sizes.clear()
    made(counted, side=299)(IMAGES)
    assert max(sizes) * 299 * 299 * 3 * 4 <= 2**26
    assert made(network).probabilities(IMAGES).shape == (700, 3)
    assert made(network, classes=None).probabilities(IMAGES) is None
    assert made(network)(IMAGES[:0]).shape == (0, 2) and made(network).probabilities(IMAGES[:0]).shape == (0, 3)


def test_pictures_and_values_are_checked():
    for bad in (IMAGES / 255, IMAGES[..., 0], IMAGES.repeat(2, 3), IMAGES.astype(np.int32), IMAGES[:, :0]):
        with pytest.raises(DataError, match="uint8"):
            made(network)(bad)
    with pytest.raises(NonFinite):
        made(lambda x: (network(x)[0] * np.inf, None))(IMAGES)
    with pytest.raises(NonFinite):
        made(lambda x: (network(x)[0], network(x)[1] * np.nan))(IMAGES)


def test_kid_of_pictures_is_that_of_their_vectors():
    embed = made(network)
    found = embed.kid(IMAGES[:300], IMAGES[300:], seed=3)
    vectors = embed(IMAGES[:300]), embed(IMAGES[300:])
    wanted = kid(*vectors, features=embed.protocol, subsets=50, subset_size=75, seed=3)
    assert found.value == wanted.value and found.protocol == wanted.protocol
    assert embed.kid(IMAGES[:300], IMAGES[300:] // 2).value > 100 * abs(found.value)
    assert np.isfinite(embed.kid(IMAGES[:2], IMAGES[:3]).value)


@pytest.mark.parametrize(("side", "classes"), [(72, ("a", "b")), (28, ("a",)), (28, ())])
def test_pictures_without_a_classifier_are_judged_by_a_network_of_photographs(side, classes, monkeypatch):
    monkeypatch.setattr(embeddings, "_efficientnet_lite0", lambda weights_file: "efficientnet-lite0")
    train = SimpleNamespace(images=np.zeros((2, side, side, 1), np.uint8))
    assert embedding("auto", data=SimpleNamespace(train=train, classes=classes)) == "efficientnet-lite0"
    assert embedding("auto") == "efficientnet-lite0"


@needs_weights
@pytest.mark.slow
def test_efficientnet_pools_its_deepest_map():
    import tensorflow as tf

    from gankit.images.features.distance import feature_network

    embed = embedding("efficientnet-lite0")
    maps = feature_network("efficientnet-lite0")
    colours = np.random.default_rng(1).integers(0, 256, (3, 96, 70, 3)).astype(np.uint8)
    expected = np.asarray(maps(colours.astype(np.float32) / 255)[-1]).mean(axis=(1, 2))
    np.testing.assert_allclose(embed(colours), expected, rtol=1e-3, atol=1e-3)
    assert embed.width == expected.shape[1] == 112 and embed.probabilities(colours) is None
    # the shorter side has 64 pixels at least, and grey is repeated
    grey = IMAGES[:3].repeat(4, 1).repeat(4, 2)  # 24 x 20
    resized = tf.image.resize(tf.cast(grey, tf.float32), (77, 64), "bilinear", antialias=True)
    expected = np.asarray(maps(np.repeat(resized, 3, 3) / 255)[-1]).mean(axis=(1, 2))
    np.testing.assert_allclose(embed(grey), expected, rtol=1e-3, atol=1e-3)
    assert embed.sha256 == efficientnet_lite0.SHA256
    assert set(embed.protocol) == {"network", "sha256", "layer", "resize"} and "64" in embed.protocol["resize"]
