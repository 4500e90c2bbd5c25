"""InfoGAN's codes: how they are drawn and read back, and what they come to mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from scipy.stats import spearmanr

from gankit import Data, Evaluation, Turn
from gankit.nn import per_example
from gankit_classics.evaluation import classifiable, small_classifier
from gankit_classics.sheets import sheet

if TYPE_CHECKING:
    from gankit_classics.infogan import InfoGAN

LEAST_DEVIATION = 1e-2  # keeps the reader from an infinite likelihood where a code is read exactly
MEASURED = 5000  # pictures for the figures on codes


def code_of(turn: Turn, categories: int, codes: int) -> tuple[Any, Any]:
    """The code of each example: the category one-hot `[batch, categories]`, and `[batch, codes]` in [-1, 1)."""
    place = turn.uniform("category")
    category = tf.one_hot(tf.cast(place * categories, tf.int32), categories, dtype=place.dtype)
    return category, turn.uniform("codes", codes) * 2 - 1


def misread(read: Any, category: Any, codes: Any) -> dict[str, Any]:
    """Negative log-likelihood of the code under what the reader says of the picture.

    Args:
        read: `[batch, categories + 2 * codes]`: logits, means, logarithms of deviations.
        category: One-hot.
        codes: `[batch, codes]`.

    Returns:
        "category" and, if there are codes, "codes" (their mean), `[batch]` each; equation 5 of Chen et al. 2016.
    """
    k, n = category.shape[-1], codes.shape[-1]
    terms = {"category": tf.nn.softmax_cross_entropy_with_logits(category, read[:, :k])}
    if n:
        mean, log_deviation = read[:, k : k + n], read[:, k + n :]
        deviation = tf.exp(log_deviation) + LEAST_DEVIATION
        terms["codes"] = per_example(tf.square((codes - mean) / deviation) / 2 + tf.math.log(deviation))
    return terms


def factors(pictures: np.ndarray) -> dict[str, np.ndarray]:
    """Properties of pictures that a code may move, `[n]` each, by moments of the ink `[n, h, w, c]` uint8."""
    ink = pictures.astype(np.float64).mean(axis=3) / 255
    y, x = np.mgrid[: ink.shape[1], : ink.shape[2]].astype(np.float64)
    mass = ink.sum(axis=(1, 2)) + 1e-9
    cy, cx = ((ink * axis).sum(axis=(1, 2)) / mass for axis in (y, x))
    dy, dx = y - cy[:, None, None], x - cx[:, None, None]
    yy, xx, xy = ((ink * product).sum(axis=(1, 2)) / mass for product in (dy * dy, dx * dx, dx * dy))
    return {
        "brightness": ink.mean(axis=(1, 2)),
        "width": np.sqrt(xx),
        "height": np.sqrt(yy),
        "slant": xy / (yy + 1e-9),
    }


def meaning(recipe: InfoGAN, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """What the codes move, measured on pictures alone, by means that no network of the game has a part in.

    Returns:
        `code_purity`: the share of pictures whose class, to the independent classifier, is the most frequent one of
        their category; `code_factor`: the mean over codes of the largest |rank correlation| with a factor of the
        picture. The baseline shuffles the codes.
    """
    config = recipe.config
    noise = recipe.noise(data, MEASURED, seed=5)
    pictures = recipe.pictures(networks, noise)
    category = noise[:, config.latent : config.latent + config.categories].argmax(axis=1)
    codes = noise[:, config.latent + config.categories :]
    shuffled = np.random.default_rng(6).permutation(MEASURED)
    ours: dict[str, float] = {}
    chance: dict[str, float] = {}
    if classifiable(data):
        seen = small_classifier(recipe, data).probabilities(pictures).argmax(axis=1)
        ours["code_purity"], chance["code_purity"] = purity(category, seen), purity(category[shuffled], seen)
    if config.codes:
        ours["code_factor"], chance["code_factor"] = (moved(c, pictures) for c in (codes, codes[shuffled]))
    protocol = {
        "codes": {"pictures": MEASURED, "factors": "moments of brightness; largest |Spearman|, mean over codes"}
    }
    return Evaluation(ours, {"shuffled codes": chance}, protocol, dict.fromkeys(ours, "higher"))


def purity(category: np.ndarray, classes: np.ndarray) -> float:
    """Share of the examples whose class is the most frequent one of their category."""
    hits = sum(int(np.bincount(classes[category == c]).max()) for c in np.unique(category))
    return hits / len(category)


def moved(codes: np.ndarray, pictures: np.ndarray) -> float:
    """Mean over codes of the largest |Spearman correlation| with a factor."""
    values = factors(pictures).values()
    best = [max(abs(float(spearmanr(code, value).statistic)) for value in values) for code in codes.T]
    return float(np.mean(best))


def traverses(recipe: InfoGAN, networks: Mapping[str, Any], data: Data, out: Path, rows: int = 8) -> list[Path]:
    """Sheets in whose rows only one code moves: all categories, or a continuous code from -1 to 1."""
    config, written = recipe.config, []
    noise = recipe.noise(data, rows, seed=3)
    for place in range(config.codes + 1):
        steps = min(20, config.categories) if place == 0 else 10
        rowed = np.repeat(noise, steps, axis=0)
        if place == 0:
            one_hot = np.tile(np.eye(config.categories, dtype=np.float32)[:steps], (rows, 1))
            rowed[:, config.latent : config.latent + config.categories] = one_hot
        else:
            column = config.latent + config.categories + place - 1
            rowed[:, column] = np.tile(np.linspace(-1, 1, steps), rows)
        name = "category.png" if place == 0 else f"code-{place}.png"
        written.append(sheet(recipe.pictures(networks, rowed), out / name, steps))
    return written
