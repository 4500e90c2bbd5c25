"""Pages in, index out: thousands of files, gone on with after a kill, and later only what is new or has changed.

Marks are embedded many at a time, across pages and files. Each such batch is one segment on the disk (see `partial`):
a build that was killed makes the same batches as one that was not, and with them the same bits.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from gankit import DataError, UsageError
from gankit_sketch_retrieval.features.encoder import Encoder
from gankit_sketch_retrieval.index.partial import Partial, Piece
from gankit_sketch_retrieval.index.rows import Document, Documents, Rows, identified
from gankit_sketch_retrieval.index.search import SearchSettings
from gankit_sketch_retrieval.index.store import Index, locked, occupied
from gankit_sketch_retrieval.pages.cutouts import Cut
from gankit_sketch_retrieval.pages.files import Page

log = logging.getLogger("gankit")

BATCH = 512  # marks
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
        skipped: Name of each file that could not be read, and why. If it was in the index, its marks are kept.
        seconds: Taken.
    """

    files: int = 0
    pages: int = 0
    marks: int = 0
    unchanged: int = 0
    removed: int = 0
    resumed: int = 0
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
        summary = _Builder(path, documents, read, cut, encoder, meta, partial, settings, batch, forget, told).run()
    summary.seconds = time.monotonic() - began
    return summary


class _Unreadable(Exception):
    """A file that is left out, and why."""


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
        fresh, moved = [], []
        for done, (name, place) in enumerate(self.documents.items()):
            self.progress(done, len(self.documents), name)
            before = known.named(name)
            try:
                with _leaving_out():
                    document = identified(name, place, before, self.partial.known(name))
                if before and before.sha256 == document.sha256:
                    self.summary.unchanged += 1
                    if before != document:
                        moved.append(document)
                    continue
                _distinct(before, document)
                self._take(document, place, lambda text, done=done: self.progress(done, len(self.documents), text))
                fresh.append(document)
            except _Unreadable as error:
                log.warning("%s is left out: %s", name, error)
                self.summary.skipped.append((name, str(error)))
        self._close()
        return fresh, moved

    def _take(self, document: Document, place: Path, tell: Callable[[str], None]) -> None:
        """Reads what is not in segments yet of a document."""
        done = self.partial.of(document)
        self.summary.resumed += done.pages
        if done.complete:
            return
        self.open.begin(document, done.pages)
        with _leaving_out():
            pages = itertools.islice(self.read(place, document.name), done.pages, None)
        while True:
            with _leaving_out():
                if (page := next(pages, None)) is None:
                    break
                tell(f"{document.name}, page {page.number}")
                boxes, marks = self.cut(page)
            self.open.page(page.number, page.pixels.size, boxes, marks)
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

    def page(self, number: int, pixels: int, boxes: np.ndarray, marks: np.ndarray) -> None:
        """One page."""
        self.pieces[-1] = replace(self.pieces[-1], pages=self.pieces[-1].pages + 1)
        self._pages.append((len(self.pieces) - 1, number, np.reshape(boxes, (-1, 4)), marks))
        self.marks, self.pixels = self.marks + len(marks), self.pixels + pixels

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
