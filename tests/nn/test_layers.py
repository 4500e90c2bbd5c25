"""Layers against NumPy, on one device and over two replicas."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gankit.engine.distribution import place
from gankit.nn import MinibatchDiscrimination, MinibatchStandardDeviation, SpectralConv2D, SpectralDense

RNG = np.random.default_rng(2)


def test_minibatch_standard_deviation():
    x = RNG.normal(size=(6, 4, 5, 3)).astype(np.float32)
    out = MinibatchStandardDeviation()(x).numpy()
    np.testing.assert_array_equal(out[..., :3], x)
    np.testing.assert_allclose(out[..., 3], np.full((6, 4, 5), x.std(0).mean()), rtol=1e-5)
    same = MinibatchStandardDeviation()(np.repeat(x[:1], 6, 0)).numpy()
    assert np.isfinite(same).all() and same[..., 3].max() < 1e-3


def discrimination(x, tensor, kernels, width):
    rows = (x @ tensor).reshape(len(x), kernels, width)
    close = np.zeros((len(x), kernels))
    for i in range(len(x)):
        for j in range(len(x)):
            if i != j:
                close[i] += np.exp(-np.abs(rows[i] - rows[j]).sum(1))
    return np.concatenate([x, close / (len(x) - 1)], 1)


def test_minibatch_discrimination():
    x = RNG.normal(size=(6, 4)).astype(np.float32)
    layer = MinibatchDiscrimination(3, 2)
    out = layer(x).numpy()
    assert out.shape == (6, 7) == layer.compute_output_shape(x.shape)
    np.testing.assert_allclose(out, discrimination(x, np.asarray(layer.tensor), 3, 2), rtol=1e-5)


@pytest.mark.parametrize("make", [MinibatchStandardDeviation, lambda: MinibatchDiscrimination(3, 2)])
def test_two_replicas_see_the_whole_batch(make, two_devices):
    """Outputs, and gradients of a function of them, are those of one device."""
    x = RNG.normal(size=(8, 4)).astype(np.float32)
    strategy = place("mirrored", 2).strategy
    with strategy.scope():
        layer = make()
        layer.build(x.shape)

    def value(x):
        return tf.reduce_sum(tf.square(layer(x)) * tf.range(1.0, layer.compute_output_shape((1, 4))[1] + 1))

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = value(x)
        return layer(x), tape.gradient(loss, x)

    expected = [part.numpy() for part in gradient(tf.constant(x))]
    halves = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(x[4 * context.replica_id_in_sync_group :][:4])
    )
    found = tf.function(lambda halves: strategy.run(gradient, (halves,)))(halves)
    for part, whole in zip(found, expected, strict=True):
        joined = np.concatenate([each.numpy() for each in strategy.experimental_local_results(part)])
        np.testing.assert_allclose(joined, whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "layer, shape",
    [(SpectralDense(5), (4, 7)), (SpectralConv2D(5, 3, strides=2, padding="same"), (4, 8, 8, 2))],
    ids=["dense", "convolution"],
)
def test_spectral_layers_divide_by_the_largest_singular_value(layer, shape):
    keras.utils.set_random_seed(0)
    x = RNG.normal(size=shape).astype(np.float32)
    layer(x)
    kernel = np.asarray(layer.kernel)
    before = np.asarray(layer.direction)
    layer(x, training=False)
    np.testing.assert_array_equal(layer.direction, before)
    for _ in range(400):  # the two largest values may lie close together
        out = layer(x, training=True)
    np.testing.assert_array_equal(layer.kernel, kernel)  # it is only computed with
    largest = np.linalg.svd(kernel.reshape(-1, 5), compute_uv=False)[0]
    plain = type(layer).__bases__[1].from_config(layer.get_config())
    plain.build(shape)
    plain.kernel.assign(kernel / largest)
    np.testing.assert_allclose(out, plain(x), atol=1e-5)


def test_the_gradient_of_a_spectral_layer_is_that_of_the_ratio():
    """d/dW of f(W / sigma(W)), with sigma's own derivative u v^T (Miyato et al. 2018, equation 12)."""
    layer = SpectralDense(3, use_bias=False)
    x = tf.constant(RNG.normal(size=(4, 5)).astype(np.float32))
    layer(x)
    for _ in range(200):
        layer(x, training=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(layer(x)))
    found = tape.gradient(loss, layer.kernel.value).numpy()
    kernel, expected, step = np.asarray(layer.kernel, np.float64), np.zeros((5, 3)), 1e-5

    def at(kernel):
        return ((x.numpy() @ (kernel / np.linalg.svd(kernel, compute_uv=False)[0])) ** 2).sum()

    for i in np.ndindex(5, 3):
        moved = [kernel.copy() for _ in range(2)]
        moved[0][i] += step
        moved[1][i] -= step
        expected[i] = (at(moved[0]) - at(moved[1])) / (2 * step)
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize(
    "layer", [MinibatchStandardDeviation(1e-6), MinibatchDiscrimination(3, 2), SpectralDense(3, activation="relu")]
)
def test_layers_are_saved_and_built_again(layer, tmp_path):
    model = keras.Sequential([keras.Input((4,)), layer])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    x = RNG.normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_allclose(again(x), model(x), rtol=1e-6)
