"""From marks to vectors: features, whitening, rotations, baselines."""
