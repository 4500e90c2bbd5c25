"""Many pictures: looked at before the work, enlarged one after the other, none stopped by another's fault."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from gankit.commands import print_error
from gankit.errors import GankitError, UsageError
from gankit.support import Bar, Jobs, duration, human
from gankit_srgan.enlarger import Enlarger
from gankit_srgan.models import Choice
from gankit_srgan.upscale.automatic import Automatic
from gankit_srgan.upscale.job import Enlarged, Settings, Task, enlarge, prepare
from gankit_srgan.upscale.targets import Job


def factor_for(scales: Sequence[int], scale: int | None, outscale: float | None) -> tuple[int, float]:
    """Which network makes which factor.

    Args:
        scales: Factors of the networks that there are.
        scale: The network's factor that the user wants.
        outscale: The result's factor that the user wants.

    Returns:
        The network's factor and the result's: without a wish, the largest; for an `outscale`, the smallest network that
        reaches it.

    Raises:
        UsageError: There is none.
    """
    known = " and ".join(f"x{factor}" for factor in sorted(scales))
    if scale is not None and scale not in scales:
        raise UsageError(f"this model does not enlarge x{scale}", f"it does {known}")
    if outscale is None:
        chosen = scale or max(scales)
        return chosen, float(chosen)
    if not 1 <= outscale <= 4:
        hint = "enlarge the result once more" if outscale > 4 else "such as --outscale 2.5"
        raise UsageError(f"--outscale is between 1 and 4, not {outscale:g}", hint)
    reaching = [factor for factor in scales if factor >= outscale and scale in (None, factor)]
    if not reaching:
        raise UsageError(f"--outscale {outscale:g} is more than the network does", f"it does {known}")
    return min(reaching), outscale


class Batch:
    """Pictures, and what becomes of them; each is told on stderr.

    Args:
        jobs: The pictures. One that is alone raises its error; one among others is noted as failed.
        factor: Of the results.

    Attributes:
        results: Of those that were enlarged.
        failed: Of the others: input, error and hint.
    """

    def __init__(self, jobs: Sequence[Job], factor: float) -> None:
        self.jobs, self.factor = jobs, factor
        self.results: list[Enlarged] = []
        self.failed: list[dict[str, str]] = []

    def prepare(self) -> list[Task]:
        """Reads all headers, and refuses what cannot work before anything is computed.

        Raises:
            GankitError: The disk is too small; or the only picture cannot be enlarged.
        """
        tasks = []
        for job in self.jobs:
            try:
                tasks.append(prepare(job, self.factor))
            except GankitError as error:
                self._fail(job, error)
        _check_disk(tasks)
        return tasks

    def enlarge(self, choice: Choice | Automatic, tasks: Sequence[Task], settings: Settings, jobs: Jobs) -> None:
        """Enlarges.

        Args:
            choice: The network.
            tasks: From `prepare`.
            settings: How.
            jobs: Where; the pictures are the same.

        Raises:
            GankitError: The only picture failed.
        """
        before = 0
        with Bar("", sum(task.pixels for task in tasks), unit="share") as bar:
            results = _in_turn(choice, tasks, settings, bar) if jobs.here else _shared(choice, tasks, settings, jobs)
            for task, result in zip(tasks, results, strict=True):
                bar.clear()
                left = task.pixels - (bar.done - before)
                if isinstance(result, GankitError):
                    bar.total -= left
                    self._fail(task.job, result)
                else:
                    if left:  # another process told nothing of its progress
                        bar(left)
                    self.results.append(result)
                    click.echo("\n  note: ".join([sentence(result), *result.notes]), err=True)
                before = bar.done

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"results": [asdict(result) for result in self.results], "failed": self.failed}

    def _fail(self, job: Job, error: GankitError) -> None:
        if len(self.jobs) == 1:
            raise error
        self.failed.append({"input": str(job.source), "error": error.message, "hint": error.hint})
        print_error(error.message, error.hint)


def _in_turn(
    choice: Choice | Automatic, tasks: Sequence[Task], settings: Settings, bar: Bar
) -> Iterator[Enlarged | GankitError]:
    for task in tasks:
        bar.label = task.job.source.name
        yield _outcome(choice, task, settings, bar)


def _shared(
    choice: Choice | Automatic, tasks: Sequence[Task], settings: Settings, jobs: Jobs
) -> Iterator[Enlarged | GankitError]:
    folder = next(parent for parent in tasks[0].job.target.resolve().parents if parent.exists())
    return jobs.map(_outcome, ((choice, task, settings) for task in tasks), shared=[folder, tasks[0].job.source])


@functools.lru_cache(2)
def _opened(choice: Choice) -> Enlarger:
    return choice.opened()


def _outcome(
    choice: Choice | Automatic, task: Task, settings: Settings, done: Callable[[int], None] = lambda pixels: None
) -> Enlarged | GankitError:
    why: tuple[str, ...] = ()
    try:
        if isinstance(choice, Automatic):
            choice, reason = choice.of(task.header)
            why = (reason,)
        result = enlarge(_opened(choice), task, settings, done)
        return replace(result, notes=(*why, *result.notes))
    except GankitError as error:
        return error


def sentence(result: Enlarged) -> str:
    """A result in one line."""
    parts = "frames" if result.output.endswith(".webp") else "pages"
    frames = f", {len(result.frames)} {parts}" if len(result.frames) > 1 else ""
    tiles = f", {result.tiles} tiles" if result.tiles > 1 else ""
    page = f"; {result.compare}" if result.compare else ""
    sizes = " to ".join(f"{width} x {height}" for width, height in (result.input_size, result.output_size))
    return f"{result.output}: {sizes}{frames}{tiles}, {duration(result.seconds)}{page}"


def _check_disk(tasks: Sequence[Task]) -> None:
    """Raises if a disk cannot take the results, or a folder may not be written."""
    needed: dict[int, tuple[Path, int]] = {}
    for task in tasks:
        folder = next(parent for parent in task.job.target.resolve().parents if parent.exists())
        if not os.access(folder, os.W_OK):
            raise UsageError(f"the folder {folder} is read-only", "write into another folder: -o FOLDER")
        device = folder.stat().st_dev
        needed[device] = (folder, needed.get(device, (folder, 0))[1] + task.bytes)
    for folder, size in needed.values():
        free = shutil.disk_usage(folder).free
        if size > free:
            raise GankitError(
                f"the results may take {human(size)}, and {folder} has {human(free)} left",
                "--format jpg takes less; or write to another disk",
            )
