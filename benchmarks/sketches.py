"""What helps features of drawn marks: short trainings of one seed each, on alphabets that no figure is claimed for.

    python benchmarks/sketches.py omniglot64.npz [--steps 200] [--only NAME ...]

Trained is on three of Omniglot's training alphabets, found are the marks of two others (Balinese and Korean), so that
no choice looks at the test alphabets. Prints a Markdown table: mAP of the paper's feature, of all layers pooled, and of
the contrast's coordinates, before training and after it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

VALIDATION = ("Balinese", "Korean")
SMALL: dict[str, Any] = {"steps": 4, "training": {"batch_size": 32}}  # four to one of 128
SKETCH: dict[str, Any] = {"network": "sketch-gan", **SMALL}
FAST: dict[str, Any] = {"lr": 2e-3, "lr_generator": 2e-3}
BIGAN: dict[str, Any] = {"network": "sketch-gan", "game": "bigan"}
GAME: dict[str, Any] = {"contrast": 0.0}
VARIANTS: dict[str, dict[str, Any]] = {
    "sketch-gan": SKETCH,
    "sketch-gan, rates 2e-4": {**SKETCH, "lr": 2e-4, "lr_generator": 2e-4},
    "sketch-gan, rates 1e-3": {**SKETCH, "lr": 1e-3, "lr_generator": 1e-3},
    "sketch-gan, rates 4e-3": {**SKETCH, "lr": 4e-3, "lr_generator": 4e-3},
    "sketch-gan, batches of 128": {"network": "sketch-gan"},
    "sketch-gan, batches of 128, rates 1e-3": {"network": "sketch-gan", "lr": 1e-3, "lr_generator": 1e-3},
    "sketch-gan, batches of 128, rates 2e-4": {"network": "sketch-gan", "lr": 2e-4, "lr_generator": 2e-4},
    "sketch-gan, four times the steps": {**SKETCH, "steps": 16},
    "sketch-gan, no augmentation": {**SKETCH, "augment": False, "turns": False},
    "sketch-gan, no quarter turns": {**SKETCH, "turns": False},
    "sketch-gan, no quarter turns, rates 1e-3": {**SKETCH, "turns": False, "lr": 1e-3, "lr_generator": 1e-3},
    "sketch-gan, no quarter turns, rates 2e-4": {**SKETCH, "turns": False, "lr": 2e-4, "lr_generator": 2e-4},
    "sketch-gan, spectral normalisation": {**SKETCH, "spectral": True},
    "sketch-gan, spectral normalisation, R1": {**SKETCH, "spectral": True, "r1": 1.0},
    "sketch-gan, BiGAN encoder": BIGAN,
    "sketch-gan, BiGAN encoder, batches of 32, rates 2e-3": {**BIGAN, **SMALL, **FAST},
    "sketch-gan, contrast alone": {"network": "sketch-gan", "contrast": 1.0},
    "thin-gan": {"network": "thin-gan", **SMALL},
    "mark-gan, game alone": GAME,
    "mark-gan, game alone, R1": {**GAME, "r1": 1.0},
    "mark-gan, game alone, batches of 32, rates 2e-3": {**GAME, **SMALL, **FAST},
    "mark-gan": {},
    "mark-gan, a game in every fourth step": {"adversarial": 0.1},
    "mark-gan, a game in every step": {"adversarial": 0.1, "play_every": 1},
    "mark-gan, temperature 0.2": {"temperature": 0.2},
    "mark-gan, no quarter turns": {"turns": False},
    "mark-gan, stretch 0.5": {"stretch": 0.5},
}


def main() -> None:
    """Trains each variant and prints its row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("omniglot", type=Path)
    parser.add_argument("--steps", type=int, default=200, help="Steps of 128 marks.")
    parser.add_argument("--only", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    options = parser.parse_args()
    print("| variant | paper | pooled | contrast | processor minutes |\n|---|---|---|---|---|", flush=True)
    for name in options.only:
        changes = {**VARIANTS[name], "steps": options.steps * VARIANTS[name].get("steps", 1)}
        print(row(name, options.omniglot, changes), flush=True)


def row(name: str, path: Path, changes: dict[str, Any]) -> str:
    """One line of the table."""
    from gankit_sketch_retrieval.config import SketchConfig
    from gankit_sketch_retrieval.features.encoder import Encoder

    from gankit.config import resolve
    from gankit.runs import build_networks, fit

    config = resolve(SketchConfig, {}, changes)
    train, test, labels = alphabets(path, config.stretch)
    recipe = recipe_on(train)(config)
    before = build_networks(recipe, recipe.data())
    began = time.process_time()
    after = fit(recipe)
    minutes = (time.process_time() - began) / 60
    cells = []
    for feature in ("paper", "pooled", "contrast"):
        if feature == "contrast" and not config.contrast_weight:
            cells.append("-")
            continue
        read = config.model_copy(update={"feature": feature})
        figures = [100 * found(Encoder.of(read, networks, train), test, labels) for networks in (before, after)]
        cells.append("{:.1f} -> {:.1f}".format(*figures))
    return f"| {name} | {' | '.join(cells)} | {minutes:.1f} |"


def alphabets(path: Path, stretch: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Marks to train on, marks to find, and these' labels."""
    from gankit_sketch_retrieval.marks.normalisation import normalised

    held = np.load(path)
    marks = np.stack([normalised(mark / np.float32(255), stretch) for mark in held["train"]])
    labels = held["train_labels"]
    out = np.isin([label.split("/")[0] for label in labels], VALIDATION)
    return marks[~out], marks[out], labels[out]


def recipe_on(marks: np.ndarray) -> Any:
    """The recipe, training on these marks."""
    from gankit_sketch_retrieval.model.source import MarkSource
    from gankit_sketch_retrieval.recipe import SketchRetrieval

    from gankit import Data

    class Studied(SketchRetrieval):
        def data(self) -> Data:
            config = self.config
            options = config.augmentation if config.augment else None
            return Data({"marks": MarkSource(marks, options, config.turns, pairs=config.contrast_weight > 0)})

    return Studied


def found(encoder: Any, marks: np.ndarray, labels: np.ndarray) -> float:
    """The mAP."""
    from gankit_sketch_retrieval.evaluation.retrieval import scores

    vectors = encoder.embed(marks)
    return scores(vectors, vectors, labels, labels, same=True).map


if __name__ == "__main__":
    main()
