"""Folders of pictures whose sub-folders are classes: which files there are, and which of them are held out."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gankit.errors import DataError, UsageError
from gankit.images.images import EXTENSIONS, list_images

log = logging.getLogger("gankit")

PARTS = frozenset({"train", "test", "val", "valid", "validation", "dev"})
HELD_OUT = 0.1  # of each class


@dataclass(frozen=True)
class Part:
    """The files of the training or of the test part.

    Attributes:
        files: In the order of their classes, then of their names.
        labels: The class of each; None if there are no classes.
    """

    files: Sequence[Path]
    labels: Sequence[int] | None


def class_files(folder: Path) -> tuple[Part, Part, tuple[str, ...]]:
    """The pictures of a folder, as training part, test part and names of the classes.

    Sub-folders are classes, in the order of their names; pictures without sub-folders, or in a single one, have no
    labels. If `train` and `test` are both there, they are the two parts; else a tenth of each class is held out (see
    `held_out`). Hidden files and folders are left out.

    Raises:
        DataError: There is no picture, a class has none, or the folder is half one thing and half the other.
        UsageError: The sub-folders seem to be parts of a split that cannot be understood.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("cat", "dog"):
        ...     (folder / name).mkdir()
        ...     for i in range(10):
        ...         (folder / name / f"{i}.png").touch()
        >>> train, test, classes = class_files(folder)
        >>> classes, len(train.files), [file.name for file in test.files]
        (('cat', 'dog'), 18, ['5.png', '5.png'])
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder", "give a folder of pictures, with a sub-folder for each class")
    inside = {path.name: path for path in _folders(folder)}
    if {"train", "test"} <= inside.keys():
        return _given_split(folder, inside)
    if inside and inside.keys() <= PARTS:
        names = " and ".join(inside)
        raise UsageError(f"{folder} has {names}, which are no classes", "name the two parts train and test")
    files, labels, classes = _pictures(folder)
    if len(classes) == 1:  # one folder of all tells nothing apart
        labels, classes = None, ()
    chosen = held_out(labels or [0] * len(files), HELD_OUT)
    rest = sorted(set(range(len(files))) - set(chosen))
    if not chosen:
        raise DataError(f"{folder} has one picture of each class", "add pictures: some are held out to test with")
    return _some(files, labels, rest), _some(files, labels, chosen), classes


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


def _given_split(folder: Path, inside: dict[str, Path]) -> tuple[Part, Part, tuple[str, ...]]:
    """The parts `train` and `test`; what else lies beside them is told and left out."""
    if others := sorted(inside.keys() - {"train", "test"}):
        log.warning("%s: only train and test are read, not %s", folder, ", ".join(others))
    if loose := _loose(folder):
        raise DataError(f"{folder} has pictures beside train and test, such as {loose[0].name}", "move them into one")
    (files, labels, classes), (tested, answers, known) = (_pictures(inside[part]) for part in ("train", "test"))
    if (labels is None) != (answers is None):
        raise DataError(f"one of train and test in {folder} has classes, the other none", "sort both or neither")
    if unknown := sorted(set(known) - set(classes)):
        raise DataError(
            f"{inside['test']} has classes that {inside['train']} lacks: {', '.join(unknown)}",
            "the sub-folders of both have the same names",
        )
    if len(classes) == 1:
        return Part(files, None), Part(tested, None), ()
    mapped = None if answers is None else [classes.index(known[label]) for label in answers]
    return Part(files, labels), Part(tested, mapped), classes


def _pictures(folder: Path) -> tuple[list[Path], list[int] | None, tuple[str, ...]]:
    """Files, labels and classes of one folder."""
    by_class = {path.name: _below(path) for path in _folders(folder)}
    loose = _loose(folder)
    if not any(by_class.values()):
        if not loose:
            raise DataError(f"no picture in {folder}", "looked for " + " ".join(sorted(EXTENSIONS)))
        return loose, None, ()
    if loose:
        raise DataError(
            f"{folder} has sub-folders as classes, and pictures beside them, such as {loose[0].name}",
            "put every picture into the sub-folder of its class, or all of them into one folder without any",
        )
    if empty := [name for name, files in by_class.items() if not files]:
        raise DataError(f"{folder} has classes without a picture: {', '.join(empty)}", "add pictures, or remove them")
    files = [file for found in by_class.values() for file in found]
    labels = [label for label, found in enumerate(by_class.values()) for _ in found]
    return files, labels, tuple(by_class)


def _folders(folder: Path) -> list[Path]:
    """Sub-folders by name, without hidden ones and what macOS adds to archives."""
    found = (Path(entry.path) for entry in os.scandir(folder) if entry.is_dir())
    return sorted(path for path in found if not path.name.startswith(".") and path.name != "__MACOSX")


def _loose(folder: Path) -> list[Path]:
    """Pictures of the folder itself."""
    found = (path for path in folder.iterdir() if path.suffix.lower() in EXTENSIONS and path.is_file())
    return sorted(path for path in found if not path.name.startswith("."))


def _below(folder: Path) -> list[Path]:
    """All pictures of a class, in folders of its own too; none is no error here."""
    try:
        found = list_images(folder)
    except DataError:
        return []
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def _some(files: Sequence[Path], labels: Sequence[int] | None, rows: Sequence[int]) -> Part:
    return Part([files[row] for row in rows], None if labels is None else [labels[row] for row in rows])
