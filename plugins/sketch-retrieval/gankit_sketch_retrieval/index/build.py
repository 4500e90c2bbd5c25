"""Pages in, index out: thousands of files, gone on with after a kill, and later only what is new or has changed.

Marks are embedded many at a time, across pages and files. Each such batch is one segment on the disk (see `partial`):
a build that was killed makes the same batches as one that was not, and with them the same bits.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from gankit import DataError, UsageError
from gankit.support import Jobs
from gankit_sketch_retrieval.features.encoder import Encoder
from gankit_sketch_retrieval.index.partial import Partial, Piece
from gankit_sketch_retrieval.index.rows import Document, Documents, Rows, identified
from gankit_sketch_retrieval.index.search import SearchSettings
from gankit_sketch_retrieval.index.store import Index, locked, occupied
from gankit_sketch_retrieval.pages.cutouts import Cut
from gankit_sketch_retrieval.pages.files import Page

log = logging.getLogger("gankit")

BATCH = 512  # marks
ALONE = Jobs()
Read = Callable[[Path, str], Iterable[Page]]
_PIXELS = 1 << 28  # of pages, after which a batch is closed even if there are few marks: some 30 scans of a minute


@dataclass
class Summary:
    """What a build did.

    Attributes:
        files: That are new in the index or were replaced.
        pages: Of these.
        marks: Of these.
        unchanged: Files that were in the index already.
        removed: Files that are no longer in it.
        resumed: Pages that an earlier, killed build had read.
        empty: Pictures without a mark, as text.
        skipped: Name of each file that could not be read, and why. If it was in the index, its marks are kept.
        seconds: Taken.
    """

    files: int = 0
    pages: int = 0
    marks: int = 0
    unchanged: int = 0
    removed: int = 0
    resumed: int = 0
    empty: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0


def build(
    path: Path,
    documents: Mapping[str, Path],
    read: Read,
    cut: Cut,
    encoder: Encoder,
    cutting: Mapping[str, Any] | None = None,
    settings: SearchSettings | None = None,
    batch: int = BATCH,
    forget: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
    jobs: Jobs = ALONE,
) -> Summary:
    """Makes an index, or brings one up to date.

    While it works, what was read is kept in the folder `<path>.partial`; the same command goes on from there.

    Args:
        path: The index.
        documents: Name and place of every file; results use the names.
        read: `(place, name)` to the pages of a file, in order; DataError, UsageError or OSError if it cannot be read.
        cut: A page to boxes `[n, 4]` and marks `[n, 64, 64]` uint8; may raise the same.
        encoder: Of the marks.
        cutting: Settings of `read` and `cut`, stored; they must not differ from those of an index that is there.
        settings: How it is searched; None leaves those of an index that is there.
        batch: Marks that are embedded at a time, at least.
        forget: Remove documents from the index that are neither named nor where they were.
        progress: Told before each page: files done, files in all, what comes now.
        jobs: Where files are read and cut, each by one process; the index is the same.

    Returns:
        What was done.

    Raises:
        UsageError: The index, or what is left of a killed build, was made with another encoder or cut otherwise; the
            file there is no index; two files have one name; another process builds it.
        DataError: No file could be read, or the index cannot be read or written.
    """
    began = time.monotonic()
    about = {"fingerprint": encoder.fingerprint, "settings": encoder.settings}
    meta = {"encoder": about, "cutting": dict(cutting or {})}
    folder = path.with_name(path.name + ".partial")
    with locked(folder):
        partial = Partial(folder, meta)
        told = progress or (lambda *_: None)
        builder = _Builder(path, documents, read, cut, encoder, meta, partial, settings, batch, forget, told, jobs)
        summary = builder.run()
    summary.seconds = time.monotonic() - began
    return summary


class _Unreadable(Exception):
    """A file that is left out, and why."""


@dataclass(frozen=True)
class _CutPage:
    """What is kept of a page: its number, how many pixels it has, and its marks with their boxes."""

    number: int
    pixels: int
    boxes: np.ndarray
    marks: np.ndarray


@dataclass(frozen=True)
class _Work:
    """A document that is to be read, from some page on."""

    document: Document
    place: Path
    first: int

    def cut_pages(self, read: Read, cut: Cut) -> Iterator[_CutPage]:
        """Its pages, one at a time; raises _Unreadable."""
        with _leaving_out():
            for page in itertools.islice(read(self.place, self.document.name), self.first, None):
                yield _CutPage(page.number, page.pixels.size, *cut(page))


def _cut_document(work: _Work, read: Read, cut: Cut) -> tuple[list[_CutPage], _Unreadable | None]:
    """All pages of a document, up to one that cannot be read: what another process makes of it."""
    found: list[_CutPage] = []
    try:
        found.extend(work.cut_pages(read, cut))  # keeps what comes before an error
    except _Unreadable as error:
        return found, error
    return found, None


@dataclass
class _Builder:
    """The work of `build`; fields are named as its arguments."""

    path: Path
    documents: Mapping[str, Path]
    read: Read
    cut: Cut
    encoder: Encoder
    meta: Mapping[str, Any]
    partial: Partial
    settings: SearchSettings | None
    batch: int
    forget: bool
    progress: Callable[[int, int, str], None]
    jobs: Jobs

    def __post_init__(self) -> None:
        self.summary, self.open = Summary(), _Batch()

    def run(self) -> Summary:
        known = Documents()
        if occupied(self.path):
            index = Index.load(self.path)
            index.check(self.meta)
            known = index.documents
        fresh, moved = self._gather(known)
        count = len(self.documents)
        if not fresh and not len(known):
            self.partial.remove()
            reason = ": {}: {}".format(*self.summary.skipped[0]) if self.summary.skipped else ""
            raise DataError(f"none of {count} files could be read{reason}", "name images of marks or pages")
        self.progress(count, count, "writing the index")
        self._merge(fresh, moved)
        self.partial.remove()
        return self.summary

    def _gather(self, known: Documents) -> tuple[list[Document], list[Document]]:
        """Reads what is new or has changed.

        Returns:
            The documents all of whose pages are in segments, and those that are in the index but were moved or touched.
        """
        fresh, moved, todo = [], [], []
        for at, (name, place) in enumerate(self.documents.items()):
            self.progress(at - len(todo), len(self.documents), name)
            before = known.named(name)
            try:
                with _leaving_out():
                    document = identified(name, place, before, self.partial.known(name))
            except _Unreadable as error:
                self._leave_out(name, error)
                continue
            if before and before.sha256 == document.sha256:
                self.summary.unchanged += 1
                if before != document:
                    moved.append(document)
                continue
            _distinct(before, document)
            read = self.partial.of(document)
            self.summary.resumed += read.pages
            if read.complete:
                fresh.append(document)
            else:
                todo.append(_Work(document, place, read.pages))
        for at, (work, pages) in enumerate(zip(todo, self._cut(todo), strict=True), len(self.documents) - len(todo)):
            try:
                self._take(work, pages, at)
                fresh.append(work.document)
            except _Unreadable as error:
                self._leave_out(work.document.name, error)
        self._close()
        return fresh, moved

    def _leave_out(self, name: str, error: _Unreadable) -> None:
        log.warning("%s is left out: %s", name, error)
        self.summary.skipped.append((name, str(error)))

    def _cut(self, todo: Sequence[_Work]) -> Iterator[Iterator[_CutPage]]:
        """The pages of each document: here when they are asked for, elsewhere all of a document at once."""
        if self.jobs.here:
            return (work.cut_pages(self.read, self.cut) for work in todo)
        calls = ((work, self.read, self.cut) for work in todo)
        return (_until(*found) for found in self.jobs.map(_cut_document, calls, [work.place for work in todo[:1]]))

    def _take(self, work: _Work, pages: Iterator[_CutPage], at: int) -> None:
        """Puts a document's pages into batches, which become segments."""
        document = work.document
        self.open.begin(document, work.first)
        for page in pages:
            self.progress(at, len(self.documents), f"{document.name}, page {page.number}")
            if not len(page.marks):
                self.summary.empty.append(f"{document.name}, page {page.number}")
            self.open.page(page)
            if self.open.marks >= self.batch or self.open.pixels >= _PIXELS:
                self._close()
                self.open.begin(document, self.partial.of(document).pages)
        self.open.complete()

    def _close(self) -> None:
        """Embeds the open batch, and makes it a segment."""
        pieces, owners, pages, boxes, marks = self.open.columns()
        if any(piece.pages or piece.complete for piece in pieces):
            vectors = self.encoder.embed(marks) if len(marks) else np.empty((0, self.encoder.dim))
            rows = Rows.of([piece.document for piece in pieces], owners, pages, boxes, vectors)
            self.partial.append(pieces, rows)
        self.open = _Batch()

    def _merge(self, fresh: list[Document], moved: list[Document]) -> None:
        """Puts what was read in the place of what it replaces."""
        there = occupied(self.path)
        # Loaded anew: others may have changed it in the meantime, which is as long as all the reading took.
        index = Index.load(self.path) if there else Index.create(self.encoder.dim, self.meta, self.settings)
        index.check(self.meta)
        gone = [name for name in index.documents.names if self._gone(index, name)]
        replaced = [document.name for document in fresh if document.name in index.documents.numbers]
        changed = bool(fresh or moved or gone or not there) or self.settings not in (None, index.settings)
        if changed:
            rows = self.partial.merged(fresh, self.encoder.dim)
            index.settings = self.settings or index.settings
            index.delete([*gone, *replaced])
            index.renew(moved)
            index.add(rows)
            index.save(self.path)
            self.summary.marks = len(rows)
        self.summary.files, self.summary.removed = len(fresh), len(gone)
        self.summary.pages = sum(self.partial.of(document).pages for document in fresh)

    def _gone(self, index: Index, name: str) -> bool:
        """Whether a document is to be forgotten."""
        document = index.documents.named(name)
        return self.forget and name not in self.documents and bool(document) and not Path(document.path).exists()


class _Batch:
    """Marks that are embedded together, and the pieces of documents they are from."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.marks = self.pixels = 0
        self._pages: list[tuple[int, int, np.ndarray, np.ndarray]] = []

    def begin(self, document: Document, first: int) -> None:
        """What follows is of a document, from some page on."""
        self.pieces.append(Piece(document, first))

    def page(self, page: _CutPage) -> None:
        """One page."""
        self.pieces[-1] = replace(self.pieces[-1], pages=self.pieces[-1].pages + 1)
        self._pages.append((len(self.pieces) - 1, page.number, np.reshape(page.boxes, (-1, 4)), page.marks))
        self.marks, self.pixels = self.marks + len(page.marks), self.pixels + page.pixels

    def complete(self) -> None:
        """The document ends here."""
        self.pieces[-1] = replace(self.pieces[-1], complete=True)

    def columns(self) -> tuple[list[Piece], np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The pieces; of every mark its piece, its page, its box and its picture."""
        counts = [len(marks) for *_, marks in self._pages]
        owners = np.repeat([owner for owner, *_ in self._pages], counts).astype(np.int32)
        pages = np.repeat([number for _, number, *_ in self._pages], counts).astype(np.int32)
        boxes = np.concatenate([np.empty((0, 4), np.int32), *(boxes for *_, boxes, _ in self._pages)])
        marks = [marks for *_, marks in self._pages if len(marks)]
        return self.pieces, owners, pages, boxes, np.concatenate(marks) if marks else np.empty((0, 64, 64), np.uint8)


def _until(pages: Sequence[_CutPage], error: _Unreadable | None) -> Iterator[_CutPage]:
    yield from pages
    if error:
        raise error


@contextlib.contextmanager
def _leaving_out() -> Iterator[None]:
    """Tells what goes wrong with a file from what goes wrong with the index."""
    try:
        yield
    except (DataError, UsageError) as error:
        raise _Unreadable(f"{error.message} ({error.hint})" if error.hint else error.message) from error
    except OSError as error:
        raise _Unreadable(error.strerror or str(error)) from error


def _distinct(before: Document | None, document: Document) -> None:
    """Refuses to put a file in the place of another one of the same name."""
    if before and before.path not in ("", document.path) and Path(before.path).exists():
        message = f"the index has {before.name} from {before.path}, which is not {document.path}"
        raise UsageError(message, "index folders with equal file names apart, or the folder that holds both")
