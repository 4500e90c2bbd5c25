"""Claims against measurements: trains what a claim describes, and says whether its figure comes out.

Claims of equal options and seeds share their runs. What was measured is the mean over the seeds. The verdicts:

    reproduced          |measured - claimed| is at most the tolerance
    better              beyond the tolerance, in the direction that the evaluation calls better
    missed              beyond it in the other direction, or no finite figure
    failed              a run ended in an error, or the evaluation has no such metric
    skipped: ...        not checked, for the reason that is told

The first two pass.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gankit.config import RecipeConfig, from_document, read_yaml, resolve
from gankit.errors import DataError, Offline, Stopped, UsageError, did_you_mean
from gankit.metrics.evaluation import Evaluation
from gankit.metrics.score import leaves_as_json
from gankit.recipe import Claim, Recipe
from gankit.runs.run import Run
from gankit.studies.seeds import OpenListener, aggregate, described, evaluation_of, train_seeds, with_seed

log = logging.getLogger("gankit")

PASSED = ("reproduced", "better")
NEUTRAL = {f"training.{key}" for key in ("seed", "log_every", "sample_every", "checkpoint_every", "steps_per_call")}
NO_GPU, NO_DATA, OTHER = "skipped: needs a GPU", "skipped: no data", "skipped: other options"


@dataclass(frozen=True)
class Checked:
    """What became of one claim.

    Attributes:
        claim: The claim.
        verdict: As the module's docstring lists them; "" before it is known.
        reason: Why it failed or was skipped, or what qualifies the verdict.
        measured: Mean over the runs.
        sd: Sample standard deviation over the runs; None for one run.
        values: Of each run.
        runs: The runs' folders.
        protocol: How the evaluation made the figure.
    """

    claim: Claim
    verdict: str = ""
    reason: str = ""
    measured: float | None = None
    sd: float | None = None
    values: Sequence[float | None] = ()
    runs: Sequence[str] = ()
    protocol: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The claim's fields and what was found, for JSON."""
        found = {key: value for key, value in vars(self).items() if key not in ("claim", "protocol")}
        return {**claim_dict(self.claim), **found, "evaluation_protocol": dict(self.protocol)}


def claim_dict(claim: Claim) -> dict[str, Any]:
    """The fields of a claim, for JSON."""
    return {**vars(claim), "options": dict(claim.options)}


def passed(checked: Sequence[Checked], *, strict: bool = False) -> bool:
    """Whether a verification succeeded.

    It does if no claim was missed or failed, and at least one was checked or all were skipped for a need that they
    declare; `strict` counts every skip as a failure.
    """
    verdicts = {one.verdict for one in checked}
    if {"missed", "failed"} & verdicts or (strict and any(one.startswith("skipped") for one in verdicts)):
        return False
    if "" in verdicts:  # not all is known yet
        return False
    return bool(verdicts & set(PASSED)) or verdicts == {NO_GPU}


def chosen(recipe: type[Recipe], metrics: Sequence[str] = (), seeds: int | None = None) -> list[Claim]:
    """The recipe's claims, or those of some metrics, with another number of seeds if it is given.

    Raises:
        UsageError: There are none.
    """
    if not recipe.claims:
        raise UsageError(f"{recipe.name} makes no claims", f"'gankit info {recipe.name}' shows what there is to know")
    known = {claim.metric for claim in recipe.claims}
    for metric in metrics:
        if metric not in known:
            raise UsageError(f"{recipe.name} makes no claim of {metric!r}", did_you_mean(metric, known))
    claims = [claim for claim in recipe.claims if not metrics or claim.metric in metrics]
    return [replace(claim, seeds=seeds or claim.seeds) for claim in claims]


def check_claim(claim: Claim, evaluations: Sequence[Evaluation], runs: Sequence[str]) -> Checked:
    """Compares a claim with the evaluations of its runs (at least one)."""
    figures = [one.metrics for one in evaluations]
    known = list(dict.fromkeys(name for one in figures for name in one))
    found = Checked(claim, runs=runs, protocol=evaluations[0].protocol)
    if claim.metric not in known:
        hint = did_you_mean(claim.metric, known)
        names = "" if hint.startswith("known") else f" (known: {', '.join(sorted(known))})"
        return replace(found, verdict="failed", reason=f"the evaluation has no {claim.metric!r}: {hint}{names}")
    spread = aggregate([{claim.metric: one.get(claim.metric)} for one in figures])[claim.metric]
    measured = spread["mean"]
    found = replace(found, measured=measured, sd=spread["sd"], values=spread["values"])
    if len(runs) < claim.seeds:
        found = replace(found, reason=f"of {len(runs)} run(s), where the claim is of {claim.seeds} seeds")
    if measured is None:
        return replace(found, verdict="missed", reason="a run gave no finite figure")
    off = measured - claim.value
    # Decimal figures have no exact binary form: 0.28 is as near to 0.3 as a tolerance of 0.02 allows.
    if abs(off) <= claim.tolerance or math.isclose(abs(off), claim.tolerance, rel_tol=1e-9):
        return replace(found, verdict="reproduced")
    beside = Evaluation({claim.metric: measured}, {"claimed": {claim.metric: claim.value}}, {}, evaluations[0].better)
    return replace(found, verdict="better" if beside.standing(claim.metric) == "better" else "missed")


def verify(
    source: str,
    recipe: type[Recipe],
    claims: Sequence[Claim],
    root: Path,
    *,
    listening: OpenListener = contextlib.nullcontext,
    record: Callable[[list[Checked]], None] = lambda checked: None,
) -> list[Checked]:
    """Trains what the claims describe and judges them.

    Args:
        source: What the user called the recipe.
        recipe: Its class.
        claims: From `chosen`.
        root: The folder of all runs.
        listening: Opens a listener for each training.
        record: Told of what is known whenever more is; claims that are still open have the verdict "".

    Returns:
        One verdict for each claim, in their order.

    Raises:
        Stopped: A signal ended the training.
    """
    checked = [Checked(claim) for claim in claims]
    groups: dict[str, list[int]] = {}
    for number, claim in enumerate(claims):
        if claim.needs == "gpu" and not _has_gpu():
            checked[number] = replace(checked[number], verdict=NO_GPU, reason="no GPU is visible to TensorFlow")
        else:
            key = json.dumps([claim.seeds, dict(claim.options)], sort_keys=True, default=str)
            groups.setdefault(key, []).append(number)
    for numbers in groups.values():
        first = claims[numbers[0]]
        log.info("for %s: %d run(s)", ", ".join(claims[i].metric for i in numbers), first.seeds)
        evaluations, rest = _outcome(source, recipe, first, root, listening)
        for claim, i in ((claims[i], i) for i in numbers):
            checked[i] = check_claim(claim, evaluations, rest["runs"]) if evaluations else Checked(claim, **rest)
        record(checked)
    record(checked)
    return checked


def _has_gpu() -> bool:
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _outcome(
    source: str, recipe: type[Recipe], claim: Claim, root: Path, listening: OpenListener
) -> tuple[list[Evaluation], dict[str, Any]]:
    """The evaluations of a claim's runs with their folders; or none, with verdict and reason."""
    try:
        config = resolve(recipe.Config, {}, claim.options)
        done = train_seeds(source, recipe, config, claim.seeds, root, listening=listening)
    except Stopped as stopped:
        hint = f"{stopped.hint}; 'gankit verify {source} --run RUN' checks finished runs"
        raise Stopped(stopped.message, hint, stopped.exit_code) from stopped
    except Exception as error:  # no run could begin
        log.debug("traceback", exc_info=True)
        message, hint = described(error)
        absent = isinstance(error, Offline | DataError)
        return [], {"verdict": NO_DATA if absent else "failed", "reason": f"{message}; {hint}" if hint else message}
    folders = [str(run.path) for run in done.runs.values()]
    if done.failed:
        folders += [str(failure.run) for failure in done.failed.values() if failure.run]
        reason = "; ".join(f"seed {seed}: {described(failure.error)[0]}" for seed, failure in done.failed.items())
        return [], {"verdict": "failed", "reason": reason, "runs": folders}
    return [evaluation_of(run) for run in done.runs.values()], {"runs": folders}


def verify_runs(recipe: type[Recipe], claims: Sequence[Claim], runs: Sequence[Run]) -> list[Checked]:
    """Judges claims by finished runs.

    Args:
        recipe: Whose claims they are.
        claims: From `chosen`.
        runs: Their mean is measured.

    Returns:
        A verdict for each claim; those of other options than the runs' are skipped.

    Raises:
        UsageError: A run is of another recipe, not finished or given twice, or all claims are of other options.
    """
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise UsageError("a run is given twice", "a mean needs different runs")
    configs, evaluations = [], []
    for run in runs:
        info = run.info
        if info.get("recipe") != recipe.name:
            raise UsageError(f"{run.path} is a run of {info.get('recipe')!r}", f"choose a run of {recipe.name!r}")
        if info.get("status") != "done":
            raise UsageError(f"{run.path} is not finished: {info.get('status')}", f"gankit resume {run.path}")
        configs.append(from_document(recipe.Config, read_yaml(run.path / "config.yaml")))
        evaluations.append(evaluation_of(run))
        if not evaluations[-1].metrics:
            raise UsageError(f"{run.path} has no readable evaluation", f"gankit evaluate {run.path}")
    if any(with_seed(config, 0) != with_seed(configs[0], 0) for config in configs):
        raise UsageError("the runs differ by more than their seeds", "'gankit compare' shows by what")
    checked = []
    for claim in claims:
        differing = _differences(recipe, claim, configs[0])
        if differing:
            checked.append(Checked(claim, OTHER, "; ".join(differing)))
        else:
            checked.append(check_claim(claim, evaluations, [str(run.path) for run in runs]))
    if all(one.verdict == OTHER for one in checked):
        what = " / ".join(f"{one.claim.metric}: {one.reason}" for one in checked)
        raise UsageError(
            f"no claim is of these options: {what}", f"'gankit verify {recipe.name}' trains what is claimed"
        )
    return checked


def _differences(recipe: type[Recipe], claim: Claim, config: RecipeConfig) -> list[str]:
    """What decides a result and is set in another way than the claim says, or than the defaults where it is silent."""
    wanted = leaves_as_json(resolve(recipe.Config, {}, claim.options).model_dump(mode="json"))
    theirs = leaves_as_json(config.model_dump(mode="json"))
    free = NEUTRAL - ({"training.seed"} if claim.seeds == 1 and "training.seed" in claim.options else set())
    return [
        f"{key} is {theirs.get(key)}, not {wanted.get(key)}"
        for key in dict.fromkeys([*wanted, *theirs])
        if theirs.get(key) != wanted.get(key) and key not in free
    ]
