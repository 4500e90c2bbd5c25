"""All scores at once: known cases end where they must, in whatever order the pictures come."""

import json

import numpy as np
import pytest

from gankit.errors import DataError, NonFinite
from gankit.images.features.embeddings import Embedding
from gankit.images.metrics import picture_scores as module
from gankit.images.metrics.picture_scores import canonical_order, score_pictures
from gankit.metrics.frechet import fid
from gankit.metrics.moments import Moments
from gankit.metrics.score import Score, difference

SIDE, CLASSES, WIDTH = 12, 5, 16
TWO_SAMPLE = {"fid", "kid", "precision", "recall", "density", "coverage", "inception_score", "sliced_wasserstein"}
ALL = TWO_SAMPLE | {"ms_ssim", "duplicates", "copied", "nearer"}
PROTOTYPES = np.random.default_rng(99).uniform(20, 235, (CLASSES, 3, 3)).repeat(4, 1).repeat(4, 2)
PROJECTION = np.random.default_rng(98).normal(size=(SIDE * SIDE, WIDTH)) / SIDE


def pictures(seed, n, classes=CLASSES, shift=0.0):
    """Five kinds of picture, each with a brightness, a slope and noise of its own."""
    rng = np.random.default_rng(seed)
    x = PROTOTYPES[rng.permutation(np.arange(n) % classes)] + rng.normal(0, 8, (n, 1, 1)) + shift
    x = x + rng.normal(0, 2, (n, 1, 1)) * np.linspace(-3, 3, SIDE) + rng.normal(0, 6, (n, SIDE, SIDE))
    return x.clip(0, 255).round().astype(np.uint8)[..., None]


def network(images):
    flat = images.reshape(len(images), -1) / 64.0 - 2
    logits = -np.square(flat[:, None] - (PROTOTYPES.reshape(1, CLASSES, -1) / 64 - 2)).mean(axis=2) * 64
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return flat @ PROJECTION, p / p.sum(axis=1, keepdims=True)


def embedding(**changes):
    fields = {"name": "projection", "sha256": "0" * 64, "layer": "last", "resize": "none", "width": WIDTH}
    return Embedding(**{**fields, "classes": CLASSES, "side": 0, "network": network, **changes})


TRAIN, TEST = pictures(1, 900), pictures(2, 400)


@pytest.fixture(scope="module")
def fresh():
    noise = np.random.default_rng(5).integers(0, 256, (400, SIDE, SIDE, 1)).astype(np.uint8)
    return score_pictures(TRAIN, TEST, pictures(3, 400), embedding(), untrained=noise)


def test_fresh_real_pictures_are_at_the_floor(fresh):
    assert set(fresh.metrics) == set(fresh.scores) == set(fresh.floor) == ALL
    assert set(fresh.ceiling) == ALL - {"copied", "nearer"}
    for name in ("kid", "ms_ssim", "inception_score", "copied", "nearer"):
        assert abs(fresh.metrics[name] - fresh.floor[name]) <= 4 * fresh.errors[name], name
    for name in ("precision", "recall", "density", "coverage"):
        assert abs(fresh.metrics[name] - fresh.floor[name]) < 0.06, name
        assert fresh.floor[name] > 0.8
    for score in (fresh.metrics["fid"], fresh.floor["fid"]):
        assert score < 0.01 * fresh.ceiling["fid"]
    assert 0.2 < fresh.metrics["fid"] / fresh.floor["fid"] < 2
    assert 0.6 < fresh.metrics["sliced_wasserstein"] / fresh.floor["sliced_wasserstein"] < 1.6
    assert fresh.metrics["duplicates"] == 0 and fresh.floor["nearer"] == 0.5
    assert fresh.floor["copied"] == pytest.approx(4 / 401)


def test_noise_is_far_from_the_floor_and_is_the_ceiling_here(fresh):
    noise = np.random.default_rng(5).integers(0, 256, (400, SIDE, SIDE, 1)).astype(np.uint8)
    found = score_pictures(TRAIN, TEST, noise, embedding())
    assert found.ceiling is None and found.protocol["ceiling"] is None
    for name in ("fid", "kid", "sliced_wasserstein"):
        assert found.metrics[name] > 10 * abs(found.floor[name]), name
    for name in ("precision", "density", "coverage"):  # recall is fooled: the balls of noise are large
        assert found.metrics[name] < 0.05, name
    assert found.metrics["copied"] == 0 and found.metrics["nearer"] < 0.05
    assert {name: found.metrics[name] for name in fresh.ceiling} == fresh.ceiling
    assert found.floor == fresh.floor


def test_copies_are_found_though_all_else_is_perfect(fresh):
    found = score_pictures(TRAIN, TEST, TRAIN[:400], embedding())
    assert found.metrics["copied"] == 1 and found.metrics["nearer"] == 1
    assert found.floor["copied"] < 0.02 and found.floor["nearer"] == 0.5
    assert found.metrics["precision"] > 0.8 and found.metrics["fid"] < 2 * fresh.floor["fid"]
    # pictures beyond the compared ones are known, too
    rare = score_pictures(np.concatenate([TRAIN, pictures(7, 500)]), TEST, pictures(7, 500), embedding())
    assert rare.metrics["copied"] == 1


def test_one_picture_repeated():
    found = score_pictures(TRAIN, TEST, TEST[:1].repeat(400, axis=0), embedding())
    assert found.metrics["recall"] <= 0.05 and found.metrics["coverage"] <= 0.05
    assert found.metrics["duplicates"] == 1 and found.metrics["ms_ssim"] == pytest.approx(1)
    assert found.metrics["inception_score"] == pytest.approx(1)
    assert found.metrics["fid"] > 20 * found.floor["fid"]
    # what the eye can't tell apart counts as one, what it can does not
    rng = np.random.default_rng(0)
    for levels, expected in ((1, 1.0), (8, 0.0)):
        near = TEST[:1].clip(10, 245) + rng.integers(-levels, levels + 1, (400, SIDE, SIDE, 1))
        assert score_pictures(TRAIN, TEST, near.astype(np.uint8), embedding()).metrics["duplicates"] == expected


def test_two_of_five_kinds_lack_recall_and_coverage_but_not_precision(fresh):
    found = score_pictures(TRAIN, TEST, pictures(3, 400, classes=2), embedding())
    assert found.metrics["precision"] > 0.85
    assert found.metrics["recall"] < 0.6 and found.metrics["coverage"] < 0.6
    assert found.metrics["inception_score"] < 0.6 * fresh.metrics["inception_score"]


def test_the_order_of_pictures_does_not_matter(fresh):
    rng = np.random.default_rng(0)
    noise = np.random.default_rng(5).integers(0, 256, (400, SIDE, SIDE, 1)).astype(np.uint8)
    sets = [rng.permutation(x) for x in (TRAIN, TEST, pictures(3, 400), noise)]
    found = score_pictures(*sets[:3], embedding(), untrained=sets[3])
    assert found.metrics == fresh.metrics and found.floor == fresh.floor and found.ceiling == fresh.ceiling
    assert found.errors == fresh.errors and found.protocol == fresh.protocol


def test_classes_in_turn_are_not_the_parts_of_the_inception_score():
    """Part i holds every tenth sample: of five classes in turn, each part would see but one, and score 1."""
    turn = PROTOTYPES[np.arange(400) % CLASSES] + np.random.default_rng(0).normal(0, 6, (400, SIDE, SIDE))
    found = score_pictures(TRAIN, TEST, turn.clip(0, 255).astype(np.uint8)[..., None], embedding())
    assert found.metrics["inception_score"] > 4


def test_the_reference_is_the_test_split():
    other = pictures(2, 400, shift=25)  # the generator imitates the test pictures, which are brighter
    found = score_pictures(TRAIN, other, pictures(3, 400, shift=25), embedding())
    assert found.metrics["fid"] < 0.1 * found.floor["fid"] and found.metrics["kid"] < 0.1 * found.floor["kid"]
    moments = [Moments(), Moments()]
    for m, x in zip(moments, (other, pictures(3, 400, shift=25)), strict=True):
        m.update(np.float32(network(x)[0]))
    assert found.metrics["fid"] == pytest.approx(fid(*moments, features="").value, rel=1e-4)


def test_sets_are_cut_to_the_smallest_but_copies_are_sought_in_all():
    found = score_pictures(TRAIN, TEST, pictures(3, 250), embedding())
    assert found.protocol["compared"] == 250
    assert found.protocol["given"] == {"training": 900, "test": 400, "generated": 250}
    assert found.protocol["scores"]["fid"] == {"width": WIDTH, "real": 250, "fake": 250}
    copied = found.protocol["scores"]["copied"]
    assert (copied["train"], copied["held_out"], copied["fake"]) == (900, 400, 250)


def test_the_protocol_is_json_and_the_scores_can_be_compared(fresh):
    assert json.loads(json.dumps(fresh.protocol)) == fresh.protocol
    assert fresh.protocol["left_out"] == {} and fresh.protocol["size"] == "12 x 12 x 1"
    assert fresh.protocol["features"]["sha256"] == "0" * 64
    assert set(fresh.better) == ALL - {"ms_ssim", "copied", "nearer"}
    assert fresh.better["fid"] == "lower" and fresh.better["recall"] == "higher"
    assert set(fresh.errors) == {"kid", "inception_score", "sliced_wasserstein", "ms_ssim", "copied", "nearer"}
    again = score_pictures(TRAIN, TEST, pictures(4, 400), embedding())
    assert abs(difference(fresh.scores["kid"], again.scores["kid"]).value) < 1
    other = score_pictures(TRAIN, TEST, pictures(4, 400), embedding(sha256="1" * 64))
    with pytest.raises(DataError, match="protocols"):
        difference(fresh.scores["kid"], other.scores["kid"])
    for name, score in fresh.scores.items():
        assert isinstance(score, Score) and score.value == fresh.metrics[name]


def test_an_evaluation_stands_between_floor_and_ceiling(fresh):
    found = fresh.evaluation(data="rings")
    assert found.metrics == fresh.metrics and found.errors == fresh.errors and found.better == fresh.better
    assert found.baselines == {"training pictures": fresh.floor, "untrained": fresh.ceiling}
    assert list(found.limits) == ["training pictures"] and found.protocol == {"data": "rings", "scores": fresh.protocol}


def test_few_and_tiny_pictures_leave_out_with_a_reason():
    found = score_pictures(TRAIN[:40], TEST[:30], pictures(3, 30), embedding())
    assert set(found.metrics) == ALL - {"copied", "nearer"}  # a quantile of 1 % needs 100 held-out pictures
    assert "100 held-out" in found.protocol["left_out"]["copied"]
    found = score_pictures(TRAIN[:40], TEST[:3], pictures(3, 3), embedding())
    assert {"fid", "kid", "duplicates"} <= set(found.metrics) and "kid" not in found.errors
    assert set(found.protocol["left_out"]) == ALL - set(found.metrics) > {"precision", "inception_score"}
    small = [x[:, :8, :8] for x in (TRAIN, TEST, pictures(3, 300))]
    grey = embedding(classes=None, network=lambda x: (x.reshape(len(x), -1)[:, :WIDTH] / 16, None))
    found = score_pictures(*small, grey)
    assert set(found.protocol["left_out"]) == {"ms_ssim", "inception_score"}
    assert "11 x 11" in found.protocol["left_out"]["ms_ssim"]
    assert "no class probabilities" in found.protocol["left_out"]["inception_score"]


def test_features_beyond_the_memory_lie_in_a_file(fresh, monkeypatch):
    monkeypatch.setattr(module, "_IN_MEMORY", 0)
    found = score_pictures(TRAIN, TEST, pictures(3, 400), embedding())
    assert found.metrics == fresh.metrics
    assert isinstance(module._features(TEST, embedding())[0], np.memmap)


def test_wrong_sets_are_refused():
    good = pictures(3, 10)
    with pytest.raises(DataError, match="uint8"):
        score_pictures(TRAIN, TEST, good / 255, embedding())
    with pytest.raises(DataError, match="generated pictures"):
        score_pictures(TRAIN, TEST, good[:, :11], embedding())
    with pytest.raises(DataError, match="untrained pictures"):
        score_pictures(TRAIN, TEST, good, embedding(), untrained=good[:1])
    with pytest.raises(NonFinite):
        score_pictures(TRAIN, TEST, good, embedding(network=lambda x: (np.full((len(x), WIDTH), np.nan), None)))


def test_canonical_order():
    images = np.concatenate([pictures(1, 50), pictures(2, 1).repeat(50, axis=0)])
    shuffled = np.random.default_rng(0).permutation(images)
    np.testing.assert_array_equal(images[canonical_order(images)], shuffled[canonical_order(shuffled)])
    assert sorted(canonical_order(images)) == list(range(100))
    assert (canonical_order(images) != canonical_order(images, seed=1)).any()
    # equal pictures don't stick together: there are some, and not only them, in each fifth
    for fifth in np.split(canonical_order(images), 5):
        assert 3 < np.count_nonzero(fifth >= 50) < 17
