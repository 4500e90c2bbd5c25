"""Mixtures of Gaussians in the plane, whose modes can be counted (Metz et al. 2017 and Srivastava et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gankit import ArraySource, Data, Evaluation
from gankit_classics.config import PictureFields
from gankit_classics.data import Draw

EXAMPLES = 50_000
TESTED = 10_000
FEWEST = 20  # high-quality samples that a mode must have to count: one in 500 of those that are tested
SPREADS = 3  # standard deviations within which a sample is of high quality


@dataclass(frozen=True, eq=False)
class Mixture:
    """Gaussians in the plane, each as likely.

    Attributes:
        name: What the user types.
        centres: `[modes, 2]`.
        spread: Standard deviation of each.
        latent: See `DataKind`. A plane is enough for points of a plane, and gives sharper modes than more.
    """

    name: str
    centres: np.ndarray
    spread: float
    latent: int = 2

    def points(self, count: int, seed: int) -> np.ndarray:
        """`[count, 2]` float32 points."""
        rng = np.random.default_rng(seed)
        centres = self.centres[rng.integers(0, len(self.centres), count)]
        return (centres + rng.normal(0, self.spread, (count, 2))).astype(np.float32)

    def open(self, config: PictureFields) -> Data:
        """Points scaled to deviation 1 for the networks."""
        points = self.points(EXAMPLES, seed=1)
        scale = float(points.std())
        facts = {"data": self.name, "width": 2, "scale": scale}
        return Data({"points": ArraySource(row=points / scale)}, {"points": self.points(TESTED, seed=2)}, facts)

    def check(self, config: PictureFields, source: str) -> tuple[dict[str, Any], str]:
        """What the mixture is; there is no file that could be wrong."""
        facts = {"ok": True, "data": self.name, "modes": len(self.centres), "deviation": self.spread}
        return facts, f"{self.name}: a mixture of {facts['modes']} Gaussians of deviation {self.spread}"

    def decode(self, rows: np.ndarray, facts: Mapping[str, Any]) -> np.ndarray:
        """What the generator makes -> points of the mixture."""
        return rows * facts["scale"]

    def scores(self, points: np.ndarray) -> dict[str, float]:
        """Modes found, and the share of the points that are of high quality: within 3 deviations of a centre.

        Args:
            points: `[n, 2]`.

        Returns:
            `modes`: those with at least 20 of 10,000 points of high quality; `high_quality`; `balance`, the entropy of
            the modes' shares as a fraction of its greatest value: 1 where all modes are as likely; and `spread`, the
            deviation of the points of high quality around their centres as a fraction of the mixture's: below 1 where
            each mode has shrunk.
        """
        distance = np.linalg.norm(points[:, None] - self.centres[None], axis=2)
        nearest = distance.min(axis=1)
        near = nearest < SPREADS * self.spread
        counts = np.bincount(distance.argmin(axis=1)[near], minlength=len(self.centres))
        shares = counts / max(1, counts.sum())
        entropy = float(np.sum(shares * np.log(1 / np.where(shares > 0, shares, 1))))
        return {
            "modes": float((counts >= FEWEST * len(points) / TESTED).sum()),
            "high_quality": float(near.mean()),
            "balance": entropy / float(np.log(len(self.centres))),
            "spread": float(np.sqrt(np.mean(nearest[near] ** 2) / 2) / self.spread) if near.any() else 0.0,
        }

    def evaluate(self, config: PictureFields, data: Data, draw: Draw, untrained: Draw) -> Evaluation:
        """Beside the mixture itself, one Gaussian fitted to it, and the untrained generator."""
        real, count = data.held_out["points"], config.samples
        gaussian = np.random.default_rng(3).multivariate_normal(real.mean(0), np.cov(real.T), count)
        others = {"the mixture itself": real, "one Gaussian": gaussian, "untrained": untrained(count)}
        return Evaluation(
            self.scores(draw(count)),
            {other: self.scores(points) for other, points in others.items()},
            {"mixture": self.name, "samples": count, "within_deviations": SPREADS, "fewest_of_10000": FEWEST},
            dict.fromkeys(("modes", "high_quality", "balance"), "higher"),
            limits=("the mixture itself",),
        )

    def sample(self, config: PictureFields, data: Data, draw: Draw, out: Path) -> list[Path]:
        """Generated points beside real ones, on the same axes."""
        panels = {"generated": draw(2000), "real": data.held_out["points"][:2000]}
        figure = Figure(figsize=(8, 4.4), layout="constrained")
        limit = 1.3 * float(np.abs(panels["real"]).max())
        for axes, (title, points) in zip(figure.subplots(1, 2), panels.items(), strict=True):
            axes.scatter(points[:, 0], points[:, 1], s=3, alpha=0.4, linewidths=0)
            axes.set(title=title, xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
        figure.savefig(out / "points.png", dpi=100)
        return [out / "points.png"]


# Centres and deviations of Srivastava et al. 2017 (VEEGAN), section 4.1.
_ANGLES, _STEPS = 2 * np.pi * np.arange(8) / 8, np.arange(-4.0, 5.0, 2.0)
RING = Mixture("ring", 2 * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1), 0.02)
GRID = Mixture("grid", np.stack(np.meshgrid(_STEPS, _STEPS), axis=-1).reshape(-1, 2), 0.05)
