"""Folders of pictures: what lies in them, and which of it is held out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from gankit.errors import DataError, UsageError
from gankit.images.images import EXTENSIONS, list_images

T = TypeVar("T")
HELD_OUT_NAMES = ("test", "val", "valid", "validation", "dev")
PARTS = frozenset({"train", *HELD_OUT_NAMES})


def folder_of(path: str | os.PathLike[str]) -> Path:
    """A folder that a user named; raises DataError if there is none."""
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}", "is its name right? give a folder of pictures")
    return folder


def sub_folders(folder: Path) -> dict[str, Path]:
    """Sub-folders by name, in order, without hidden ones and what macOS adds to archives."""
    found = sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir())
    return {path.name: path for path in found if not path.name.startswith(".") and path.name != "__MACOSX"}


def loose_pictures(folder: Path) -> list[Path]:
    """Pictures of the folder itself, in the order of their names; none is no error."""
    found = (path for path in folder.iterdir() if path.suffix.lower() in EXTENSIONS and path.is_file())
    return sorted(path for path in found if not path.name.startswith("."))


def all_pictures(folder: Path) -> list[Path]:
    """Pictures of the folder and its sub-folders that are not hidden, in the order of their names; none is no error."""
    try:
        found = list_images(folder)
    except DataError:
        return []
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def pictures_of(folder: Path) -> list[Path]:
    """As `all_pictures`; raises DataError if there is none."""
    if not folder.is_dir() or not (found := all_pictures(folder)):
        raise DataError(f"no picture in {folder}", "looked for " + " ".join(sorted(EXTENSIONS)))
    return found


def listed(names: Sequence[str]) -> str:
    """The first five of many names."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")


def split_folder(folder: Path, side: str = "") -> tuple[Path, Path | None]:
    """The training part of a folder, and the one that is held out.

    Args:
        folder: With sub-folders `train` and `test` (else `val`, `valid`, `validation` or `dev`), or without.
        side: What follows these names: "A" for trainA and testA.

    Returns:
        `train` and the other one, None where there is no other; the folder itself where there is no `train`.

    Raises:
        UsageError: There is another part, but no `train`.
    """
    inside = sub_folders(folder)
    others = [f"{name}{side}" for name in HELD_OUT_NAMES if f"{name}{side}" in inside]
    alone = inside.keys() <= {f"{name}{side}" for name in PARTS}  # else "train" may be a class, beside "bus"
    if f"train{side}" in inside and (others or side or alone):
        return inside[f"train{side}"], inside[others[0]] if others else None
    if others and alone:
        raise UsageError(f"{folder} has {' and '.join(inside)}, but no train{side}", f"name one of them train{side}")
    return folder, None


def held_out(labels: Sequence[int], fraction: float) -> list[int]:
    """Which examples to keep for testing: of each class the given fraction, at least 1 where the class has 2 or more.

    They are spread evenly over the order of the class, so that neighbours (frames of one film, say) fall into both
    parts at most at the borders, and the choice depends on nothing else.

    Args:
        labels: Of each example.
        fraction: Between 0 and 1.

    Returns:
        Indices, ascending.
    """
    rows: dict[int, list[int]] = {}
    for row, label in enumerate(labels):
        rows.setdefault(int(label), []).append(row)
    chosen = []
    for members in rows.values():
        count = max(1, round(fraction * len(members))) if len(members) > 1 else 0
        chosen += [members[int((i + 0.5) * len(members) / count)] for i in range(count)]
    return sorted(chosen)


def divided(found: Sequence[T], test: Sequence[T] | None, fraction: float) -> tuple[list[T], list[T]]:
    """What to train on and what to test with, as far as either is asked for.

    Args:
        found: What a folder has, or its training part.
        test: Its other part; None where it sets none aside.
        fraction: As `divide`.
    """
    if test is None or not 0 < fraction < 1:
        return divide(found if test is None or fraction == 0 else test, fraction)
    return list(found), list(test)


def divide(items: Sequence[T], fraction: float, labels: Sequence[int] = ()) -> tuple[list[T], list[T]]:
    """Items to train on, and those that are held out.

    Args:
        items: In an order of their own.
        fraction: Of the items (and of each class), between 0 for none and 1 for all.
        labels: Of the items, if they have some.

    Raises:
        UsageError: The fraction is out of range.
        DataError: Nothing would be left to train on.
    """
    if not 0 <= fraction <= 1:
        raise UsageError(f"a part of {fraction} cannot be held out", "held_out is between 0 for none and 1 for all")
    if fraction in (0, 1):
        return (list(items), []) if fraction == 0 else ([], list(items))
    chosen = set(held_out(labels or [0] * len(items), fraction))
    train = [item for number, item in enumerate(items) if number not in chosen]
    if not train or not chosen:
        raise DataError(f"{len(items)} pictures cannot be divided into two parts", "add some: a part is held out")
    return train, [items[number] for number in sorted(chosen)]
