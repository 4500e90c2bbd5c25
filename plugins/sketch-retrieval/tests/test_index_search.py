"""Searching: against a loop over all marks, with and without faiss, exactly and nearly."""

import os
import subprocess
import sys

import numpy as np
import pytest
from gankit_sketch_retrieval.index import search
from gankit_sketch_retrieval.index.rows import Document, Rows
from gankit_sketch_retrieval.index.search import SearchSettings
from gankit_sketch_retrieval.index.store import Index

from gankit import UsageError

DIM = 32


def clustered(n, seed=0, centres=40, spread=0.6):
    """Unit vectors around some directions, as those of marks are."""
    random = np.random.default_rng(7)
    middles = random.standard_normal((centres, DIM)).astype(np.float32)
    random = np.random.default_rng(seed)
    vectors = middles[random.integers(0, centres, n)] + spread * random.standard_normal((n, DIM), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def index_of(vectors, **settings):
    index = Index.create(vectors.shape[1], {}, SearchSettings(**settings))
    add(index, "a", vectors)
    return index


def add(index, name, vectors):
    n = len(vectors)
    index.add(Rows.of([Document(name)], np.zeros(n), np.ones(n), np.zeros((n, 4)), vectors))


def by_loop(vectors, queries, k):
    """The definition: the largest dot product over rotations, equal ones in order."""
    scores = [max(float(np.dot(q.astype(np.float64), v.astype(np.float64))) for q in queries) for v in vectors]
    order = sorted(range(len(scores)), key=lambda row: (-np.float32(scores[row]), row))[:k]
    return np.float32([scores[row] for row in order]), order


@pytest.fixture(params=["faiss", "numpy"])
def library(request, monkeypatch):
    if request.param == "faiss":
        pytest.importorskip("faiss")
    else:
        monkeypatch.setattr(search, "faiss_or_none", lambda: None)
    return request.param


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 700])
@pytest.mark.parametrize("r", [1, 7])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_exact_is_the_loop(library, n, r, k):
    vectors, queries = clustered(n), clustered(r, 1)
    scores, rows = index_of(vectors).search(queries, k)
    wanted_scores, wanted_rows = by_loop(vectors, queries, k)
    assert rows.tolist() == wanted_rows and scores.dtype == np.float32
    np.testing.assert_allclose(scores, wanted_scores, rtol=0, atol=1e-7)


def test_blocks_cover_all(library, monkeypatch):
    monkeypatch.setattr(search, "_BLOCK", 100)
    vectors = clustered(999)
    for row in (0, 99, 100, 500, 998):
        assert search.by_numpy(vectors, vectors[row : row + 1], 1).tolist() == [row]
        assert index_of(vectors).search(vectors[row : row + 1], 1)[1].tolist() == [row]


def test_equal_ones_come_in_their_order(library):
    vectors = clustered(3000)
    copies = np.arange(5, 3000, 13)  # 231 marks that are the same
    vectors[copies] = vectors[5]
    scores, rows = index_of(vectors).search(vectors[5:6], 50)
    assert rows.tolist() == copies[:50].tolist() and len(set(scores.tolist())) == 1
    assert scores[0] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_what_rounding_would_part_is_not_lost(library, seed):
    vectors, query = clustered(3000), clustered(1, 1)
    copies = np.arange(5, 3000, 13)  # the best, and the same but for the last bits
    best = vectors[np.argmax(vectors @ query[0])]
    bits = np.random.default_rng(seed).integers(-4, 5, (len(copies), DIM))
    vectors[copies] = best * (1 + bits * 2.0**-23)
    scores, rows = index_of(vectors).search(query, 110)
    wanted_scores, wanted_rows = by_loop(vectors, query, 110)
    assert rows.tolist() == wanted_rows
    np.testing.assert_array_equal(scores, wanted_scores)


def test_candidates_are_ranked_in_whatever_order_they_come():
    vectors = np.repeat(clustered(2), 100, axis=0)
    rows = search.ranked(vectors, vectors[150:151], np.random.default_rng(0).permutation(200), 130)[1]
    assert rows.tolist() == [*range(100, 200), *range(30)]


def test_candidates_hold_the_best_and_few_others(library):
    vectors, queries = clustered(5000), clustered(3, 1)
    for k in (1, 10, 200):
        candidates = search.exact(vectors, queries, k)
        assert set(by_loop(vectors, queries, k)[1]) <= set(candidates.tolist())
        assert len(candidates) <= 3 * (k + max(32, k // 4)) and len(set(candidates.tolist())) == len(candidates)
    assert len(search.by_numpy(vectors, queries, 10)) < 30


def test_any_dimension_and_any_layout(library):
    vectors = np.random.default_rng(0).standard_normal((300, 1024)).astype(np.float32)
    scores, rows = index_of(vectors).search(np.asfortranarray(vectors[7:9].astype(np.float64)), 2)
    assert sorted(rows.tolist()) == [7, 8]
    np.testing.assert_allclose(np.sort(scores), np.sort((vectors[7:9] ** 2).sum(1)), rtol=1e-5)


@pytest.mark.parametrize(
    "queries", [np.ones((1, 5)), np.ones(DIM), np.ones((0, DIM)), np.full((1, DIM), np.nan), np.full((2, DIM), np.inf)]
)
def test_queries_that_do_not_fit(queries):
    with pytest.raises(UsageError, match="does not fit"):
        index_of(clustered(10)).search(queries)


def test_no_results_are_no_number_of_results():
    with pytest.raises(UsageError, match="positive"):
        index_of(clustered(10)).search(clustered(1), 0)


def test_the_kind_follows_the_number_of_marks(monkeypatch):
    pytest.importorskip("faiss")
    index = index_of(clustered(99), ivf_from=100)
    assert index.kind == "exact"
    add(index, "b", clustered(1))
    assert index.kind == "ivf"
    assert index_of(clustered(10), kind="ivf").kind == "ivf"
    assert index_of(clustered(200), kind="exact", ivf_from=100).kind == "exact"
    monkeypatch.setattr(search, "faiss_or_none", lambda: None)
    assert index.kind == "exact"
    with pytest.raises(UsageError, match="needs faiss") as error:
        index_of(clustered(10), kind="ivf").search(clustered(1))
    assert error.value.hint == "pip install 'gankit-sketch-retrieval[faiss]'"


def test_an_ivf_index_is_read_without_faiss(tmp_path, monkeypatch, caplog):
    pytest.importorskip("faiss")
    vectors, path = clustered(500), tmp_path / "marks.index"
    index_of(vectors, ivf_from=100).save(path)
    with monkeypatch.context() as patch:
        patch.setattr(search, "faiss_or_none", lambda: None)
        caplog.set_level("INFO", "gankit")
        index = Index.load(path)
        assert "without faiss" in caplog.text
        assert index.search(vectors[3:4], 10)[1].tolist() == by_loop(vectors, vectors[3:4], 10)[1]
        index.delete([])
        add(index, "b", clustered(50, 3))
        index.save(path)  # the cells, which would lack the new marks, are left out
    index = Index.load(path)
    assert index.facts["cells"] is None
    index.search(vectors[:1])
    assert index.facts["cells"]["trained"] == 550


def recall(index, vectors, queries, k=10):
    hits = 0
    for query in queries:
        scores, rows = index.search(query[None], k)
        assert (np.diff(scores) <= 0).all()
        np.testing.assert_allclose(scores, vectors[rows] @ query, atol=1e-6)  # not those of 8 bits
        hits += len({*rows.tolist()}.intersection(np.argsort(-(vectors @ query), kind="stable")[:k].tolist()))
    return hits / (k * len(queries))


@pytest.mark.slow
def test_ivf_finds_what_exact_finds_and_follows_changes():
    pytest.importorskip("faiss")
    vectors, queries = clustered(4000), clustered(100, 1)
    index = index_of(vectors, kind="ivf")
    assert recall(index, vectors, queries) >= 0.95
    cells = index._cells
    assert cells.facts["lists"] == 256 and cells.facts["searched"] < 64 and cells.structure.ntotal == 4000

    add(index, "b", more := clustered(3000, 2))
    vectors = np.concatenate([vectors, more])
    assert index._cells is cells and cells.structure.ntotal == 7000  # placed once, filled on
    assert recall(index, vectors, queries) >= 0.9
    assert index.search(more[17:18], 1)[1].tolist() == [4017]

    assert index.delete(["a"]) == 4000
    assert index._cells is cells and cells.structure.ntotal == 3000  # really gone
    assert recall(index, more, queries) >= 0.9
    assert index.search(more[17:18], 1)[1].tolist() == [17]  # rows move up, faiss's ids do not

    add(index, "c", clustered(6000, 4))
    assert index._cells is None  # 9000 are more than twice 4000
    assert recall(index, index.rows.vectors, queries) >= 0.95
    assert index._cells.facts["trained"] == 9000
    index.delete(["c"])
    assert index._cells is None  # 3000 are less than half of 9000
    assert recall(index, more, queries) >= 0.95


@pytest.mark.slow
def test_the_recall_asked_for_decides_how_many_cells_are_searched():
    pytest.importorskip("faiss")
    vectors = np.random.default_rng(0).standard_normal((4000, DIM)).astype(np.float32)  # nothing to place cells by
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    few, many = (index_of(vectors, kind="ivf", recall=wanted) for wanted in (0.5, 0.99))
    queries = np.random.default_rng(1).standard_normal((50, DIM)).astype(np.float32)
    assert 0.4 <= recall(few, vectors, queries) < 0.85
    assert recall(many, vectors, queries) >= 0.97
    assert few.facts["cells"]["searched"] < many.facts["cells"]["searched"]


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_small_ivf_indexes(n):
    pytest.importorskip("faiss")
    vectors = clustered(n)
    index = index_of(vectors, kind="ivf", recall=1.0)
    assert index.search(vectors[n - 1 :], 3)[1].tolist() == by_loop(vectors, vectors[n - 1 :], 3)[1]


def test_rotations_of_a_query_in_ivf():
    pytest.importorskip("faiss")
    vectors, queries = clustered(3000), clustered(7, 1)
    scores, rows = index_of(vectors, kind="ivf", recall=1.0).search(queries, 10)
    wanted_scores, wanted_rows = by_loop(vectors, queries, 10)
    assert rows.tolist() == wanted_rows
    np.testing.assert_allclose(scores, wanted_scores, atol=1e-7)


@pytest.mark.parametrize("kind", ["exact", "ivf"])
def test_a_query_keeps_to_one_thread_and_gives_the_others_back(kind, monkeypatch):
    faiss = pytest.importorskip("faiss")
    index, queries, threads = index_of(clustered(500), kind=kind), clustered(2, 1), []
    index.search(queries)
    owner, name = (faiss, "knn") if kind == "exact" else (index._cells.structure, "search")
    call = getattr(owner, name)
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        monkeypatch.setattr(owner, name, lambda *a, **k: threads.append(faiss.omp_get_max_threads()) or call(*a, **k))
        index.search(queries)
        assert threads == [1] and faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


SIDE_BY_SIDE = """
import sys
import numpy as np
for name in sys.argv[1:]:
    __import__(name)
import tensorflow as tf, faiss
vectors = np.random.default_rng(0).standard_normal((3000, 32)).astype(np.float32)
for _ in range(2):
    product = tf.linalg.matmul(vectors, vectors, transpose_b=True).numpy()
    near = faiss.knn(vectors, vectors, 1, metric=faiss.METRIC_INNER_PRODUCT)[1][:, 0]
    assert (near == product.argmax(1)).all()
    cells = faiss.index_factory(32, "IVF16,SQ8", faiss.METRIC_INNER_PRODUCT)
    cells.train(vectors); cells.add(vectors); cells.nprobe = 16
    assert (cells.search(vectors[:50], 1)[1][:, 0] == near[:50]).mean() > 0.9
print("fine")
"""


@pytest.mark.slow
@pytest.mark.parametrize("order", [["tensorflow", "faiss"], ["faiss", "tensorflow"]])
def test_faiss_and_tensorflow_in_one_process(order):
    pytest.importorskip("faiss")
    pytest.importorskip("tensorflow")
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}  # threads of both
    done = subprocess.run(
        [sys.executable, "-c", SIDE_BY_SIDE, *order], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0 and done.stdout == "fine\n", done.stderr[-2000:]
