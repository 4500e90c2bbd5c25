"""An index: vectors of marks, where each was found, how they are searched, and all of it in one file."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import json
import logging
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from gankit import DataError, UsageError
from gankit.errors import ConfigError
from gankit_sketch_retrieval.index import container, search
from gankit_sketch_retrieval.index.rows import Document, Documents, Rows
from gankit_sketch_retrieval.index.search import Cells, SearchSettings

log = logging.getLogger("gankit")

_WAIT = 60  # seconds for another process to finish writing


class _Stored(BaseModel):
    """Part of a file, of which later versions may have more."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Maker(_Stored):
    fingerprint: str = ""
    settings: dict[str, Any] = {}


class _Meta(_Stored):
    encoder: _Maker = _Maker()
    cutting: dict[str, Any] = {}


class _Placed(_Stored):
    trained: Annotated[int, Field(ge=1)]
    recall: Annotated[float, Field(ge=0, le=1)]


class _Facts(_Stored):
    """What a file says beside its arrays."""

    meta: _Meta
    settings: dict[str, Any]
    next: Annotated[int, Field(ge=0, lt=2**62)]
    cells: _Placed | None


def _checked_ids(ids: np.ndarray | None, count: int, after: int) -> np.ndarray:
    if ids is None or ids.shape != (count,) or ids.dtype != np.int64:
        raise ValueError("ids: there is not one for each mark")
    if count and (ids[0] < 0 or ids[-1] >= after or (np.diff(ids) <= 0).any()):
        raise ValueError("ids: they do not rise")
    return ids


@dataclass(frozen=True)
class Entry:
    """Where a mark was found.

    Attributes:
        document: Its name.
        page: The first is 1.
        box: x0, y0, x1, y1 in pixels of the page, the last two exclusive.
    """

    document: str
    page: int
    box: tuple[int, int, int, int]


class Index:
    """Marks that can be searched. `create` makes an empty one, `load` reads a file.

    Attributes:
        rows: The marks as columns; they are replaced, never changed in place.
        meta: What determines the vectors, as JSON: the encoder's fingerprint and settings, how marks were cut out.
        settings: How it is searched.
    """

    def __init__(self, rows: Rows, meta: Mapping[str, Any], settings: SearchSettings) -> None:
        self.rows, self.settings = rows, settings
        self.meta: dict[str, Any] = json.loads(json.dumps(meta))  # a loaded one equals it: tuples are lists
        self._ids, self._next = np.arange(len(rows)), len(rows)  # faiss's; those of deleted marks are not used again
        self._cells: Cells | None = None
        self._origin: tuple[Path, bytes] | None = None

    @classmethod
    def create(cls, dim: int, meta: Mapping[str, Any], settings: SearchSettings | None = None) -> Index:
        """An empty one of vectors of `dim` numbers."""
        return cls(Rows.none(dim), meta, settings or SearchSettings())

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def dim(self) -> int:
        """Of the vectors."""
        return self.rows.vectors.shape[1]

    @property
    def documents(self) -> Documents:
        """All that were read, those without marks, too."""
        return self.rows.documents

    @property
    def kind(self) -> str:
        """How it is searched now: "exact" or "ivf"."""
        if self.settings.kind != search.AUTO:
            return self.settings.kind
        large = len(self) >= self.settings.ivf_from
        return search.IVF if large and search.faiss_or_none() is not None else search.EXACT

    @property
    def facts(self) -> dict[str, Any]:
        """All search parameters, with those that were found when the cells of an ivf index were placed."""
        return {**dataclasses.asdict(self.settings), "cells": self._cells.facts if self._cells else None}

    def entry(self, row: int) -> Entry:
        """Where the mark of a row was found."""
        rows = self.rows
        return Entry(rows.documents.names[rows.owners[row]], int(rows.pages[row]), tuple(rows.boxes[row].tolist()))

    def check(self, meta: Mapping[str, Any]) -> None:
        """Raises UsageError if vectors made with these parameters may not be compared with those in the index."""
        given = json.loads(json.dumps(meta))
        if wrong := [key for key in sorted({*given, *self.meta}) if given.get(key) != self.meta.get(key)]:
            message = f"the index was made with another {' and another '.join(wrong)}"
            own, other = self.meta.get("cutting", {}), given.get("cutting", {})
            keys = [key for key in sorted({*own, *other}) if own.get(key) != other.get(key)]
            if changes := ", ".join(f"{key} {own.get(key)}, not {other.get(key)}" for key in keys):
                message += f" ({changes})"
            raise UsageError(message, "name what it was made with, or make another index")

    def add(self, rows: Rows) -> None:
        """Adds marks of documents that are not in it yet.

        Raises:
            UsageError: A document is in it already, or the vectors have another length.
        """
        if twice := [name for name in rows.documents.names if name in self.documents.numbers]:
            raise UsageError(f"{twice[0]} is in the index already", "delete it from the index first")
        if rows.vectors.shape[1] != self.dim:
            raise UsageError(f"the index holds vectors of {self.dim} numbers, not of {rows.vectors.shape[1]}")
        ids = np.arange(self._next, self._next + len(rows))
        self.rows = self.rows.joined([rows])
        self._ids, self._next = np.append(self._ids, ids), self._next + len(rows)
        self._follow(lambda cells: cells.add(rows.vectors, ids))

    def delete(self, documents: Collection[str]) -> int:
        """Removes documents and all their marks.

        Args:
            documents: Their names.

        Returns:
            The number of marks that were removed.

        Raises:
            UsageError: One is not in the index.
        """
        gone = set(documents)
        if unknown := sorted(gone.difference(self.documents.numbers)):
            near = difflib.get_close_matches(unknown[0], self.documents.names, 3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it has {len(self.documents):,} documents"
            raise UsageError(f"{unknown[0]} is not in the index", hint)
        stay = np.array([number for number, name in enumerate(self.documents.names) if name not in gone], np.intp)
        before = self._ids
        self.rows, kept = self.rows.only(stay)
        self._ids = before[kept]
        self._follow(lambda cells: cells.remove(np.delete(before, kept)))
        return len(before) - len(kept)

    def renew(self, documents: Collection[Document]) -> None:
        """Takes note that files were moved or touched; their contents, and so their marks, are the same."""
        by_name = {document.name: document for document in documents}
        new = Documents.of(by_name.get(document.name, document) for document in self.documents)
        self.rows = dataclasses.replace(self.rows, documents=new)

    def search(self, queries: np.ndarray, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The marks most similar to a query.

        Args:
            queries: `[r, dim]` of unit length: one query, in r rotations; the largest dot product counts.
            k: How many.

        Returns:
            Scores float32 and rows int64, at most k of them, the best first, of equal ones the first row first.

        Raises:
            UsageError: The query does not fit the index, k is not positive, or faiss is missing.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        if queries.ndim != 2 or not len(queries) or queries.shape[1] != self.dim or not np.isfinite(queries).all():
            raise UsageError(
                f"a query of shape {queries.shape} does not fit an index of vectors of {self.dim} finite numbers"
            )
        if k < 1:
            raise UsageError(f"the number of results must be positive, not {k}")
        if not len(self):
            return np.empty(0, np.float32), np.empty(0, np.int64)
        if cells := self._ready():
            rows = np.searchsorted(self._ids, cells.candidates(queries, k))
        else:
            rows = search.exact(self.rows.vectors, queries, k)
        return search.ranked(self.rows.vectors, queries, rows, k)

    def save(self, path: Path) -> None:
        """Writes it whole or not at all.

        Args:
            path: An index that is there is replaced.

        Raises:
            UsageError: There is a file that is no index, another process writes to it, or faiss is missing.
            DataError: The file was changed by another process since it was loaded, or cannot be written.
        """
        path, cells = Path(os.path.realpath(path)), self._ready()
        facts = {"meta": self.meta, "settings": dataclasses.asdict(self.settings), "next": self._next}
        facts["cells"] = cells.facts if cells else None
        arrays = {**self.rows.arrays(), "ids": self._ids}
        if cells:
            arrays["cells"] = cells.packed()
        with locked(path, _WAIT):
            there = occupied(path)
            if self._origin and self._origin[0] == path and self._origin[1] != there:
                message = f"{path} was changed by another process since it was read"
                raise DataError(message, "run the command again; it starts from the new contents")
            self._origin = path, container.write(path, facts, arrays)

    @classmethod
    def load(cls, path: Path, mapped: bool = True) -> Index:
        """Reads a file, verified to the last bit.

        Args:
            path: Of `save`.
            mapped: Leave the columns in the file, from where the operating system fetches them; else read them now.

        Raises:
            DataError: It is no index, or a newer, a shortened or a damaged one.
        """
        path = Path(os.path.realpath(path))
        facts, arrays, digest = container.read(path, mapped)
        if "settings" not in facts:
            raise DataError(f"{path} is only a part of an index", "name the whole one")
        try:
            stored = _Facts.model_validate(facts)
            settings = TypeAdapter(SearchSettings).validate_python(stored.settings)
            index = cls(Rows.from_arrays(arrays), facts["meta"], settings)
            index._ids, index._next = _checked_ids(arrays.get("ids"), len(index), stored.next), stored.next
        except (ValueError, ConfigError) as error:
            raise container.damaged(path, error) from error
        index._origin = path, digest
        if stored.cells:
            if search.faiss_or_none() is not None:
                index._cells = index._unpacked(arrays.get("cells"), stored.cells, path)
            elif index.settings.kind == search.AUTO:
                log.info("without faiss all %d marks are compared; 'gankit-sketch-retrieval[faiss]' has it", len(index))
        return index

    def _unpacked(self, data: np.ndarray | None, facts: _Placed, path: Path) -> Cells:
        """The cells that a file holds."""
        try:
            if data is None or data.dtype != np.uint8 or data.ndim != 1:
                raise ValueError("there are none")
            return Cells.unpacked(data, facts.model_dump(), self._ids, self.dim)
        except (ValueError, RuntimeError, MemoryError) as error:
            raise DataError(f"{path} is damaged: its cells cannot be read: {error}", container.REPAIR) from error

    def _ready(self) -> Cells | None:
        """The cells if the index is an ivf one, placed if they have not been, or must be anew."""
        if self.kind != search.IVF or not len(self):
            self._cells = None
        elif self._cells is None:
            self._cells = Cells.placed(self.rows.vectors, self._ids, self.settings)
        return self._cells

    def _follow(self, change: Any) -> None:
        """Changes the cells with the rows; if they are outgrown, they are placed anew before they are next used."""
        if self._cells and self._cells.outgrown(len(self)):
            self._cells = None
        elif self._cells:
            change(self._cells)


def occupied(path: Path) -> bytes | None:
    """The digest of the index at a place; None if the place is free.

    Raises:
        UsageError: Something else is there.
        DataError: It cannot be read.
    """
    if not path.exists():
        return None
    if path.is_dir() or (digest := container.digest_of(path)) is None:
        raise UsageError(f"{path} is there and is not an index; it is not overwritten", "name another file")
    return digest


@contextlib.contextmanager
def locked(path: Path, timeout: float = 0) -> Iterator[None]:
    """Keeps other processes from writing to a path; the operating system lets go when the process ends.

    Args:
        path: What is written to.
        timeout: Seconds to wait.

    Raises:
        UsageError: Another process writes to it.
        DataError: Its folder cannot be written to.
    """
    file = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file)
        lock.acquire(timeout=timeout)
    except Timeout as error:
        if not file.exists():  # some file systems take no new files and say it as if there were none to lock
            raise DataError(f"cannot write {path}", "name another folder") from error
        raise UsageError(f"another process is writing to {path}", "wait for it, or stop it first") from error
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}", "name another folder") from error
    try:
        yield
    finally:
        lock.release()
