"""Pictures for the classics: where they come from, and their range for the networks."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit import Data
from gankit.errors import DataError, Offline
from gankit.images import Pictures, PictureSet, open_pictures

if TYPE_CHECKING:
    from gankit_classics.config import PictureConfig

log = logging.getLogger("gankit")

FIRST, ELSE = "fashion-mnist", "digits"


def open_data(config: PictureConfig, least: int | None = None) -> Data:
    """Opens pictures; the held-out part is the set's own.

    Args:
        config: Names them.
        least: Side to which the digits, of 8 pixels, are framed.

    Raises:
        DataError: A side cannot be halved and doubled.
    """
    size = config.size or (least if config.data == ELSE else None)
    found = _first_present(config, least) if config.data == "auto" else open_pictures(config.data, size=size)
    if len(found.test.images) < 2:
        raise DataError(
            f"{found.name} has {len(found.train.images)} pictures to train on, and one to test with", "add some"
        )
    side = found.train.images.shape[1]
    if side % 4:
        raise DataError(f"pictures of {side} pixels a side cannot be halved twice", "give --size a multiple of 4")
    return Data({"pictures": source(found)}, {"set": found}, facts(found))


def source(found: PictureSet) -> Any:
    """The training part as a source with the fields `image` in [-1, 1] and, if there are labels, `label`."""
    from gankit.images import PictureSource

    labels = {} if found.train.labels is None else {"label": found.train.labels}
    return PictureSource(found.train.images, **labels)


def fewer(found: PictureSet, per_class: int | None, rare: float, seed: int) -> PictureSet:
    """A small or unbalanced training part of a set; the test part stays whole.

    Args:
        found: With labels.
        per_class: Training pictures of each class; None for all.
        rare: The share of them that every second class keeps, at least 2.
        seed: Of the choice.

    Raises:
        DataError: A class has fewer pictures.
    """
    rng, chosen = np.random.default_rng([seed, 11]), []
    for label, name in enumerate(found.classes):
        rows = np.flatnonzero(found.train.labels == label)
        wanted = len(rows) if per_class is None else per_class
        if wanted > len(rows):
            raise DataError(f"class {name} has {len(rows)} pictures", f"give --per-class {len(rows)} or less")
        kept = wanted if label % 2 == 0 else max(2, round(wanted * rare))
        chosen.append(rng.choice(rows, kept, replace=False))
    rows = np.sort(np.concatenate(chosen))
    return replace(found, train=Pictures(found.train.images[rows], found.train.labels[rows]))


def facts(found: PictureSet) -> dict[str, Any]:
    """What rebuilding the networks needs, and how frequent the classes are among the test pictures."""
    _, side, _, channels = found.train.images.shape
    shares = [] if found.test.labels is None else np.bincount(found.test.labels, minlength=len(found.classes))
    return {
        "data": found.name,
        "side": side,
        "channels": channels,
        "classes": list(found.classes),
        "shares": [float(share) for share in shares / np.sum(shares)] if len(shares) else [],
    }


def _first_present(config: PictureConfig, least: int | None) -> PictureSet:
    """Fashion-MNIST where its files are, else scikit-learn's digits, which always are."""
    from gankit.datasets import catalogue

    if catalogue.named(FIRST).state in ("fetched", "installed"):
        try:
            return open_pictures(FIRST, size=config.size)
        except (DataError, Offline) as error:
            log.warning("%s cannot be used: %s", FIRST, error.message)
    log.warning("%s is not here, so %s it is; 'gankit data fetch %s' gets it", FIRST, ELSE, FIRST)
    return open_pictures(ELSE, size=config.size or least)


def to_pixels(images: Any) -> np.ndarray:
    """`[n, h, w, c]` in [-1, 1] -> uint8; what is beyond is clipped."""
    return np.rint((np.clip(np.asarray(images, np.float32), -1, 1) + 1) * 127.5).astype(np.uint8)
