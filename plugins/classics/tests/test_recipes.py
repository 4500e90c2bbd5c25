"""What is peculiar to a recipe, on tiny data."""

import numpy as np
import pytest

from gankit import DataError
from gankit.config import resolve


def made(cls, **options):
    return cls(resolve(cls.Config, {}, {**cls.tiny, **options}))


def test_sgan_has_few_labels_of_each_class_and_all_pictures():
    from gankit_classics.sgan import SGAN

    data = made(SGAN, labels=3).data()
    labelled = data.train["labelled"].fields
    assert np.bincount(labelled["label"]).tolist() == [3] * 10
    found, rows = data.held_out["set"], data.held_out["labelled"]
    assert np.array_equal(labelled["image"], found.train.images[rows])
    assert data.train["unlabelled"].n == len(found.train.images)
    others = made(SGAN, labels=3, **{"training.seed": 1}).data().held_out["labelled"]
    assert not np.array_equal(rows, others)


def test_sgan_says_how_many_labels_there_are():
    from gankit_classics.sgan import SGAN

    with pytest.raises(DataError, match=r"has 1\d\d pictures"):
        made(SGAN, labels=500).data()


def test_the_logit_of_being_real_is_the_softmax_over_one_more_class():
    import tensorflow as tf
    from scipy.special import softmax

    logits = np.random.default_rng(0).normal(size=(5, 4))
    with_fake = softmax(np.concatenate([logits, np.zeros((5, 1))], axis=1), axis=1)
    real = 1 / (1 + np.exp(-tf.reduce_logsumexp(logits, axis=1).numpy()))
    np.testing.assert_allclose(real, 1 - with_fake[:, -1])


def test_cgan_trains_on_the_part_that_was_asked_for():
    from gankit_classics.cgan import CGAN

    data = made(CGAN, per_class=20, rare=0.2).data()
    counts = np.bincount(data.train["pictures"].fields["label"])
    assert counts.tolist() == [20, 4] * 5
    assert len(data.held_out["whole"].train.images) > 1000
    assert np.array_equal(data.held_out["set"].test.images, data.held_out["whole"].test.images)


def test_cgan_is_asked_for_classes():
    from gankit_classics.cgan import CGAN

    recipe = made(CGAN)
    data = recipe.data()
    noise = recipe.asked(data, np.array([3, 0]), seed=0)
    assert noise.shape == (2, 8 + 10) and noise[0, 8 + 3] == 1 and noise[:, 8:].sum() == 2


def test_pictures_without_labels_are_refused_where_labels_are_needed(tmp_path):
    from gankit_classics.cgan import CGAN
    from PIL import Image

    for i in range(20):
        Image.fromarray(np.random.default_rng(i).integers(0, 255, (16, 16, 3), np.uint8)).save(tmp_path / f"{i}.png")
    with pytest.raises(DataError, match="have no labels"):
        made(CGAN, data=str(tmp_path), size=16).data()


def test_lapgan_grows_through_its_levels():
    from gankit_classics.lapgan import LAPGAN

    recipe = made(LAPGAN, size=16, levels=3)
    data = recipe.data()
    networks = recipe.networks(data)
    noise = recipe.noise(data, 3, seed=0)
    assert noise.shape == (3, 8 + 8**2 + 16**2)
    grown = recipe._grown(networks, noise)
    assert [x.shape for x in grown] == [(3, 4, 4, 1), (3, 8, 8, 1), (3, 16, 16, 1)]
    again = recipe._grown(networks, noise[:, : 8 + 8**2 + 16**2].copy())
    assert np.array_equal(grown[-1], again[-1])
    other = noise.copy()
    other[:, 8 + 8**2 :] += 1  # the finest plane alone
    changed = recipe._grown(networks, other)
    assert np.array_equal(changed[1], grown[1]) and not np.array_equal(changed[2], grown[2])


def test_lapgan_says_when_a_side_is_too_small():
    from gankit_classics.lapgan import LAPGAN

    with pytest.raises(DataError, match="cannot be halved 3 times"):
        made(LAPGAN, size=16, levels=4).data()


def test_infogan_puts_its_codes_behind_the_noise():
    from gankit_classics.infogan import InfoGAN

    recipe = made(InfoGAN)
    noise = recipe.noise(recipe.data(), 6, seed=0)
    assert noise.shape == (6, 8 + 3 + 2)
    assert noise[:, 8:11].argmax(1).tolist() == [0, 1, 2, 0, 1, 2] and np.abs(noise[:, 11:]).max() <= 1


def test_walks_keep_the_length_of_noise():
    from gankit_classics.sheets import between

    a, b = np.random.default_rng(0).normal(size=(2, 64))
    b *= np.linalg.norm(a) / np.linalg.norm(b)
    walk = between(a, b, 7)
    np.testing.assert_allclose(walk[[0, -1]], [a, b])
    np.testing.assert_allclose(np.linalg.norm(walk, axis=1), np.linalg.norm(a))


def test_a_sheet_shows_each_picture_where_it_belongs(tmp_path):
    from gankit_classics.sheets import GAP, sheet
    from PIL import Image

    pictures = np.arange(6, dtype=np.uint8).repeat(56 * 56).reshape(6, 56, 56, 1) * 40
    image = np.asarray(Image.open(sheet(pictures, tmp_path / "s.png", columns=3)))
    assert image.shape == (2 * 56 + GAP, 3 * 56 + 2 * GAP)
    assert image[56 + GAP, 2 * (56 + GAP)] == 200 and image[0, 0] == 0 and image[56, 0] == 255


def test_pixels_come_back_from_the_range_of_the_networks():
    from gankit_classics.data import to_pixels

    from gankit.data.arrays import PictureSource

    pixels = np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1)
    images = PictureSource(pixels).gather(np.arange(4), None, 0)["image"].numpy()
    assert images.min() == -1 and images.max() == 1
    assert np.array_equal(to_pixels(images), pixels)
    assert to_pixels([[[[-3.0], [7.0]]]]).ravel().tolist() == [0, 255]
