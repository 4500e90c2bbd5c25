"""The marks of a run: read, and some kinds of them held out. Imports no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gankit import Data, DataError
from gankit_sketch_retrieval.config import SketchConfig
from gankit_sketch_retrieval.marks.files import Marks, read
from gankit_sketch_retrieval.marks.ink import BRIGHT
from gankit_sketch_retrieval.marks.normalisation import normalised
from gankit_sketch_retrieval.marks.symbols import symbols

EMBEDDED = "symbols"
KINDS = 160  # of embedded symbols
FEWEST = 20  # marks to train on


@dataclass(frozen=True, eq=False)
class Opened:
    """What evaluation needs.

    Attributes:
        name: Of the data, as the user named them.
        train: What was trained on: the projection and PCA are fitted to it.
        test: What was held out.
        seen: How many of `test` were trained on.
    """

    name: str
    train: Marks
    test: Marks
    seen: int


def marks_of(source: str, stretch: float, by_folder: bool = False) -> Marks:
    """The marks of a folder, a .npz file, or the embedded ones.

    Raises:
        DataError: Nothing can be used.
    """
    if source != EMBEDDED or Path(source).exists():
        return read(source, stretch=stretch, raw=128, by_folder=by_folder)
    pictures, labels = symbols(classes=KINDS)
    marks = np.stack([normalised(picture / np.float32(255), stretch) for picture in pictures])
    names = tuple(f"{EMBEDDED}/{row}" for row in range(len(marks)))
    return Marks(marks, names, {"label": labels}, BRIGHT, {}, 0, tuple(pictures))


def described(source: str, config: SketchConfig) -> tuple[dict[str, Any], str]:
    """What `gankit data check` says of marks, as JSON and as text."""
    marks = marks_of(source, config.stretch, config.by_folder)
    labels = np.zeros(0, str) if marks.labels is None else marks.labels[marks.labels != ""]
    kinds, counts = np.unique(labels, return_counts=True)
    found = {
        "marks": len(marks),
        "ink": marks.kind,
        "left_out": marks.left_out,
        "repeated": marks.repeated,
        "labelled": len(labels),
        "kinds": len(kinds),
        "alone": int((counts == 1).sum()),
    }
    left = ", ".join(f"{count:,} {reason}" for reason, count in marks.left_out.items()) or "none"
    lines = [
        f"marks       {len(marks):,}, {marks.kind} ink",
        f"left out    {left}",
        f"repeated    {marks.repeated:,}",
        f"labels      {len(labels):,} marks of {len(kinds):,} kinds, {found['alone']:,} of which have only one",
    ]
    if len(marks) < FEWEST:
        lines.append(f"to train    at least {FEWEST} marks are needed")
    return found, "\n".join(lines)


def split(marks: Marks, share: float, seed: int) -> tuple[Marks, Marks]:
    """Marks to train on, and a share held out: whole kinds if there are labels, since retrieval is asked for new kinds.

    Raises:
        DataError: Too few are left to train on.
    """
    rng = np.random.default_rng([seed, 7])
    if marks.labels is not None and len(kinds := np.unique(marks.labels[marks.labels != ""])) > 2:
        out = np.isin(marks.labels, rng.permutation(kinds)[: round(share * len(kinds))])
    else:
        out = np.zeros(len(marks), bool)
        out[rng.permutation(len(marks))[: round(share * len(marks))]] = True
    if (~out).sum() < FEWEST:
        hint = f"give at least {FEWEST}" + (", or a smaller --held-out" if out.any() else "")
        raise DataError(f"{(~out).sum()} marks are too few to train on", hint)
    return marks.only(~out), marks.only(out)


def open_data(config: SketchConfig) -> Data:
    """The marks that the configuration names, cut."""
    from gankit_sketch_retrieval.model.source import MarkSource

    marks = marks_of(config.data, config.stretch, config.by_folder)
    train, test = split(marks, config.held_out, config.training.seed)
    opened = _opened(config.data, train, test if len(test) > 1 else train)
    facts = {"data": config.data, "marks": len(train), "ink": marks.kind, "left_out": marks.left_out}
    options = config.augmentation if config.augment else None
    source = MarkSource(train.pictures, options, config.turns, pairs=config.contrast_weight > 0)
    return Data({"marks": source}, {"opened": opened}, facts)


def other(config: SketchConfig, source: str) -> Data:
    """Other marks to evaluate on; those of the run are read again, since features are whitened by them."""
    train, _ = split(marks_of(config.data, config.stretch, config.by_folder), config.held_out, config.training.seed)
    test = marks_of(source, config.stretch, config.by_folder)
    if len(test) < 2:
        raise DataError(f"there is only one mark in {source}", "give some that resemble each other")
    return Data({}, {"opened": _opened(source, train, test)}, {})


def _opened(name: str, train: Marks, test: Marks) -> Opened:
    known = {picture.tobytes() for picture in train.pictures}
    return Opened(name, train, test, sum(picture.tobytes() in known for picture in test.pictures))
