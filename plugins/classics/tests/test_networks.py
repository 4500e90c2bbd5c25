"""Networks of the classics."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def dense():
    from gankit_classics.networks import dense

    return dense


@pytest.fixture(scope="module")
def convolutional():
    from gankit_classics.networks import convolutional

    return convolutional


@pytest.mark.parametrize(
    ("side", "start", "count"), [(8, 4, 1), (12, 6, 1), (28, 7, 2), (32, 4, 3), (64, 4, 4), (96, 6, 4)]
)
def test_a_generator_begins_small_and_doubles(convolutional, side, start, count):
    assert convolutional.doublings(side) == (start, count)


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 1), (32, 3)])
def test_pictures_in_and_out(convolutional, dense, side, channels):
    generator = convolutional.generator(10, side, channels, 4)
    judge = dense.with_features(convolutional.discriminator(side, channels, 4))
    pictures = np.asarray(generator(np.random.default_rng(0).normal(size=(3, 10)).astype("float32")))
    assert pictures.shape == (3, side, side, channels) and np.abs(pictures).max() <= 1
    logits, features = judge(pictures)
    start, count = convolutional.doublings(side)
    assert logits.shape == (3, 1) and features.shape == (3, start * start * 4 * 2 ** (count - 1))


def test_rows_end_as_their_columns_do(dense):
    network = dense.finished(dense.dense(4, 7, 8, 2, name="g"), groups=(2, 3), bounded=False)
    rows = np.asarray(network(np.random.default_rng(0).normal(0, 30, (5, 4)).astype("float32")))
    assert rows.shape == (5, 7)
    np.testing.assert_allclose(rows[:, 2:4].sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(rows[:, 4:].sum(1), 1, rtol=1e-5)
    assert np.abs(rows[:, :2]).max() > 1
    bounded = dense.finished(dense.dense(4, 7, 8, 2, name="g"), (), bounded=True)
    assert np.abs(np.asarray(bounded(np.full((1, 4), 100.0, "float32")))).max() <= 1


def test_the_label_reaches_the_discriminator(convolutional):
    judge = convolutional.discriminator(8, 1, 4, classes=3)
    picture = np.zeros((3, 8, 8, 1), "float32")
    logits = np.asarray(judge([picture, np.eye(3, dtype="float32")]))[:, 0]
    assert len(set(logits.tolist())) == 3


def test_the_projection_adds_the_labels_product_with_the_features(convolutional, dense):
    judge = convolutional.discriminator(8, 1, 4, classes=3, projection=True)
    whole = dense.with_features(judge)
    pictures = np.random.default_rng(0).uniform(-1, 1, (3, 8, 8, 1)).astype("float32")
    labels = np.eye(3, dtype="float32")
    logits, features = (np.asarray(x) for x in whole([pictures, labels]))
    weights = {tuple(weight.shape): np.asarray(weight) for weight in judge.trainable_weights}
    kernel, meant = weights[features.shape[1], 1], weights[3, features.shape[1]]
    expected = features @ kernel + np.sum(features * (labels @ meant), axis=1, keepdims=True)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-6)  # the bias begins at 0
    bare = np.asarray(judge([pictures, np.zeros_like(labels)]))
    np.testing.assert_allclose(bare, features @ kernel, rtol=1e-4, atol=1e-6)


def test_noise_reaches_each_hidden_layer_of_the_classifier(dense):
    network = dense.noisy_classifier((4, 4, 1), (6, 5), 3, 0.5, name="c")
    pictures = np.random.default_rng(0).uniform(-1, 1, (2, 4, 4, 1)).astype("float32")
    noise = np.random.default_rng(1).normal(size=(2, 11)).astype("float32")
    w = [np.asarray(weight) for weight in network.trainable_weights]
    hidden = np.maximum(pictures.reshape(2, -1) @ w[0] + w[1], 0) + 0.5 * noise[:, :6]
    features = np.maximum(hidden @ w[2] + w[3], 0)
    logits, found = network([pictures, noise])
    np.testing.assert_allclose(found, features, rtol=1e-4, atol=1e-5)  # before their own noise
    np.testing.assert_allclose(logits, (features + 0.5 * noise[:, 6:]) @ w[4] + w[5], rtol=1e-4, atol=1e-5)


def test_a_batch_layer_lets_the_discriminator_see_the_others(convolutional):
    rng = np.random.default_rng(0)
    picture = rng.uniform(-1, 1, (1, 8, 8, 1)).astype("float32")
    others = [rng.uniform(-1, 1, (3, 8, 8, 1)).astype("float32") for _ in range(2)]
    for kind, coupled in (("none", False), ("deviation", True), ("discrimination", True)):
        judge = convolutional.discriminator(8, 1, 4, norm="none", batch_layer=kind)
        for weight in judge.trainable_weights:
            weight.assign(rng.normal(0, 0.3, weight.shape))
        first, second = (float(judge(np.concatenate([picture, other]))[0, 0]) for other in others)
        assert (abs(first - second) > 1e-6) == coupled, kind


def test_clipped_weights_stay_in_the_box(convolutional):
    import keras

    from gankit.nn import WeightClipping

    critic = convolutional.discriminator(8, 1, 4, norm="none", constraint=WeightClipping(0.01))
    optimizer = keras.optimizers.SGD(10.0)
    gradients = [keras.ops.ones(w.shape) for w in critic.trainable_weights]
    optimizer.apply(gradients, critic.trainable_weights)
    for weight in critic.trainable_weights:
        np.testing.assert_allclose(np.asarray(weight), -0.01, rtol=1e-6)
