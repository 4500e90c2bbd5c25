"""The files in which datasets of small pictures are published, each format as pixels and labels."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from gankit.errors import DataError
from gankit.images.idx import read_idx

CIFAR_SIDE = 32
DIGIT_SIDE, DIGIT_WHITE = 8, 16

Arrays = tuple[np.ndarray, np.ndarray | None]  # [n, h, w, c] uint8, and [n] int64 labels if there are any


def idx(paths: Sequence[Path]) -> Arrays:
    """A file of `[n, h, w]` pictures, and perhaps one of `[n]` labels."""
    arrays = [read_idx(path) for path in paths]
    images = [values for values in arrays if values.ndim == 3]
    labels = [values for values in arrays if values.ndim == 1]
    names = " and ".join(str(path) for path in paths)
    if len(images) != 1 or len(labels) > 1 or len(images) + len(labels) != len(arrays):
        raise DataError(f"a split is one idx file of pictures and one of labels, unlike {names}", "the card is wrong")
    if labels and len(labels[0]) != len(images[0]):
        raise DataError(f"{len(images[0]):,} pictures, but {len(labels[0]):,} labels in {names}", "the card is wrong")
    return images[0][..., None], labels[0].astype(np.int64) if labels else None


def cifar(paths: Sequence[Path]) -> Arrays:
    """CIFAR-10's binary version: records of a label and 32 x 32 pixels, all red ones first, then green, then blue."""
    record = 1 + 3 * CIFAR_SIDE**2
    images, labels = [], []
    for path in paths:
        values = np.fromfile(path, np.uint8)
        if not values.size or values.size % record:
            raise DataError(f"{path} has {values.size:,} bytes, and not a number of records of {record:,}")
        rows = values.reshape(-1, record)
        labels.append(rows[:, 0].astype(np.int64))
        images.append(rows[:, 1:].reshape(-1, 3, CIFAR_SIDE, CIFAR_SIDE).transpose(0, 2, 3, 1))
    return np.concatenate(images), np.concatenate(labels)


def digits(paths: Sequence[Path]) -> Arrays:
    """scikit-learn's digits: a line has 64 values between 0 and 16, and the label."""
    tables = []
    for path in paths:
        try:
            with gzip.open(path, "rt", encoding="ascii") as file:
                table = np.loadtxt(file, np.int64, delimiter=",", ndmin=2)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise DataError(f"cannot read {path}: {error}", "the file is damaged, or of another format") from error
        fits = table.size and table.shape[1] == DIGIT_SIDE**2 + 1
        if not fits or table.min() < 0 or table[:, :-1].max() > DIGIT_WHITE:
            raise DataError(f"{path} has no lines of 64 values between 0 and {DIGIT_WHITE} and a label")
        tables.append(table)
    values = np.concatenate(tables)
    images = np.rint(values[:, :-1] * (255 / DIGIT_WHITE)).astype(np.uint8)
    return images.reshape(-1, DIGIT_SIDE, DIGIT_SIDE, 1), values[:, -1]


READERS: Mapping[str, Callable[[Sequence[Path]], Arrays]] = {"idx": idx, "cifar-binary": cifar, "digits-csv": digits}
