"""JSON that gankit stored, checked as it is read: a folder may be damaged, or come from anybody."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from gankit.errors import DataError
from gankit.support.limits import STORED_BYTES
from gankit.support.values import human

T = TypeVar("T")


def read_stored(path: Path, kind: type[T], hint: str) -> T:
    """What a file of JSON holds.

    Args:
        path: The file.
        kind: What it must be: a dataclass, or any type that pydantic knows. Nothing is converted, and further fields
            are left out.
        hint: What to do where it is damaged.

    Raises:
        DataError: It cannot be read, or is not of that kind; says where.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "counts.json"
        >>> _ = path.write_text('{"a": 1}')
        >>> read_stored(path, dict[str, int], "make it again")
        {'a': 1}
    """
    try:
        with path.open("rb") as file:
            text = file.read(STORED_BYTES + 1)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}", hint) from error
    if len(text) > STORED_BYTES:
        raise DataError(f"{path} is damaged: it has more than {human(STORED_BYTES)}", hint)
    return parse_stored(text, kind, path, hint)


def parse_stored(text: str | bytes, kind: type[T], what: Path | str, hint: str) -> T:
    """The same of a text, which an error calls `what`."""
    try:
        return TypeAdapter(kind).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{what} is damaged: {where + ': ' if where else ''}{first['msg']}", hint) from error
