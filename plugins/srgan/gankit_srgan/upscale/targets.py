"""Which pictures, and where their enlargements go."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gankit.errors import DataError, UsageError
from gankit.images import EXTENSIONS, list_images
from gankit_srgan.upscale.exif import pages_are_alike
from gankit_srgan.upscale.formats import BY_SUFFIX, FORMATS
from gankit_srgan.upscale.pictures import header


@dataclass(frozen=True)
class Job:
    """A picture to enlarge.

    Attributes:
        source: The file.
        target: The file to be written.
        format: Of the target, a key of `formats.FORMATS`.
        pages: Pages or frames of the source that go into the target; None for the first of those that there are.
    """

    source: Path
    target: Path
    format: str
    pages: tuple[int, ...] | None = None


def plan(
    inputs: Sequence[str], output: Path | None, format: str | None, factor: str, existing: str, frames: str = "first"
) -> list[Job]:
    """Names the output of every input.

    Args:
        inputs: Files, folders (with their subfolders) and globs.
        output: A file for a single picture, a folder otherwise; None to write beside each input, with `_x4` added.
        format: A key of `formats.FORMATS`; by the name of the output, or as the input, if None.
        factor: For names: "4", "2.5".
        existing: What is done about outputs that exist: "refuse", "replace" or "skip".
        frames: "first" or "all": of files with several pages or frames.

    Returns:
        What is to be done; with "skip", what is left to do.

    Raises:
        UsageError: An input is not there; outputs exist, two inputs want the same one, or an input would be replaced.
        DataError: A folder holds no picture.
    """
    found: dict[Path, tuple[Path, Path]] = {}  # in full -> as it was named, and its path below the folder named
    folders: list[Path] = []
    for text in inputs:
        for place in _places(text):
            folders += [place.resolve()] if place.is_dir() else []
            for file in list_images(place):
                name = file.relative_to(place) if place.is_dir() else Path(file.name)
                found.setdefault(file.parent.resolve() / file.name, (file, name))  # a link is a picture of its own
    single = output is not None and not _is_folder(output)
    if single and len(found) > 1:
        raise UsageError(f"{len(found)} pictures cannot go into the file {output}", "give a folder: -o FOLDER")
    if output is None and folders:
        raise UsageError("no place is given for the enlarged pictures of a folder", "-o FOLDER")
    if output is not None and not single:
        within = output.resolve()
        if any(folder in within.parents for folder in folders):  # there lie the enlargements of an earlier run
            found = {file: names for file, names in found.items() if within not in file.resolve().parents}
    jobs = [_job(file, name, output, single, format, factor) for file, name in found.values()]
    if frames == "all":
        jobs = [part for job in jobs for part in _parts(job, chosen=single or format is not None)]
    _refuse_clashes(jobs)
    there = [job.target for job in jobs if job.target.exists()]
    if there and existing == "refuse":
        rest = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise UsageError(f"{there[0]}{rest} exists already", "--force replaces, --skip-existing makes what is missing")
    return [job for job in jobs if existing != "skip" or job.target not in there]


def _places(text: str) -> list[Path]:
    """A file or folder, or what a glob finds."""
    if Path(text).exists() or not glob.has_magic(text):
        if not Path(text).exists():
            raise UsageError(f"no such file or folder: {text}", "check the path")
        return [Path(text)]
    files = sorted(Path(name) for name in glob.glob(text, recursive=True))
    files = [file for file in files if file.is_dir() or file.suffix.lower() in EXTENSIONS]
    if not files:
        raise UsageError(f"nothing matches {text}", "check the path")
    return files


def _is_folder(output: Path) -> bool:
    return output.is_dir() or not output.suffix


def _job(file: Path, name: Path, output: Path | None, single: bool, format: str | None, factor: str) -> Job:
    if single:
        assert output is not None
        named = BY_SUFFIX.get(output.suffix.lower())
        if named is None:
            known = " ".join(sorted(BY_SUFFIX))
            raise UsageError(f"{output}: gankit cannot write {output.suffix!r}", f"it writes {known}")
        if format not in (None, named):
            raise UsageError(
                f"{output} is not a file of the format {format}", "leave --format out, or rename the output"
            )
        return Job(file, output, named)
    same = BY_SUFFIX.get(file.suffix.lower())
    kind = format or same or "png"
    suffix = file.suffix if kind == same else FORMATS[kind].suffixes[0]
    if output is None:
        return Job(file, file.with_name(f"{file.stem}_x{factor}{suffix}"), kind)
    return Job(file, output / name.with_suffix(suffix), kind)


def _parts(job: Job, chosen: bool) -> list[Job]:
    """All pages or frames of a file.

    Pages go into one TIFF, frames into one animated WebP, if they are alike and that is the output's format; else each
    goes into a file with its number.

    Args:
        job: As if the first were meant.
        chosen: Whether the user wants the format; if not, an animation becomes a WebP.
    """
    try:
        head = header(job.source)
    except DataError:  # told when its turn comes
        return [job]
    if head.pages == 1:
        return [job]
    numbers = range(head.pages)
    if head.parts == "pages":
        together, alike = "tif", job.format == "tif" and pages_are_alike(job.source, head.pages)
    else:
        together, alike = "webp", bool(head.delays)
        if alike and not chosen and job.format != together:
            job = replace(job, target=job.target.with_suffix(FORMATS[together].suffixes[0]), format=together)
    if alike and job.format == together:
        return [replace(job, pages=tuple(numbers))]
    digits = max(3, len(str(head.pages)))
    stem, suffix = job.target.stem, job.target.suffix
    names = [f"{stem}_{number + 1:0{digits}}{suffix}" for number in numbers]
    return [replace(job, target=job.target.with_name(names[number]), pages=(number,)) for number in numbers]


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    seen: dict[Path, Path] = {}
    sources = {job.source.resolve() for job in jobs}
    for job in jobs:
        place = job.target.resolve()
        if place in seen:
            raise UsageError(
                f"{seen[place]} and {job.source} would both become {job.target}", "rename one, or enlarge them apart"
            )
        seen[place] = job.source
        if place in sources:
            raise UsageError(f"{job.target} is an input; it would be lost", "write into another folder: -o FOLDER")
