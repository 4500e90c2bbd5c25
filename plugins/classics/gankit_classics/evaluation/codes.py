"""What the codes of InfoGAN come to mean, measured on pictures alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from gankit import Data, Evaluation
from gankit_classics.evaluation.pictures import classifiable, small_classifier

MEASURED = 5000  # pictures for the figures on codes


def factors(pictures: np.ndarray) -> dict[str, np.ndarray]:
    """Properties of pictures that a code may move, `[n]` each, by moments of the ink `[n, h, w, c]` uint8."""
    ink = pictures.astype(np.float64).mean(axis=3) / 255
    y, x = np.mgrid[: ink.shape[1], : ink.shape[2]].astype(np.float64)
    mass = ink.sum(axis=(1, 2)) + 1e-9
    cy, cx = ((ink * axis).sum(axis=(1, 2)) / mass for axis in (y, x))
    dy, dx = y - cy[:, None, None], x - cx[:, None, None]
    yy, xx, xy = ((ink * product).sum(axis=(1, 2)) / mass for product in (dy * dy, dx * dx, dx * dy))
    return {"brightness": ink.mean(axis=(1, 2)), "width": np.sqrt(xx), "height": np.sqrt(yy), "slant": xy / (yy + 1e-9)}


def codes_evaluation(
    config: Any, data: Data, noise: np.ndarray, pictures: Callable[[np.ndarray], np.ndarray]
) -> Evaluation:
    """What the codes move, by means that no network of the game has a part in.

    Args:
        config: An `InfoGANConfig`.
        data: The pictures.
        noise: `[n, latent + categories + codes]`: what the generator is given.
        pictures: Noise -> pictures, uint8.

    Returns:
        `code_purity`: the share of pictures whose class, to the independent classifier, is the most frequent one of
        their category; `code_factor`: the mean over codes of the largest |rank correlation| with a factor of the
        picture. The baseline shuffles the codes.
    """
    made = pictures(noise)
    category = noise[:, config.latent : config.latent + config.categories].argmax(axis=1)
    codes = noise[:, config.latent + config.categories :]
    shuffled = np.random.default_rng(6).permutation(len(noise))
    ours: dict[str, float] = {}
    chance: dict[str, float] = {}
    if classifiable(data):
        seen = small_classifier(config, data).probabilities(made).argmax(axis=1)
        ours["code_purity"], chance["code_purity"] = purity(category, seen), purity(category[shuffled], seen)
    if config.codes:
        ours["code_factor"], chance["code_factor"] = (moved(c, made) for c in (codes, codes[shuffled]))
    said = "moments of brightness; largest |Spearman|, mean over codes"
    protocol = {"codes": {"pictures": len(noise), "factors": said}}
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
