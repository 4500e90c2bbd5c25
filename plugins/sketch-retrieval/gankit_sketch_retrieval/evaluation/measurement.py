"""Measuring models: invariance curves, retrieval with transformed queries, spotting on pages, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gankit import DataError
from gankit_sketch_retrieval.evaluation import invariance
from gankit_sketch_retrieval.evaluation.held_out import expanded
from gankit_sketch_retrieval.evaluation.page_retrieval import Places, by_dot, spotting
from gankit_sketch_retrieval.evaluation.truth import Truth
from gankit_sketch_retrieval.features import baselines
from gankit_sketch_retrieval.features.baselines import Embed
from gankit_sketch_retrieval.features.encoder import Encoder
from gankit_sketch_retrieval.hits.query import angles
from gankit_sketch_retrieval.marks.files import Marks
from gankit_sketch_retrieval.marks.normalisation import normalised
from gankit_sketch_retrieval.pages.cutouts import LIMIT, marks_in
from gankit_sketch_retrieval.pages.files import page_of
from gankit_sketch_retrieval.pages.ink import read_ink
from gankit_sketch_retrieval.pages.proposals import propose

RIVALS = ("HOG tuned", "blurred pixels")
CURVES = 40  # marks that the curves are the mean of
BACK = angles(30, 15)  # by which queries are turned back
TURNED = "query turned, too"


def features(encoders: Mapping[str, Encoder]) -> dict[str, tuple[Embed, float]]:
    """What is compared: how marks are embedded, and their stretch; baselines have that of every model, too."""
    found = {name: (encoder.embed, encoder.stretch) for name, encoder in encoders.items()}
    for stretch in sorted({0.0, *(encoder.stretch for encoder in encoders.values())}):
        said = f", stretch {stretch:g}" if stretch else ""
        found |= {f"{name}{said}": (baselines.FUNCTIONS[name], stretch) for name in RIVALS}
    return found


def curves(encoders: Mapping[str, Encoder], raw: Sequence[np.ndarray]) -> list[invariance.Curve]:
    """Curves with the ink cut out after the transform, and in the paper's protocol without.

    Args:
        encoders: Models by name.
        raw: Ink of each mark, `[height, width]` uint8, ink bright.
    """
    found: list[invariance.Curve] = []
    for name, encoder in encoders.items():
        squares = [normalised(one / np.float32(255), encoder.stretch) for one in raw]
        for normalise in (True, False):
            found += invariance.curves(
                encoder.embed, squares, name, normalise=normalise, stretch=encoder.stretch, most=CURVES
            )
    return found


def transformed(encoders: Mapping[str, Encoder], marks: Marks) -> list[dict[str, Any]]:
    """How well turned, scaled and moved marks find those of their label, a row for each model and transform.

    Figures are in percent, but for the ratio to clean queries.
    """
    rows, common = [], {"groups": marks.columns.get("font")}
    turning = [(kind, value) for kind, value in invariance.HARD if kind == "rotation"]
    for name, (embed, stretch) in features(encoders).items():
        rows += invariance.retrieval_under(embed, marks.raw, marks.labels, name, stretch=stretch, **common)
        back = partial(expanded, embed, rotations=BACK, stretch=stretch)
        named = f"{name}, {TURNED}"
        rows += invariance.retrieval_under(
            embed, marks.raw, marks.labels, named, queries=back, transforms=turning, stretch=stretch, **common
        )
    return [{**row, **{key: 100 * row[key] for key in ("map", "p1", "p10")}} for row in rows]


def speed(name: str, encoder: Encoder, marks: np.ndarray, repeats: int = 5) -> dict[str, Any]:
    """Milliseconds to embed a mark, in batches and alone, and a query with its rotations."""
    batch = marks[:512]
    encoder.embed(batch)  # the first call builds the function
    took = {}
    for what, call, count in (
        ("ms a mark", partial(encoder.embed, batch), len(batch)),
        ("ms alone", partial(encoder.embed, batch[:1]), 1),
        ("ms a query", partial(encoder.expand, batch[0], angles(20)), 1),
    ):
        times = []
        for _ in range(repeats):
            began = time.perf_counter()
            call()
            times.append((time.perf_counter() - began) / count)
        took[what] = 1000 * float(np.median(times))
    return {"model": name, **took}


def spotted(encoders: Mapping[str, Encoder], folder: Path, truth: Truth, reach: float) -> list[dict[str, Any]]:
    """MAP and P@1 of every known mark is found on the pages by each other of its label, and how many have a proposal.

    Args:
        encoders: Models by name.
        folder: Of the pages.
        truth: Marks on them.
        reach: Degrees, either way, by which queries are turned, too.

    Returns:
        Two rows for each model and baseline, with queries as they are, and turned.

    Raises:
        DataError: A page cannot be read.
    """
    compared, names = features(encoders), np.unique(truth.pages)
    boxes, order, took = [], [], []
    proposed: dict[float, list[np.ndarray]] = {stretch: [] for _, stretch in compared.values()}
    known: dict[float, list[np.ndarray]] = {stretch: [] for stretch in proposed}
    for page in names:
        if not (folder / page).is_file():
            raise DataError(f"there is no page {page} in {folder}", "the truth names pages by their files")
        pixels = page_of(folder / page, 1).pixels
        began = time.perf_counter()
        seen = read_ink(pixels)
        boxes.append(propose(seen, limit=LIMIT))
        took.append(time.perf_counter() - began)
        order.append(np.flatnonzero(truth.pages == page))
        for stretch in proposed:
            proposed[stretch].append(marks_in(seen, boxes[-1], stretch))
            known[stretch].append(marks_in(seen, truth.boxes[order[-1]], stretch))
    rows, counts = np.concatenate(order), [len(found) for found in boxes]
    marks = Places(truth.pages[rows], truth.boxes[rows])
    proposals = Places(np.repeat(names, counts), np.concatenate(boxes))
    table = []
    for name, (embed, stretch) in compared.items():
        gallery, queries = embed(np.concatenate(proposed[stretch])), np.concatenate(known[stretch])
        ways = {name: embed(queries)}
        if reach:
            ways[f"{name}, {TURNED}"] = expanded(embed, queries, angles(reach), stretch)
        for said, vectors in ways.items():
            result = spotting(by_dot(vectors, gallery), marks, truth.labels[rows], proposals, depth=2000)
            table.append(
                {
                    "model": said,
                    **{key: 100 * value for key, value in result.figures.items()},
                    "queries": result.queries,
                    "proposals a page": sum(counts) / len(boxes),
                    "s a page": float(np.mean(took)),
                }
            )
    return table
