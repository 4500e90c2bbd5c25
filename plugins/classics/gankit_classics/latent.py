"""Sheets of pictures: walks in the latent space, and its sums and differences (Radford et al. 2015, section 6)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from gankit import Data
from gankit.images import picture_grid
from gankit.images.features import classifier_ready
from gankit_classics.config import PictureFields
from gankit_classics.evaluation.pictures import all_pictures, classifiable, small_classifier

SEARCHED = 2000  # pictures among which examples of the classes are looked for
AVERAGED = 8  # of the surest of a class
ROWS = 6

Decode = Callable[[np.ndarray], np.ndarray]
"""Noise `[n, width]` -> generated pictures `[n, h, w, c]` uint8."""


def save_sheet(pictures: np.ndarray, out: Path, columns: int = 10, heads: Sequence[str] = ()) -> Path:
    """Writes a grid of pictures, small ones enlarged; `heads` stand above its columns."""
    picture_grid(pictures, columns, least=56, labels=heads).save(out)
    return out


def between(a: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
    """Points on the great circle from a to b, `[steps, width]`.

    On a straight line the points in the middle would be shorter than any noise that the generator was trained on.
    """
    angle = math.acos(float(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))
    t = np.linspace(0, 1, steps)[:, None]
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / math.sin(angle)


def save_walks(pictures: Decode, noise: np.ndarray, out: Path, columns: int = 10) -> Path:
    """Each row of the sheet goes from one point of the latent space to another; `noise` holds the ends in pairs."""
    rows = [between(a, b, columns) for a, b in zip(noise[::2], noise[1::2], strict=True)]
    return save_sheet(pictures(np.concatenate(rows).astype(np.float32)), out, columns)


def save_sums(config: PictureFields, data: Data, pictures: Decode, noise: np.ndarray, out: Path) -> list[Path]:
    """Each row of the sheet shows the means A, B and C of three classes, and A - B + C.

    The paper averaged three hand-picked vectors of each kind. Here the classifier picks: of many pictures, those that
    it is surest of.

    Returns:
        The file, or none where there are fewer than three classes or a classifier would have to be trained first.
    """
    if not classifiable(data) or len(data.facts["classes"]) < 3 or not classifier_ready(all_pictures(data)):
        return []
    sure = small_classifier(config, data).probabilities(pictures(noise))
    means = [noise[np.argsort(-sure[:, label])[:AVERAGED]].mean(axis=0) for label in range(sure.shape[1])]
    # Of Gaussian noise the mean is shorter than a sample: bring it back to where the generator was trained.
    length = float(np.linalg.norm(noise, axis=1).mean())
    triples = list(itertools.permutations(range(len(means)), 3))
    chosen = [triples[i] for i in np.random.default_rng(0).choice(len(triples), min(ROWS, len(triples)), replace=False)]
    rows = [vector for a, b, c in chosen for vector in (means[a], means[b], means[c], means[a] - means[b] + means[c])]
    scaled = np.stack([length * row / np.linalg.norm(row) for row in rows]).astype(np.float32)
    return [save_sheet(pictures(scaled), out, 4, ("A", "B", "C", "A - B + C"))]


def save_traverses(
    pictures: Decode, noise: np.ndarray, latent: int, categories: int, codes: int, out: Path
) -> list[Path]:
    """Sheets in whose rows only one code of InfoGAN moves: all categories, or a continuous code from -1 to 1.

    A row begins with its `noise`: `latent` numbers, then the category as one of `categories`, then so many `codes`.
    """
    shown = min(20, categories)
    moved = np.repeat(noise, shown, axis=0)
    moved[:, latent : latent + categories] = np.tile(np.eye(categories, dtype=np.float32)[:shown], (len(noise), 1))
    written = [save_sheet(pictures(moved), out / "category.png", shown)]
    for code in range(codes):
        moved = np.repeat(noise, 10, axis=0)
        moved[:, latent + categories + code] = np.tile(np.linspace(-1, 1, 10), len(noise))
        written.append(save_sheet(pictures(moved), out / f"code-{code + 1}.png"))
    return written
