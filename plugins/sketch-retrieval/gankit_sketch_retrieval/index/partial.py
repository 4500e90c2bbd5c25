"""What a killed build leaves behind, and the next one goes on with: a folder of segments beside the index.

    marks.index.partial/segment-000001      marks of some pages, in the order in which they were read
    marks.index.partial/segment-000002      ...

A segment is written whole or not at all, so a kill loses at most what was not yet in one. A document can reach over
several: each names the *piece* of it that it holds, that is from which page on, how many, and whether it ends there.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field

from gankit import DataError, UsageError
from gankit_sketch_retrieval.index import container
from gankit_sketch_retrieval.index.rows import Document, Rows

log = logging.getLogger("gankit")


class _Facts(BaseModel):
    """What a segment says beside its arrays: first page, number of pages, and whether it is the last, of each piece."""

    meta: dict[str, Any]
    pieces: list[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)], bool]]


@dataclass(frozen=True)
class Piece:
    """Successive pages of a document.

    Attributes:
        document: Which.
        first: Pages of it before them.
        pages: How many.
        complete: Whether no page follows.
    """

    document: Document
    first: int
    pages: int = 0
    complete: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a document has been read, and in which segments its marks are."""

    document: Document
    pages: int = 0
    complete: bool = False
    segments: tuple[int, ...] = ()


class Partial:
    """The folder of segments; it is made when there is something to put in.

    Args:
        folder: Of the segments.
        meta: What determines the vectors, as of `Index.create`.

    Raises:
        UsageError: The segments were made with other parameters.
        DataError: The folder cannot be read.
    """

    def __init__(self, folder: Path, meta: Mapping[str, Any]) -> None:
        self.folder, self.meta = folder, json.loads(json.dumps(meta))
        self._read: dict[str, Progress] = {}
        self._count = 0
        for path in sorted(folder.glob("segment-*")):
            if not (number := path.name.removeprefix("segment-")).isdecimal():
                continue
            self._count = int(number)
            try:
                stored, rows = _opened(path)
            except DataError as error:
                log.warning("%s; its pages are read again", error.message)
                continue
            if stored.meta != self.meta:
                hint = f"go on with what it was begun with, or delete {folder} to begin anew"
                raise UsageError(f"{folder} was begun with another encoder or another way to cut out marks", hint)
            pieces = [Piece(document, *piece) for document, piece in zip(rows.documents, stored.pieces, strict=True)]
            self._note(self._count, pieces)

    def known(self, name: str) -> Document | None:
        """The document of that name as it was when its pages were read; None if none was."""
        return self._read[name].document if name in self._read else None

    def of(self, document: Document) -> Progress:
        """How far it has been read; not at all if it has changed since."""
        read = self._read.get(document.name)
        return read if read and read.document.sha256 == document.sha256 else Progress(document)

    def append(self, pieces: list[Piece], rows: Rows) -> None:
        """Adds a segment: pieces in the order of the rows' documents, and their marks.

        Raises:
            GankitError: It cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"cannot make {self.folder}: {error.strerror or error}", "name another folder") from error
        facts = {"meta": self.meta, "pieces": [[piece.first, piece.pages, piece.complete] for piece in pieces]}
        self._count += 1
        container.write(self._segment(self._count), facts, rows.arrays())
        self._note(self._count, pieces)

    def merged(self, documents: Iterable[Document], dim: int) -> Rows:
        """All marks, with vectors of `dim` numbers, of documents that are complete.

        Raises:
            DataError: A segment became unreadable meanwhile.
        """
        wanted = {document.name: document for document in documents}
        holders: dict[int, set[str]] = {}
        for name in wanted:
            for number in self._read[name].segments:
                holders.setdefault(number, set()).add(name)
        order: dict[str, int] = {}
        columns: dict[str, list[np.ndarray]] = {"owners": [], "pages": [], "boxes": [], "vectors": []}
        for number in sorted(holders):
            rows = _opened(self._segment(number))[1]
            stay = [at for at, name in enumerate(rows.documents.names) if name in holders[number]]
            rows, _ = rows.only(np.array(stay, np.intp))
            renumbered = np.array([order.setdefault(name, len(order)) for name in rows.documents.names], np.int32)
            columns["owners"].append(renumbered[rows.owners])
            for name in ("pages", "boxes", "vectors"):
                columns[name].append(getattr(rows, name))
        if not order:
            return Rows.none(dim)
        joined = {name: np.concatenate(parts) for name, parts in columns.items()}
        return Rows.of([wanted[name] for name in order], **joined)

    def remove(self) -> None:
        """Deletes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _note(self, number: int, pieces: Iterable[Piece]) -> None:
        """Takes pieces up; a document of which one is missing (its segment was damaged) is read again."""
        for piece in pieces:
            before = Progress(piece.document) if piece.first == 0 else self.of(piece.document)
            if before.pages == piece.first and not before.complete:
                segments = (*before.segments, number)
                pages = before.pages + piece.pages
                self._read[piece.document.name] = replace(
                    before, document=piece.document, pages=pages, complete=piece.complete, segments=segments
                )
            else:
                self._read.pop(piece.document.name, None)

    def _segment(self, number: int) -> Path:
        return self.folder / f"segment-{number:06d}"


def _opened(path: Path) -> tuple[_Facts, Rows]:
    facts, arrays, _ = container.read(path, mapped=False)
    try:
        stored, rows = _Facts.model_validate(facts), Rows.from_arrays(arrays)
        if len(stored.pieces) != len(rows.documents):
            raise ValueError("there is not one piece for each document")
    except ValueError as error:
        raise container.damaged(path, error) from error
    return stored, rows
