"""Flip, crop and jitter: alike for all pictures of an example, hashes of its number, and as likely as is right."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from gankit.engine.arrays import ArraySource
from gankit.engine.mixed_precision import precision
from gankit.engine.stream import batch_of
from gankit.errors import RecipeError
from gankit.images.changes import Augmented, Crop, Flip, Jitter
from gankit.images.resize import imresize
from gankit.images.sources import PictureSource

N = 4000


def places(height, width, n=1):
    """Pictures whose two channels are the row and the column of each pixel."""
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1).astype(np.float32)
    return np.repeat(grid[None], n, 0)


def changed(change, pictures, count=N, seed=3, first=0, **more):
    source = Augmented(ArraySource(image=pictures, **more), change)
    index = np.arange(first, first + count)
    return {name: value.numpy() for name, value in source.gather(index % len(pictures), index, seed).items()}


def test_a_flip_mirrors_half_of_the_pictures():
    made = changed(Flip(), places(3, 4))["image"]
    flipped = made[:, 0, 0, 1] == 3
    np.testing.assert_array_equal(made[flipped], np.repeat(places(3, 4)[:, :, ::-1], flipped.sum(), 0))
    np.testing.assert_array_equal(made[~flipped], np.repeat(places(3, 4), (~flipped).sum(), 0))
    assert abs(flipped.mean() - 0.5) < 4 * 0.5 / N**0.5
    both = changed(Flip(up_down=True), places(3, 4))["image"][:, 0, 0]
    _, counts = np.unique(both, axis=0, return_counts=True)  # four corners, equally often
    assert len(counts) == 4 and stats.chisquare(counts).pvalue > 1e-3
    assert (changed(Flip(left_right=False), places(3, 4))["image"] == places(3, 4)).all()


@pytest.mark.parametrize("size", [3, (2, 5)])
def test_a_crop_lies_anywhere_with_the_same_chance(size):
    height, width = (size, size) if isinstance(size, int) else size
    made = changed(Crop(size), places(5, 6))["image"]
    assert made.shape == (N, height, width, 2)
    corner = made[:, :1, :1]
    np.testing.assert_array_equal(made - corner, np.broadcast_to(places(height, width), made.shape))
    found, counts = np.unique(corner.reshape(N, 2), axis=0, return_counts=True)
    assert len(found) == (6 - height) * (7 - width) and stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("shape", [(8, 10), (10, 8)])
def test_jitter_is_a_crop_of_the_enlarged_picture(shape):
    picture = np.random.default_rng(0).uniform(-0.8, 0.8, (1, *shape, 3))
    large = np.clip(imresize(picture[0], *(round(side * 11 / 8) for side in shape)), -1, 1)
    made = changed(Jitter(11), picture, 1000)["image"]
    windows = np.lib.stride_tricks.sliding_window_view(large, shape, (0, 1)).transpose(0, 1, 3, 4, 2)
    windows = windows.reshape(-1, *shape, 3)
    # TensorFlow looks its bicubic weights up in a table of 1024, and has no mirror image beyond the edge.
    which = np.abs(made[:, None] - windows[None])[:, :, 3:-3, 3:-3].max((2, 3, 4))
    assert len(windows) == 20 and which.min(1).max() < 4e-3 < np.sort(which, 1)[:, 1].min()
    assert stats.chisquare(np.bincount(which.argmin(1), minlength=20)).pvalue > 1e-3
    np.testing.assert_allclose(changed(Jitter(8), picture, 1)["image"], picture, atol=1e-6)
    assert np.abs(changed(Jitter(11), np.sign(picture), 99)["image"]).max() == 1


def test_all_pictures_of_an_example_are_changed_alike():
    """Also of different channels; what is no picture is left."""
    pictures = places(9, 9, 7) / 90
    more = {"other": pictures[..., 1:] * 10, "label": np.arange(7), "clip": np.zeros((7, 2, 9, 9, 1))}
    source = Augmented(ArraySource(image=pictures, **more), Jitter(12), Crop(5), Flip(up_down=True))
    index = np.arange(500)
    with precision("float64"):
        made = source.gather(index % 7, index, 3)
    np.testing.assert_allclose(made["other"], made["image"][..., 1:] * 10, atol=1e-6)
    assert len(np.unique(made["other"].numpy()[:, 0, 0, 0].round(3))) > 8
    np.testing.assert_array_equal(made["label"], index % 7)
    assert made["clip"].shape == (500, 2, 9, 9, 1)
    one = Augmented(ArraySource(image=pictures, **more), Flip(), fields=("other",)).gather(index % 7, index, 3)
    np.testing.assert_array_equal(one["image"], pictures[index % 7])
    assert (one["other"].numpy() != more["other"][index % 7]).any()


def test_other_seeds_examples_places_and_sources_are_changed_otherwise():
    wide, rows = places(64, 64), np.zeros(N, int)
    tops = {
        "one": changed(Crop(8), wide)["image"],
        "other seed": changed(Crop(8), wide, seed=4)["image"],
        "later examples": changed(Crop(8), wide, first=N)["image"],
        "other source": Augmented(ArraySource(photo=wide), Crop(8)).gather(rows, range(N), 3)["photo"],
        "second change": Augmented(ArraySource(image=wide), Flip(), Crop(8)).gather(rows, range(N), 3)["image"],
    }
    tops = {name: np.asarray(value)[:, 0, 0, 0] for name, value in tops.items()}
    for name, top in tops.items():
        assert stats.chisquare(np.bincount(top.astype(int), minlength=57)).pvalue > 1e-3, name
        assert name == "one" or abs(np.corrcoef(tops["one"], top)[0, 1]) < 4 / N**0.5, name
    left = changed(Crop(8), wide)["image"][:, 0, 0, 1]
    assert abs(np.corrcoef(tops["one"], left)[0, 1]) < 4 / N**0.5


def test_a_resume_and_replicas_see_the_same():
    pixels = np.random.default_rng(1).integers(0, 256, (30, 12, 12, 3), np.uint8)
    sources = {"pairs": Augmented(PictureSource({"a": pixels, "b": 255 - pixels}), Jitter(14), Flip())}

    @tf.function(autograph=False)
    def batch(number, parts):
        count = 16 // parts
        made = [batch_of(sources, number, tf.constant(i * count, tf.int64), count, 16, 5) for i in range(parts)]
        return {name: tf.concat([part[name] for part in made], 0) for name in made[0]}

    whole = [batch(tf.constant(number, tf.int64), 1) for number in range(6)]
    for number in (5, 2, 0):
        again = batch(tf.constant(number, tf.int64), 2)
        for name in ("index", "a", "b"):
            np.testing.assert_allclose(again[name], whole[number][name], atol=1e-6)
        np.testing.assert_allclose(again["a"], -again["b"], atol=2e-6)


def test_a_change_of_ones_own():
    def darker(images, draw):
        return images * draw("light")[:, None, None, None]

    made = changed(darker, np.ones((1, 2, 2, 1)))["image"]
    assert stats.kstest(made[:, 0, 0, 0], "uniform").pvalue > 1e-3
    assert (made == made[:, :1, :1]).all()


def test_what_cannot_be_changed_is_said():
    for change, pictures, said in (
        (Crop(9), places(8, 9), "9 x 8 pixels cannot be cut to 9"),
        (Jitter(7), places(8, 9), "9 x 8 pixels cannot be enlarged to 7"),
        (Flip(), np.zeros((3, 2)), "none of the fields image is a picture"),
    ):
        with pytest.raises(RecipeError, match=said) as caught:
            changed(change, pictures, 1)
        assert caught.value.hint
    with pytest.raises(RecipeError, match="'photo' is no field"):
        Augmented(ArraySource(image=places(3, 3)), Flip(), fields=("photo",)).gather([0], [0], 0)


def test_the_fingerprint_follows_the_changes():
    source = ArraySource(image=places(8, 8))
    made = [Augmented(source, *changes) for changes in ((), (Flip(),), (Flip(up_down=True),), (Crop(4),), (np.sin,))]
    made += [Augmented(source, Flip(), fields=("image",)), Augmented(source, test_a_change_of_ones_own)]
    prints = [one.fingerprint for one in made]
    assert len(set(prints)) == 7 and all(
        text.startswith(source.fingerprint) and " at 0x" not in text for text in prints
    )

    class Bare:
        n, gather = 3, source.gather

    assert not hasattr(Augmented(Bare(), Flip()), "fingerprint")
