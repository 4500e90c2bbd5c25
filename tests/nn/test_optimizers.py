"""Muon: its orthogonal updates against the singular value decomposition, its Adam against Keras'."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def variables_after(keras, optimizer, values, gradients):
    variables = [keras.Variable(value, dtype="float64", name=f"v{i}") for i, value in enumerate(values)]
    for step in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in step], variables)
    return [np.asarray(v) for v in variables]


@pytest.mark.parametrize("shape", [(20, 8), (8, 20), (16, 16)])
def test_orthogonalised_is_near_to_u_v_transposed(keras, shape):
    from gankit.nn.optimizers import orthogonalised

    matrix = np.random.default_rng(0).normal(size=shape)
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    found = np.asarray(orthogonalised(matrix))
    # The iteration moves singular values into [0.7, 1.2] and leaves the directions exactly.
    values = np.diag(u.T @ found @ v.T)
    np.testing.assert_allclose(found, u @ np.diag(values) @ v, atol=1e-9)
    assert values.min() > 0.65 and values.max() < 1.25
    assert not np.asarray(orthogonalised(np.zeros(shape))).any()


def test_a_convolution_is_updated_as_the_matrix_of_its_outputs(keras):
    from gankit.nn.optimizers import Muon, orthogonalised

    rng = np.random.default_rng(1)
    kernel, gradients = rng.normal(size=(3, 3, 8, 12)), rng.normal(size=(2, 3, 3, 8, 12))
    found = variables_after(keras, Muon(0.01), [kernel], [[g] for g in gradients])[0]
    expected, mean = kernel.copy(), np.zeros_like(kernel)
    for g in gradients:
        mean = 0.95 * mean + g
        update = np.asarray(orthogonalised((g + 0.95 * mean).reshape(72, 12)))
        expected -= 0.01 * 0.2 * np.sqrt(72) * update.reshape(kernel.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    # Root mean square of one update: that of Adam's, about 0.2 of the rate.
    assert 0.7 < np.sqrt(np.mean((update * 0.2 * np.sqrt(72)) ** 2)) / 0.2 < 1.2


def test_vectors_and_small_kernels_are_updated_as_adam_does(keras):
    from gankit.nn.optimizers import Muon

    rng = np.random.default_rng(2)
    values = [rng.normal(size=5), rng.normal(size=(4, 3)), rng.normal(size=(3, 3, 1, 4))]
    gradients = [[rng.normal(size=v.shape) for v in values] for _ in range(5)]
    ours = variables_after(keras, Muon(0.01), values, gradients)
    adam = variables_after(keras, keras.optimizers.Adam(0.01), values, gradients)
    for a, b in zip(ours, adam, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)  # Keras raises the betas to a power in float32


def test_its_configuration_comes_back(keras):
    from gankit.nn.optimizers import Muon

    again = keras.optimizers.deserialize(keras.optimizers.serialize(Muon(0.02, momentum=0.9, smallest=4)))
    assert isinstance(again, Muon) and again.momentum == 0.9 and again.smallest == 4
