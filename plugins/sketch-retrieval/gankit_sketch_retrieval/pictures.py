"""Pictures of a run: what is found for held-out marks, and what the generator draws."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gankit import Data, Recipe
from gankit.images import picture_grid
from gankit_sketch_retrieval.evaluation.held_out import chosen, has_labels
from gankit_sketch_retrieval.features.encoder import Encoder

QUERIES, HITS = 12, 10
GENERATED = 10  # a side of the sheet
RIGHT, WRONG, PLAIN, QUERY = (0, 158, 115), (213, 94, 0), (190, 190, 190), (0, 114, 178)


def draw(recipe: Recipe, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
    """Writes `retrieved.png`, and `generated.png` if there is a generator."""
    opened = data.held_out["opened"]
    encoder = Encoder.of(recipe.config, networks, opened.train.pictures)
    marks = chosen(opened.test)
    vectors = encoder.embed(marks.pictures)
    queries = np.sort(np.random.default_rng(1).permutation(len(marks))[:QUERIES])
    likeness = vectors[queries] @ vectors.T
    likeness[np.arange(len(queries)), queries] = -np.inf
    order = np.argsort(-likeness, axis=1, kind="stable")[:, : min(HITS, len(marks) - 1)]
    labels = marks.labels if has_labels(marks) else None
    written = {"retrieved.png": retrieved(marks.pictures, labels, queries, order)}
    if "generator" in networks:
        noise = np.random.default_rng(1).normal(size=(GENERATED**2, recipe.config.latent)).astype(np.float32)
        drawn = np.asarray(networks["generator"](noise, training=False))[..., 0]
        written["generated.png"] = picture_grid(255 - np.rint(drawn * 255).astype(np.uint8), GENERATED, gap=0)
    for name, picture in written.items():
        picture.save(out / name)
    return [out / name for name in written]


def retrieved(marks: np.ndarray, labels: np.ndarray | None, queries: np.ndarray, order: np.ndarray) -> Image.Image:
    """A row for each query: the query in blue, then its hits, green if they are of its kind and orange if not.

    Args:
        marks: `[n, 64, 64]` uint8, ink bright; drawn dark on white.
        labels: `[n]`; None draws all frames grey.
        queries: `[q]` rows of `marks`.
        order: `[q, k]` rows of `marks`, the best first.
    """
    frames = []
    for query, hits in zip(queries, order, strict=True):
        frames.append(QUERY)
        frames += [PLAIN if labels is None else RIGHT if labels[hit] == labels[query] else WRONG for hit in hits]
    shown = marks[np.column_stack([queries, order]).ravel()]
    return picture_grid(255 - shown, 1 + order.shape[1], gap=4, frames=frames, apart=12)
