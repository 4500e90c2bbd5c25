"""Dropout keyed by the example: one mask for it on all devices, and after a resume."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scalars import Play, Tiny, X, close, phase

from gankit import ArraySource
from gankit.engine.example_key import ExampleKey, keyed_by
from gankit.nn import Dropout

WIDTH = 1000


def dropped(layer):
    def make():
        return keras.Sequential(
            [keras.Input((1,)), keras.layers.Dense(6, activation="tanh"), layer(0.5), keras.layers.Dense(1)]
        )

    return make


def recipe(layer=Dropout):
    def loss(turn):
        y = turn("g", turn["x"])[:, 0]
        return {"t": (y - turn["x"][:, 0]) ** 2, "again": (y - turn("g", turn["x"])[:, 0]) ** 2}

    return Tiny(phase(loss), networks={"g": dropped(layer)}, data={"x": ArraySource(x=X[:, None])})


def test_one_and_two_replicas_and_a_cut_training_agree():
    whole, two, cut = Play(recipe()), Play(recipe(), kind="mirrored", devices=2), Play(recipe())
    two.state.set_state(whole.state.get_state())
    cut.state.set_state(whole.state.get_state())
    whole(0, 10)
    two(0, 10)
    cut(0, 4)
    again = Play(recipe(), state=cut.state.get_state(), start=4)
    again(4, 6)
    for name, value in whole.state.get_state().items():
        close(two.state.get_state()[name], value, 1e-12)
        assert np.array_equal(again.state.get_state()[name], value), name
    assert whole.log("p/again") == 0  # a second call meets the same mask


def test_keras_own_dropout_differs_between_replicas():
    """That is why there is this one."""
    whole, two = Play(recipe(keras.layers.Dropout)), Play(recipe(keras.layers.Dropout), kind="mirrored", devices=2)
    two.state.set_state(whole.state.get_state())
    whole(0, 10)
    two(0, 10)
    assert abs(whole.log("p/t") - two.log("p/t")) > 1e-3


def test_masks_differ_between_examples_seeds_layers_and_networks():
    def mask(index=0, seed=1, network="g", place=0):
        layer = Dropout(0.5)
        layer.place = place
        with keyed_by(ExampleKey(tf.constant([index], tf.int64), seed, network)):
            return layer(tf.ones((1, WIDTH)), training=True).numpy() > 0

    first = mask()
    assert np.array_equal(first, mask())
    for other in (mask(index=1), mask(seed=2), mask(network="d"), mask(place=1)):
        assert abs((first == other).mean() - 0.5) < 4 * 0.5 / np.sqrt(WIDTH)


def test_the_engine_tells_each_layer_its_place():
    play = Play(recipe(lambda rate: keras.Sequential([Dropout(rate), keras.layers.Dense(2), Dropout(rate)])))
    places = [layer.place for layer in play.state.networks["g"]._flatten_layers() if isinstance(layer, Dropout)]
    assert len(set(places)) == 2


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.9])
def test_the_mean_is_kept_and_the_share_is_the_rate(rate):
    y = Dropout(rate)(tf.ones((8, 10_000)), training=True).numpy()
    assert abs((y == 0).mean() - rate) < 4 * np.sqrt(rate * (1 - rate) / y.size) + 1e-9
    assert y.max() == pytest.approx(1 / (1 - rate))
    assert np.array_equal(Dropout(rate)(tf.ones((2, 3))), np.ones((2, 3)))  # not in training


def test_a_batch_that_was_stacked_draws_for_each_part():
    with keyed_by(ExampleKey(tf.range(2, dtype=tf.int64), 7, "d")):
        alone = Dropout(0.5)(tf.ones((2, 64)), training=True).numpy()
        stacked = Dropout(0.5)(tf.ones((4, 64)), training=True).numpy()
        with pytest.raises(ValueError, match="3 rows in a step of 2"):
            Dropout(0.5)(tf.ones((3, 64)), training=True)
    assert np.array_equal(stacked[:2], alone)
    assert 0.3 < (stacked[2:] == alone).mean() < 0.7


def test_a_rate_outside_of_its_range_is_refused():
    with pytest.raises(ValueError, match=r"in \[0, 1\)"):
        Dropout(1.0)
