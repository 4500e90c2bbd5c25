"""Mixtures of Gaussians in the plane, whose modes can be counted (Metz et al. 2017 and Srivastava et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit import Data, Evaluation

if TYPE_CHECKING:
    from gankit_classics.gan import GAN, GANConfig

EXAMPLES = 50_000
JUDGED = 10_000
FEWEST = 20  # high-quality samples that a mode must have to count: one in 500 of those judged
SPREADS = 3  # standard deviations within which a sample is of high quality


def _ring() -> tuple[np.ndarray, float]:
    angle = 2 * np.pi * np.arange(8) / 8
    return 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.02


def _grid() -> tuple[np.ndarray, float]:
    steps = np.arange(-4.0, 5.0, 2.0)
    return np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2), 0.05


MIXTURES = {"ring": _ring, "grid": _grid}
"""Name -> centres `[modes, 2]` and standard deviation; those of Srivastava et al. 2017 (VEEGAN), section 4.1."""


def draw(name: str, count: int, seed: int) -> np.ndarray:
    """`[count, 2]` float32 points of a mixture, each mode as likely."""
    centres, spread = MIXTURES[name]()
    rng = np.random.default_rng(seed)
    points = centres[rng.integers(0, len(centres), count)] + rng.normal(0, spread, (count, 2))
    return points.astype(np.float32)


def open_data(config: GANConfig) -> Data:
    """A mixture as a source with the field `row`, scaled to deviation 1 for the networks."""
    from gankit import ArraySource

    points = draw(config.data, EXAMPLES, seed=1)
    scale = float(points.std())
    facts = {"data": config.data, "width": 2, "scale": scale}
    return Data({"points": ArraySource(row=points / scale)}, {"points": draw(config.data, JUDGED, seed=2)}, facts)


def decode(rows: np.ndarray, facts: Mapping[str, Any]) -> np.ndarray:
    """What the generator makes -> points of the mixture."""
    return rows * facts["scale"]


def scores(name: str, points: np.ndarray) -> dict[str, float]:
    """Modes found, and the share of the points that are of high quality: within 3 deviations of a centre.

    Args:
        name: Of the mixture.
        points: `[n, 2]`.

    Returns:
        `modes`: those with at least 20 of 10,000 points of high quality; `high_quality`; `balance`, the entropy of
        the modes' shares as a fraction of its greatest value: 1 where all modes are as likely; and `spread`, the
        deviation of the points of high quality around their centres as a fraction of the mixture's: below 1 where
        each mode has shrunk.
    """
    centres, spread = MIXTURES[name]()
    distance = np.linalg.norm(points[:, None] - centres[None], axis=2)
    nearest = distance.min(axis=1)
    near = nearest < SPREADS * spread
    counts = np.bincount(distance.argmin(axis=1)[near], minlength=len(centres))
    shares = counts / max(1, counts.sum())
    entropy = float(np.sum(shares * np.log(1 / np.where(shares > 0, shares, 1))))
    return {
        "modes": float((counts >= FEWEST * len(points) / JUDGED).sum()),
        "high_quality": float(near.mean()),
        "balance": entropy / float(np.log(len(centres))),
        "spread": float(np.sqrt(np.mean(nearest[near] ** 2) / 2) / spread) if near.any() else 0.0,
    }


def evaluate(recipe: GAN, networks: Mapping[str, Any], data: Data) -> Evaluation:
    """Beside the mixture itself, one Gaussian fitted to it, and the untrained generator."""
    from gankit.runs import build_networks

    name, real, count = data.facts["data"], data.held_out["points"], recipe.config.samples
    gaussian = np.random.default_rng(3).multivariate_normal(real.mean(0), np.cov(real.T), count)
    untrained = recipe.draw(build_networks(recipe, data), data, count)
    others = {"the mixture itself": real, "one Gaussian": gaussian, "untrained": untrained}
    return Evaluation(
        scores(name, recipe.draw(networks, data, count)),
        {other: scores(name, points) for other, points in others.items()},
        {"mixture": name, "samples": count, "within_deviations": SPREADS, "fewest_of_10000": FEWEST},
        dict.fromkeys(("modes", "high_quality", "balance"), "higher"),
        limits=("the mixture itself",),
    )


def sample(recipe: GAN, networks: Mapping[str, Any], data: Data, out: Path) -> list[Path]:
    """Generated points beside real ones, on the same axes."""
    from matplotlib.figure import Figure

    panels = {"generated": recipe.draw(networks, data, 2000, seed=1), "real": data.held_out["points"][:2000]}
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    limit = 1.3 * float(np.abs(panels["real"]).max())
    for axes, (title, points) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        axes.scatter(points[:, 0], points[:, 1], s=3, alpha=0.4, linewidths=0)
        axes.set(title=title, xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    figure.savefig(out / "points.png", dpi=100)
    return [out / "points.png"]
