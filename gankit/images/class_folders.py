"""Folders of pictures whose sub-folders are classes: which files there are, and which of them are held out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gankit.errors import DataError
from gankit.images.folders import all_pictures, held_out, loose_pictures, split_folder, sub_folders
from gankit.images.images import EXTENSIONS

log = logging.getLogger("gankit")

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
    labels. If there are `train` and `test` (or `val`), they are the two parts; else a tenth of each class is held out.
    Hidden files and folders are left out.

    Raises:
        DataError: There is no picture, a class has none, or the folder is half one thing and half the other.
        UsageError: There is a part to test with, and none named train.

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
    train, test = split_folder(folder)
    if test is not None:
        return _given_split(folder, train, test)
    files, labels, classes = _pictures(train)
    if len(classes) == 1:  # one folder of all tells nothing apart
        labels, classes = None, ()
    chosen = held_out(labels or [0] * len(files), HELD_OUT)
    rest = sorted(set(range(len(files))) - set(chosen))
    if not chosen:
        raise DataError(f"{folder} has one picture of each class", "add pictures: some are held out to test with")
    return _some(files, labels, rest), _some(files, labels, chosen), classes


def _given_split(folder: Path, train: Path, test: Path) -> tuple[Part, Part, tuple[str, ...]]:
    """Two parts that are there; what else lies beside them is told and left out."""
    if others := sorted(sub_folders(folder).keys() - {train.name, test.name}):
        log.warning("%s: only %s and %s are read, not %s", folder, train.name, test.name, ", ".join(others))
    if loose := loose_pictures(folder):
        what = f"{folder} has pictures beside {train.name} and {test.name}, such as {loose[0].name}"
        raise DataError(what, "move them into one")
    (files, labels, classes), (tested, answers, known) = _pictures(train), _pictures(test)
    if (labels is None) != (answers is None):
        raise DataError(
            f"one of {train.name} and {test.name} in {folder} has classes, the other none", "sort both or neither"
        )
    if unknown := sorted(set(known) - set(classes)):
        raise DataError(
            f"{test} has classes that {train} lacks: {', '.join(unknown)}",
            "the sub-folders of both have the same names",
        )
    if len(classes) == 1:
        return Part(files, None), Part(tested, None), ()
    mapped = None if answers is None else [classes.index(known[label]) for label in answers]
    return Part(files, labels), Part(tested, mapped), classes


def _pictures(folder: Path) -> tuple[list[Path], list[int] | None, tuple[str, ...]]:
    """Files, labels and classes of one folder."""
    by_class = {name: all_pictures(path) for name, path in sub_folders(folder).items()}
    loose = loose_pictures(folder)
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


def _some(files: Sequence[Path], labels: Sequence[int] | None, rows: Sequence[int]) -> Part:
    return Part([files[row] for row in rows], None if labels is None else [labels[row] for row in rows])
