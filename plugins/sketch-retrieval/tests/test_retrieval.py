"""mAP, P@1 and P@10 against loops and against scikit-learn."""

import numpy as np
import pytest
from gankit_sketch_retrieval.evaluation import retrieval
from gankit_sketch_retrieval.evaluation.retrieval import scores


def units(rng, *shape):
    rows = rng.normal(size=shape).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def by_loop(queries, gallery, query_labels, gallery_labels, hidden):
    """The definition, mark by mark."""
    rows = []
    for i, query in enumerate(queries):
        ranked = sorted(
            (j for j in range(len(gallery)) if not hidden(i, j)),
            key=lambda j: -max(float(view @ gallery[j]) for view in np.atleast_2d(query)),
        )
        relevant = [query_labels[i] == gallery_labels[j] for j in ranked]
        if not any(relevant):
            continue
        seen, precisions = 0, []
        for rank, one in enumerate(relevant, 1):
            seen += one
            if one:
                precisions.append(seen / rank)
        rows.append((np.mean(precisions), relevant[0], sum(relevant[:10]) / 10))
    return np.mean(rows, 0), len(rows)


@pytest.mark.parametrize("views", [0, 3])
@pytest.mark.parametrize("chunk", [7, 256])
def test_leave_one_out_is_the_loop(monkeypatch, views, chunk):
    monkeypatch.setattr(retrieval, "CHUNK", chunk)
    rng = np.random.default_rng(0)
    gallery, labels = units(rng, 45, 6), rng.integers(0, 9, 45)
    labels[0] = 99  # alone in its class
    queries = units(rng, 45, views, 6) if views else gallery
    found = scores(queries, gallery, labels, labels, same=True)
    expected, counted = by_loop(queries, gallery, labels, labels, lambda i, j: i == j)
    assert tuple(found.figures.values()) == pytest.approx(tuple(expected), abs=1e-9)
    assert (found.queries, found.left_out) == (counted, 45 - counted) and np.isnan(found.average_precision[0])


def test_separate_gallery_with_groups_is_the_loop():
    rng = np.random.default_rng(1)
    queries, gallery = units(rng, 20, 2, 5), units(rng, 31, 5)
    labels, members = rng.choice(list("abcd"), 20), rng.choice(list("abcde"), 31)
    fonts, theirs = rng.choice(["x", "y"], 20), rng.choice(["x", "y", "z"], 31)
    found = scores(queries, gallery, labels, members, same=False, groups=fonts, gallery_groups=theirs)
    expected, _ = by_loop(queries, gallery, labels, members, lambda i, j: fonts[i] == theirs[j])
    assert tuple(found.figures.values()) == pytest.approx(tuple(expected), abs=1e-9)


def test_groups_of_the_gallery_are_those_of_the_queries_in_leave_one_out():
    rng = np.random.default_rng(2)
    gallery, labels, fonts = units(rng, 30, 4), rng.integers(0, 4, 30), rng.integers(0, 3, 30)
    found = scores(gallery, gallery, labels, labels, same=True, groups=fonts)
    expected, _ = by_loop(gallery, gallery, labels, labels, lambda i, j: fonts[i] == fonts[j])
    assert found.map == pytest.approx(expected[0], abs=1e-9)


def test_average_precision_is_that_of_scikit_learn():
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(3)
    gallery, labels = units(rng, 80, 8), rng.integers(0, 6, 80)
    found = scores(gallery, gallery, labels, labels, same=True)
    others = ~np.eye(80, dtype=bool)
    expected = [
        average_precision_score(labels[others[i]] == labels[i], gallery[others[i]] @ gallery[i]) for i in range(80)
    ]
    np.testing.assert_allclose(found.average_precision, expected, atol=1e-9)


def test_small_case_by_hand():
    gallery = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]])
    # Ranked 0, 1, 2, 3; relevant at ranks 1 and 3: (1 + 2/3) / 2.
    found = scores(np.array([[1, 0]]), gallery, ["a"], ["a", "b", "a", "b"], same=False)
    assert found.figures == pytest.approx({"map": 5 / 6, "p1": 1, "p10": 0.2})


def test_ties_keep_the_order_of_the_gallery():
    rng = np.random.default_rng(4)
    gallery, labels = rng.integers(-2, 3, (300, 1)), rng.integers(0, 5, 300)  # five scores, sixty times each
    found = scores(np.ones((1, 1)), gallery, [4], labels, same=False)
    expected, _ = by_loop(np.ones((1, 1)), gallery, [4], labels, lambda i, j: False)  # Python's sort is stable
    assert tuple(found.figures.values()) == pytest.approx(tuple(expected), abs=1e-9)


def test_perfect_features():
    labels = np.repeat(np.arange(5), 12)
    found = scores(np.eye(5)[labels], np.eye(5)[labels], labels, labels, same=True)
    assert found.figures == {"map": 1, "p1": 1, "p10": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query_labels": [0, 0]}, "2 query labels for 3"),
        ({"gallery_labels": [0]}, "1 gallery labels for 3"),
        ({"groups": [0]}, "1 query groups for 3"),
        ({"queries": np.ones((2, 2)), "query_labels": [0, 0]}, "3 gallery marks for 2"),
        ({"queries": np.full((3, 2), np.nan)}, "not finite"),
        ({"query_labels": [7, 8, 9]}, "no query"),
    ],
)
def test_what_does_not_fit_is_said(change, message):
    fits = {"queries": np.ones((3, 2)), "gallery": np.ones((3, 2)), "query_labels": [0] * 3, "gallery_labels": [0] * 3}
    with pytest.raises(ValueError, match=message):
        scores(**{**fits, **change}, same=True)
