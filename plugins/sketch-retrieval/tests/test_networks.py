"""The shapes of the networks: sketch-GAN's is the paper's, layer for layer."""

import numpy as np
import pytest
from gankit_sketch_retrieval.model import networks


def kernels(model):
    return [v.shape for v in model.trainable_variables if v.name == "kernel"]


def test_sketch_gan_is_the_papers():
    found = networks.shape("sketch-gan", 32)
    judge, maker = networks.reader(found, name="discriminator"), networks.generator(found, 100)
    assert kernels(judge) == [(9, 9, 1, 8), (5, 5, 8, 16), (5, 5, 16, 16), (5, 5, 16, 16), (1024, 1)]
    # Transposed convolutions hold their outputs before their inputs.
    assert kernels(maker) == [
        (100, 128), (3, 3, 16, 8), (5, 5, 16, 16), (5, 5, 16, 16), (5, 5, 16, 16), (9, 9, 1, 16),
    ]  # fmt: skip
    # 17.8 and 34.8 thousand weights, as the paper has them; the biases before normalisation, which it undoes, left out.
    assert judge.count_params() == pytest.approx(17_800, rel=0.01)
    assert maker.count_params() == pytest.approx(34_800, rel=0.01)
    _, *layers = judge.outputs
    assert layers[-1].shape == (None, 8, 8, 16)  # 1,024 numbers
    assert [layer.strides for layer in judge.layers if hasattr(layer, "strides")] == [(1, 1), (2, 2), (2, 2), (2, 2)]


@pytest.mark.parametrize("kind", ["sketch-gan", "thin-gan", "mark-gan"])
def test_generators_draw_marks_that_discriminators_read(kind):
    found = networks.shape(kind, 4)
    drawn = np.asarray(networks.generator(found, 7)(np.random.default_rng(0).normal(size=(3, 7))))
    assert drawn.shape == (3, 64, 64, 1)
    assert 0 <= drawn.min() < drawn.max() <= 1
    logit, *layers = networks.reader(found, name="discriminator")(drawn)
    assert logit.shape == (3, 1)
    assert len(layers) == 4 + bool(found.code)
    placed = networks.head(networks.reader(found, name="discriminator"))(layers[-1])
    assert placed.shape == (3, 128)


def test_thin_gan_has_less_of_everything():
    thin, full = (networks.reader(networks.shape(kind, 0), name="d") for kind in ("thin-gan", "sketch-gan"))
    assert thin.count_params() < full.count_params() / 4
    assert len(kernels(thin)) == len(kernels(full))


def test_a_bigans_discriminator_looks_at_the_code():
    judge = networks.reader(networks.shape("sketch-gan", 0), beside=5, name="discriminator")
    mark = np.random.default_rng(0).random((1, 64, 64, 1), np.float32)
    said = [float(judge([mark, np.full((1, 5), code, np.float32)])[0][0, 0]) for code in (0, 1)]
    assert said[0] != said[1]
