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


class ReadingTurn:
    """A turn whose classifier says of a picture what stands in it."""

    def __init__(self, real, fake):
        import tensorflow as tf

        self.fields = {
            "unlabelled": tf.constant(real),
            "image": tf.constant(real),
            "label": tf.constant([0, 1, 2, 3, 0]),
        }
        self.shared = {"fake": tf.constant(fake)}

    def __getitem__(self, field):
        return self.fields[field]

    def __call__(self, network, pictures, noise):
        return pictures[:, 0, :, 0], pictures[:, 0, :2, 0]

    def normal(self, name, *shape):
        import tensorflow as tf

        return tf.zeros((5, *shape), tf.float64)

    def global_mean(self, x):
        import tensorflow as tf

        return tf.reduce_mean(x, axis=0)


def test_sgans_terms_are_those_of_a_softmax_with_one_more_class():
    from gankit_classics.sgan import SGAN
    from scipy.special import log_softmax

    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 5, 1, 4, 1))
    recipe = made(SGAN)
    turn = ReadingTurn(real, fake)
    discriminator, generator, supervised = recipe.stages(recipe.data())[0].phases
    found = {name: value.numpy() for name, value in discriminator.loss(turn).items()}

    def judged(pictures):  # logarithms of the probabilities; the last class is "generated", of logit 0
        return log_softmax(np.concatenate([pictures[:, 0, :, 0], np.zeros((5, 1))], axis=1), axis=1)

    np.testing.assert_allclose(found["fake"], -judged(fake)[:, -1])
    np.testing.assert_allclose(found["real"], -np.log1p(-np.exp(judged(real)[:, -1])))
    classes = log_softmax(real[:, 0, :, 0], axis=1)[np.arange(5), [0, 1, 2, 3, 0]]
    np.testing.assert_allclose(found["labelled"], -classes)
    np.testing.assert_allclose(supervised.loss(turn)["labelled"], -classes)
    apart = real[:, 0, :2, 0].mean(0) - fake[:, 0, :2, 0].mean(0)
    np.testing.assert_allclose(np.mean(generator.loss(turn)["features"]), np.mean(apart**2))


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


def test_cgan_is_judged_with_the_frequencies_of_the_test_pictures():
    from gankit_classics.cgan import CGAN

    from gankit import Data

    data = Data({}, {}, {"classes": ["a", "b", "c"], "shares": [0.5, 0.1, 0.4]})
    assert made(CGAN).noise(data, 100, seed=0)[:, 8:].sum(0).tolist() == [50, 10, 40]


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
    grown = recipe.grown(networks, noise)
    assert [x.shape for x in grown] == [(3, 4, 4, 1), (3, 8, 8, 1), (3, 16, 16, 1)]
    again = recipe.grown(networks, noise[:, : 8 + 8**2 + 16**2].copy())
    assert np.array_equal(grown[-1], again[-1])
    other = noise.copy()
    other[:, 8 + 8**2 :] += 1  # the finest plane alone
    changed = recipe.grown(networks, other)
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
    from gankit_classics.latent import between

    a, b = np.random.default_rng(0).normal(size=(2, 64))
    b *= np.linalg.norm(a) / np.linalg.norm(b)
    walk = between(a, b, 7)
    np.testing.assert_allclose(walk[[0, -1]], [a, b])
    np.testing.assert_allclose(np.linalg.norm(walk, axis=1), np.linalg.norm(a))


def test_kinds_are_told_by_what_is_named():
    from gankit_classics.kinds.pictures import FLAT_PICTURES
    from gankit_classics.kinds.points import GRID, RING
    from gankit_classics.kinds.registry import kind_of
    from gankit_classics.kinds.tables import TABLES

    named = {"ring": RING, "grid": GRID, "B.CSV": TABLES, "t.tsv.gz": TABLES}
    for source, kind in {
        **named,
        "a/ring": FLAT_PICTURES,
        "photos.csv/": FLAT_PICTURES,
        "digits": FLAT_PICTURES,
    }.items():
        assert kind_of(source) is kind


@pytest.mark.parametrize("recipe", ["dcgan", "gan"])
def test_the_check_of_a_folder_counts_classes_and_names_damaged_pictures(recipe, tmp_path):
    from PIL import Image

    from gankit import plugins

    for name, count in (("cat", 20), ("dog", 10)):
        (tmp_path / name).mkdir()
        for i in range(count):
            Image.new("RGB", (20 + i, 30)).save(tmp_path / name / f"{i:02d}.png")
    cls = plugins.find(recipe).recipe
    facts, text = made(cls).check(str(tmp_path))
    assert facts["ok"] and facts["images"] == 30 and facts["smallest_side"] == 20 and facts["side"] == 64
    assert facts["train"] == {"pictures": 27, "of_class": {"cat": 18, "dog": 9}}
    assert "to test        3 pictures, cat 2, dog 1" in text
    (tmp_path / "dog" / "03.png").write_bytes(b"no picture")
    facts, text = made(cls, size=16).check(str(tmp_path))
    assert not facts["ok"] and facts["images"] == 29 and facts["side"] == 16
    assert facts["problems"] == [
        {"path": str(tmp_path / "dog" / "03.png"), "what": "not a picture of a known format, or damaged"}
    ]


def test_the_check_of_a_dataset_counts_its_classes():
    from gankit_classics.dcgan import DCGAN

    facts, text = made(DCGAN).check("digits")
    assert facts["ok"] and facts["side"] == 8 and facts["train"]["pictures"] == 1438
    assert facts["test"]["of_class"]["3"] == 37 and "networks see   8 x 8 pixels" in text


def test_pixels_come_back_from_the_range_of_the_networks():
    from gankit_classics.data import to_pixels

    from gankit.images import PictureSource

    pixels = np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1)
    images = PictureSource(pixels).gather(np.arange(4), None, 0)["image"].numpy()
    assert images.min() == -1 and images.max() == 1
    assert np.array_equal(to_pixels(images), pixels)
    assert to_pixels([[[[-3.0], [7.0]]]]).ravel().tolist() == [0, 255]
