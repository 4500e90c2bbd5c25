"""`gankit sketch-retrieval compose`: pages with known marks, to measure spotting where nobody has marked pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gankit import DataError
from gankit.commands import common_options, json_option, print_json, ready
from gankit_sketch_retrieval.commands import DISTRIBUTION, FOLDER


@click.command("compose")
@click.option("--data", required=True, help="Marks with labels.")
@click.option(
    "--pages", type=click.Path(exists=True, path_type=Path), required=True, help="Backgrounds: scanned pages."
)
@click.option("-o", "--output", type=FOLDER, help="Folder for the results.  [default: a new one here]")
@click.option("-n", "--count", type=click.IntRange(1), default=6, show_default=True, help="Number of pages.")
@click.option("--kinds", type=click.IntRange(1), default=20, show_default=True, help="Number of kinds of marks.")
@click.option("--each", type=click.IntRange(2), default=9, show_default=True, help="Most marks of each kind.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of choices and places.")
@json_option
@common_options
def command(
    data: str, pages: Path, output: Path | None, count: int, kinds: int, each: int, seed: int, as_json: bool
) -> None:
    """Paste marks, turned, scaled and noisy, onto pages, with a truth.csv for `measure`."""
    ready()
    import numpy as np
    from PIL import Image

    from gankit.runs import Results
    from gankit_sketch_retrieval.data import marks_of
    from gankit_sketch_retrieval.evaluation.truth import SIDES
    from gankit_sketch_retrieval.pages.composition import compose
    from gankit_sketch_retrieval.pages.files import documents, page_of

    rng = np.random.default_rng(seed)
    marks = marks_of(data, 0.0).labelled()
    labels = marks.labels
    assert labels is not None  # labelled() raises
    names, counts = np.unique(labels, return_counts=True)
    chosen = rng.permutation(names[counts >= 2])[:kinds]
    if not len(chosen):
        raise DataError(f"no kind of mark in {data} has two", "each is looked for by another of its kind: label some")
    rows = np.concatenate([rng.permutation(np.flatnonzero(labels == name))[:each] for name in chosen])
    backgrounds = documents(pages)
    request = {"data": data, "pages": str(pages), "n": count, "kinds": kinds, "each": each, "seed": seed}
    results = Results("compose", output, distribution=DISTRIBUTION, request=request)
    truth: list[dict[str, Any]] = []
    for number, some in enumerate(np.array_split(rng.permutation(rows), count)):
        background = page_of(backgrounds[number % len(backgrounds)], 1).pixels
        found = compose(background, marks.pictures[some], labels[some], seed + number)
        name = f"page{number + 1:03d}.png"
        Image.fromarray(found.pixels).save(results.path(name))
        truth += [
            {"page": name, **dict(zip(SIDES, box, strict=True)), "label": str(label)}
            for box, label in zip(found.boxes.tolist(), found.labels, strict=True)
        ]
    results.csv("truth.csv", truth, "truth")
    left, files = len(rows) - len(truth), results.finish()
    if as_json:
        result = {"folder": str(results.folder), "pages": count, "marks": len(truth), "left_out": left}
        return print_json({**result, "files": files})
    click.echo(f"{len(truth)} marks on {count} pages" + (f", {left} found no room" if left else ""))
    click.echo(f"pages     {results.folder}\ntruth     {files['truth']}")
