"""Starting, resuming and rehearsing trainings: the run directory around a `Trainer`."""

from __future__ import annotations

import contextlib
import logging
import platform
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gankit import plugins
from gankit.config import Training, resolve, to_yaml
from gankit.engine import checkpoint, contract
from gankit.engine.cluster import Cluster, find_cluster
from gankit.engine.mixed_precision import precision
from gankit.errors import DataError, GankitError, RecipeError, Stopped, UsageError
from gankit.plugins import Origin
from gankit.recipe import Recipe
from gankit.report.run_page import write_report
from gankit.runs import recipe_record, seal
from gankit.runs.handshake import shake_hands
from gankit.runs.initial_weights import InitialWeights, find_initial_weights
from gankit.runs.loading import LoadedRun, fingerprints, recipe_of
from gankit.runs.results import versions
from gankit.runs.run import Run, now, runs_root
from gankit.runs.signals import Ended, Stop, stop_on_signals
from gankit.runs.trainer import Callback, Trainer
from gankit.support.files import write_json
from gankit.support.progress import Listener

log = logging.getLogger("gankit")

NOTHING: Mapping[str, Any] = {}
WHERE = ("strategy", "devices", "cluster", "communication", "wait_minutes")
"""Options that say where a training is computed, and not what."""


def train(
    recipe: str | type[Recipe],
    *,
    runs_dir: Path | str | None = None,
    callbacks: Sequence[Callback] = (),
    **options: Any,
) -> LoadedRun:
    """Trains a recipe; what `gankit run` does, from Python.

    Args:
        recipe: A recipe's name, `FILE.py:CLASS`, or a class.
        runs_dir: The folder of all runs; `$GANKIT_RUNS` or `./runs` if None.
        callbacks: Each is called after every `log_every` steps with a `Progress` (step, terms, held-out figures) and
            the networks as the run's user would get them: copies, so that a callback disturbs nothing.
        **options: The recipe's options and the engine's (`seed=3`, `max_minutes=2`, `batch_size=64`).

    Returns:
        The finished run, ready for use.

    Raises:
        ConfigError: An option is unknown or its value is wrong.

    Examples:
        >>> run = gankit.train("srgan", data="photos", max_minutes=2)  # doctest: +SKIP
        >>> run.evaluate()["metrics"]["psnr_y"]  # doctest: +SKIP
        >>> run = gankit.train("gan", callbacks=[lambda now, networks: print(now.step, now.terms)])  # doctest: +SKIP
    """
    if isinstance(recipe, str):
        source, cls = recipe, plugins.find(recipe).recipe
    else:
        source, cls = "", recipe
    dotted = {f"training.{key}" if key in Training.model_fields else key: value for key, value in options.items()}
    config = resolve(cls.Config, {}, dotted)
    made = contract.make(cls, config)
    run = start(source, made, runs_root(Path(runs_dir) if runs_dir else None), callbacks=callbacks)
    assert run is not None  # a notebook is no worker
    return LoadedRun(run, made)


def start(
    source: str,
    recipe: Recipe,
    root: Path,
    *,
    argv: Sequence[str] = (),
    listener: Listener | None = None,
    callbacks: Sequence[Callback] = (),
    about: Mapping[str, Any] = NOTHING,
) -> Run | None:
    """Trains a recipe in a new run directory, and returns the run; None in workers other than the chief.

    `source` is what the user called the recipe, "" for a class. `argv` is the command, and `about` says more of why it
    is trained, both for the record.
    """
    training = recipe.config.training
    code = plugins.origin(type(recipe), source)
    cluster = _joined(recipe, code, root)
    with _nobody_gone(cluster), precision(training.precision):
        trainer = Trainer(recipe, cluster)
        origin = find_initial_weights(recipe, training.init_from, root) if training.init_from else None
        _initialise(trainer, origin)
        if not trainer.placement.chief:
            return _train(trainer, None, None, listener, callbacks)
        info = {
            **recipe_record.record(code),
            "argv": list(argv),
            "seed": training.seed,
            "versions": versions(code.distribution),
            "git": git_revision(),
            "machine": seal.machine(),
            "platform": platform.platform(),
            **trainer.describe(),
            **about,
        }
        if origin:
            info |= {"init_from": origin.origin, "init_sha256": origin.sha256}  # "latest" will be another one
        info["seal"] = seal.seal({"recipe": recipe.name, **info}, recipe.config)
        run = Run.create(root, recipe.name, to_yaml(recipe.name, recipe.config), info)
        write_json(run.path / "facts.json", dict(trainer.data.facts))
        log.info("run folder %s", run.path)
        return _train(trainer, run, None, listener, callbacks)


def _joined(recipe: Recipe, code: Origin, folder: Path) -> Cluster | None:
    """The cluster of a multiworker training, once all workers are there and are about to train the same."""
    training = recipe.config.training
    if training.strategy != "multiworker":
        return None
    cluster = find_cluster(training.cluster, training.wait_minutes)
    plugin = recipe_record.record(code)["plugin"]
    facts = {
        "recipe": recipe.name,
        **seal.values_of(recipe.config),
        **{f"the version of {name}": version for name, version in versions(code.distribution).items()},
        "the code of the recipe": plugin.get("sha256") or plugin.get("version"),
    }
    shake_hands(cluster, facts, folder, training.wait_minutes)
    return cluster


def _initialise(trainer: Trainer, origin: InitialWeights | None) -> None:
    """Takes the weights that `--init-from` names, if it names some."""
    if origin is None:
        return
    filled = trainer.initialise_from(origin)
    log.info("weights of %s from %s", ", ".join(filled), origin.origin)
    if left := [f"{name}'s {key}" for name, keys in filled.items() for key in keys]:
        log.info("of another shape there, and therefore begun afresh: %s", ", ".join(left))


def _origin(run: Run, recipe: Recipe) -> InitialWeights | None:
    """The weights that a run began with, found again.

    Raises:
        DataError: They have changed since.
    """
    if "init_from" not in run.info:
        return None
    found = find_initial_weights(recipe, str(run.info["init_from"]), run.path.parent.parent)
    if found.sha256 != run.info.get("init_sha256", found.sha256):  # runs of earlier versions kept no hash
        raise DataError(f"the weights of {found.origin} have changed since the run began", "begin a new run")
    return found


def fit(recipe: Recipe) -> dict[str, Any]:
    """Trains a recipe without a record: for what trains many times over, such as a backtest.

    Args:
        recipe: With its configuration.

    Returns:
        Network -> `keras.Model`, as a run's user gets them: averaged, float32, frozen.

    Raises:
        Stopped: A signal asked for it.
        NonFinite: A loss or a gradient is not a number.

    Examples:
        >>> fit(recipe)["generator"].count_params()  # doctest: +SKIP
        1234
    """
    with precision(recipe.config.training.precision), stop_on_signals() as stop:
        trainer = Trainer(recipe)
        position = trainer.plan()
        with stop.asked():
            trainer.train(None, position, stop)
        return trainer.viewed()


def resume(run: Run, *, listener: Listener | None = None, **changes: Any) -> Run | None:
    """Goes on with a run from its newest usable checkpoint, or from the beginning, with its frozen configuration.

    A run that is done is left as it is, and given a report if it has none.

    Args:
        run: The run.
        listener: Told of the progress.
        **changes: Options of `WHERE`, if it is computed elsewhere than before: the same training in meaning, no longer
            bit by bit.

    Raises:
        RunLocked: A process is still writing it.
        UsageError: Its configuration has been edited since it began, or `changes` name something else.
        CheckpointError: It has no usable checkpoint.
        DataError: The data are not those that it was trained on.
    """
    if run.info["status"] == "done":
        log.info("%s is done", run.path)
        if not (run.path / "report.html").is_file():
            _report(run, {})
        return run
    recipe = recipe_of(run)
    seal.check(run, recipe.config, versions(str(run.info.get("plugin", {}).get("distribution", ""))))
    if others := sorted(set(changes) - set(WHERE)):
        raise UsageError(f"{others[0]} cannot change when a run goes on", f"what can: {', '.join(WHERE)}")
    if given := {key: value for key, value in changes.items() if value is not None}:
        training = Training.model_validate({**recipe.config.training.model_dump(), **given})
        recipe = contract.make(type(recipe), recipe.config.model_copy(update={"training": training}))
    cluster = _joined(recipe, plugins.origin(type(recipe), str(run.info.get("source", ""))), run.path)
    with _nobody_gone(cluster, run), precision(recipe.config.training.precision):
        trainer = Trainer(recipe, cluster)
        if fingerprints(trainer.data) != run.info["data"]["fingerprint"]:
            raise DataError("the training data have changed since the run began", "a changed data set needs a new run")
        position = None
        if checkpoint.checkpoints(run.checkpoints):
            position, tensors, _ = checkpoint.restore(run.checkpoints)
            trainer.restore(tensors)
        else:  # it was stopped before the first one
            _initialise(trainer, _origin(run, recipe))
        return _train(trainer, run if trainer.placement.chief else None, position, listener)


def _train(
    trainer: Trainer,
    run: Run | None,
    position: checkpoint.Position | None,
    listener: Listener | None,
    callbacks: Sequence[Callback] = (),
) -> Run | None:
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals())
        if run is not None:
            stack.enter_context(run.locked())
            stack.enter_context(_logged_to(run))
            stack.enter_context(_recorded(run, stop))
        stack.enter_context(_nobody_gone(trainer.cluster, run))
        if position is not None:
            log.info("resuming %s from step %d", run.path if run else "", position.total)
        else:
            position = trainer.plan()
            trainer.save(run, position)
            if run is not None:
                trainer.sample(run, "step-000000000")
        if run is not None:
            recipe_record.keep(run, type(trainer.recipe), position.total)
            run.rewind(position.total)
            planned = {name: stage.stage.steps for name, stage in trainer.stages.items()}
            stages = [{"name": n, "steps": s, "planned_steps": planned[n]} for n, s in position.steps.items()]
            run.update(status="running", stages=stages, ended=None, error=None)
        with stop.asked():
            trainer.train(run, position, stop, listener, callbacks)
        if run is not None:
            _finish(trainer, run)
            recipe_record.keep(run, type(trainer.recipe), position.total)  # with what its methods have imported since
        trainer.placement.agree(0.0)  # workers leave together: TensorFlow takes an early leaver for a failure
    return run


@contextlib.contextmanager
def _nobody_gone(cluster: Cluster | None, run: Run | None = None) -> Iterator[None]:
    """Makes one line of what TensorFlow raises when another worker is gone."""
    from gankit.engine.source_errors import LOST

    try:
        yield
    except LOST as error:
        if cluster is None:
            raise
        raise GankitError(
            f"{cluster.gone()} is gone",
            "look at what it printed; then "
            + (f"gankit resume {run.path}" if run else "the same command")
            + ", on all workers",
        ) from error


def _finish(trainer: Trainer, run: Run) -> None:
    """The last figures and pictures; where either fails, the training is kept."""
    try:
        try:
            trainer.evaluate(run)
        except Exception:
            trainer.sample(run, "final")  # pictures are wanted all the more where figures fail
            raise
        trainer.sample(run, "final", required=True)
    except RecipeError as error:
        kept = f"the training is kept: mend this, and 'gankit resume {run.path}' goes on from here"
        error.hint = f"{error.hint} ({kept})" if error.hint else kept
        raise


@contextlib.contextmanager
def _recorded(run: Run, stop: Stop) -> Iterator[None]:
    """Keeps status, exit code, seconds and report up to date, however the training ends."""
    began = time.perf_counter()
    before = float(run.info.get("seconds") or 0.0)

    def close(status: str, code: int, error: str | None = None) -> None:
        stop.ignore()
        seconds = round(before + time.perf_counter() - began, 1)
        changes = {"status": status, "exit_code": code, "error": error, "ended": now(), "seconds": seconds}
        _report(run, changes)
        run.update(**changes)

    try:
        yield
    except Stopped as stopped:
        close(_status(stopped.exit_code), stopped.exit_code)
        raise
    except Ended as ended:  # before or after the steps, which raise Stopped
        close(_status(ended.exit_code), ended.exit_code)
        raise Stopped("by a signal", f"gankit resume {run.path}", ended.exit_code) from ended
    except KeyboardInterrupt:
        close("interrupted", 130)
        raise
    except GankitError as error:
        close("failed", error.exit_code, error.message)
        raise
    except BaseException as error:
        close("failed", 1, f"{type(error).__name__}: {error}")
        raise
    close("done", 0)


def _status(code: int) -> str:
    return "interrupted" if code == 130 else "preempted"


def _report(run: Run, changes: Mapping[str, Any]) -> None:
    try:
        write_report(run.path, changes)
    except Exception:
        log.warning("the report could not be written", exc_info=True)


@contextlib.contextmanager
def _logged_to(run: Run) -> Iterator[None]:
    handler = logging.FileHandler(run.path / "gankit.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()


def git_revision() -> str | None:
    """The commit of the folder that the user works in, if it is a Git checkout."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
