"""The classifier that judges: accuracy, one seed one network, files that can be trusted, trained only once."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from gankit.errors import CheckpointError, DataError, GankitError, UsageError
from gankit.errors import __file__ as errors_file
from gankit.images.features import small_classifier as module
from gankit.images.features.embeddings import embedding
from gankit.images.features.small_classifier import Classifier, Facts, fingerprint, train_classifier

NAMES = tuple("0123456789")


@pytest.fixture(scope="module")
def digits():
    """1,437 pictures to train on and 360 to test with, 8 x 8."""
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    found = datasets.load_digits()
    images = (found.images * (255 / 16)).round().astype(np.uint8)[..., None]
    order = np.random.default_rng(0).permutation(len(images))
    parts = [SimpleNamespace(images=images[i], labels=found.target[i]) for i in (order[:1437], order[1437:])]
    return SimpleNamespace(train=parts[0], test=parts[1], classes=NAMES)


def train(digits, labels=None, **arguments):
    labels = digits.train.labels if labels is None else labels
    arguments = {"epochs": 3, "test": (digits.test.images, digits.test.labels)} | arguments
    return train_classifier(digits.train.images, labels, NAMES, **arguments)


@pytest.fixture(scope="module")
def quick(digits):
    return train(digits)


@pytest.mark.slow
def test_digits_are_told(digits):
    classifier = train(digits, epochs=None)
    assert classifier.facts.test_accuracy >= 0.98 and classifier.facts.epochs == 30


@pytest.mark.slow
def test_one_seed_is_one_network_and_the_global_seed_is_left_alone(digits, quick):
    import keras

    keras.utils.set_random_seed(1)
    expected = np.asarray(keras.random.uniform((3,)))
    keras.utils.set_random_seed(1)
    again, other = train(digits), train(digits, seed=1)
    np.testing.assert_array_equal(keras.random.uniform((3,)), expected)
    assert quick.facts == again.facts and quick.facts.test_accuracy > 0.85
    for key, value in quick.weights.items():
        np.testing.assert_array_equal(value, again.weights[key])
        assert value.dtype == np.float32
    assert any((quick.weights[key] != value).any() for key, value in other.weights.items())


@pytest.mark.slow
def test_shuffled_labels_teach_nothing(digits):
    labels = np.random.default_rng(0).permutation(digits.train.labels)
    assert train(digits, labels).facts.test_accuracy < 0.25


@pytest.mark.slow
def test_accuracy_is_that_of_the_saved_weights(digits, quick, tmp_path):
    quick.save(tmp_path / "a.safetensors")
    embed = embedding("small-classifier", weights_file=tmp_path / "a.safetensors")
    told = embed.probabilities(digits.test.images).argmax(axis=1)
    assert np.mean(told == digits.test.labels) == quick.facts.test_accuracy
    others = SimpleNamespace(**{**vars(digits), "classes": NAMES[::-1]})
    with pytest.raises(DataError, match="not those of the pictures"):
        embedding("small-classifier", weights_file=tmp_path / "a.safetensors", data=others)


def test_pictures_are_shifted_by_at_most_a_pixel_and_not_wrapped():
    images = np.random.default_rng(0).integers(0, 256, (300, 5, 6, 3)).astype(np.uint8)
    moved = module._shifted(images, np.random.default_rng(1))
    padded, seen = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge"), set()
    for picture, wide in zip(moved, padded, strict=True):
        found = [(y, x) for y in range(3) for x in range(3) if (wide[y : y + 5, x : x + 6] == picture).all()]
        assert len(found) == 1
        seen |= set(found)
    assert len(seen) == 9 and moved.dtype == np.float32


# --- Files ----------------------------------------------------------------------------------------------------------


def test_files_come_back_and_are_the_same_bytes(quick, tmp_path):
    for name in ("a", "b"):
        quick.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]
    back = Classifier.read(tmp_path / "a")
    assert back.facts == quick.facts == Classifier.read(tmp_path / "a").facts
    assert back.facts.seed == 0 and {"gankit", "keras", "numpy"} <= set(back.facts.versions)
    for key, value in quick.weights.items():
        np.testing.assert_array_equal(back.weights[key], value)


KIND = "gankit-small-classifier/1"


def test_damaged_and_hostile_files_are_refused(quick, tmp_path):
    path, facts = tmp_path / "c.safetensors", quick.facts
    quick.save(path)
    whole, tensors = path.read_bytes(), load_file(path)

    def written(metadata, **changes):
        save_file({**tensors, **changes}, path, metadata)

    cases = [lambda: path.write_bytes(whole[:-9]), lambda: path.write_bytes(b"x" * 99)]
    cases += [lambda: written(None), lambda: written({"gankit": "{"}), lambda: written({"gankit": "[]"})]
    first = next(iter(tensors))
    for update in (
        {"format": "other/1"},
        {"height": 10**6},
        {"blocks": (0,)},
        {"blocks": (10**9,)},
        {"classes": ("a",)},
    ):
        bad = json.dumps({"format": KIND, **facts.model_dump(mode="json"), **update})
        cases.append(lambda bad=bad: written({"gankit": bad}))
    good = {"gankit": json.dumps({"format": KIND, **facts.model_dump(mode="json")})}
    cases += [lambda: written(good, **{first: np.full_like(tensors[first], np.nan)})]
    cases += [lambda: written(good, **{first: tensors[first][:1]}), lambda: written(good, more=tensors[first])]
    other = {"gankit": json.dumps({"format": KIND, **facts.model_dump(mode="json"), "features": 64})}
    cases += [lambda: written(other)]
    for case in cases:
        case()
        with pytest.raises(CheckpointError):
            Classifier.read(path).network()


# --- Trained once ---------------------------------------------------------------------------------------------------


@pytest.fixture
def trainings(monkeypatch, tmp_path):
    """Counts trainings, which are cut to one epoch."""
    monkeypatch.setenv("GANKIT_HOME", str(tmp_path / "home"))
    calls = []

    def count(images, labels, classes, **arguments):
        calls.append(fingerprint(images, labels))
        return train_classifier(images, labels, classes, **arguments | {"epochs": 1})

    monkeypatch.setattr(module, "train_classifier", count)
    return calls


@pytest.mark.slow
def test_trained_once_and_again_only_if_damaged_or_for_other_data(digits, trainings):
    path = module.classifier_file(digits)
    assert path.parent.name == "features" and len(trainings) == 1
    assert module.classifier_file(digits) == path and len(trainings) == 1
    assert Classifier.read(path).facts.test_accuracy is not None
    path.write_bytes(path.read_bytes()[:-1])
    assert module.classifier_file(digits) == path and len(trainings) == 2
    Classifier.read(path)
    assert module.classifier_file(digits, seed=1) != path
    half = SimpleNamespace(images=digits.train.images[::2], labels=digits.train.labels[::2])
    untested = SimpleNamespace(images=digits.test.images, labels=None)
    other = module.classifier_file(SimpleNamespace(train=half, test=untested, classes=NAMES))
    assert other != path and len(trainings) == 4 and Classifier.read(other).facts.test_accuracy is None


def test_the_packages_weights_come_first(digits, quick, trainings, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BOX", tmp_path)
    quick.save(tmp_path / "digits.safetensors")
    assert module.classifier_file(digits) == tmp_path / "digits.safetensors"
    embed = embedding("small-classifier", data=digits)
    assert embedding("auto", data=digits).protocol == embed.protocol
    assert not trainings and not (tmp_path / "home").exists()
    assert embed.protocol["network"] == "small-classifier" and len(embed.sha256) == 64
    features = embed(digits.test.images)
    assert features.shape == (360, 128) == (360, embed.width) and features.dtype == np.float32
    assert (features >= 0).all() and features.std() > 0.1
    # one at a time, in this order
    np.testing.assert_allclose(embed(digits.test.images[37:38])[0], features[37], rtol=1e-4, atol=1e-4)
    probabilities = embed.probabilities(digits.test.images)
    assert probabilities.shape == (360, 10) == (360, embed.classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    for bad in (digits.test.images[:, :7], digits.test.images.repeat(3, axis=3), digits.test.images / 255):
        with pytest.raises(DataError):
            embed(bad)


def test_fingerprints():
    images = np.random.default_rng(0).integers(0, 256, (9, 4, 6, 1)).astype(np.uint8)
    labels = np.arange(9)
    mark = fingerprint(images, labels)
    assert mark == fingerprint(images.copy(order="F"), labels.astype(np.int32)) and len(mark) == 64
    swapped = images[[1, 0, *range(2, 9)]]
    others = [(swapped, labels), (images, labels[::-1]), (images.reshape(9, 6, 4, 1), labels), (images[:8], labels[:8])]
    assert len({mark, *(fingerprint(*other) for other in others)}) == 5


def test_data_that_it_cannot_learn_are_refused(digits):
    images, labels = digits.train.images, digits.train.labels
    bad = [(images.astype(float), labels), (images, labels[1:]), (images, labels / 1.0), (images, labels + 1)]
    bad += [(images[:, :3], labels), (images.repeat(9, axis=1), labels), (images[:0], labels[:0])]
    for pair in bad:
        with pytest.raises(DataError):
            train_classifier(*pair, NAMES)
    unlabelled = SimpleNamespace(train=SimpleNamespace(images=images, labels=None), test=digits.test, classes=())
    with pytest.raises(DataError) as caught:
        module.classifier_file(unlabelled)
    assert "efficientnet-lite0" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        embedding("small-classifier")
    assert "efficientnet-lite0" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        embedding("small-clasifier")
    assert "small-classifier" in caught.value.hint


# --- The package's --------------------------------------------------------------------------------------------------

FASHION = module.BOX / "fashion-mnist.safetensors"


def test_the_packages_fashion_mnist():
    facts = Classifier.read(FASHION).facts
    assert FASHION.stat().st_size < 600_000 and facts.test_accuracy >= 0.925 and len(facts.classes) == 10
    assert isinstance(facts, Facts) and (facts.height, facts.width, facts.channels) == (28, 28, 1)
    Classifier.read(FASHION).network()


@pytest.mark.slow
def test_the_packages_fashion_mnist_is_as_good_as_it_says():
    labelled = pytest.importorskip("gankit.images.labelled", reason="no labelled pictures")
    try:
        data = labelled.open_pictures("fashion-mnist")
    except GankitError as error:
        pytest.skip(f"Fashion-MNIST cannot be had: {error}")
    assert module.classifier_file(data) == FASHION
    embed = embedding("small-classifier", data=data)
    told = embed.probabilities(data.test.images).argmax(axis=1)
    assert np.mean(told == data.test.labels) == pytest.approx(Classifier.read(FASHION).facts.test_accuracy, abs=2e-4)


def test_importing_needs_no_tensorflow():
    code = (
        "import sys\n"
        "from gankit.images.features import embeddings, inception_v3, small_classifier\n"
        "import gankit.images.metrics.picture_scores\n"
        "assert not {'tensorflow', 'keras', 'h5py'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(errors_file).parents[1])
