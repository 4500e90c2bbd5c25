"""Pictures of a run: what is found for held-out marks, and what the generator draws."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gankit import Data, Recipe
from gankit_sketch_retrieval.evaluation.evaluate import chosen, has_labels
from gankit_sketch_retrieval.features.encoder import Encoder
from gankit_sketch_retrieval.marks.normalise import SIDE

QUERIES, HITS = 12, 10
GENERATED = 10  # a side of the sheet
FRAME, GAP = 3, 4  # pixels
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
    written = [retrieved(marks.pictures, labels, queries, order, out / "retrieved.png")]
    if "generator" in networks:
        noise = np.random.default_rng(1).normal(size=(GENERATED**2, recipe.config.latent)).astype(np.float32)
        drawn = np.asarray(networks["generator"](noise, training=False))[..., 0]
        written.append(generated(np.rint(drawn * 255).astype(np.uint8), out / "generated.png"))
    return written


def retrieved(marks: np.ndarray, labels: np.ndarray | None, queries: np.ndarray, order: np.ndarray, out: Path) -> Path:
    """A row for each query: the query in blue, then its hits, green if they are of its kind and orange if not.

    Args:
        marks: `[n, 64, 64]` uint8, ink bright; drawn dark on white.
        labels: `[n]`; None draws all frames grey.
        queries: `[q]` rows of `marks`.
        order: `[q, k]` rows of `marks`, the best first.
        out: PNG to write.
    """
    cell = SIDE + 2 * FRAME
    wide, gutter = order.shape[1] + 1, 3 * GAP
    canvas = np.full((len(queries) * (cell + GAP) + GAP, wide * (cell + GAP) + GAP + gutter, 3), 255, np.uint8)
    for i, query in enumerate(queries):
        for j, row in enumerate([query, *order[i]]):
            if j == 0:
                colour = QUERY
            else:
                colour = PLAIN if labels is None else RIGHT if labels[row] == labels[query] else WRONG
            top, left = GAP + i * (cell + GAP), GAP + j * (cell + GAP) + (gutter if j else 0)
            canvas[top : top + cell, left : left + cell] = colour
            inside = slice(top + FRAME, top + FRAME + SIDE), slice(left + FRAME, left + FRAME + SIDE)
            canvas[inside] = 255 - marks[row][..., None]
    Image.fromarray(canvas).save(out)
    return out


def generated(marks: np.ndarray, out: Path) -> Path:
    """A square sheet of marks, `[n * n, 64, 64]` uint8, ink bright; drawn dark on white."""
    side = round(len(marks) ** 0.5)
    grid = marks[: side**2].reshape(side, side, SIDE, SIDE).transpose(0, 2, 1, 3).reshape(side * SIDE, side * SIDE)
    Image.fromarray(255 - grid).save(out)
    return out
