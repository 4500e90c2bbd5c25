"""Packed MACCS fingerprints: Tanimoto similarity by counting bits, likelihood by tables."""

from __future__ import annotations

import numpy as np

BITS = 166
WORDS = 3  # of 64 bits, that hold them
_BLOCK = 1 << 14  # fingerprints at a time: all that is in use of them stays in a core's cache


def pack(bits: np.ndarray) -> np.ndarray:
    """Fingerprints as columns of words.

    Args:
        bits: `[n, 166]` of 0 and 1, any integer or boolean type.

    Returns:
        uint64 `[3, n]`; bit b of a fingerprint is bit b % 64 of word b // 64.

    Raises:
        ValueError: Another width.
    """
    bits = np.asarray(bits)
    if bits.ndim != 2 or bits.shape[1] != BITS:
        raise ValueError(f"fingerprints are [n, {BITS}], not {list(bits.shape)}")
    padded = np.zeros((len(bits), 64 * WORDS), np.uint8)
    padded[:, :BITS] = bits != 0
    return np.ascontiguousarray(np.packbits(padded, axis=1, bitorder="little").view("<u8").T)


def unpack(words: np.ndarray) -> np.ndarray:
    """The bits that `pack` packed, uint8 `[n, 166]`."""
    rows = np.ascontiguousarray(np.asarray(words, "<u8").T).view(np.uint8)
    return np.unpackbits(rows, axis=1, bitorder="little")[:, :BITS]


def ones(words: np.ndarray) -> np.ndarray:
    """How many bits are set, uint8 `[n]`."""
    return np.bitwise_count(words).sum(axis=0, dtype=np.uint8)


def similarities(query: np.ndarray, words: np.ndarray, counts: np.ndarray | None = None) -> np.ndarray:
    """Tanimoto similarity of one fingerprint to many: |a and b| / |a or b|.

    Args:
        query: uint64 `[3]`.
        words: uint64 `[3, n]`.
        counts: `ones(words)`, if it is known.

    Returns:
        float32 `[n]`, the rounded ratio of two integers up to 166: equal ratios are equal numbers. 0 for two empty
        fingerprints, as RDKit has it.
    """
    counts = ones(words) if counts is None else counts
    n, own = words.shape[1], int(np.bitwise_count(query).sum())
    found = np.zeros(n, np.float32)
    anded, both, part = (np.empty(_BLOCK, kind) for kind in (np.uint64, np.uint8, np.uint8))
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        block, shared, more = (buffer[: stop - start] for buffer in (anded, both, part))
        for i in range(WORDS):
            np.bitwise_and(words[i, start:stop], query[i], out=block)
            np.bitwise_count(block, out=more if i else shared)
            if i:
                np.add(shared, more, out=shared)
        # |a| + |b| may pass 255 and wrap around; less |a and b| it is at most 166 again, and right.
        union = counts[start:stop] + np.uint8(own) - shared
        np.divide(shared, union, out=found[start:stop], dtype=np.float32, where=union > 0)
    return found


def nearest(queries: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Similarity, float32 `[m]`, of each fingerprint `[3, m]` to the nearest of others `[3, n]`, and its place."""
    counts, alike = ones(words), np.empty(queries.shape[1], np.float32)
    places = np.empty(queries.shape[1], np.int64)
    for i, query in enumerate(queries.T):
        found = similarities(query, words, counts)
        places[i] = found.argmax()
        alike[i] = found[places[i]]
    return alike, places


def log_likelihoods(probabilities: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Log-likelihood of fingerprints under independent bits.

    Args:
        probabilities: `[166]` of each bit, clipped to [1e-6, 1 - 1e-6].
        words: uint64 `[3, n]`.

    Returns:
        float32 `[n]`, in nats: sum of x log p + (1 - x) log(1 - p).
    """
    p = np.clip(np.asarray(probabilities, np.float64), 1e-6, 1 - 1e-6)
    logits = np.zeros(64 * WORDS)
    logits[:BITS] = np.log(p) - np.log1p(-p)
    values = ((np.arange(1 << 16)[:, None] >> np.arange(16)) & 1).astype(np.float64)
    # Sixteen bits at a time are one number into a table of what they add.
    tables = (values @ logits.reshape(-1, 16).T).T.astype(np.float32)
    found = np.full(words.shape[1], np.log1p(-p).sum(), np.float32)
    for i in range(WORDS):
        for j in range(4):
            if tables[4 * i + j].any():
                found += tables[4 * i + j][(words[i] >> np.uint64(16 * j)).astype(np.uint16)]
    return found


def top(scores: np.ndarray, k: int) -> np.ndarray:
    """Rows of the k largest scores, the largest first, equal ones in the order of their rows."""
    k = min(k, len(scores))
    if k == 0:
        return np.empty(0, np.int64)
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    rows = np.flatnonzero(scores >= least)
    order = np.lexsort((rows, -scores[rows]))
    return rows[order][:k]
