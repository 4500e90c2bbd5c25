"""The symbols that need no files: which there are, and how they are drawn."""

import unicodedata

import numpy as np
import pytest
from gankit_sketch_retrieval.evaluation.retrieval import scores
from gankit_sketch_retrieval.features.baselines import hog_tuned
from gankit_sketch_retrieval.marks import symbols as module
from gankit_sketch_retrieval.marks.normalisation import INNER, normalised
from gankit_sketch_retrieval.marks.symbols import FONTS, code_points, drawn

symbols = module.symbols.__wrapped__  # drawn anew at each call


def test_hundreds_of_symbols_none_a_letter():
    codes = code_points()
    assert len(codes) > 800 and list(codes) == sorted(set(codes))
    assert {unicodedata.category(chr(code)) for code in codes} == {"So", "Sm"}
    for known in "←∞∑⋆☠♞✂⊕":
        assert ord(known) in codes


@pytest.mark.slow
def test_every_glyph_is_drawn_and_none_twice():
    clean = np.stack([normalised(module._glyph(module._fonts_with(code)[0], code)) for code in code_points()])
    assert clean.reshape(len(clean), -1).max(1).min() > 200
    assert len(np.unique(clean.reshape(len(clean), -1), axis=0)) == len(clean)
    rows = clean.reshape(len(clean), -1).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert (rows @ rows.T - np.eye(len(rows))).max() < 0.97


def test_the_box_of_a_missing_glyph_is_no_symbol():
    """U+2B4D is in no font, and would be drawn as an empty box."""
    assert 0x2B4D not in code_points() and not module._fonts_with(0x2B4D)


def test_heavier_and_lighter_drawings_of_one_shape_count_once():
    codes = code_points()
    for same in ("⊗⨂", "⋆★"):
        assert sum(ord(one) in codes for one in same) == 1


def test_shapes_labels_and_normalisation():
    marks, labels = symbols(per_class=3, seed=1, classes=7)
    assert marks.shape == (21, 64, 64) and marks.dtype == np.uint8
    assert list(labels) == [f"U+{code:04X}" for code in (int(label[2:], 16) for label in labels[::3]) for _ in range(3)]
    assert len(set(labels)) == 7 and labels[0] == f"U+{code_points()[0]:04X}"
    for mark in marks:
        there = mark > 60
        height, width = (np.ptp(np.flatnonzero(there.any(axis))) + 1 for axis in (1, 0))
        assert max(height, width) == pytest.approx(INNER, abs=2)


def test_same_seed_same_bytes():
    first, again, other = (symbols(2, seed, classes=5)[0] for seed in (3, 3, 4))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_a_drawing_depends_on_nothing_but_seed_symbol_and_number():
    many, labels = symbols(3, 5, classes=9)
    few, few_labels = symbols(2, 5, classes=3)
    np.testing.assert_array_equal(few_labels[::2], labels[[0, 12, 24]])
    np.testing.assert_array_equal(few[2:4], many[12:14])


def test_drawings_differ_and_are_alike():
    marks, labels = symbols(6, 0, classes=60)
    assert len(np.unique(marks.reshape(len(marks), -1), axis=0)) == len(marks)
    rows = hog_tuned(marks)
    found = scores(rows, rows, labels, labels, same=True)
    assert 0.6 < found.map < 0.98  # neither copies nor scribbles


def test_every_drawing_has_its_own_noise(monkeypatch):
    seen = []
    monkeypatch.setattr(module, "drawn", lambda code, rng: seen.append(rng.random()) or np.ones((9, 9), np.float32))
    symbols(3, 0, classes=4), symbols(3, 1, classes=4)
    assert len(set(seen)) == 24


def test_strokes_vary_in_width(monkeypatch):
    monkeypatch.setattr(module, "_fonts_with", lambda code: FONTS[:1])
    ink = [drawn(ord("←"), np.random.default_rng(number)).sum() for number in range(40)]
    assert max(ink) > 1.8 * min(ink)


def test_noise_is_smooth_and_of_unit_variance():
    rng = np.random.default_rng(0)
    fields = np.stack([module._smooth(rng, 4) for _ in range(300)])
    assert fields.std() == pytest.approx(1, abs=0.15) and abs(fields.mean()) < 0.05
    steps = np.abs(np.diff(fields, axis=2)).max()
    assert steps < 0.25  # of one standard deviation, from pixel to pixel


def test_splines_sum_to_one():
    np.testing.assert_allclose(module._basis(7).sum(1), 1, atol=1e-9)
