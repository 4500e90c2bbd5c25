"""How fast an index of marks is made, loaded and searched, exactly and nearly, and what the latter finds.

    python benchmarks/sketch_index.py [--marks 10000 1000000] [--data drawn uniform] [--queries 200] [--dim 128]

The vectors are of unit length, 100 marks around each centre. Centres spread unevenly over the axes, marks around their
centre more evenly, both as measured on tuned HOG of Omniglot after the whitening of the encoder. The data differ in how
much of the variance is between centres: `printed` .7, `mixed` .5, `drawn` .25 (what Omniglot has: 20 hands, no two
drawings alike). `uniform` has no centres, which is as hard as it gets and unlike marks. The queries are others of the
same kind.

Prints a Markdown table: `build` is the time to place the cells, to fill them and to find how many must be searched,
`load` that to read, verify and unpack the file with its pages in the system's cache. Latencies are of one query at a
time, of 1 vector and of 7 rotations; `CPU` is the processors' time for 1 vector, on which other work tells less.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
from gankit_sketch_retrieval.index import search
from gankit_sketch_retrieval.index.rows import Document, Rows
from gankit_sketch_retrieval.index.search import EXACT, IVF, SearchSettings
from gankit_sketch_retrieval.index.store import Index

K, ROTATIONS, WARM = 10, 7, 5
PER_CENTRE = 100
BETWEEN = {"printed": 0.7, "mixed": 0.5, "drawn": 0.25, "uniform": 0.0}  # of the variance
CENTRES, AROUND = -0.66, -0.15  # deviations fall with these powers of an axis's number
TIMES = ["p50 ms", "p95 ms", "CPU ms", "p50 ms x 7", "p95 ms x 7"]
COLUMNS = ["data", "marks", "search", "build s", "MB", "load s", *TIMES, "recall@10"]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Brought to length 1."""
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def deviations(dim: int, power: float) -> np.ndarray:
    """Of all axes, falling with a power, float32; the squares add up to 1."""
    falling = np.arange(1, dim + 1) ** power
    return (falling / np.linalg.norm(falling)).astype(np.float32)


def made(data: str, marks: int, queries: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of marks, and of queries for each rotation `[queries, ROTATIONS, dim]`."""
    random, between = np.random.default_rng(0), BETWEEN[data]
    total = marks + queries
    vectors = random.standard_normal((total, dim), dtype=np.float32)
    if between:
        vectors *= np.sqrt(1 - between) * deviations(dim, AROUND)
        centres = random.standard_normal((max(marks // PER_CENTRE, 1), dim), dtype=np.float32)
        centres *= np.sqrt(between) * deviations(dim, CENTRES)
        vectors += centres[random.integers(0, len(centres), total)]
    vectors = unit(vectors)
    turned = random.standard_normal((queries, ROTATIONS, dim), dtype=np.float32) * (0.3 / np.sqrt(dim))
    turned += vectors[marks:, None]
    turned[:, 0] = vectors[marks:]
    return vectors[:marks], turned / np.linalg.norm(turned, axis=2, keepdims=True)


def latencies(call: Callable[[np.ndarray], object], queries: np.ndarray) -> tuple[float, float, float]:
    """Median and 95th percentile, and the processors' time, in milliseconds."""
    for query in queries[:WARM]:
        call(query)
    found, used = [], time.process_time()
    for query in queries:
        began = time.perf_counter()
        call(query)
        found.append(1000 * (time.perf_counter() - began))
    median, slow = np.percentile(found, [50, 95])
    return float(median), float(slow), 1000 * (time.process_time() - used) / len(queries)


def measured(vectors: np.ndarray, queries: np.ndarray, kind: str, folder: Path, true: list[set[int]]) -> list[str]:
    """One line of the table but for its first columns; the exact search's rows are put into an empty `true`."""
    n = len(vectors)
    index = Index.create(vectors.shape[1], {"encoder": {"fingerprint": "random"}}, SearchSettings(kind))
    index.add(Rows.of([Document("all")], np.zeros(n), np.ones(n), np.zeros((n, 4)), vectors))
    began = time.perf_counter()
    index.search(queries[0, :1], 1)
    built, path = time.perf_counter() - began, folder / "marks.index"
    index.save(path)
    cells = index.facts["cells"]
    del index
    began = time.perf_counter()
    index = Index.load(path)
    loaded = time.perf_counter() - began
    one = latencies(lambda query: index.search(query[:1], K), queries)
    seven = latencies(lambda query: index.search(query, K), queries[: max(len(queries) // 4, 1)])
    found = [set(index.search(query[:1], K)[1].tolist()) for query in queries]
    if not true:
        true.extend(found)
    recall = sum(len(a & b) for a, b in zip(found, true, strict=True)) / sum(map(len, true))
    times = [f"{value:.2f}" for value in (*one, *seven[:2])]
    built_text = f"{built:.1f} ({cells['searched']} of {cells['lists']} cells)" if cells else "-"
    return [built_text, f"{path.stat().st_size / 1e6:.0f}", f"{loaded:.2f}", *times, f"{recall:.3f}"]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--marks", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--data", nargs="+", choices=BETWEEN, default=["mixed"])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--dim", type=int, default=128)
    options = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    for data in options.data:
        for marks in options.marks:
            vectors, queries = made(data, marks, options.queries, options.dim)
            true: list[set[int]] = []
            for name, kind in (("exact, NumPy", EXACT), ("exact, faiss", EXACT), ("IVF-SQ8, re-ranked", IVF)):
                if "NumPy" not in name and search.faiss_or_none() is None:
                    continue
                missing = mock.patch.object(search, "faiss_or_none", lambda: None)
                with tempfile.TemporaryDirectory() as folder, missing if "NumPy" in name else mock.MagicMock():
                    line = measured(vectors, queries, kind, Path(folder), true)
                print("| " + " | ".join([data, f"{marks:,}", name, *line]) + " |", flush=True)


if __name__ == "__main__":
    main()
