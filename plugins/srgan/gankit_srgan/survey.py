"""What a training would make of somebody's own photographs."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gankit.errors import DataError
from gankit.images import Reductions, Survey, survey_images
from gankit.support import human
from gankit_srgan.photos import smallest_side, split, test_files

log = logging.getLogger("gankit")


class Sieve:
    """Lets those photographs through that open and are large enough, and remembers the others.

    Args:
        reductions: The sizes at which they enter; `smallest` is the side of a crop.
        scale: Factor of enlargement.
    """

    def __init__(self, reductions: Reductions, scale: int) -> None:
        self.reductions, self.scale = reductions, scale
        self.left_out: dict[str, str] = {}

    def __call__(self, files: Sequence[Path]) -> list[Path]:
        """Decodes every photograph; warns of what it leaves out."""
        seen, crop = survey_images(files), self.reductions.smallest
        bad = {str(path): what for path, what in seen.unreadable.items()}
        for path, (height, width) in seen.sizes.items():
            whole = min(height, width) // self.scale * self.scale
            if not self.reductions.shapes(height, width) or whole < smallest_side(self.scale):
                bad[str(path)] = f"{width} x {height} pixels, smaller than a crop of {crop} x {crop}"
        if bad:
            named = "; ".join(f"{path}: {what}" for path, what in list(bad.items())[:10])
            more = f"; and {len(bad) - 10:,} more" if len(bad) > 10 else ""
            log.warning("left out %d of %d photographs: %s%s", len(bad), len(files), named, more)
            self.left_out |= bad
        return [path for path in files if str(path) not in bad]

    def facts(self) -> dict[str, Any]:
        """What was left out and why, for `Data.facts`."""
        return {"left_out": self.left_out} if self.left_out else {}


@contextlib.contextmanager
def naming_skip_bad(skipped: bool) -> Iterator[None]:
    """Adds the option to the hint of errors that it would spare."""
    try:
        yield
    except DataError as error:
        if not skipped and re.search("cannot read|too small|smaller than", error.message):
            error.hint = "; ".join(part for part in (error.hint, "--skip-bad trains without") if part)
        raise


def described(
    source: str, held_out: int | None, scale: int, reductions: Reductions, cache_mb: int
) -> tuple[dict[str, Any], str]:
    """Decodes every photograph.

    Args:
        source: A folder, a file or a dataset's name.
        held_out: As of `split`.
        scale: Factor of enlargement.
        reductions: The sizes at which the photographs enter; `smallest` is the side of a crop.
        cache_mb: Most memory for their pixels, in MB.

    Returns:
        `Recipe.check`; a photograph that is too small is among the problems.

    Raises:
        UsageError: There is no such source.
        DataError: There is no photograph in it.
    """
    lacks, crop, nbytes = "", reductions.smallest, 0
    try:
        train, test = split(source, held_out)
    except DataError as error:
        train, test, lacks = test_files(source), [], error.message
    seen = survey_images(sorted([*train, *test]))
    problems = dict(seen.unreadable)
    for path, size in seen.sizes.items():
        copies = reductions.shapes(*size)
        if path in test and min(size) // scale * scale < smallest_side(scale):
            problems[path] = f"{size[1]} x {size[0]} pixels, too small to be judged at x{scale}"
        elif path not in test and not copies:
            problems[path] = f"{size[1]} x {size[0]} pixels, smaller than a crop of {crop} x {crop}"
        elif path not in test:
            nbytes += sum(3 * height * width for height, width in copies)
    found = Survey({path: size for path, size in seen.sizes.items() if path not in problems}, problems)
    counts = {
        name: sum(path in found.sizes for path in paths) for name, paths in (("train", train), ("held_out", test))
    }
    facts = {"crop": crop, "training_bytes": nbytes, "cache_mb": cache_mb, "lacks": lacks}
    kept = "in memory" if nbytes <= 1e6 * cache_mb else f"on disk, being more than --cache-mb {cache_mb:,}"
    lines = [
        f"to train       {counts['train']}, in crops of {crop} x {crop} pixels out of {human(nbytes)} {kept}",
        f"held out       {counts['held_out']}",
    ]
    said = [f"to train       {lacks}"] if lacks else lines
    return {"folder": source, **found.facts(), **counts, **facts}, "\n".join([found.text(), *said])
