"""Pictures for the classics: where they come from, what is wrong with them, and their range for the networks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gankit import Data, DataError
from gankit.datasets import named
from gankit.errors import Offline
from gankit.images import Pictures, PictureSet, PictureSource, open_pictures
from gankit_classics.config import PictureFields

log = logging.getLogger("gankit")

BATCH = 500  # pictures that a network makes or sees at a time
FIRST, ELSE = "fashion-mnist", "digits"

Draw = Callable[[int], Any]
"""How many -> so many generated examples; the same ones each time."""


def open_data(config: PictureFields) -> Data:
    """Opens pictures; the held-out part is the set's own.

    Raises:
        DataError: There are too few, or a side cannot be halved and doubled.
    """
    if config.data == "auto":
        found = _first_present(config)
    else:
        framed = config.least or None if config.data == ELSE else None
        found = open_pictures(config.data, size=config.size or framed)
    (count, side), tested = found.train.images.shape[:2], len(found.test.images)
    if tested < 2:
        raise DataError(f"{found.name} has {count} pictures to train on, and one to test with", "add some")
    factor = max(4, config.least // 4)  # what is halved ends with at least 4 pixels
    if side % factor or side < config.least:
        wrong = f"pictures of {side} pixels a side cannot be halved {factor.bit_length() - 1} times"
        raise DataError(wrong, f"give --size a multiple of {max(factor, config.least)}")
    return Data({"pictures": source(found)}, {"set": found}, facts_of(found))


def source(found: PictureSet) -> Any:
    """The training part as a source with the fields `image` in [-1, 1] and, if there are labels, `label`."""
    labels = {} if found.train.labels is None else {"label": found.train.labels}
    return PictureSource(found.train.images, **labels)


def needs_classes(data: Data, hint: str) -> None:
    """Raises DataError if there are no labels, or those of one class."""
    if not data.facts["classes"]:
        raise DataError(f"the pictures of {data.facts['data']} are of one class, or have no labels", hint)


def rows_of_classes(found: PictureSet, wanted: Callable[[int, int], int], rng: Any, option: str) -> np.ndarray:
    """Rows of training pictures that are chosen at random, ascending.

    Args:
        found: With labels.
        wanted: (label, number of its pictures) -> how many of them to choose.
        rng: A NumPy generator.
        option: What the user asked with; it stands in the error that tells of a class with fewer pictures.
    """
    chosen = []
    for label, name in enumerate(found.classes):
        rows = np.flatnonzero(found.train.labels == label)
        if (count := wanted(label, len(rows))) > len(rows):
            raise DataError(f"class {name} has {len(rows)} pictures", f"give {option} {len(rows)} or less")
        chosen.append(rng.choice(rows, count, replace=False))
    return np.sort(np.concatenate(chosen))


def fewer(found: PictureSet, per_class: int | None, rare: float, seed: int) -> PictureSet:
    """A set with a small or unbalanced training part: every second class keeps the share `rare`, or 2 pictures."""

    def wanted(label: int, count: int) -> int:
        count = count if per_class is None else per_class
        return count if label % 2 == 0 else max(2, round(count * rare))

    rows = rows_of_classes(found, wanted, np.random.default_rng([seed, 11]), "--per-class")
    return replace(found, train=Pictures(found.train.images[rows], found.train.labels[rows]))


def facts_of(found: PictureSet) -> dict[str, Any]:
    """What rebuilding the networks needs, and how frequent the classes are among the test pictures."""
    _, side, _, channels = found.train.images.shape
    facts = {"data": found.name, "side": side, "channels": channels, "classes": list(found.classes), "shares": []}
    if found.test.labels is not None:
        counts = np.bincount(found.test.labels, minlength=len(found.classes))
        facts["shares"] = (counts / counts.sum()).tolist()
    return facts


def _first_present(config: PictureFields) -> PictureSet:
    """Fashion-MNIST where its files are, else scikit-learn's digits, which always are."""
    if named(FIRST).state in ("fetched", "installed"):
        try:
            return open_pictures(FIRST, size=config.size)
        except (DataError, Offline) as error:
            log.warning("%s cannot be used: %s", FIRST, error.message)
    log.warning("%s is not here, so %s it is; 'gankit data fetch %s' gets it", FIRST, ELSE, FIRST)
    return open_pictures(ELSE, size=config.size or config.least or None)


def to_pixels(images: Any) -> np.ndarray:
    """`[n, h, w, c]` in [-1, 1] -> uint8; what is beyond is clipped."""
    return np.rint((np.clip(np.asarray(images, np.float32), -1, 1) + 1) * 127.5).astype(np.uint8)


def in_range(pixels: np.ndarray) -> np.ndarray:
    """uint8 -> float32 in [-1, 1], as `PictureSource` gives them."""
    return pixels.astype(np.float32) / 127.5 - 1
