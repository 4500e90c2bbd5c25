"""Held-out figures: right features reach 100, chance stays chance, and the split leaves whole kinds out."""

import numpy as np
import pytest
from gankit_sketch_retrieval.config import SketchConfig
from gankit_sketch_retrieval.data import described, open_data, other, split
from gankit_sketch_retrieval.evaluation import held_out
from gankit_sketch_retrieval.evaluation.held_out import Views, chosen, has_labels
from gankit_sketch_retrieval.marks.files import Marks
from gankit_sketch_retrieval.marks.ink import BRIGHT
from gankit_sketch_retrieval.marks.normalisation import normalised

from gankit import DataError

KINDS, EACH = 12, 8


def marks(labels=True, font=False):
    """Each kind is a blot of its own width and height, at different places of a canvas."""
    rng, raw = np.random.default_rng(0), []
    names = np.repeat([f"k{i:02d}" for i in range(KINDS)], EACH)
    for i in range(KINDS):
        for _ in range(EACH):
            picture = np.zeros((80, 80), np.uint8)
            y, x = rng.integers(0, 30, 2)
            picture[y : y + 44, x : x + 6 + 3 * i] = 255
            picture[y : y + 8, x : x + 30] = 255
            raw.append(picture)
    pictures = np.stack([normalised(one / np.float32(255)) for one in raw])
    columns = {"label": names} if labels else {}
    if font:
        columns["font"] = np.tile([f"f{i}" for i in range(EACH)], KINDS)
    return Marks(pictures, tuple(f"{i}.png" for i in range(len(raw))), columns, BRIGHT, {}, 0, tuple(raw))


def pixels(found):
    rows = found.reshape(len(found), -1).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def noise(found):
    rows = np.random.default_rng(int(found.sum())).normal(size=(len(found), 50)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_right_feature_finds_all_and_a_random_one_nothing():
    views = Views.of(marks(), 0.0)
    right, wrong = views.figures(pixels), views.figures(noise)
    assert right["map"] == pytest.approx(100)
    assert right["p1"] == pytest.approx(100)
    assert right["p10"] == pytest.approx(100 * (EACH - 1) / 10)
    chance = 100 * (EACH - 1) / (KINDS * EACH - 1)
    assert wrong["map"] == pytest.approx(chance, abs=7)
    assert wrong["p1"] == pytest.approx(chance, abs=12)


def test_turning_costs_and_turning_back_gives_back():
    found = Views.of(marks(), 0.0).figures(pixels)
    assert found["kept_15"] < 80
    assert found["kept_30"] > 85  # the same angle is among those that it is turned back by


def test_a_mark_is_not_looked_for_in_its_own_font():
    both = Views.of(marks(font=True), 0.0)
    assert both.groups is not None
    assert both.figures(pixels)["map"] == pytest.approx(100)


def test_without_labels_a_mark_is_looked_for_drawn_anew():
    rng = np.random.default_rng(1)
    patterns = [np.kron(rng.random((4, 4)) > 0.5, np.ones((12, 12))).astype(np.float32) for _ in range(60)]
    pictures = np.stack([normalised(one) for one in patterns])
    views = Views.of(Marks(pictures, ("",) * 60, {}, BRIGHT, {}, 0), 0.0)
    found = views.figures(pixels)
    assert set(found) == {"again_map", "again_p1"}
    assert found["again_p1"] > 12
    assert views.figures(noise)["again_p1"] < 8


def test_held_out_kinds_are_not_trained_on():
    train, test = split(marks(), 0.25, seed=0)
    assert len(test) == 3 * EACH
    assert not set(train.labels) & set(test.labels)
    other = split(marks(), 0.25, seed=1)[1]
    assert set(other.labels) != set(test.labels)


def test_without_labels_marks_are_held_out():
    train, test = split(marks(labels=False), 0.25, seed=0)
    assert (len(train), len(test)) == (72, 24)
    assert not set(train.names) & set(test.names)


def test_marks_that_were_trained_on_are_counted(tmp_path):
    rng = np.random.default_rng(0)
    drawn = np.stack([np.kron(rng.random((8, 8)) > 0.5, np.ones((4, 4))) * 255 for _ in range(50)]).astype(np.uint8)
    np.savez(tmp_path / "mine.npz", images=drawn[:40], other=drawn[30:])
    config = SketchConfig(data=str(tmp_path / "mine.npz"), held_out=0.0)
    assert other(config, str(tmp_path / "mine.npz#other")).held_out["opened"].seen == 10
    assert open_data(config).held_out["opened"].seen == 40


def test_of_its_own_marks_those_stored_twice_are_counted(tmp_path):
    rng = np.random.default_rng(0)
    drawn = np.stack([np.kron(rng.random((8, 8)) > 0.5, np.ones((4, 4))) * 255 for _ in range(30)]).astype(np.uint8)
    np.savez(tmp_path / "twice.npz", images=np.concatenate([drawn, drawn]))
    opened = open_data(SketchConfig(data=str(tmp_path / "twice.npz"), held_out=0.3)).held_out["opened"]
    train = {picture.tobytes() for picture in opened.train.pictures}
    assert opened.seen == sum(picture.tobytes() in train for picture in opened.test.pictures) > 5


def test_queries_that_are_turned_have_something_to_find(monkeypatch):
    monkeypatch.setattr(held_out, "TURNED", 3)
    some = marks()
    some.columns["label"] = np.array(["both", "both", *(f"alone{i}" for i in range(len(some) - 2))])
    assert Views.of(some, 0.0).figures(pixels)["map"] > 0
    for rows, _ in Views.of(some, 0.0).turned[15]:
        assert rows.tolist() == [0, 1]
    fonts = marks(font=True)
    fonts.columns["font"] = fonts.labels.copy()
    assert not has_labels(fonts)  # marks of one font are not looked for by each other
    fonts.columns["font"][0] = "f"
    assert has_labels(fonts)
    assert len(Views.of(fonts, 0.0).turned[15][0][0]) == 3


def test_too_few_marks():
    with pytest.raises(DataError, match="too few") as error:
        split(marks().only(np.arange(15)), 0.0, seed=0)
    assert "20" in error.value.hint


def test_unlabelled_marks_among_labelled_ones_are_not_compared():
    some = marks()
    some.columns["label"][:EACH] = ""
    assert len(chosen(some)) == (KINDS - 1) * EACH
    assert has_labels(chosen(some))
    few = some.only(np.r_[0:EACH, EACH])
    assert len(chosen(few)) == EACH + 1  # one has a label, and nothing to be found by
    assert not has_labels(chosen(few))
    alone = some.only(np.arange(EACH, KINDS * EACH, EACH))
    assert not has_labels(alone)  # one of each kind: nothing to find


def test_what_a_check_says(tmp_path):
    rng = np.random.default_rng(0)
    drawn = np.stack([np.kron(rng.random((8, 8)) > 0.5, np.ones((4, 4))) * 255 for _ in range(6)]).astype(np.uint8)
    drawn[5] = 0
    np.savez(tmp_path / "some.npz", images=drawn, labels=np.array(["a", "a", "b", "", "", "b"]))
    found, text = described(str(tmp_path / "some.npz"), SketchConfig())
    assert (found["marks"], found["labelled"], found["kinds"], found["alone"]) == (5, 3, 2, 1)
    assert found["left_out"] == {"without ink": 1}
    assert "at least 20" in text
