"""Files: written whole or not at all, with one set of words for a disk that is full or a folder that is closed."""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from gankit.errors import GankitError, UsageError
from gankit.support.limits import STORED_BYTES
from gankit.support.values import mapping

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a spreadsheet knows a formula (OWASP, CSV Injection)
_NUMBER = re.compile(r"[+-][\d.,]*(e[+-]?\d+)?", re.IGNORECASE)  # or a sign alone


@contextlib.contextmanager
def whole(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """A file that appears at once, when all of it is written, or not at all.

    Args:
        path: Of the file. An older one stays as it is until the new one is whole.
        durable: Wait until all of it is on the disk, so that it outlives a loss of power.

    Yields:
        The path of a file aside, to write to.

    Raises:
        GankitError: The disk is full.
        UsageError: Nothing can be written there.

    Examples:
        >>> import tempfile
        >>> place = Path(tempfile.mkdtemp()) / "note.txt"
        >>> with whole(place) as aside:
        ...     _ = aside.write_text("all of it")
        >>> place.read_text()
        'all of it'
    """
    name = path.name if len(os.fsencode(path.name)) < 240 else path.name[:50]  # a file system takes 255 bytes
    aside = path.with_name(f".{name}.{os.getpid()}.tmp")
    try:
        yield aside
        if durable:
            fsync(aside)
        os.replace(aside, path)
        if durable:
            fsync(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def unwritable(path: Path, error: OSError) -> GankitError:
    """What to tell people of a file or folder that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return GankitError(
            f"the disk is full: cannot write {path}", "free some space, then 'gankit resume RUN' or the command again"
        )
    denied = error.errno in (errno.EACCES, errno.EPERM) and not os.access(path.parent, os.W_OK)
    read_only = error.errno == errno.EROFS or denied
    why = f"the folder {path.parent} is read-only" if read_only else error.strerror or error
    return UsageError(f"cannot write {path}: {why}", "name a place in a folder that can be written")


def write(path: Path, content: str | bytes) -> Path:
    """Writes a file, whole or not at all; see `whole`.

    Examples:
        >>> import tempfile
        >>> write(Path(tempfile.mkdtemp()) / "note.txt", "all of it").read_text()
        'all of it'
    """
    # A file name that is no valid UTF-8 reaches us as surrogates, which cannot be written.
    with whole(path) as aside:
        aside.write_bytes(content.encode("utf-8", "replace") if isinstance(content, str) else content)
    return path


def write_json(path: Path, value: Any) -> Path:
    """Writes JSON, whole or not at all. NumPy's numbers and arrays, and paths, become plain ones.

    Examples:
        >>> import tempfile
        >>> write_json(Path(tempfile.mkdtemp()) / "x.json", {"path": Path("a")}).read_text().split()
        ['{', '"path":', '"a"', '}']
    """
    return write(path, json.dumps(value, indent=1, ensure_ascii=False, default=_plain) + "\n")


def read_json(path: Path) -> Mapping[str, Any]:
    """A JSON object; {} where the file is missing, torn, far too large or something else."""
    try:
        if path.stat().st_size > STORED_BYTES:
            return {}
        return mapping(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = ()) -> Path:
    """Writes rows as a table, whole or not at all.

    Args:
        path: Of the file, in UTF-8.
        rows: Column -> value. A text that a spreadsheet would take for a formula gets an apostrophe before it, as does
            the name of a column. They may be made one by one, if `columns` are given.
        columns: Their order; every key of any row, in the order of first use, if empty.

    Examples:
        >>> import tempfile
        >>> write_csv(Path(tempfile.mkdtemp()) / "x.csv", [{"a": 1}, {"b": "=2+2"}]).read_text().split()
        ['a,b', '1,', ",'=2+2"]
    """
    with whole(path) as aside, aside.open("w", encoding="utf-8", errors="replace", newline="") as file:
        stream_csv(file, rows, columns)
    return path


def stream_csv(file: TextIO, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """Writes rows to an open file; see `write_csv`."""
    if not columns:
        columns = columns_of(rows := list(rows))
    writer = csv.DictWriter(file, list(columns), restval="", lineterminator="\n")
    writer.writerow({column: safe_cell(column) for column in columns})
    writer.writerows({key: safe_cell(value) for key, value in row.items()} for row in rows)


def safe_cell(value: Any) -> Any:
    """A cell that no spreadsheet runs: a text that begins like a formula, and is no number, gets an apostrophe.

    Examples:
        >>> safe_cell("=1+1"), safe_cell("-4,5"), safe_cell("-"), safe_cell(-0.5)
        ("'=1+1", '-4,5', '-', -0.5)
    """
    harmless = not isinstance(value, str) or not value.startswith(_FORMULA) or _NUMBER.fullmatch(value)
    return value if harmless else f"'{value}"


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every key of any row, in the order of first use.

    Examples:
        >>> columns_of([{"a": 1}, {"b": 2, "a": 3}])
        ['a', 'b']
    """
    return list(dict.fromkeys(key for row in rows for key in row))


def vacant(folder: Path | None) -> None:
    """Raises UsageError if there is something in a folder that is to be written to.

    Examples:
        >>> import tempfile
        >>> vacant(Path(tempfile.mkdtemp()))
    """
    if folder is not None and folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", "name another folder with -o")


def new_folder(folder: Path) -> Path:
    """Makes a folder that must be empty, and those above it.

    Raises:
        UsageError: It is not empty, or cannot be made.

    Examples:
        >>> import tempfile
        >>> new_folder(Path(tempfile.mkdtemp()) / "a" / "b").is_dir()
        True
    """
    try:
        vacant(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}", "name another one with -o") from error
    return folder


def slug(name: str, most: int = 60) -> str:
    """A name as a part of a file's name: letters, digits, dots, hyphens and underscores; "data" if none is left.

    Examples:
        >>> slug("S&P 500")
        'S_P_500'
    """
    kept = "".join(c if c.isalnum() or c in "._-" else "_" for c in name).strip("._")
    return kept[-most:].strip("._") or "data"


def sha256(path: Path) -> str:
    """Hex sha256 of a file.

    Examples:
        >>> import os
        >>> sha256(Path(os.devnull))[:8]
        'e3b0c442'
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync(path: Path) -> None:
    """Waits until a file, or a folder's list of files, is on the disk. Windows has no such call for folders."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays, mappings and paths, as JSON knows them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")
