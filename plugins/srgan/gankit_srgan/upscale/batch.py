"""Many pictures: looked at before the work, enlarged one after the other, none stopped by another's fault."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gankit.errors import GankitError, UsageError
from gankit_srgan.enlarger import Enlarger
from gankit_srgan.upscale.job import Result, Settings, Task, enlarge, prepare
from gankit_srgan.upscale.naming import Job
from gankit_srgan.upscale.progress import PictureProgress, duration

Say = Callable[[str, GankitError | None], None]
"""Is told of every picture: a sentence, or an error."""


@dataclass
class Summary:
    """What became of the pictures.

    Attributes:
        results: Of those that were enlarged.
        failed: Of the others: input, error and hint.
    """

    results: list[Result] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)

    def fail(self, job: Job, error: GankitError) -> None:
        """Notes a failure."""
        self.failed.append({"input": str(job.source), "error": error.message, "hint": error.hint})


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


def look(jobs: Sequence[Job], factor: float, summary: Summary, say: Say) -> list[Task]:
    """Reads all headers, and refuses what cannot work before anything is computed.

    Args:
        jobs: Pictures.
        factor: Of the results.
        summary: Is given the failures.
        say: Is told of them.

    Raises:
        GankitError: The disk is too small; or the only picture cannot be enlarged.
    """
    tasks = []
    for job in jobs:
        try:
            tasks.append(prepare(job, factor))
        except GankitError as error:
            if len(jobs) == 1:
                raise
            summary.fail(job, error)
            say(job.source.name, error)
    _check_disk(tasks)
    return tasks


def work(
    enlarger: Enlarger,
    tasks: Sequence[Task],
    settings: Settings,
    summary: Summary,
    say: Say,
    progress: PictureProgress,
    alone: bool,
) -> None:
    """Enlarges.

    Args:
        enlarger: The network.
        tasks: From `look`.
        settings: How.
        summary: Is given results and failures.
        say: Is told of them.
        progress: Is told of finished pixels.
        alone: Whether the task was the only one, whose error is raised.

    Raises:
        GankitError: The only picture failed.
    """
    progress.begin(sum(task.pixels for task in tasks))
    for task in tasks:
        progress.name, before = task.job.source.name, progress.done
        try:
            result = enlarge(enlarger, task, settings, progress)
        except GankitError as error:
            if alone:
                raise
            progress.total -= task.pixels - (progress.done - before)
            summary.fail(task.job, error)
            say(task.job.source.name, error)
        else:
            summary.results.append(result)
            say(sentence(result), None)
            for note in result.notes:
                say(f"  note: {note}", None)


def sentence(result: Result) -> str:
    """A result in one line."""
    tiles = f", {result.tiles} tiles" if result.tiles > 1 else ""
    page = f"; {result.compare}" if result.compare else ""
    sizes = " to ".join(f"{width} x {height}" for width, height in (result.input_size, result.output_size))
    return f"{result.output}: {sizes}{tiles}, {duration(result.seconds)}{page}"


def _check_disk(tasks: Sequence[Task]) -> None:
    """Raises if a disk cannot take the results."""
    needed: dict[int, tuple[Path, int]] = {}
    for task in tasks:
        folder = next(parent for parent in task.job.target.resolve().parents if parent.exists())
        device = folder.stat().st_dev
        needed[device] = (folder, needed.get(device, (folder, 0))[1] + task.bytes)
    for folder, size in needed.values():
        free = shutil.disk_usage(folder).free
        if size > free:
            raise GankitError(
                f"the results may take {size / 1e9:.1f} GB, and {folder} has {free / 1e9:.1f} GB left",
                "--format jpg takes less; or write to another disk",
            )


def as_json(summary: Summary) -> dict[str, Any]:
    """For `--json`."""
    return {"results": [asdict(result) for result in summary.results], "failed": summary.failed}
