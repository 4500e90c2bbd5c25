"""Differentiable augmentation against loops."""

import zlib

import numpy as np
import pytest
import tensorflow as tf

from gankit.errors import RecipeError
from gankit.nn.augmentation import POLICIES, augment

BATCH, HEIGHT, WIDTH = 64, 16, 24
IMAGES = np.random.default_rng(0).uniform(0.5, 1.5, (BATCH, HEIGHT, WIDTH, 3))


class Draws:
    """A turn that gives known noise."""

    def __init__(self):
        self.given = {}

    def uniform(self, name, *shape):
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        return tf.constant(self.given.setdefault(name, rng.random((BATCH, *shape))))


@pytest.mark.parametrize("policy", POLICIES)
def test_policies_against_loops(policy):
    turn = Draws()
    out = augment(turn, tf.constant(IMAGES), [policy], "x").numpy()
    drawn = {name.removeprefix("x/"): value for name, value in turn.given.items()}
    for i, image in enumerate(IMAGES):
        if policy == "color":
            image = image + drawn["brightness"][i] - 0.5
            grey = image.mean(2, keepdims=True)
            image = grey + (image - grey) * 2 * drawn["saturation"][i]
            image = image.mean() + (image - image.mean()) * (0.5 + drawn["contrast"][i])
        elif policy == "translation":
            dy, dx = (
                int(u * (2 * s // 8 + 1)) - s // 8 for u, s in zip(drawn["translation"][i], (16, 24), strict=True)
            )
            moved = np.zeros_like(image)
            for y in range(HEIGHT):
                for x in range(WIDTH):
                    if 0 <= y + dy < HEIGHT and 0 <= x + dx < WIDTH:
                        moved[y, x] = image[y + dy, x + dx]
            image = moved
        else:
            cy, cx = (int(u * (s + 1)) for u, s in zip(drawn["cutout"][i], (16, 24), strict=True))
            image = image.copy()
            image[max(0, cy - 4) : max(0, cy + 4), max(0, cx - 6) : max(0, cx + 6)] = 0
        np.testing.assert_allclose(out[i], image, atol=1e-12)


def test_moves_reach_an_eighth_and_no_further():
    turn = Draws()
    out = augment(turn, tf.constant(IMAGES), ["translation"]).numpy()
    rows = (out == 0).all(axis=(2, 3)).sum(1)
    columns = (out == 0).all(axis=(1, 3)).sum(1)
    assert rows.max() == 2 and columns.max() == 3 and rows.min() == columns.min() == 0


def test_the_gradient_flows_through_all():
    images = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(augment(Draws(), images, ["translation", "cutout"]))
    gradient = tape.gradient(total, images).numpy()
    assert set(np.unique(gradient)) == {0, 1} and 0.6 < gradient.mean() < 0.9


def test_names_decide_what_changes_alike():
    turn, images = Draws(), tf.constant(IMAGES)
    one, two, other = (augment(turn, images, ["color"], name).numpy() for name in ("a", "a", "b"))
    assert np.array_equal(one, two) and not np.allclose(one, other)
    assert augment(turn, images, []) is images


def test_rows_cannot_be_moved():
    with pytest.raises(RecipeError, match="pictures"):
        augment(Draws(), tf.zeros((4, 3)), ["cutout"])
