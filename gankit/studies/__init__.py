"""Several runs: seeds, comparisons, claims."""
