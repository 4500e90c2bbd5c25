"""Making an index, and bringing it up to date."""

from __future__ import annotations

import dataclasses
import logging
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from gankit.errors import UsageError
from gankit_sketch_retrieval.features.encoder import Encoder
from gankit_sketch_retrieval.index.build import build
from gankit_sketch_retrieval.index.search import SearchSettings
from gankit_sketch_retrieval.index.store import Index
from gankit_sketch_retrieval.pages.reading import Page, documents, pages
from gankit_sketch_retrieval.use import opening
from gankit_sketch_retrieval.use.cutting import cutting

log = logging.getLogger("gankit")

EVERY = 5.0  # seconds between lines of progress


def index(
    sources: Sequence[Path],
    output: Path,
    *,
    delete: Iterable[str],
    forget: bool,
    search: str | None,
    kind: str,
    limit: int,
    run: str,
    runs_dir: Path | None,
) -> dict[str, Any]:
    """What `gankit sketch-retrieval index` does; the arguments are its options.

    Raises:
        UsageError: There is nothing to do, or the index was made otherwise.
        DataError: No file can be read.
    """
    if not sources and not delete and not forget:
        raise UsageError("nothing to index", "name folders or files of marks or pages")
    if sources and delete:
        raise UsageError("--delete goes without sources, which would be read again", "delete first, then index")
    gone = _deleted(output, delete)
    result: dict[str, Any] = {"files": 0, "pages": 0, "marks": 0, "skipped": [], "seconds": 0.0}
    if sources or forget:
        encoder = opening.encoder(run, runs_dir)
        settings = SearchSettings(kind=search) if search else None
        with Lines() as progress:
            made = build_from(output, named(sources), encoder, kind, limit, settings, forget, progress)
        result |= made
    found = Index.load(output)
    lost = sum(1 for path in found.documents.paths if path and not Path(path).is_file())
    if lost:
        log.warning("%s documents of the index are no longer where they were; --forget takes them out", f"{lost:,}")
    return {**result, "deleted": gone, "index": str(output), "all": len(found), "kind": found.kind}


def build_from(
    output: Path,
    files: dict[str, Path],
    encoder: Encoder,
    kind: str,
    limit: int,
    settings: SearchSettings | None = None,
    forget: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:
    """Indexes files; the arguments are those of `build` and `cutting`."""
    about = {"kind": kind, "limit": limit, "stretch": encoder.stretch}
    cut, empty = cutting(kind, encoder.stretch, limit), []

    def counted(page: Page) -> tuple[np.ndarray, np.ndarray]:
        boxes, marks = cut(page)
        if not len(marks):
            empty.append(f"{page.document}, page {page.number}")
        return boxes, marks

    summary = build(output, files, pages, counted, encoder, about, settings, forget=forget, progress=progress)
    if empty:
        log.warning("no mark was found on %s pictures (%s, say)", f"{len(empty):,}", empty[0])
    return {**dataclasses.asdict(summary), "empty": len(empty)}


def named(sources: Sequence[Path]) -> dict[str, Path]:
    """Name -> file, of all sources: relative to the folder that was named; two files of one name get their folders'.

    Raises:
        UsageError: A source holds nothing that can be read.
        DataError: As of `documents`.
    """
    found: dict[str, Path] = {}
    for source in sources:
        for path in documents(source):
            name = path.relative_to(source).as_posix() if source.is_dir() else path.name
            if found.get(name, path).resolve() != path.resolve():
                name = path.as_posix()
            found[name] = path
    return found


def _deleted(path: Path, names: Iterable[str]) -> int:
    """Removes documents from an index; returns how many marks went."""
    if not (wanted := list(names)):
        return 0
    found = Index.load(path)
    count = found.delete(wanted)
    found.save(path)
    return count


class Lines:
    """Progress: a bar on a terminal, a line now and then elsewhere."""

    def __enter__(self) -> Lines:
        self._spoke, self._bar = time.monotonic(), None
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int, text: str) -> None:
        """Shows how far it is."""
        if sys.stderr.isatty():
            self._draw(done, total, text)
        elif time.monotonic() - self._spoke >= EVERY:
            self._spoke = time.monotonic()
            click.echo(f"{done}/{total}  {text}", err=True)

    def _draw(self, done: int, total: int, text: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        if self._bar is None:
            columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=total)
            self._bar.start()
        self._bar.update(self._task, completed=done, total=total, description=text)
