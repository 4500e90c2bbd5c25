"""Held-out figures of a run: how well the other marks of a kind are found, beside features that need no training.

Labels are used here alone. Without them a mark is looked for by a drawing of itself that it has not been seen in: an
easier question, since how one hand differs from another is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gankit import Data, Evaluation, Recipe
from gankit_sketch_retrieval.data import Opened
from gankit_sketch_retrieval.evaluation.invariance import marks_under
from gankit_sketch_retrieval.evaluation.retrieval import Scores, scores
from gankit_sketch_retrieval.features import baselines
from gankit_sketch_retrieval.features.baselines import Embed
from gankit_sketch_retrieval.features.encoder import Encoder, turned
from gankit_sketch_retrieval.marks.files import Marks
from gankit_sketch_retrieval.marks.normalisation import SIDE

ROTATIONS = (-30.0, -15.0, 0.0, 15.0, 30.0)  # by which queries are expanded
MOST, TURNED = 4000, 400  # held-out marks that are compared; of these, queries that are turned


@dataclass(frozen=True, eq=False)
class Views:
    """What every feature is asked, made once.

    Attributes:
        gallery: `[n, 64, 64]` uint8.
        labels: `[n]`; None without labels.
        groups: `[n]`: a mark is not looked for in its own group (its font); None without.
        turned: Degrees -> (rows of the gallery, the same marks turned, `[q, views, 64, 64]`), for either direction.
        again: `[n, 64, 64]`: marks drawn anew, without labels.
    """

    gallery: np.ndarray
    labels: np.ndarray | None = None
    groups: np.ndarray | None = None
    turned: Mapping[int, Sequence[tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)
    again: np.ndarray | None = None

    @classmethod
    def of(cls, marks: Marks, stretch: float) -> Views:
        """Of held-out marks."""
        if not has_labels(marks):
            return cls(marks.pictures, again=redrawn(marks.pictures))
        rows = np.sort(np.random.default_rng(0).permutation(np.flatnonzero(_findable(marks)))[:TURNED])
        raw = [marks.raw[row] for row in rows]
        found = {}
        for angle in (15, 30):
            both = []
            for sign in (-1, 1):
                seen = marks_under(raw, "rotation", sign * angle, stretch=stretch)[:, None]
                if angle == 30:
                    seen = np.stack([turned(mark, ROTATIONS, stretch) for mark in seen[:, 0]])
                both.append((rows, seen))
            found[angle] = both
        return cls(marks.pictures, marks.labels, marks.columns.get("font"), found)

    def figures(self, embed: Embed) -> dict[str, float]:
        """Of one feature, in percent."""
        gallery = embed(self.gallery)
        if self.labels is None:
            names = np.arange(len(gallery))
            found = scores(embed(self.again), gallery, names, names, same=False)
            return {"again_map": 100 * found.map, "again_p1": 100 * found.p1}
        clean = scores(gallery, gallery, self.labels, self.labels, same=True, groups=self.groups)
        figures = {name: 100 * value for name, value in clean.figures.items()}
        for angle, ways in self.turned.items():
            kept = [self._turned(embed, gallery, clean, *way) for way in ways]
            figures[f"kept_{angle}"] = 100 * float(np.mean(kept))
        return figures

    def _turned(self, embed: Embed, gallery: np.ndarray, clean: Scores, rows: np.ndarray, seen: np.ndarray) -> float:
        """The mAP of turned queries over that of the same queries as they are."""
        queries = embed(seen.reshape(-1, SIDE, SIDE)).reshape(*seen.shape[:2], -1)
        groups = {} if self.groups is None else {"groups": self.groups[rows], "gallery_groups": self.groups}
        found = scores(queries, gallery, self.labels[rows], self.labels, same=False, itself=rows, **groups)
        return found.map / float(np.nanmean(clean.average_precision[rows]))


def evaluate(recipe: Recipe, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """Figures in percent, of the run and of every baseline."""
    from gankit.runs import build_networks

    opened: Opened = data.held_out["opened"]
    config, train = recipe.config, opened.train.pictures
    encoder = Encoder.of(config, networks, train)
    fresh = Encoder.of(config, build_networks(recipe, data), train)
    rivals = {"untrained": fresh.embed, **baselines.fitted(train)}
    test = chosen(opened.test)
    views = Views.of(test, config.stretch)
    ours = views.figures(encoder.embed)
    about = {
        "data": opened.name,
        "marks": len(test),
        "trained on too": f"{opened.seen:,} of {len(opened.test):,}",
        "trained on": f"{len(train):,} marks of {config.data}, no label used",
        "similarity": "dot product of unit vectors",
        "normalisation": f"box of the ink, longer side 52 of 64 pixels, stretch {config.stretch:g}",
        "feature": f"{config.kind}, {encoder.dim} numbers",
        "untrained": "the same network and feature before training",
    }
    if views.labels is not None:
        about["labels"] = f"{len(np.unique(views.labels))} kinds; each mark is a query once, and never finds itself"
        about["kept"] = "share of mAP that queries turned by 15 or 30 degrees keep; those by 30 are turned back, too"
    else:
        about["again"] = "no labels: a mark is looked for by itself, drawn anew"
    return Evaluation(
        metrics=ours,
        baselines={name: views.figures(embed) for name, embed in rivals.items()},
        protocol=about,
        better={name: "higher" for name in ours if not name.startswith("kept")},
    )


def has_labels(marks: Marks) -> bool:
    """Whether some mark can be looked for by another of its kind."""
    return bool(_findable(marks).any())


def _findable(marks: Marks) -> np.ndarray:
    """Which marks share their kind with another, one outside of their own group if there are groups: `[n]` bool."""
    if marks.labels is None:
        return np.zeros(len(marks), bool)

    def alike(values: np.ndarray) -> np.ndarray:
        _, numbers, counts = np.unique(values, axis=0, return_inverse=True, return_counts=True)
        return counts[numbers.reshape(-1)]

    groups = marks.columns.get("font")
    hidden = np.ones(len(marks)) if groups is None else alike(np.stack([marks.labels, groups], 1))
    return (marks.labels != "") & (alike(marks.labels) > hidden)


def chosen(marks: Marks) -> Marks:
    """Those that are compared: the labelled ones if they can be, and not too many."""
    if marks.labels is not None and has_labels(labelled := marks.labelled()):
        marks = labelled
    if len(marks) > MOST:
        marks = marks.only(np.sort(np.random.default_rng(0).permutation(len(marks))[:MOST]))
    return marks


def expanded(embed: Embed, marks: np.ndarray, rotations: Sequence[float], stretch: float) -> np.ndarray:
    """Vectors of each mark turned by each angle, `[n, rotations, d]`."""
    views = embed(np.concatenate([turned(mark, rotations, stretch) for mark in marks]))
    return views.reshape(len(marks), len(rotations), -1)


def redrawn(marks: np.ndarray) -> np.ndarray:
    """Each mark drawn anew, harder than in training, always the same way: `[n, 64, 64]` uint8."""
    import tensorflow as tf

    from gankit.engine import random
    from gankit_sketch_retrieval.config import Augmentation
    from gankit_sketch_retrieval.model.augmentation import vary

    index = tf.range(len(marks), dtype=tf.int64)
    seen = tf.constant(marks.astype(np.float32) / 255)
    options = Augmentation(warp=0.2, stretch=0.4, shear=0.4)
    drawn = vary(seen, lambda name, *shape: random.uniform(index, 12345, f"again/{name}", shape), options)
    return np.rint(np.asarray(drawn) * 255).astype(np.uint8)
