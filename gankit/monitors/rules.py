"""Rules that turn a sequence of looks at a training into alarms.

An alarm must be worth reading: a condition has to hold for several looks in a row, never counts while a stage begins,
and is not reported again before it was gone for as long. The thresholds leave room around what trainings that went
well were seen to do.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from gankit.support.values import finite

PATIENCE = 5  # looks; single looks go astray, since the two networks chase each other
QUIET_SHARE, QUIET_LOOKS = 0.1, 5  # of a stage: every generator begins collapsed, and every discriminator wins at first

# Samples a quarter as far apart as real examples; trainings that went well began at 0.3, and ended above 0.7.
LOW_DIVERSITY = 0.25
# 0.12 at most in trainings that went well, and nearly 1 where samples were few.
MANY_DUPLICATES = 0.5
# With this coverage the samples are where the data are: clean samples of noisy data lie close to each other.
FAIR_COVERAGE = 0.5
# Coverage swings by a third in trainings that go well, more while it is low.
LOST_COVERAGE, SOME_COVERAGE = 0.5, 0.3
# In healthy trainings on images, too, a discriminator is right about nearly every example: that alone is no defeat.
WON_AUC = 0.99
# A discriminator that won is sure; while its probabilities are moderate, its loss has a slope left.
WON_DOUBT = 0.05
# Samples that reach a tenth of the data, or more of it than five looks before, show that the generator still learns:
# one that begins slowly has alike samples and a sure discriminator for a while.
POOR_COVERAGE, RISE = 0.1, 0.01
# Gradients of a generator swing tenfold, not a thousandfold.
VANISHED = 1e-3
# Two standard errors of the area under the curve for 256 examples of each kind.
EVEN = 0.05
# A discriminator that says nearly the same of everything may still have it in the right order, which helps nobody.
SAME_PROBABILITY = 0.005
# Healthy is 0.01; a small set of training examples, whose ratios are rough, may give some more.
MANY_COPIES = 0.25


@dataclass(frozen=True)
class Alarm:
    """A condition that has held for long enough.

    Attributes:
        kind: "collapse", "discriminator won", "vanishing generator gradient", "equilibrium" or "memorisation".
        stage: Name of the stage.
        step: Step of the stage at which the patience ended.
        since: Step of the first look at which the condition held.
        value: The statistic that decided it, at this step.
        message: What was seen, with its numbers.
        hint: What to try.
        level: "warning", or "note" where nothing need be wrong.

    Examples:
        >>> Alarm("collapse", "main", 900, 500, 0.1, "samples are alike", "lower the rate").level
        'warning'
    """

    kind: str
    stage: str
    step: int
    since: int
    value: float
    message: str
    hint: str
    level: str = "warning"


HINTS = {
    "collapse": "lower the generator's learning rate, or take a larger batch; let the discriminator see batches as a "
    "whole (minibatch standard deviation or discrimination), or take the loss of WGAN-GP",
    "discriminator won": "lower the discriminator's learning rate or its updates a step (or the generator's learning "
    "rate, if samples lie far off); with loss=minimax, take loss=non-saturating; hold the discriminator back with R1, "
    "spectral normalisation, instance noise or one-sided label smoothing; with little data, augment it (DiffAugment)",
    "vanishing generator gradient": "with loss=minimax, take loss=non-saturating; otherwise hold the discriminator "
    "back (R1, spectral normalisation, a lower learning rate), or take WGAN-GP, whose critic does not saturate",
    "equilibrium": "look at the samples and their figures; if they are bad, the discriminator sees nothing: give it "
    "more capacity, a higher learning rate or more updates a step, or a weaker penalty",
    "memorisation": "train on more data, or augment it (DiffAugment); take smaller networks, or train for fewer steps",
}

Finding = tuple[bool, float, str]  # whether the condition holds, the value that decides, what was seen


@dataclass
class _Watch:
    """How long one condition has held or been gone."""

    held: int = 0
    gone: int = 0
    since: int = 0
    reported: bool = False

    def update(self, holds: bool, step: int, patience: int) -> bool:
        """Whether it is to be reported now."""
        if not holds:
            self.held, self.gone = 0, self.gone + 1
            self.reported = self.reported and self.gone < patience
            return False
        self.since = self.since if self.held else step
        self.held, self.gone = self.held + 1, 0
        if self.reported or self.held < patience:
            return False
        self.reported = True
        return True


@dataclass
class _Stage:
    """What is remembered of a stage."""

    looks: int = 0
    counted: int = 0
    step: int = -1
    gradients: list[float] = field(default_factory=list)
    coverages: deque[float] = field(default_factory=lambda: deque(maxlen=5))
    medians: deque[float] = field(default_factory=lambda: deque(maxlen=6))
    best: float = 0.0
    watches: dict[str, _Watch] = field(default_factory=dict)

    def remember(self, coverage: float | None, gradient: float | None, quiet: bool) -> None:
        if gradient is not None and len(self.gradients) < 5:
            self.gradients.append(gradient)
        if coverage is not None:
            self.counted += not quiet
            self.coverages.append(coverage)
            if len(self.coverages) == 5:
                self.medians.append(median(self.coverages))
                # A beginner's blurred samples lie in the middle of the data and cover much of it: no loss.
                if self.counted >= 5:
                    self.best = max(self.best, self.medians[-1])

    def rising(self) -> bool:
        """Whether five looks have more coverage than the five before."""
        return len(self.medians) == 6 and self.medians[-1] >= self.medians[0] + RISE


class AlarmRules:
    """Watches one pair of generator and discriminator.

    Its state depends on nothing but the looks that it was given: a resumed run gives it the recorded ones again.

    Args:
        generator: The phase that trains the generator; for its gradient.
        saturating: The loss is the logarithm of a probability, so that a discriminator which is sure leaves nothing to
            learn. False for critics (Wasserstein, hinge, least squares): they are meant to tell samples from examples
            as well as they can, and cannot win.
        patience: Looks in a row for which a condition must hold, or be gone, to count.

    Raises:
        ValueError: A patience below 1.

    Examples:
        >>> list(AlarmRules().add("main", 10, 1000, {"diversity": 1.0}, {"generator/loss": 0.7}))
        []
    """

    def __init__(self, *, generator: str = "generator", saturating: bool = True, patience: int = PATIENCE) -> None:
        if patience < 1:
            raise ValueError(f"an alarm needs at least one look, not {patience}")
        self._gradient, self._saturating, self._patience = f"{generator}/gradient_norm", saturating, patience
        self._stages: dict[str, _Stage] = {}

    def add(
        self,
        stage: str,
        step: int,
        steps: int,
        statistics: Mapping[str, float],
        terms: Mapping[str, float] | None = None,
    ) -> list[Alarm]:
        """Takes a look into account; one that is not newer than the last of its stage is ignored.

        Args:
            stage: Name of the stage.
            step: Steps done in it.
            steps: Steps that it has.
            statistics: Of `watch_statistics`. A condition whose statistics are missing (or not finite) neither
                holds nor is gone.
            terms: "phase/term" -> its mean since the last look; "phase/gradient_norm" is read.

        Returns:
            The alarms that are due now, most often none.
        """
        state = self._stages.setdefault(stage, _Stage())
        if step <= state.step:
            return []
        state.step, state.looks = step, state.looks + 1
        seen = {name: float(value) for name, value in statistics.items() if finite(value)}
        norm = (terms or {}).get(self._gradient)
        gradient = float(norm) if finite(norm) else None
        quiet = step <= QUIET_SHARE * steps or state.looks <= QUIET_LOOKS
        state.remember(seen.get("coverage"), gradient, quiet)
        if quiet:
            return []
        even, alarms = _even(seen), []
        findings = {
            "collapse": _collapse(state, seen),
            "discriminator won": _won(state, seen) if self._saturating else None,
            "vanishing generator gradient": _vanished(state, seen, gradient, even),
            "equilibrium": even,
            "memorisation": _memorised(seen),
        }
        for kind, finding in findings.items():
            if finding is None:  # it cannot be judged by what was seen
                continue
            holds, value, message = finding
            watch = state.watches.setdefault(kind, _Watch())
            if watch.update(holds, step, self._patience):
                level = "note" if kind == "equilibrium" else "warning"
                alarms.append(Alarm(kind, stage, step, watch.since, value, message, HINTS[kind], level))
        return alarms


def _collapse(state: _Stage, seen: Mapping[str, float]) -> Finding | None:
    diversity, duplicates, coverage = map(seen.get, ("diversity", "duplicates", "coverage"))
    if diversity is None and duplicates is None and coverage is None:
        return None
    if diversity is not None and diversity < LOW_DIVERSITY:
        found = diversity, f"samples are {diversity:.2g} times as far apart as real examples"
    elif duplicates is not None and duplicates > MANY_DUPLICATES and (coverage or 0) < FAIR_COVERAGE:
        found = duplicates, f"{duplicates:.0%} of the samples are near copies of another sample"
    elif coverage is not None and state.best >= SOME_COVERAGE and coverage < LOST_COVERAGE * state.best:
        found = coverage, f"samples cover {coverage:.0%} of the data, and {state.best:.0%} before"
    else:
        return False, math.nan, ""
    return not state.rising(), *found


def _won(state: _Stage, seen: Mapping[str, float]) -> Finding | None:
    auc, coverage = map(seen.get, ("auc", "coverage"))
    if auc is None or coverage is None:
        return None
    sure = seen.get("p_real", 1.0) >= 1 - WON_DOUBT and seen.get("p_fake", 0.0) <= WON_DOUBT
    holds = auc >= WON_AUC and sure and coverage < POOR_COVERAGE and not state.rising()
    message = f"the discriminator tells {auc:.1%} of the pairs of a sample and a real example apart, samples cover "
    return holds, auc, f"{message}{coverage:.0%} of the data, and no more than before"


def _vanished(state: _Stage, seen: Mapping[str, float], gradient: float | None, even: Finding | None) -> Finding | None:
    if gradient is None or len(state.gradients) < 5:
        return None
    usual = median(state.gradients)
    # Where nothing is left to learn, no gradient is due.
    done = even is not None and even[0] and seen.get("coverage", 0.0) >= FAIR_COVERAGE
    message = f"the generator's gradient has a norm of {gradient:.2g}, after {usual:.2g} at the start"
    return gradient <= VANISHED * usual and not done, gradient, message


def _even(seen: Mapping[str, float]) -> Finding | None:
    if "auc" not in seen:
        return None
    chances = [seen[name] for name in ("p_real", "p_fake") if name in seen]
    blind = len(chances) == 2 and abs(chances[0] - chances[1]) <= SAME_PROBABILITY
    holds = all(abs(chance - 0.5) <= EVEN for chance in chances) and (abs(seen["auc"] - 0.5) <= EVEN or blind)
    message = (
        "the discriminator says the same of samples and of real examples, as it must when the generator is perfect; "
        "but a discriminator that has collapsed does so, too"
    )
    return holds, seen["auc"], message


def _memorised(seen: Mapping[str, float]) -> Finding | None:
    if (copied := seen.get("copied")) is None:
        return None
    message = f"{copied:.0%} of the samples are copies of training examples; about 1 % would pass for copies anyway"
    return copied > MANY_COPIES, copied, message
