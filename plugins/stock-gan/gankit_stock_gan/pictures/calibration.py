"""Whether what happened came as often as it was said to."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gankit_stock_gan.pictures.fan import COLOUR

BINS = 20


def calibration(levels: np.ndarray, out: Path, title: str, rival: tuple[str, np.ndarray] | None = None) -> Path:
    """Draws the histogram of PITs, and coverage of every central interval against what it should be.

    Args:
        levels: PITs, `[k]` in (0, 1): at which level of its forecast each outcome lay.
        out: PNG to write.
        title: Over the picture.
        rival: Name and PITs of another method.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    n, chance = len(levels), np.sqrt((1 / BINS) * (1 - 1 / BINS) / len(levels))
    left.hist(levels, BINS, range=(0, 1), weights=np.full(n, BINS / n), color=COLOUR, alpha=0.75, label="stock-gan")
    if rival is not None:
        name, theirs = rival
        even = np.full(len(theirs), BINS / len(theirs))
        left.hist(theirs, BINS, range=(0, 1), weights=even, histtype="step", color="black", label=name)
    for edge in (1 - 1.96 * BINS * chance, 1 + 1.96 * BINS * chance):
        left.axhline(edge, color="0.3", linewidth=0.8, linestyle=":", label="95 % by chance" if edge < 1 else None)
    left.axhline(1, color="0.3", linewidth=0.8)
    left.set(xlabel="level at which the outcome lay (PIT)", ylabel="frequency, 1 is ideal", xlim=(0, 1))
    left.legend(frameon=False, loc="lower center", ncols=3)
    shares = np.linspace(0.02, 0.98, 49)
    right.plot([0, 1], [0, 1], color="0.3", linewidth=0.8)
    band = 1.96 * np.sqrt(shares * (1 - shares) / n)
    right.fill_between(
        shares, shares - band, shares + band, color="0.6", alpha=0.3, linewidth=0, label="95 % by chance"
    )
    right.plot(shares, [_inside(levels, share) for share in shares], color=COLOUR, linewidth=1.8, label="stock-gan")
    if rival is not None:
        right.plot(shares, [_inside(rival[1], share) for share in shares], color="black", linewidth=1, label=rival[0])
    right.set(xlabel="central interval", ylabel="share of outcomes inside", xlim=(0, 1), ylim=(0, 1))
    right.legend(frameon=False, loc="upper left")
    figure.suptitle(f"{title}: {n} forecasts")
    figure.savefig(out, dpi=100)
    return out


def _inside(levels: np.ndarray, share: float) -> float:
    return float((np.abs(levels - 0.5) <= share / 2).mean())
