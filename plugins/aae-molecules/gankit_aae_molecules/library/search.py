"""The molecules of a library that generated fingerprints speak of.

A MACCS fingerprint has no inverse, so candidates are looked up: for each generated fingerprint the nearest molecules of
the library. Molecules that share a fingerprint cannot be told apart by any such search; how many do is told of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gankit.support import Jobs
from gankit_aae_molecules.library import tanimoto
from gankit_aae_molecules.library.packed import Library

By = Literal["tanimoto", "likelihood"]
MOST = 100_000  # molecules that a ranking of the whole library keeps
PART = 250_000  # molecules that another process looks through at a time
ALONE = Jobs()


@dataclass(frozen=True)
class Hits:
    """Molecules of a library, the best first; no row stands in it twice.

    Attributes:
        row: int64 `[m]`, in the library.
        query: int64 `[m]`, the generated fingerprint that it is nearest to.
        tanimoto: float32 `[m]`, similarity to that one.
        log_likelihood: float32 `[m]`, under that one's bit probabilities, in nats.
        found: int64 `[m]`, how many of the generated fingerprints have it among their nearest.
        ties: int64 `[m]`, molecules of the library with the same fingerprint, itself included.
        log_ratio: float64 `[m]`, by which `ratio` ranks; None of the others.
    """

    row: np.ndarray
    query: np.ndarray
    tanimoto: np.ndarray
    log_likelihood: np.ndarray
    found: np.ndarray
    ties: np.ndarray
    log_ratio: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.row)


def search(library: Library, probabilities: np.ndarray, k: int = 10, by: By = "tanimoto", jobs: Jobs = ALONE) -> Hits:
    """The k nearest of each generated fingerprint.

    Args:
        library: To look in.
        probabilities: `[n, 166]` of each bit; at 1/2 and above it is set.
        k: Molecules for each fingerprint.
        by: "tanimoto": by similarity to the fingerprint of the likely bits; "likelihood": by the log-likelihood under
            the probabilities, which weighs unsure bits less (druGAN, Kadurin et al. 2017).
        jobs: Where the parts of the library are looked through; the hits are the same.

    Returns:
        At most n * k molecules, ordered by what is searched by, then by `found`.
    """
    probabilities = np.atleast_2d(probabilities)
    calls = ((library, start, stop, probabilities, k, by) for start, stop in _parts(library, jobs))
    parts = list(jobs.map(_nearest, calls, shared=[library.folder]))
    best: dict[int, tuple[float, int]] = {}
    found: dict[int, int] = {}
    for number, of_parts in enumerate(zip(*parts, strict=True)):
        rows, scores = _joined(of_parts, k)
        for row, score in zip(rows.tolist(), scores.tolist(), strict=True):
            found[row] = found.get(row, 0) + 1
            if row not in best or score > best[row][0]:
                best[row] = score, number
    rows = np.array(sorted(best, key=lambda row: (-best[row][0], -found[row], row)), np.int64)
    chosen = np.array([best[int(row)][1] for row in rows], np.int64)
    counted = np.array([found[int(row)] for row in rows], np.int64)
    return _hits(library, probabilities, rows, chosen, counted)


def ratio(library: Library, wanted: np.ndarray, usual: np.ndarray, jobs: Jobs = ALONE) -> Hits:
    """The whole library by how much likelier a molecule is among the wanted fingerprints than among usual ones.

    A molecule that is likely whatever is asked for tells nothing of the request, and this ranking leaves it behind.

    Args:
        library: To look in.
        wanted: `[n, 166]` probabilities, generated for the response that is asked for.
        usual: `[m, 166]` probabilities, generated for the mean response.
        jobs: Where the parts of the library are looked through; the hits are the same.

    Returns:
        The first `MOST` molecules; `query` is the wanted fingerprint under which each is likeliest, `found` how many of
        them have it as their likeliest of all that are returned.
    """
    calls = ((library, start, stop, wanted, usual) for start, stop in _parts(library, jobs))
    rows, ratios = _joined(list(jobs.map(_ratios, calls, shared=[library.folder])), MOST)
    words = library.words[:, rows]
    best, chosen = np.full(len(rows), -np.inf, np.float32), np.zeros(len(rows), np.int64)
    found = np.zeros(len(rows), np.int64)
    for number, p in enumerate(wanted):
        likely = tanimoto.log_likelihoods(p, words)
        chosen[likely > best] = number
        np.maximum(best, likely, out=best)
        found[int(likely.argmax())] += 1
    return _hits(library, wanted, rows, chosen, found, ratios)


def _parts(library: Library, jobs: Jobs) -> Iterator[tuple[int, int]]:
    size = library.n if jobs.here else PART
    return ((start, min(start + size, library.n)) for start in range(0, library.n, size))


def _nearest(
    library: Library, start: int, stop: int, probabilities: np.ndarray, k: int, by: By
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows and scores of the k best of each fingerprint within a part of the library."""
    words, counts = library.part(start, stop)
    queries, found = tanimoto.pack(probabilities >= 0.5), []
    for number, p in enumerate(probabilities):
        if by == "tanimoto":
            scores = tanimoto.similarities(queries[:, number], words, counts)
        else:
            scores = tanimoto.log_likelihoods(p, words)
        rows = tanimoto.top(scores, k)
        found.append((rows + start, scores[rows]))
    return found


def _ratios(
    library: Library, start: int, stop: int, wanted: np.ndarray, usual: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and log ratios of the best of a part of the library."""
    words, _ = library.part(start, stop)
    ratios = density(wanted, words) - density(usual, words)
    rows = tanimoto.top(ratios, MOST)
    return rows + start, ratios[rows]


def _joined(parts: Sequence[tuple[np.ndarray, np.ndarray]], k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best of all parts, each of which is in order, as of the whole."""
    rows, scores = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((rows, -scores))[:k]
    return rows[order], scores[order]


def _hits(library: Library, probabilities: np.ndarray, rows: np.ndarray, chosen: np.ndarray, *more: np.ndarray) -> Hits:
    """Hits `rows` with their figures under the fingerprint `chosen` for each; `more` are `found` and `log_ratio`."""
    queries, words = tanimoto.pack(probabilities >= 0.5), library.words[:, rows]
    alike, likely = np.empty(len(rows), np.float32), np.empty(len(rows), np.float32)
    for number in np.unique(chosen):
        mine = chosen == number
        alike[mine] = tanimoto.similarities(queries[:, number], words[:, mine])
        likely[mine] = tanimoto.log_likelihoods(probabilities[number], words[:, mine])
    found, *log_ratio = more
    return Hits(rows, chosen, alike, likely, found, ties(library.words, words), *log_ratio)


def density(probabilities: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Log of the mean likelihood of fingerprints, float64 `[n]`, under generated bit probabilities `[m, 166]`."""
    found = np.full(words.shape[1], -np.inf)
    for p in probabilities:
        np.logaddexp(found, tanimoto.log_likelihoods(p, words), out=found)
    return found - np.log(len(probabilities))


def ties(words: np.ndarray, of: np.ndarray) -> np.ndarray:
    """How many columns of `words` equal each column of `of`, int64."""
    keys, counts = np.unique(_keys(words), return_counts=True)
    asked = _keys(of)
    places = np.minimum(np.searchsorted(keys, asked), len(keys) - 1) if len(keys) else np.zeros(len(asked), np.int64)
    return np.where(keys[places] == asked, counts[places], 0) if len(keys) else places


def _keys(words: np.ndarray) -> np.ndarray:
    """One comparable value a fingerprint."""
    return np.ascontiguousarray(words.T).view([("", np.uint64)] * tanimoto.WORDS).ravel()
