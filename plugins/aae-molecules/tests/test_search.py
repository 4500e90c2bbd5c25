"""The nearest molecules of a library, against brute force."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="RDKit is not installed")
from gankit_aae_molecules.library import search, tanimoto
from gankit_aae_molecules.library.packed import Facts, Library, open_library

from gankit.support import Jobs

RNG = np.random.default_rng(3)
BITS = (RNG.random((300, 166)) < 0.3).astype(np.uint8)
BITS[200:220] = BITS[7]
WORDS = tanimoto.pack(BITS)
LIBRARY = Library(Path("nowhere"), "made", Facts(len(BITS), len(BITS)))
LIBRARY.__dict__["words"] = WORDS


def similarity(a, b):
    both = (a & b).sum(1)
    return both / np.maximum((a | b).sum(1), 1)


@pytest.mark.parametrize("by", ["tanimoto", "likelihood"])
def test_hits_are_those_of_brute_force(by):
    p = RNG.random((4, 166))
    hits = search.search(LIBRARY, p, k=5, by=by)
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    likely = BITS @ np.log(clipped).T + (1 - BITS) @ np.log1p(-clipped).T
    alike = np.stack([similarity(BITS, row >= 0.5) for row in p], axis=1)
    scores = alike if by == "tanimoto" else likely
    expected = {int(row): 0 for column in scores.T for row in np.argsort(-column, kind="stable")[:5]}
    for column in scores.T:
        for row in np.argsort(-column, kind="stable")[:5]:
            expected[int(row)] += 1
    assert set(hits.row.tolist()) == set(expected)
    assert hits.found.tolist() == [expected[row] for row in hits.row.tolist()]
    np.testing.assert_allclose(hits.tanimoto, alike[hits.row, hits.query], rtol=1e-6)
    np.testing.assert_allclose(hits.log_likelihood, likely[hits.row, hits.query], rtol=1e-5)
    shown = hits.tanimoto if by == "tanimoto" else hits.log_likelihood
    assert (np.diff(shown) <= 1e-6).all() and len(np.unique(hits.row)) == len(hits)


def test_its_own_fingerprint_comes_first_with_all_that_share_it():
    hits = search.search(LIBRARY, BITS[[7]].astype(float), k=25)
    assert set(hits.row[:21].tolist()) == {7, *range(200, 220)}
    assert hits.tanimoto[:21].tolist() == [1.0] * 21 and hits.ties[:21].tolist() == [21] * 21
    assert hits.tanimoto[21] < 1 and hits.ties[21] == 1


def test_ties_count_equal_columns():
    assert search.ties(WORDS, tanimoto.pack(np.ones((1, 166)))).tolist() == [0]
    assert search.ties(WORDS, WORDS[:, [7, 0]]).tolist() == [21, 1]


def test_a_ratio_leaves_behind_what_is_likely_whatever_is_asked():
    wanted, usual = RNG.random((6, 166)), RNG.random((5, 166))
    hits = search.ratio(LIBRARY, wanted, usual)
    assert (np.diff(hits.log_ratio) <= 0).all() and len(hits.log_ratio) == len(hits)

    def likely(p):
        p = np.clip(p, 1e-6, 1 - 1e-6)
        return BITS @ np.log(p).T + (1 - BITS) @ np.log1p(-p).T

    def density(p):
        found = likely(p)
        top = found.max(axis=1, keepdims=True)
        return (top + np.log(np.exp(found - top).mean(axis=1, keepdims=True)))[:, 0]

    score = density(wanted) - density(usual)
    assert len(hits) == 300 and (np.diff(score[hits.row]) <= 1e-3).all()
    assert (hits.query == likely(wanted)[hits.row].argmax(axis=1)).all()
    assert hits.found.sum() == 6 and hits.found[hits.row.tolist().index(int(likely(wanted)[:, 0].argmax()))] >= 1
    same = search.ratio(LIBRARY, wanted, wanted)
    assert same.row.tolist() == list(range(300))  # nothing is likelier: the library's own order


@pytest.mark.slow
def test_processes_find_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("GANKIT_HOME", str(tmp_path))
    file = tmp_path / "library.smi"
    rings = ("c1ccccc1", "C1CCNCC1", "c1ccncc1", "C1CCOC1")
    file.write_text("\n".join(f"{'C' * (n % 9)}{'CON'[n % 3]}{rings[n % 4]}" for n in range(1, 200)))
    library, p = open_library(file, jobs=Jobs(1)), RNG.random((6, 166))
    monkeypatch.setattr(search, "PART", 30)
    for by in ("tanimoto", "likelihood"):
        assert_same(search.search(library, p, 7, by), search.search(library, p, 7, by, Jobs(2)))
    monkeypatch.setattr(search, "MOST", 200)  # as the other processes have it, more than there are
    assert_same(search.ratio(library, p[:3], p[3:]), search.ratio(library, p[:3], p[3:], Jobs(2)))


def assert_same(one, other):
    for name, values in vars(one).items():
        np.testing.assert_array_equal(values, getattr(other, name), err_msg=name)
