"""The best rows for a query: exactly, by comparing all, or nearly, by comparing those in the nearest of many cells.

Either way is only asked for candidates. Their scores come from one function, in double precision, so that NumPy, faiss
and the cells give the same numbers in the same order.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from gankit.errors import ConfigError, UsageError

log = logging.getLogger("gankit")

AUTO, EXACT, IVF = "auto", "exact", "ivf"
NEIGHBOURS = 10  # whose recall decides how many cells are searched
_ROUNDING = 1e-5  # more than two ways of adding up a score in float32 differ
_BLOCK = 1 << 16  # rows that are compared at a time
_GROUP = 64  # scores of which only the largest is looked at first
_SAMPLED, _PER_LIST = 1024, 40  # rows that measure recall; rows per cell that place the cells


@dataclass(frozen=True)
class SearchSettings:
    """How an index is searched; stored in it.

    Attributes:
        kind: "exact", "ivf" (needs faiss), or "auto": exact below `ivf_from` marks, then ivf if faiss is installed.
        ivf_from: Marks.
        lists: Cells of ivf; 0 for the power of 2 next to 4 times the square root of the number of marks.
        recall: Cells are searched until this part of the 10 nearest is found, measured on a sample of the marks.

    Raises:
        ConfigError: A value is out of range.
    """

    kind: str = AUTO
    ivf_from: int = 200_000
    lists: int = 0
    recall: float = 0.96

    def __post_init__(self) -> None:
        if self.kind not in (AUTO, EXACT, IVF):
            raise ConfigError(f"there is no kind of index called {self.kind!r}", "known: auto, exact, ivf")
        if self.ivf_from < 1 or self.lists < 0 or not 0 < self.recall <= 1:
            raise ConfigError(f"a setting of the index is out of range: {self}", "recall is in (0, 1]")


def faiss_or_none() -> ModuleType | None:
    """The library faiss if it is installed."""
    try:
        import faiss
    except ImportError:
        return None
    return faiss


def ranked(vectors: np.ndarray, queries: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The best of some candidates: the largest dot product over a query's rotations.

    Args:
        vectors: `[n, dim]` float32.
        queries: `[r, dim]` float32.
        rows: `[c]` candidates, each once.
        k: How many.

    Returns:
        Scores float32 and rows int64, at most k of them, the best first, of equal ones the first row first.
    """
    rows = np.sort(rows)
    chosen = vectors[rows].astype(np.float64)
    scores = np.max([(chosen * query).sum(1) for query in queries.astype(np.float64)], 0).astype(np.float32)
    best = np.argsort(-scores, kind="stable")[:k]
    return scores[best], rows[best]


def exact(vectors: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """Rows among which are the k best, whatever rounding does; arguments as of `ranked`."""
    faiss = faiss_or_none()
    if faiss is None or len(vectors) <= 4 * k:
        return by_numpy(vectors, queries, k)
    asked = min(k + max(32, k // 4), len(vectors))
    with _one_thread(faiss):
        scores, rows = faiss.knn(queries, vectors, asked, metric=faiss.METRIC_INNER_PRODUCT)
    if asked < len(vectors) and (scores[:, -1] >= scores[:, k - 1] - _ROUNDING).any():
        return by_numpy(vectors, queries, k)  # so many are alike that some as good as the last may be missing
    return np.unique(rows)


def by_numpy(vectors: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """As `exact`, without faiss; all rows as good as the k-th are among them."""
    scores = np.empty(len(vectors), np.float32)
    for start in range(0, len(scores), _BLOCK):
        block = vectors[start : start + _BLOCK]
        np.max(queries @ block.T, axis=0, out=scores[start : start + _BLOCK])
    # The k-th largest of the groups' largest is a bound of the k-th largest of all, and quickly found.
    whole = len(scores) // _GROUP * _GROUP
    bounds = np.append(scores[:whole].reshape(-1, _GROUP).max(1), scores[whole:])
    bounds = bounds if len(bounds) >= k else scores
    if len(bounds) <= k:
        return np.arange(len(scores))
    return np.flatnonzero(scores >= np.partition(bounds, -k)[-k] - _ROUNDING)


class Cells:
    """faiss's inverted file (IVF) of vectors with 8 bits a number (SQ8): only marks in the cells nearest to a query are
    compared, and the best of these exactly.

    Args:
        structure: faiss's index, whose ids are the marks' ids.
        trained: The number of marks when its cells were placed.
        recall: Of the 10 nearest, as measured then.
    """

    def __init__(self, structure: Any, trained: int, recall: float) -> None:
        self.structure, self.trained, self.recall = structure, trained, recall

    @classmethod
    def placed(cls, vectors: np.ndarray, ids: np.ndarray, settings: SearchSettings) -> Cells:
        """Places cells, fills them, and finds how many must be searched for the recall that is asked for.

        Args:
            vectors: `[n, dim]` float32, n > 0.
            ids: `[n]` int64, rising.
            settings: Of the index.

        Raises:
            UsageError: There is no faiss.
        """
        faiss = needed_faiss()
        n, dim = vectors.shape
        lists = min(settings.lists or 2 ** round(2 + np.log2(n) / 2), max(n // 4, 1))
        structure = faiss.index_factory(dim, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
        structure.cp.min_points_per_centroid = 1  # or faiss prints a remark
        mixed = np.random.default_rng(0).permutation(n)
        structure.train(vectors[np.sort(mixed[: max(_PER_LIST * lists, _SAMPLED)])])
        structure.add_with_ids(vectors, ids)
        cells = cls(structure, n, 1.0)
        # Others than those that placed the cells if there are enough: these find their neighbours too easily.
        cells._widen(vectors, ids, np.sort(mixed[-_SAMPLED:]), settings.recall)
        return cells

    def _widen(self, vectors: np.ndarray, ids: np.ndarray, sample: np.ndarray, recall: float) -> None:
        """Searches ever more cells until enough of the sample's nearest are found, the sample itself left out."""
        if (near := min(NEIGHBOURS, len(vectors) - 1)) < 1:
            return
        faiss, queries = needed_faiss(), vectors[sample]
        _, nearest = faiss.knn(queries, vectors, near + 1, metric=faiss.METRIC_INNER_PRODUCT)
        true = [set(rows[rows != row][:near]) for row, rows in zip(sample, nearest, strict=True)]
        searched, lists = 1, self.structure.nlist
        while True:
            self.structure.nprobe = searched
            found = 0
            for row, query, wanted in zip(sample, queries, true, strict=True):
                candidates = np.searchsorted(ids, self.candidates(query[None], near + 1))
                _, rows = ranked(vectors, query[None], candidates[candidates != row], near)
                found += len(wanted.intersection(rows))
            self.recall = found / (near * len(sample))
            if self.recall >= recall or searched == lists:
                break
            searched = min(lists, searched + (searched + 3) // 4)
        if self.recall < recall:
            log.info("the index finds %.1f %% of the nearest marks, however many cells are searched", 100 * self.recall)

    @property
    def facts(self) -> dict[str, Any]:
        """What is stored of it beside its bytes."""
        placed = {"trained": self.trained, "recall": self.recall}
        return {**placed, "lists": self.structure.nlist, "searched": self.structure.nprobe}

    def candidates(self, queries: np.ndarray, k: int) -> np.ndarray:
        """Ids of what may be the best k, each once, rising; more than k, since 8 bits don't order them quite."""
        with _one_thread(needed_faiss()):
            _, found = self.structure.search(queries, min(2 * k + 32, self.structure.ntotal))
        return np.unique(found[found >= 0])

    def add(self, vectors: np.ndarray, ids: np.ndarray) -> None:
        """Puts more marks into the cells as they are."""
        self.structure.add_with_ids(vectors, ids)

    def remove(self, ids: np.ndarray) -> None:
        """Takes marks out."""
        self.structure.remove_ids(ids)

    def outgrown(self, n: int) -> bool:
        """Whether there are so many or so few marks that the cells should be placed anew."""
        return n > 2 * self.trained or 2 * n < self.trained

    def packed(self) -> np.ndarray:
        """As bytes, uint8."""
        return needed_faiss().serialize_index(self.structure)

    @classmethod
    def unpacked(cls, data: np.ndarray, facts: dict[str, Any], ids: np.ndarray, dim: int) -> Cells:
        """The inverse of `packed`.

        Args:
            data: Bytes, uint8.
            facts: As of `facts`.
            ids: `[n]` int64, of the marks that must be in it.
            dim: Of their vectors.

        Raises:
            ValueError: Others are in it.
            RuntimeError: faiss cannot read it.
        """
        faiss = needed_faiss()
        structure = faiss.deserialize_index(data)
        if not isinstance(structure, faiss.IndexIVFScalarQuantizer) or structure.d != dim:
            raise ValueError("they are of another kind")
        lists = structure.invlists
        sizes = [lists.list_size(i) for i in range(lists.nlist)]
        held = [faiss.rev_swig_ptr(lists.get_ids(i), size) for i, size in enumerate(sizes) if size]
        if sum(sizes) != len(ids) or (held and not np.array_equal(np.sort(np.concatenate(held)), ids)):
            raise ValueError("they hold other marks")
        return cls(structure, facts["trained"], facts["recall"])


@contextlib.contextmanager
def _one_thread(faiss: ModuleType) -> Iterator[None]:
    """Keeps faiss from sharing out one query: its threads wait for each other without sleeping, which where another
    process has the second core takes 30 ms instead of 0.1; where none has, sharing saves less than half.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # holds for the calling thread only
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def needed_faiss() -> ModuleType:
    """The library faiss.

    Raises:
        UsageError: It is not installed.
    """
    if (faiss := faiss_or_none()) is None:
        raise UsageError("an index of kind 'ivf' needs faiss", "pip install 'gankit-sketch-retrieval[faiss]'")
    return faiss
