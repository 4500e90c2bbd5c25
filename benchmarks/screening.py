"""How fast fingerprints are compared, beside RDKit on the same ones in one process, and how fast a library answers.

    python benchmarks/screening.py [--molecules 1760000] [--queries 20] [--library FILE]

With --library a file of SMILES is searched, too; it is packed first unless it was packed before. The other fingerprints
are random, with the density of real ones; a comparison takes as long whatever the bits are.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from gankit_aae_molecules.library import tanimoto
from gankit_aae_molecules.library.packed import open_library
from rdkit import DataStructs

DENSITY = 0.27  # of the bits of NCI's compounds


def seconds(call: Callable[[], object], times: int) -> float:
    """Median time of a call."""
    call()
    found = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def searched(path: Path, queries: int) -> None:
    """Prints how long a library takes to open, to answer first, and to answer again."""
    began = time.perf_counter()
    library = open_library(path)
    opened = time.perf_counter() - began

    def answer(row: int) -> float:
        began, query = time.perf_counter(), library.words[:, row].copy()
        tanimoto.top(tanimoto.similarities(query, library.words, library.counts), 100)
        return 1000 * (time.perf_counter() - began)

    first, *others = [answer(row) for row in np.linspace(0, library.n - 1, queries + 1).astype(int)]
    again = statistics.median(others)
    print(f"{path.name}: {library.n:,} molecules in {opened:.2f} s; {first:.1f} ms, then {again:.1f} ms")


def main() -> None:
    """Prints millions of comparisons a second of both, their largest difference, and the time of a search."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", type=int, default=1_760_000)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--queries", type=int, default=20)
    options = parser.parse_args()
    bits = np.random.default_rng(0).random((options.molecules, tanimoto.BITS)) < DENSITY
    words = tanimoto.pack(bits)
    counts, query = tanimoto.ones(words), words[:, 0].copy()
    ours = seconds(lambda: tanimoto.similarities(query, words, counts), options.queries)
    some = min(options.molecules, 100_000)
    theirs = [DataStructs.CreateFromBitString("".join(row)) for row in np.where(bits[:some], "1", "0")]
    peer = seconds(lambda: DataStructs.BulkTanimotoSimilarity(theirs[0], theirs), options.queries)
    exact = DataStructs.BulkTanimotoSimilarity(theirs[0], theirs)
    apart = np.abs(np.asarray(exact, np.float32) - tanimoto.similarities(query, words[:, :some])).max()
    whole = seconds(lambda: tanimoto.top(tanimoto.similarities(query, words, counts), 100), options.queries)
    if options.library:
        searched(options.library, options.queries)
    print(f"gankit  {options.molecules / ours / 1e6:8.1f} M comparisons a second, one core")
    print(f"RDKit   {some / peer / 1e6:8.1f} M (BulkTanimotoSimilarity); largest difference {apart:g}")
    print(f"the 100 most similar of {options.molecules:,}: {1000 * whole:.1f} ms")


if __name__ == "__main__":
    main()
