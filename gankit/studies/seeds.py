"""Trainings that differ by their seed alone, and the spread of their figures.

One training of a GAN says little: the figures of two seeds often lie further apart than those of two methods. Each seed
gets an ordinary run directory; `runs/<recipe>/seeds-<id>.json` names them and holds mean and standard deviation.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gankit import plugins
from gankit.config import RecipeConfig, Training, arguments
from gankit.engine import contract
from gankit.errors import ConfigError, GankitError, Stopped, UsageError
from gankit.metrics.evaluation import Evaluation
from gankit.recipe import Recipe
from gankit.runs.initial_weights import lasting_reference
from gankit.runs.run import Run
from gankit.runs.signals import Ended
from gankit.support.files import read_json, unwritable, write_json
from gankit.support.jobs import Jobs
from gankit.support.values import finite

if TYPE_CHECKING:
    from gankit.support.progress import Listener

log = logging.getLogger("gankit")

ALONE = Jobs()
OpenListener = Callable[[], AbstractContextManager["Listener | None"]]
"""Opens a listener for one training."""


@dataclass(frozen=True)
class Failure:
    """How the training of one seed failed: the error, and its run folder if it came so far."""

    error: Exception
    run: Path | None

    def as_dict(self) -> dict[str, Any]:
        """{"error", "hint", "run"} for JSON."""
        message, hint = described(self.error)
        return {"error": message, "hint": hint, "run": str(self.run) if self.run else None}


@dataclass
class SeedRuns:
    """The runs of several seeds.

    Attributes:
        recipe: The recipe's name.
        seeds: All that were asked for.
        runs: Seed -> its finished run.
        failed: Seed -> how it failed.
    """

    recipe: str
    seeds: Sequence[int]
    runs: dict[int, Run] = field(default_factory=dict)
    failed: dict[int, Failure] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The record of the set as JSON holds it, with figures as of `aggregate`."""
        found = [evaluation_of(run) for run in self.runs.values()]
        baselines = dict.fromkeys(name for one in found for name in one.baselines)
        done = {*self.runs, *self.failed}
        return {
            "recipe": self.recipe,
            "seeds": list(self.seeds),
            "runs": {str(seed): str(run.path) for seed, run in self.runs.items()},
            "metrics": aggregate([one.metrics for one in found]),
            "baselines": {name: aggregate([one.baselines.get(name, {}) for one in found]) for name in baselines},
            "better": dict(found[0].better) if found else {},
            "failed": {str(seed): failure.as_dict() for seed, failure in self.failed.items()},
            "left": [seed for seed in self.seeds if seed not in done],
            "steps": {str(seed): steps_of(run) for seed, run in self.runs.items()},
        }


def described(error: Exception) -> tuple[str, str]:
    """What happened and what to do, of an error of any kind."""
    if isinstance(error, GankitError):
        return error.message, error.hint
    return f"{type(error).__name__}: {error}", ""


def steps_of(run: Run) -> int:
    """Steps that a finished run was trained for."""
    return sum(stage["steps"] for stage in run.info.get("stages", ()))


def evaluation_of(run: Run) -> Evaluation:
    """A finished run's figures; empty if its evaluation.json cannot be read."""
    return Evaluation.from_dict(read_json(run.path / "evaluation.json"))


def aggregate(figures: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Mean and spread of figures.

    Args:
        figures: Metric -> figure, of each run.

    Returns:
        Metric -> {"mean", "sd" (of the sample, n - 1 below), "values"}. A run without a figure, or with one that is not
        finite, leaves None among the values and as the mean: a mean of the others would hide it. One run has no sd.
    """
    found = {}
    for metric in dict.fromkeys(name for one in figures for name in one):
        values = [one.get(metric) for one in figures]
        values = [float(value) if finite(value) else None for value in values]
        known = [value for value in values if value is not None]
        whole = len(known) == len(values)
        mean = math.fsum(known) / len(known) if whole else None
        found[metric] = {
            "mean": mean,
            "sd": statistics.stdev(known) if whole and len(known) > 1 else None,
            "values": values,
        }
    return found


def with_seed(config: RecipeConfig, seed: int, **changes: Any) -> Any:
    """The same configuration with another seed (and other values of the engine's fields)."""
    if seed >= 2**31:
        raise ConfigError(f"the seed {seed} is too large", "choose a smaller --seed, or fewer --seeds")
    trained = config.training.model_dump() | {"seed": seed, **changes}
    return config.model_copy(update={"training": Training.model_validate(trained)})


def of_many(recipe: type[Recipe], config: RecipeConfig, root: Path) -> Any:
    """The configuration of many runs, whose --init-from names its weights for good: "latest" would mean the one before.

    Raises:
        UsageError: Many runs cannot be trained so, or there are no such weights.
    """
    if config.training.strategy == "multiworker":
        raise UsageError(
            "several runs cannot be trained by several workers: TensorFlow joins a cluster once a process",
            "train each by itself, then 'gankit compare' the runs",
        )
    if not config.training.init_from:
        return config
    lasting = lasting_reference(contract.make(recipe, config), config.training.init_from, root)
    return with_seed(config, config.training.seed, init_from=lasting)


def command(source: str, config: RecipeConfig) -> list[str]:
    """The command that trains one configuration by itself."""
    return ["gankit", "run", source, *arguments(with_seed(config, 0)), "--seed", str(config.training.seed)]


def train_seeds(
    source: str,
    recipe: type[Recipe],
    config: RecipeConfig,
    count: int,
    root: Path,
    *,
    listening: OpenListener = contextlib.nullcontext,
    record: Callable[[SeedRuns], None] = lambda done: None,
    jobs: Jobs = ALONE,
) -> SeedRuns:
    """Trains one configuration with several seeds.

    Args:
        source: What the user called the recipe.
        recipe: Its class.
        config: The configuration; its seed is the first.
        count: How many seeds.
        root: The folder of all runs.
        listening: Opens a listener for each training; other processes have none.
        record: Told after each seed, and before a signal ends the rest.
        jobs: Where the seeds are trained; the runs are the same.

    Returns:
        The runs. A seed whose training fails is among the failed, and the others go on.

    Raises:
        Stopped: A signal ended the training of a seed, and thereby the rest.
        GankitError: No run could begin with the first seed: that has nothing to do with the seed.
    """
    config, first = of_many(recipe, config, root), config.training.seed
    configs = [with_seed(config, first + i) for i in range(count)]
    done, before = SeedRuns(recipe.name, [one.training.seed for one in configs]), _folders(root, recipe.name)
    try:
        for one, result in zip(configs, _trained(source, recipe, configs, root, listening, jobs), strict=True):
            seed = one.training.seed
            if isinstance(result, Failure):
                if result.run is None and not done.runs and not done.failed:
                    raise result.error
                log.warning("seed %d failed: %s", seed, described(result.error)[0])
                done.failed[seed] = result
            else:
                done.runs[seed] = Run(result)
            record(done)
    except (Stopped, Ended) as stopped:
        record(done)
        raise _stopped(stopped, source, done, _folders(root, recipe.name) - before) from stopped
    if len(steps := {steps_of(run) for run in done.runs.values()}) > 1:
        log.warning(
            "the seeds were trained for %d to %d steps, since each measured its speed anew: give --max-steps in place "
            "of --max-minutes for runs that differ by their seed alone",
            min(steps),
            max(steps),
        )
    return done


def _trained(
    source: str,
    recipe: type[Recipe],
    configs: Sequence[RecipeConfig],
    root: Path,
    listening: OpenListener,
    jobs: Jobs,
) -> Iterator[Path | Failure]:
    """The run, or how it failed, of each configuration; raises Stopped."""
    if jobs.here:
        for number, one in enumerate(configs, 1):
            log.info("seed %d (%d of %d)", one.training.seed, number, len(configs))
            with listening() as listener:
                yield train_one(source, recipe, one, root, listener)
        return
    root.mkdir(parents=True, exist_ok=True)
    calls = ((source, one.model_dump(mode="json"), root.resolve()) for one in configs)
    for number, (one, result) in enumerate(zip(configs, jobs.map(_elsewhere, calls, shared=[root]), strict=True), 1):
        log.info("seed %d is trained (%d of %d): %s", one.training.seed, number, len(configs), result)
        yield result


def _elsewhere(source: str, values: Mapping[str, Any], root: Path) -> Path | Failure:
    """`train_one` in another process, which imports the recipe anew."""
    recipe = plugins.find(source).recipe
    result = train_one(source, recipe, recipe.Config.model_validate(values), root)
    if isinstance(result, Failure) and not isinstance(result.error, GankitError):  # which may not survive the way back
        return Failure(GankitError(*described(result.error)), result.run)
    return result


def train_one(
    source: str, recipe: type[Recipe], config: RecipeConfig, root: Path, listener: Listener | None = None
) -> Path | Failure:
    """Trains one configuration.

    Returns:
        The run's folder, or how it failed.

    Raises:
        Stopped: A signal ended it.
    """
    from gankit.runs import training

    before = _folders(root, recipe.name)
    try:
        argv = command(source, config)
        run = training.start(source, contract.make(recipe, config), root, argv=argv, listener=listener)
        assert run is not None  # only workers get none
        return run.path
    except Stopped:
        raise
    except Exception as error:
        log.debug("traceback", exc_info=True)
        return Failure(error, _made(_folders(root, recipe.name) - before, config.training.seed))
    finally:
        gc.collect()  # networks and graphs refer to each other in circles


def _folders(root: Path, recipe: str) -> set[Path]:
    return {path.parent for path in root.glob(f"{recipe}/*/run.json")}


def _made(folders: Iterable[Path], seed: int) -> Path | None:
    """The folder of a training that failed, among the new ones; other processes may have made some."""
    for path in sorted(folders):
        with contextlib.suppress(GankitError):
            if Run(path).info.get("seed") == seed:
                return path
    return None


def _stopped(stopped: Stopped | Ended, source: str, done: SeedRuns, made: set[Path]) -> Stopped:
    """The error with a hint on the whole set."""
    open_seeds = [seed for seed in done.seeds if seed not in {*done.runs, *done.failed}]
    begun = {seed: path for seed in open_seeds if (path := _made(made, seed))}
    again = [f"gankit resume {path}" for path in begun.values()] or [getattr(stopped, "hint", "")]
    if left := [seed for seed in open_seeds if seed not in begun]:
        seeds = ", ".join(map(str, left))
        many = f"--seed {left[0]} --seeds {len(left)}"
        again.append(f"train what is left (seed {seeds}) with the same options and {many}")
    ready = " ".join(str(run.path) for run in done.runs.values())
    again.append(f"'gankit compare' these runs{f' with {ready}' if ready else ''}")
    return Stopped(str(stopped) or "by a signal", ", then ".join(filter(None, again)), stopped.exit_code)


def store(result: Mapping[str, Any], root: Path, recipe: str, kind: str, stamp: str) -> Path:
    """Writes `<root>/<recipe>/<kind>-<stamp>.json` and returns its path."""
    path = root / recipe / f"{kind}-{stamp}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    return write_json(path, result)
