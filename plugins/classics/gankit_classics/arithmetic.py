"""Sums and differences in the latent space (Radford et al. 2015, section 6.3.2).

The paper averaged three hand-picked vectors of each kind. Here the classifier picks: of many pictures, those that it is
surest of. Each row of the sheet shows three means A, B and C, and A - B + C.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gankit import Data
from gankit_classics.evaluation import classifiable, small_classifier, whole
from gankit_classics.sheets import sheet

SEARCHED = 2000  # pictures among which examples of the classes are looked for
AVERAGED = 8  # of the surest of a class
ROWS = 6


def possible(data: Data) -> bool:
    """Whether there are three classes or more, and a classifier of them that need not be trained first."""
    from gankit.images.features.small_classifier import ready

    return classifiable(data) and len(data.facts["classes"]) > 2 and ready(whole(data))


def arithmetic(recipe: Any, networks: Mapping[str, Any], data: Data, out: Path) -> Path:
    """Draws the sheet: columns A, B, C, A - B + C.

    Args:
        recipe: With `noise` and `pictures`.
        networks: Trained.
        data: With labels.
        out: The PNG to write.
    """
    noise = recipe.noise(data, SEARCHED, seed=3)
    sure = small_classifier(recipe, data).probabilities(recipe.pictures(networks, noise))
    means = [noise[np.argsort(-sure[:, label])[:AVERAGED]].mean(axis=0) for label in range(sure.shape[1])]
    # Of Gaussian noise the mean is shorter than a sample: bring it back to where the generator was trained.
    length = float(np.linalg.norm(noise, axis=1).mean())
    triples = list(itertools.permutations(range(len(means)), 3))
    chosen = [triples[i] for i in np.random.default_rng(0).choice(len(triples), min(ROWS, len(triples)), replace=False)]
    rows = [vector for a, b, c in chosen for vector in (means[a], means[b], means[c], means[a] - means[b] + means[c])]
    scaled = np.stack([length * row / np.linalg.norm(row) for row in rows]).astype(np.float32)
    return sheet(recipe.pictures(networks, scaled), out, columns=4, titles=("A", "B", "C", "A - B + C"))
