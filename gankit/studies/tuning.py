"""Searching a recipe's options for the best figure: Optuna proposes values, and each trial is an ordinary run.

Several processes, here or on other machines, share a study through its journal, a file beside the recipe's runs. A
trial that a signal or a kill has stopped is resumed by whoever works on the study next.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from gankit import plugins
from gankit.config import RecipeConfig
from gankit.engine import contract
from gankit.engine.mixed_precision import precision
from gankit.errors import ConfigError, GankitError, RunLocked, Stopped, UsageError, did_you_mean
from gankit.recipe import Recipe
from gankit.runs.loading import build_networks
from gankit.runs.run import Run, owner
from gankit.runs.signals import Ended
from gankit.studies.search_space import Search, with_values
from gankit.studies.seeds import OpenListener, command, described, evaluation_of
from gankit.support.files import read_json
from gankit.support.jobs import Jobs
from gankit.support.progress import Progress
from gankit.support.values import finite

log = logging.getLogger("gankit")

ALONE = Jobs()
FIRST = 5  # finished trials before one is ended early


@dataclass(frozen=True)
class Study:
    """What is searched, as every process that works on it must have it.

    Attributes:
        journal: Optuna's file.
        source: What the user called the recipe.
        values: The configuration that trials change.
        metric: The figure of the evaluation that counts.
        searches: What is tried.
        trials: How many in all.
        root: The folder of all runs.
    """

    journal: Path
    source: str
    values: Mapping[str, Any]
    metric: str
    searches: tuple[Search, ...]
    trials: int
    root: Path

    @property
    def name(self) -> str:
        """The study's name."""
        return self.journal.stem.removeprefix("tune-")

    def settings(self) -> dict[str, Any]:
        """What must be equal in all processes."""
        return {
            "recipe": self.source,
            "metric": self.metric,
            "search": [str(one) for one in self.searches],
            **_flat(self.values),
        }

    def open(self, config: RecipeConfig) -> Any:
        """Optuna's study; it is made if it is not there.

        Raises:
            UsageError: It is there, and of something else; or Optuna is not installed.
        """
        try:
            import optuna
        except ImportError:
            raise UsageError("gankit tune needs the package optuna", 'pip install "gankit[tune]"') from None
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        with self.locked():
            new = not self.journal.exists()
            storage = optuna.storages.JournalStorage(JournalFileBackend(str(self.journal)))
            sampler = optuna.samplers.TPESampler(constant_liar=True, n_startup_trials=FIRST)
            pruner = optuna.pruners.MedianPruner(n_startup_trials=FIRST)
            opened = optuna.create_study(
                study_name=self.name, storage=storage, load_if_exists=True, sampler=sampler, pruner=pruner
            )
            wanted = json.loads(json.dumps(self.settings()))
            if new:
                opened.set_user_attr("settings", wanted)
                own = {one.key: value for one in self.searches if (value := one.default(config)) is not None}
                if len(own) == len(self.searches):
                    opened.enqueue_trial(own)  # the first trial is what the others must beat
                else:
                    lacking = next(one.key for one in self.searches if one.key not in own)
                    log.info("the recipe's own %s is not among what is searched, so no trial has it", lacking)
        there = opened.user_attrs.get("settings", {})
        if differing := [key for key in {**there, **wanted} if there.get(key) != wanted.get(key)]:
            key = differing[0]
            raise UsageError(
                f"the study {self.name} has another {key}: {there.get(key)}, not {wanted.get(key)}",
                "give the options that it was begun with, or leave --study out for a new one",
            )
        return opened

    def locked(self) -> FileLock:
        """A lock that processes take in turn."""
        return FileLock(self.journal.with_suffix(".lock"))


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return found


@dataclass(frozen=True)
class Trial:
    """One trial, for tables and JSON.

    Attributes:
        number: From 0.
        state: "done", "ended early", "failed" or "stopped".
        figure: Of the metric; None if it has none.
        values: Of the options that are searched.
        run: Its run folder; "" if there is none.
        reason: Why it failed, or was ended.
    """

    number: int
    state: str
    figure: float | None
    values: Mapping[str, Any] = field(default_factory=dict)
    run: str = ""
    reason: str = ""


class _EndedEarly(GankitError):
    """The held-out figures of a trial are worse than those of most others were at this step."""


def tune(
    study: Study,
    recipe: type[Recipe],
    config: RecipeConfig,
    *,
    listening: OpenListener = contextlib.nullcontext,
    told: Callable[[Trial], None] = lambda trial: None,
    jobs: Jobs = ALONE,
) -> list[Trial]:
    """Runs trials until the study has as many as it should, and returns all of them, the best first.

    Args:
        study: What is searched.
        recipe: Its class.
        config: The configuration that trials change.
        listening: Opens a listener for each training; other processes have none.
        told: Told of each trial that ends.
        jobs: Where trials run. With one process the same seed makes the same trials; several change what is known when
            a trial is proposed.

    Raises:
        UsageError: The study is of something else, or the evaluation has no such metric.
        Stopped: A signal ended it; the same study goes on.
    """
    for one in study.searches:
        one.check(config)
    opened = study.open(config)
    shared = [study.journal.parent]
    try:
        _learn_the_metric(study, opened, recipe, config)
        if jobs.here:
            results: Iterator[Trial | None] = (
                _next(study, recipe, config, listening) for _ in range(study.trials + len(_left_over(study, opened)))
            )
        else:
            results = jobs.map(_elsewhere, ((study,) for _ in range(study.trials)), shared=shared)
        for trial in results:
            if trial is not None:
                told(trial)
    except (Stopped, Ended) as stopped:
        hint = f"the same command with --study {study.name} goes on"
        raise Stopped("by a signal", hint, stopped.exit_code) from stopped
    return ranked(study, opened)


def ranked(study: Study, opened: Any) -> list[Trial]:
    """All trials, the best first, those without a figure last."""
    sign = _sign(opened)
    found = [_described(one, sign) for one in opened.get_trials(deepcopy=False)]
    return sorted(found, key=lambda one: (one.state != "done", math.inf if one.figure is None else sign * one.figure))


def _described(trial: Any, sign: float) -> Trial:
    states = {"COMPLETE": "done", "PRUNED": "ended early", "FAIL": "failed"}
    value = trial.value if trial.state.name == "COMPLETE" else None
    return Trial(
        trial.number,
        states.get(trial.state.name, "stopped"),
        None if value is None else sign * value,
        dict(trial.params),
        trial.user_attrs.get("run", ""),
        trial.user_attrs.get("reason", ""),
    )


def _sign(opened: Any) -> float:
    """Optuna minimises: -1 where more is better, which only an evaluation tells."""
    return -1.0 if opened.user_attrs.get("better") == "higher" else 1.0


def _elsewhere(study: Study) -> Trial | None:
    recipe = plugins.find(study.source).recipe
    return _next(study, recipe, recipe.Config.model_validate(study.values))


def _next(
    study: Study, recipe: type[Recipe], config: RecipeConfig, listening: OpenListener = contextlib.nullcontext
) -> Trial | None:
    """Goes on with a trial that was stopped, or begins one; None if there are enough."""
    import optuna

    opened = study.open(config)
    with study.locked():
        known = opened.get_trials(deepcopy=False)
        left = _left_over(study, opened)
        begun = [one for one in known if one.state.name != "WAITING" and not _lost(opened, one, left)]
        if left:
            number, run = next(iter(left.items()))
            trial = optuna.trial.Trial(opened, known[number]._trial_id)
            changes = dict(known[number].params)
        elif len(begun) < study.trials:
            # Seeded anew for each trial, so that one process makes the same trials whether it was stopped or not.
            opened.sampler = optuna.samplers.TPESampler(
                seed=config.training.seed * 100_003 + len(begun), constant_liar=True, n_startup_trials=FIRST
            )
            trial, run = opened.ask(), None
            changes = {one.key: one.suggest(trial) for one in study.searches}
        else:
            return None
        trial.set_user_attr("process", owner(os.getpid()))  # so that no other process takes it
    return _run(study, opened, trial, run, recipe, config, changes, listening)


def _left_over(study: Study, opened: Any) -> dict[int, Run]:
    """Number -> run of trials that were stopped or killed, and that nobody is at."""
    trials = opened.get_trials(deepcopy=False)
    open_trials = {one.number for one in trials if one.state.name == "RUNNING" and not _is_at_it(one)}
    found = {}
    for path in sorted(study.journal.parent.glob("*/run.json")) if open_trials else ():
        about = read_json(path).get("study")
        if isinstance(about, dict) and about.get("name") == study.name and about.get("trial") in open_trials:
            run = Run(path.parent, trusted=read_json(path).get("source") == study.source)
            if not run.alive:
                found[int(about["trial"])] = run
    return found


def _lost(opened: Any, trial: Any, left: Mapping[int, Run]) -> bool:
    """Whether a trial was killed before it had a run; its values are then tried once more."""
    from optuna.trial import TrialState

    if trial.user_attrs.get("lost"):
        return True
    if trial.state.name != "RUNNING" or trial.number in left or _is_at_it(trial):
        return False
    opened.enqueue_trial(trial.params)
    opened._storage.set_trial_user_attr(trial._trial_id, "lost", True)
    opened.tell(trial.number, state=TrialState.FAIL)
    return True


def _is_at_it(trial: Any) -> bool:
    """Whether a process is at a trial, or may be: those of other machines cannot be asked."""
    process, _, host = trial.user_attrs.get("process", "").removeprefix("process ").partition(" on ")
    if not process:
        return False
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # of another user
    return True


def _run(
    study: Study, opened: Any, trial: Any, run: Run | None, recipe: type[Recipe], config: RecipeConfig,
    changes: Mapping[str, Any], listening: OpenListener,
) -> Trial:  # fmt: skip
    """Trains one trial, and tells Optuna what became of it; raises Stopped."""
    from optuna.trial import TrialState

    from gankit.runs import training

    log.info("trial %d: %s", trial.number, ", ".join(f"{key} {value}" for key, value in trial.params.items()))
    about = {"study": {"name": study.name, "trial": trial.number}}
    try:
        config = _accepted(config, changes)
        with listening() as listener:

            def listen(progress: Progress) -> None:
                if listener:
                    listener(progress)
                figure = progress.held_out.get(study.metric)
                if figure is None or not finite(figure):
                    return
                trial.report(_sign(opened) * figure, progress.total)
                if trial.should_prune():
                    raise _EndedEarly(f"{study.metric} {figure:.4g} at step {progress.total} is worse than the median")

            if run is None:
                argv = command(study.source, config)
                made = contract.make(recipe, config)
                run = training.start(study.source, made, study.root, argv=argv, listener=listen, about=about)
            else:
                run = training.resume(run, listener=listen)
        assert run is not None  # only workers get none
        trial.set_user_attr("run", str(run.path))
        opened.tell(trial, _sign(opened) * float(evaluation_of(run).metrics[study.metric]))
    except (Stopped, Ended, RunLocked):
        trial.set_user_attr("process", "")
        raise
    except Exception as error:
        if _is_of_all(error):
            opened.tell(trial, state=TrialState.FAIL)
            raise
        log.debug("traceback", exc_info=True)
        for path in _runs_of(study, trial.number):
            trial.set_user_attr("run", str(path))
        trial.set_user_attr("reason", described(error)[0])
        early = isinstance(error, _EndedEarly)
        opened.tell(trial, state=TrialState.PRUNED if early else TrialState.FAIL)
    return _described(opened.get_trials(deepcopy=False)[trial.number], _sign(opened))


def _accepted(config: RecipeConfig, changes: Mapping[str, Any]) -> Any:
    try:
        return with_values(config, changes)
    except ConfigError as error:  # of these values together, and not of the command line
        raise GankitError(error.message, error.hint) from error


def _is_of_all(error: Exception) -> bool:
    """Whether no trial could do better: the command line or the data are wrong."""
    return isinstance(error, UsageError)


def _learn_the_metric(study: Study, opened: Any, recipe: type[Recipe], config: RecipeConfig) -> None:
    """Notes in the study which way the metric is better; untrained networks tell, before hours are spent.

    Raises:
        UsageError: The evaluation has no such metric, or does not say which way it is better.
    """
    if "better" in opened.user_attrs:
        return
    made = contract.make(recipe, config)
    with precision(config.training.precision):
        data = contract.data(made)
        evaluation = contract.evaluate(made, build_networks(made, data), data)
    if study.metric not in evaluation.metrics:
        known = sorted(evaluation.metrics)
        raise UsageError(f"the evaluation has no {study.metric!r}", did_you_mean(study.metric, known))
    better = evaluation.better.get(study.metric)
    if better not in ("lower", "higher"):
        raise UsageError(f"the recipe does not say whether more {study.metric} is better", "choose another --metric")
    opened.set_user_attr("better", better)


def _runs_of(study: Study, number: int) -> Sequence[Path]:
    wanted = {"name": study.name, "trial": number}
    return [path.parent for path in study.journal.parent.glob("*/run.json") if read_json(path).get("study") == wanted]


def as_dict(study: Study, trials: Sequence[Trial]) -> dict[str, Any]:
    """For JSON."""
    return {
        "study": study.name,
        "recipe": study.source,
        "metric": study.metric,
        "search": [str(one) for one in study.searches],
        "trials": [asdict(one) for one in trials],
    }
