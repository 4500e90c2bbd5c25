"""Measuring models: invariance curves, retrieval with transformed queries, spotting on pages, and how long it takes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gankit.errors import DataError, UsageError
from gankit.runs.results import results_folder
from gankit.support import write_csv, write_json
from gankit_sketch_retrieval.data import marks_of
from gankit_sketch_retrieval.evaluation import invariance
from gankit_sketch_retrieval.evaluation.evaluate import chosen, expanded, has_labels
from gankit_sketch_retrieval.evaluation.pages_data import Truth, read_truth
from gankit_sketch_retrieval.evaluation.spotting import Places, by_dot, spotting
from gankit_sketch_retrieval.features import baselines
from gankit_sketch_retrieval.features.encoder import Encoder
from gankit_sketch_retrieval.marks.normalise import normalised
from gankit_sketch_retrieval.pages.ink import read_ink
from gankit_sketch_retrieval.pages.proposals import propose
from gankit_sketch_retrieval.pages.reading import page_of
from gankit_sketch_retrieval.use import opening
from gankit_sketch_retrieval.use.cutting import LIMIT, marks_in
from gankit_sketch_retrieval.use.querying import angles

log = logging.getLogger("gankit")

Embed = Callable[[np.ndarray], np.ndarray]

RIVALS = ("HOG tuned", "blurred pixels")
CURVES = 40  # marks that the curves are the mean of
BACK = angles(30, 15)  # by which queries are turned back
TURNED = "query turned, too"


def measure(
    runs: Sequence[str],
    data: str,
    *,
    pages: Path | None,
    truth: Path | None,
    only: str,
    rotations: float,
    output: Path | None,
    runs_dir: Path | None,
) -> dict[str, Any]:
    """What `gankit sketch-retrieval measure` does; the arguments are its options.

    Raises:
        UsageError: Options do not go together.
        DataError: Something cannot be read.
    """
    if (pages is None) != (truth is None):
        raise UsageError("--pages and --truth go together", "the truth is a CSV with page,x0,y0,x1,y1,label")
    if not data and pages is None:
        raise UsageError("nothing to measure", "give --data, or --pages and --truth")
    known = None if truth is None else read_truth(truth, only)
    encoders = _opened(runs or ("",), runs_dir)
    folder = results_folder(Path(), output, "measure")
    tables: dict[str, list[dict[str, Any]]] = {}
    files: dict[str, str] = {}
    if data:
        marks = chosen(marks_of(data, next(iter(encoders.values())).stretch))
        log.info("measuring curves of %s models, some minutes", len(encoders))
        files |= _curves(encoders, marks.raw, folder)
        tables["time"] = [_speed(name, encoder, marks.pictures) for name, encoder in encoders.items()]
        if has_labels(marks):
            log.info("measuring retrieval of %s marks, turned, scaled and moved", f"{len(marks):,}")
            rows = [row for name, one in features(encoders).items() for row in _under(name, *one, marks)]
            tables["retrieval with transformed queries"] = rows
            write_csv(folder / "retrieval.csv", rows)
            files["retrieval"] = str(folder / "retrieval.csv")
    if pages is not None and known is not None:
        tables["spotting"] = spotted(encoders, pages, known, rotations)
        write_csv(folder / "spotting.csv", tables["spotting"])
        files["spotting"] = str(folder / "spotting.csv")
    result = {"tables": tables, "files": files}
    write_json(folder / "measure.json", result)
    return {**result, "files": {**files, "json": str(folder / "measure.json")}}


def _opened(runs: Sequence[str], runs_dir: Path | None) -> dict[str, Encoder]:
    """Models by the names of their files, or as they were named if two files have one name."""
    if len(set(runs)) < len(runs):
        raise UsageError("a model is named twice", "give each --run once")
    found: dict[str, Encoder] = {}
    for run in runs:
        name = Path(run).name or "shipped"
        found[run if name in found else name] = opening.encoder(run, runs_dir)
    return found


def features(encoders: Mapping[str, Encoder]) -> dict[str, tuple[Embed, float]]:
    """What is compared: how marks are embedded, and their stretch; baselines have that of every model, too."""
    found = {name: (encoder.embed, encoder.stretch) for name, encoder in encoders.items()}
    for stretch in sorted({0.0, *(encoder.stretch for encoder in encoders.values())}):
        said = f", stretch {stretch:g}" if stretch else ""
        found |= {f"{name}{said}": (baselines.FUNCTIONS[name], stretch) for name in RIVALS}
    return found


def _curves(encoders: Mapping[str, Encoder], raw: Sequence[np.ndarray], folder: Path) -> dict[str, str]:
    """Curves with the ink cut out after the transform, and in the paper's protocol without."""
    found: list[invariance.Curve] = []
    for name, encoder in encoders.items():
        squares = [normalised(one / np.float32(255), encoder.stretch) for one in raw]
        for normalise in (True, False):
            found += invariance.curves(
                encoder.embed, squares, name, normalise=normalise, stretch=encoder.stretch, most=CURVES
            )
    write_csv(folder / "invariance.csv", [row for curve in found for row in curve.rows()])
    return {
        "curves": str(folder / "invariance.csv"),
        "picture": str(invariance.draw(found, folder / "invariance.png", "similarity of a mark to itself")),
    }


def _under(name: str, embed: Embed, stretch: float, marks: Any) -> list[dict[str, Any]]:
    """In percent, but for the ratio to clean queries."""
    groups = marks.columns.get("font")
    common = {"stretch": stretch, "groups": groups}
    rows = invariance.retrieval_under(embed, marks.raw, marks.labels, name, **common)
    turning = [(kind, value) for kind, value in invariance.HARD if kind == "rotation"]
    queries = partial(expanded, embed, rotations=BACK, stretch=stretch)
    rows += invariance.retrieval_under(
        embed, marks.raw, marks.labels, f"{name}, {TURNED}", queries=queries, transforms=turning, **common
    )
    return [{**row, **{key: 100 * row[key] for key in ("map", "p1", "p10")}} for row in rows]


def _speed(name: str, encoder: Encoder, marks: np.ndarray, repeats: int = 5) -> dict[str, Any]:
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
    stretches = {stretch for _, stretch in features(encoders).values()}
    boxes: list[np.ndarray] = []
    numbers: list[np.ndarray] = []
    proposed: dict[float, list[np.ndarray]] = {stretch: [] for stretch in stretches}
    known: dict[float, list[np.ndarray]] = {stretch: [] for stretch in stretches}
    order: list[np.ndarray] = []
    took = []
    for number, page in enumerate(np.unique(truth.pages)):
        if not (folder / page).is_file():
            raise DataError(f"there is no page {page} in {folder}", "the truth names pages by their files")
        pixels = page_of(folder / page, 1).pixels
        began = time.perf_counter()
        seen = read_ink(pixels)
        found = propose(seen, limit=LIMIT)
        took.append(time.perf_counter() - began)
        here = np.flatnonzero(truth.pages == page)
        for stretch in stretches:
            proposed[stretch].append(marks_in(seen, found, stretch))
            known[stretch].append(marks_in(seen, truth.boxes[here], stretch))
        boxes.append(found)
        numbers.append(np.full(len(found), number))
        order.append(here)
    rows = np.concatenate(order)
    marks, places = Places(truth.pages[rows], truth.boxes[rows]), np.concatenate(numbers)
    proposals = Places(np.unique(truth.pages)[places], np.concatenate(boxes))
    table = []
    for name, (embed, stretch) in features(encoders).items():
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
                    "proposals a page": len(places) / len(boxes),
                    "s a page": float(np.mean(took)),
                }
            )
    return table
