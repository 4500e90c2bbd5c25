"""The protocol of spotting against a plain loop, and on rankings whose figures are known."""

import numpy as np
import pytest
from gankit_sketch_retrieval.evaluation.page_retrieval import Places, by_dot, proposal_recall, spotting
from gankit_sketch_retrieval.evaluation.truth import read_truth
from gankit_sketch_retrieval.pages.boxes import iou

from gankit import DataError


def places(boxes, pages=None):
    return Places(np.zeros(len(boxes), int) if pages is None else np.array(pages), np.array(boxes))


def row(*lefts):
    return [[x, 0, x + 10, 10] for x in lefts]


def figures(scores, truth, labels, proposals, **options):
    return spotting(lambda rows: np.array(scores, float)[rows], truth, labels, proposals, **options)


def test_average_precision_by_hand():
    truth, proposals = places(row(0, 20, 40, 60)), places(row(0, 20, 40, 60, 80))
    # The first "a" ranks: itself (ignored), wrong, right, wrong, right: (1/2 + 2/4) / 2.
    scores = [[9, 5, 3, 8, 7], [5, 9, 4, 3, 2], [5, 4, 9, 3, 2], [0] * 5]
    found = figures(scores, truth, ["a", "a", "a", "b"], proposals)
    np.testing.assert_allclose(found.average_precision, [(1 / 3 + 2 / 4) / 2, 1, 1, np.nan])
    assert (found.queries, found.left_out, found.figures["recall"]) == (3, 1, 1)
    assert found.p1 == pytest.approx(2 / 3) and found.map == pytest.approx((5 / 12 + 2) / 3)


def test_a_box_that_is_never_hit_counts():
    truth = places(row(0, 20, 40))
    found = figures([[9, 8], [8, 9], [9, 8]], truth, list("aaa"), places(row(0, 20)))
    np.testing.assert_allclose(found.average_precision, [0.5, 0.5, 1])
    assert found.figures["recall"] == pytest.approx(2 / 3) == proposal_recall(truth, places(row(0, 20)))


def test_a_second_hit_on_the_same_box_is_dropped_or_wrong():
    truth, proposals = places(row(0, 20, 40)), places([*row(0, 20, 23, 40)])
    scores = [[9, 8, 7, 6]] * 3
    assert figures(scores, truth, list("aaa"), proposals).average_precision[0] == 1
    assert figures(scores, truth, list("aaa"), proposals, distinct=0.99).average_precision[0] == pytest.approx(5 / 6)


def test_the_same_place_on_another_page_is_another_place():
    truth = places(row(0, 0), [0, 1])
    assert figures([[9, 8], [9, 8]], truth, list("aa"), places(row(0, 0), [0, 1])).map == 1
    assert figures([[9, 8], [9, 8]], truth, list("aa"), places(row(0, 0), [0, 0])).figures["recall"] == 0.5


def plain(scores, truth, labels, proposals, distinct):
    """The protocol, one box at a time."""

    def over(page, a, other, b):
        return iou(a[None], b[None])[0, 0] if page == other else 0.0

    found = []
    for query, (page, box) in enumerate(zip(truth.pages, truth.boxes, strict=True)):
        left = [i for i in range(len(truth.boxes)) if i != query and labels[i] == labels[query]]
        wanted, kept = len(left), []
        if not wanted:
            found.append(np.nan)
            continue
        for i in sorted(range(len(proposals.boxes)), key=lambda i: -scores[query, i]):
            own, hit = proposals.pages[i], proposals.boxes[i]
            if over(page, box, own, hit) < distinct and all(
                over(own, hit, proposals.pages[k], proposals.boxes[k]) <= distinct for k in kept
            ):
                kept.append(i)
        total = right = 0
        for rank, i in enumerate(kept, 1):
            overlaps = [over(truth.pages[j], truth.boxes[j], proposals.pages[i], proposals.boxes[i]) for j in left]
            if left and max(overlaps) >= 0.5:
                del left[int(np.argmax(overlaps))]
                right += 1
                total += right / rank
        found.append(total / wanted)
    return np.array(found)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_plain_loop(seed):
    random = np.random.default_rng(seed)
    corner = random.integers(0, 60, (24, 2))
    truth = places(np.hstack([corner, corner + random.integers(8, 20, (24, 2))]), random.integers(0, 2, 24))
    labels = random.integers(0, 4, 24)
    moved = np.repeat(truth.boxes, 4, 0) + random.integers(-3, 4, (96, 4))
    proposals = places(moved, np.repeat(truth.pages, 4))
    queries, gallery = random.normal(size=(24, 2, 5)), random.normal(size=(96, 5))
    scores = np.einsum("qrd,gd->qrg", queries.astype(np.float32), gallery.astype(np.float32)).max(1)
    found = spotting(by_dot(queries, gallery), truth, labels, proposals, distinct=0.3)
    np.testing.assert_allclose(found.average_precision, plain(scores, truth, labels, proposals, 0.3), atol=1e-12)
    shallow = spotting(by_dot(queries, gallery), truth, labels, proposals, depth=30)
    assert 0 < shallow.map < found.map and shallow.p1 == found.p1


def test_boxes_without_a_label_count_in_the_recall_alone():
    scores, truth = [[9, 8, 7, 1]] * 4, places(row(0, 20, 40, 60))
    found = figures(scores, truth, ["a", "a", "", ""], places(row(0, 20, 40, 60)))
    assert found.queries == 2 and np.isnan(found.average_precision[2:]).all()
    assert found.figures["recall"] == 1


def test_no_label_twice_is_an_error():
    with pytest.raises(ValueError, match="no label occurs twice"):
        figures([[1], [1]], places(row(0, 20)), ["a", "b"], places(row(0)))
    with pytest.raises(ValueError, match="1 labels for 2 boxes"):
        figures([[1], [1]], places(row(0, 20)), ["a"], places(row(0)))


def test_truth_is_read_in_all_its_forms(tmp_path):
    for header, kind in (
        ("page,x0,y0,x1,y1,label", ""),
        ("word,y1,x1,y0,x0,page", ""),
        ("page,kind,x0,y0,x1,y1,text", "g"),
    ):
        values = {"page": "p.png", "x0": 1, "y0": 2, "x1": 3, "y1": 5, "kind": "g"}
        lines = [",".join(str(values.get(name, "ä,b"[:1])) for name in header.split(","))] * 2
        (tmp_path / "t.csv").write_text("\n".join([header, *lines, lines[0].replace(",g,", ",other,")]), "utf-8")
        truth = read_truth(tmp_path / "t.csv", kind)
        assert truth.boxes.tolist() == [[1, 2, 3, 5]] * (2 if kind else 3)
        assert set(truth.labels) == {"ä"} and set(truth.pages) == {"p.png"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("page,x0,y0,x1,label\n", "no column y1"),
        ("page,x0,y0,x1,y1\n", "no column label"),
        ("page,x0,y0,x1,y1,label\n", "no rows"),
        ("page,x0,y0,x1,y1,label\np,1,2,x,4,a\n", "line 2 .* no whole number"),
        ("page,x0,y0,x1,y1,label\np,1,2\n", "line 2 .* no whole number"),
        ("page,x0,y0,x1,y1,label\np,5,2,5,4,a\n", "empty box: 5,2,5,4"),
        ("page,x0,y0,x1,y1,label\np,1,2,5,4,a\np,1,2,5,4,b\n", "no label occurs twice"),
        ("page,x0,y0,x1,y1,label\np,1,2,5,4,\np,1,2,5,4,\n", "no label occurs twice"),
    ],
)
def test_bad_truth_is_refused(tmp_path, content, said):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(DataError, match=said):
        read_truth(tmp_path / "t.csv")


def test_truth_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_truth(tmp_path / "none.csv")
