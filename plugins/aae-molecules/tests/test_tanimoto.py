"""Packed fingerprints against RDKit and plain NumPy."""

import numpy as np
import pytest

pytest.importorskip("rdkit", reason="RDKit is not installed")
from gankit_aae_molecules.library import tanimoto
from rdkit import DataStructs

RNG = np.random.default_rng(0)
BITS = (RNG.random((700, 166)) < RNG.random((700, 1))).astype(np.uint8)
BITS[5], BITS[6] = 0, 1


def rdkit(rows):
    found = []
    for row in rows:
        bits = DataStructs.ExplicitBitVect(166)
        bits.SetBitsFromList([int(i) for i in np.flatnonzero(row)])
        found.append(bits)
    return found


def test_packing_keeps_every_bit():
    words = tanimoto.pack(BITS)
    assert words.shape == (3, 700) and words.dtype == np.uint64
    assert np.array_equal(tanimoto.unpack(words), BITS)
    assert np.array_equal(tanimoto.ones(words), BITS.sum(1))
    one = np.zeros((1, 166), bool)
    one[0, 70] = True
    assert tanimoto.pack(one)[:, 0].tolist() == [0, 2**6, 0]
    with pytest.raises(ValueError, match="166"):
        tanimoto.pack(np.zeros((2, 167)))


@pytest.mark.parametrize("block", [64, 1 << 14])
def test_similarities_are_rdkits(monkeypatch, block):
    monkeypatch.setattr(tanimoto, "_BLOCK", block)
    words, vectors = tanimoto.pack(BITS), rdkit(BITS)
    for row in (0, 5, 6, 699):
        expected = np.array(DataStructs.BulkTanimotoSimilarity(vectors[row], vectors), np.float32)
        assert np.array_equal(tanimoto.similarities(words[:, row], words), expected)
        assert np.array_equal(tanimoto.similarities(words[:, row], words, tanimoto.ones(words)), expected)


def test_log_likelihoods_are_those_of_independent_bits():
    p = RNG.random(166)
    p[[0, 165]] = 0, 1
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    expected = (BITS * np.log(clipped) + (1 - BITS) * np.log1p(-clipped)).sum(1)
    np.testing.assert_allclose(tanimoto.log_likelihoods(p, tanimoto.pack(BITS)), expected, rtol=1e-5)


def test_the_top_is_ordered_and_ties_keep_their_order():
    scores = np.array([0.5, 0.9, 0.5, 0.1, 0.9, 0.5], np.float32)
    assert tanimoto.top(scores, 4).tolist() == [1, 4, 0, 2]
    assert tanimoto.top(scores, 99).tolist() == [1, 4, 0, 2, 5, 3] and tanimoto.top(scores, 0).tolist() == []
