"""Small pictures of one size, with or without labels: datasets by name, and folders of one's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gankit.datasets import catalogue
from gankit.datasets.cards import Card
from gankit.errors import DataError
from gankit.images.class_folders import Part, class_files
from gankit.images.fitting import Fit, How
from gankit.images.folders import held_out
from gankit.images.picture_formats import READERS
from gankit.images.prepared import load_pixels
from gankit.images.sources import PictureSource
from gankit.images.survey import survey_images
from gankit.recipe import Data

KIND = "labelled-images"
FOLDER_SIZE = 64  # pixels
FRAME = 8  # pixels; a dataset's picture that is so little too small is framed and not enlarged
HELD_OUT = 0.2  # of each class of a dataset that has no test split


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one size.

    Attributes:
        images: `[n, h, w, c]` uint8, with c = 1 (grey) or 3 (RGB); a `np.memmap` where they stay in a file.
        labels: `[n]` int64, indices of `PictureSet.classes`; None if there are none.

    Examples:
        >>> Pictures(np.zeros((5, 8, 8, 1), np.uint8), np.arange(5)).images.shape
        (5, 8, 8, 1)
    """

    images: np.ndarray
    labels: np.ndarray | None


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures to train on, and others of the same size to test with.

    Attributes:
        name: Of the dataset or of the folder.
        train: To train on.
        test: Held out.
        classes: Their names by label; empty without labels.

    Examples:
        >>> open_pictures("mnist").classes[:2]  # doctest: +SKIP
        ('0', '1')
    """

    name: str
    train: Pictures
    test: Pictures
    classes: tuple[str, ...]

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over the shapes, types and values of all arrays."""
        digest = hashlib.sha256()
        for values in (self.train.images, self.train.labels, self.test.images, self.test.labels):
            if values is None:
                digest.update(b"none;")
            else:
                digest.update(f"{values.dtype} {values.shape};".encode())
                digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()

    def data(self) -> Data:
        """The pictures as sources.

        Returns:
            `Data.train["pictures"]` and `Data.held_out["pictures"]`, both sources with the field "image",
            `[batch, h, w, c]` floatx in [-1, 1], and with labels "label", `[batch]` int64; and in `Data.facts` "size",
            "channels" and "classes".
        """
        sources = []
        for part in (self.train, self.test):
            labels: dict[str, Any] = {} if part.labels is None else {"label": part.labels}
            sources.append({"pictures": PictureSource(part.images, **labels)})
        _, height, width, channels = self.train.images.shape
        facts = {"size": [height, width], "channels": channels, "classes": list(self.classes)}
        return Data(sources[0], sources[1], facts)


def open_pictures(
    source: str, *, size: int | None = None, channels: int | None = None, fit: How = "crop", cache_mb: float = 2000
) -> PictureSet:
    """Reads a dataset, or a folder, of pictures.

    A dataset keeps its own split; of one without a test split, such as `digits`, a fifth of each class is held out. How
    a folder is read says `gankit.images.class_folders.class_files`: a sub-folder for each class, or no labels at all.

    Args:
        source: Name of a dataset of the kind "labelled-images", a card's file, or a folder.
        size: Side of the square pictures, in pixels. A dataset's picture that lacks up to 8 pixels is put in the middle
            of black; otherwise it is fitted. None keeps the size of a dataset and means 64 for a folder.
        channels: 1 for grey, 3 for RGB. None keeps those of a dataset; of a folder, it means 3 unless there is no
            colour in any picture.
        fit: How a picture comes to the size: "crop" resizes the middle square, "squeeze" the whole picture, "middle"
            cuts the middle out without resizing. How much is cut off is logged.
        cache_mb: Most memory for the pictures of a folder, in MB; beyond it they are decoded once into a file
            (`gankit.images.load_pixels`), and the arrays are views of that file.

    Returns:
        The pictures. Nothing about them is random.

    Raises:
        UsageError: There is no such dataset or folder, or `size` or `channels` is out of range.
        DataError: Files are missing or damaged, or are not what the card says.
        Offline: The dataset would have to be downloaded.

    Examples:
        >>> open_pictures("digits").train.images.dtype  # doctest: +SKIP
        dtype('uint8')
        >>> open_pictures("photos", size=128).data().train["pictures"].n  # doctest: +SKIP
        360
    """
    Fit(FOLDER_SIZE if size is None else size, fit, channels or 3)  # refuses what is out of range
    found = catalogue.resolve(source, KIND)
    if not isinstance(found, Card):
        return _of_folder(found, size or FOLDER_SIZE, channels, fit, cache_mb)
    train, test, classes = _of_card(found)
    return PictureSet(found.name, _fitted(train, size, channels, fit), _fitted(test, size, channels, fit), classes)


def check_pictures(source: str, size: int | None = None) -> tuple[dict[str, Any], str]:
    """What `Recipe.check` says of pictures: which of them open, their sizes, and how many each class has.

    Args:
        source: As of `open_pictures`.
        size: As of `open_pictures`.

    Returns:
        As `Recipe.check`: facts for JSON, and lines of text.

    Raises:
        UsageError: There is no such dataset or folder.
        DataError: The folder is half one thing and half another, or a dataset's files are damaged.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for i in range(4):
        ...     Image.new("L", (80, 70)).save(folder / f"{i}.png")
        >>> facts, text = check_pictures(str(folder))
        >>> facts["images"], facts["train"], facts["test"], facts["side"]
        (4, {'pictures': 3, 'of_class': {}}, {'pictures': 1, 'of_class': {}}, 64)
    """
    place = catalogue.resolve(source, KIND)
    if isinstance(place, Card):
        opened = open_pictures(source, size=size)
        facts: dict[str, Any] = {"ok": True}
        lines, side = [], opened.train.images.shape[1]
        classes = opened.classes
        counts: dict[str, tuple[int, Any]] = {
            name: (len(part.images), part.labels) for name, part in (("train", opened.train), ("test", opened.test))
        }
    else:
        train, test, classes = class_files(place)
        found = survey_images([*train.files, *test.files])
        facts, lines, side = found.facts(), [found.text()], size or FOLDER_SIZE
        counts = {name: (len(part.files), part.labels) for name, part in (("train", train), ("test", test))}
    for name, (pictures, labels) in counts.items():
        numbers = np.bincount([] if labels is None else labels, minlength=len(classes)).tolist()
        of_class = dict(zip(classes, numbers, strict=False))
        facts[name] = {"pictures": pictures, "of_class": of_class}
        said = ", ".join(f"{label} {count:,}" for label, count in of_class.items())
        lines.append(f"{'to ' + name:<15}{pictures:,} pictures, {said or 'without classes'}")
    return {**facts, "side": side}, "\n".join([*lines, f"networks see   {side} x {side} pixels"])


def _of_folder(folder: Path, size: int, channels: int | None, fit: How, cache_mb: float) -> PictureSet:
    train, test, classes = class_files(folder)
    files, cut = [*train.files, *test.files], len(train.files)
    images = load_pixels(files, Fit(size, fit, channels or 3), cache_mb).array()
    if channels is None and not any((image != image[..., :1]).any() for image in images):
        if isinstance(images, np.memmap):
            images = load_pixels(files, Fit(size, fit, 1), cache_mb).array()
        else:
            images = images[..., :1].copy()
    return PictureSet(folder.resolve().name, _pictures(images[:cut], train), _pictures(images[cut:], test), classes)


def _pictures(images: np.ndarray, part: Part) -> Pictures:
    return Pictures(images, None if part.labels is None else np.array(part.labels, np.int64))


def _of_card(card: Card) -> tuple[Pictures, Pictures, tuple[str, ...]]:
    """Train, test and classes of a dataset, as its files have them."""
    if card.format not in READERS:
        raise DataError(
            f"the card of {card.name!r} has the format {card.format!r}, which nothing reads as labelled images",
            f"known: {', '.join(READERS)}",
        )
    card.fetch()  # all splits at once, so that one error names whatever is missing
    parts = {split: Pictures(*READERS[card.format](card.paths(split))) for split in card.split_names}
    if "train" not in parts:
        raise DataError(f"the card of {card.name!r} has no split 'train'", "see datasets/README.md")
    train = parts["train"]
    largest = max((int(part.labels.max()) for part in parts.values() if part.labels is not None), default=-1)
    classes = card.classes or tuple(map(str, range(largest + 1)))
    if largest >= len(classes):
        raise DataError(
            f"{card.name!r} has the label {largest}, and its card names {len(classes)} classes",
            "the card is wrong: tell its author",
        )
    if "test" in parts:
        return train, parts["test"], classes
    n = len(train.images)
    chosen = np.array(held_out([0] * n if train.labels is None else train.labels.tolist(), HELD_OUT))
    if not chosen.size:
        raise DataError(f"{card.name!r} has one picture of each class, and none to test with", "the card is wrong")
    return _rows(train, np.setdiff1d(np.arange(n), chosen)), _rows(train, chosen), classes


def _rows(pictures: Pictures, rows: np.ndarray) -> Pictures:
    return Pictures(pictures.images[rows], None if pictures.labels is None else pictures.labels[rows])


def _fitted(pictures: Pictures, size: int | None, channels: int | None, fit: How) -> Pictures:
    """A dataset's pictures with the size and the channels that were asked for."""
    images = pictures.images
    n, height, width, now = images.shape
    if size is not None and max(height, width) <= size <= min(height, width) + FRAME:
        top, left = (size - height) // 2, (size - width) // 2
        framed = np.zeros((n, size, size, now), np.uint8)
        framed[:, top : top + height, left : left + width] = images
        images = framed
    elif size is not None:
        resized = np.empty((n, size, size, now), np.uint8)
        for row, image in enumerate(images):
            resized[row] = Fit(size, fit, now)(image)
        images = resized
    if channels == 3 and now == 1:
        images = np.repeat(images, 3, axis=-1)
    elif channels == 1 and now == 3:
        grey = np.empty((*images.shape[:3], 1), np.uint8)
        for row, image in enumerate(images):
            grey[row, ..., 0] = Image.fromarray(image).convert("L")
        images = grey
    return Pictures(images, pictures.labels)
