"""One sentence an asset that says whether there is skill, and says no unless a test says yes.

A difference counts if Diebold and Mariano's p value is below 0.05 after Holm's adjustment for the number of assets
that were looked at (Holm 1979). Anything else is no skill over persistence, or a tie with the best rival.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gankit_stock_gan.backtest.significance import diebold_mariano

LEVEL = 0.05

Outcome = Literal["better", "worse", "tie"]

Losses = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""Asset -> daily losses of the model and of the rival, float64 `[days]` each, on the same days."""

Sentence = Callable[[str, str, float, float], str]
"""(outcome, the rival's name, mean loss of the model, of the rival) -> the sentence without its evidence."""


@dataclass(frozen=True)
class Verdict:
    """On one asset: mean losses, the Diebold-Mariano test, and the sentence for people (`str` gives it).

    `statistic` is negative where the model is better; `adjusted` is `p` after Holm over all assets.
    """

    outcome: Outcome
    sentence: str
    ours: float
    rival: float
    statistic: float
    p: float
    adjusted: float

    def __str__(self) -> str:
        return self.sentence


def point_verdict(losses: Losses, horizon: int = 1) -> dict[str, Verdict]:
    """Whether forecasts of the close are better than persistence.

    Args:
        losses: Daily absolute errors of each asset.
        horizon: Days ahead.

    Returns:
        Asset -> for instance "no skill over persistence (DM p = 0.43)".

    Raises:
        DataError: If the losses of an asset cannot be compared.
    """

    def sentence(outcome: str, name: str, ours: float, theirs: float) -> str:
        if outcome == "tie":
            return f"no skill over {name}"
        share = f" by {100 * abs(theirs - ours) / theirs:.1f} % of MAE" if theirs else " in MAE"
        return f"{outcome} than {name}{share}"

    return _verdicts(losses, dict.fromkeys(losses, "persistence"), horizon, sentence)


def distribution_verdict(losses: Losses, rivals: Mapping[str, str], horizon: int = 1) -> dict[str, Verdict]:
    """Whether forecast distributions are better than those of the best rival.

    Args:
        losses: Daily CRPS of each asset, of plain log returns; the sentence gives basis points.
        rivals: Asset -> the rival's name.
        horizon: Days ahead.

    Returns:
        Asset -> for instance "a tie with gjr-fhs: CRPS 38.34 against 38.53 bps (DM p = 0.21)".

    Raises:
        DataError: If the losses of an asset cannot be compared.
    """

    def sentence(outcome: str, name: str, ours: float, theirs: float) -> str:
        found = f"a tie with {name}" if outcome == "tie" else f"{outcome} than {name}"
        return f"{found}: CRPS {1e4 * ours:.2f} against {1e4 * theirs:.2f} bps"

    return _verdicts(losses, rivals, horizon, sentence)


def _verdicts(losses: Losses, rivals: Mapping[str, str], horizon: int, sentence: Sentence) -> dict[str, Verdict]:
    from statsmodels.stats.multitest import multipletests

    tests = [diebold_mariano(ours, theirs, horizon) for ours, theirs in losses.values()]
    together = multipletests([p for _, p in tests], method="holm")[1].tolist()
    found = {}
    for (asset, pair), (statistic, p), adjusted in zip(losses.items(), tests, together, strict=True):
        ours, theirs = float(np.mean(pair[0])), float(np.mean(pair[1]))
        outcome: Outcome = "tie" if adjusted >= LEVEL else "better" if ours < theirs else "worse"
        said = f"{sentence(outcome, rivals[asset], ours, theirs)} ({_evidence(adjusted, len(losses))})"
        found[asset] = Verdict(outcome, said, ours, theirs, statistic, p, adjusted)
    return found


def _evidence(p: float, assets: int) -> str:
    """The p value and what it was adjusted for."""
    said = "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
    return f"DM {said}" + (f", Holm over {assets} assets" if assets > 1 else "")
