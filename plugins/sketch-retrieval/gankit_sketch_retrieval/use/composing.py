"""Pages with known marks, to measure spotting where nobody has marked pages by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gankit.errors import DataError
from gankit.runs.results import results_folder
from gankit.support import write_csv
from gankit_sketch_retrieval.data import marks_of
from gankit_sketch_retrieval.evaluation.pages_data import SIDES
from gankit_sketch_retrieval.pages.compose import Drawing, compose
from gankit_sketch_retrieval.pages.reading import documents, page_of


def composed(
    data: str, pages: Path, *, output: Path | None, count: int, kinds: int, each: int, seed: int
) -> dict[str, Any]:
    """What `gankit sketch-retrieval compose` does; the arguments are its options.

    Raises:
        UsageError: The folder cannot be made.
        DataError: Something cannot be read, or no kind has two marks.
    """
    rng = np.random.default_rng(seed)
    marks = marks_of(data, 0.0).labelled()
    names, counts = np.unique(marks.labels, return_counts=True)
    chosen = rng.permutation(names[counts >= 2])[:kinds]
    if not len(chosen):
        raise DataError(f"no kind of mark in {data} has two", "each is looked for by another of its kind: label some")
    rows = np.concatenate([rng.permutation(np.flatnonzero(marks.labels == name))[:each] for name in chosen])
    backgrounds = documents(pages)
    folder = results_folder(Path(), output, "compose")
    truth: list[dict[str, Any]] = []
    for number, some in enumerate(np.array_split(rng.permutation(rows), count)):
        background = page_of(backgrounds[number % len(backgrounds)], 1).pixels
        found = compose(background, marks.pictures[some], marks.labels[some], seed + number, Drawing())
        name = f"page{number + 1:03d}.png"
        Image.fromarray(found.pixels).save(folder / name)
        truth += [
            {"page": name, **dict(zip(SIDES, box, strict=True)), "label": str(label)}
            for box, label in zip(found.boxes.tolist(), found.labels, strict=True)
        ]
    write_csv(folder / "truth.csv", truth)
    return {"folder": str(folder), "pages": count, "marks": len(truth), "left_out": len(rows) - len(truth)}
