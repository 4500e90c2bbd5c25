"""Datasets by name: the cards registered through the entry-point group `gankit.datasets`."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from gankit.config import MAX_YAML_BYTES, parse_yaml
from gankit.datasets.archives import ArchiveCard
from gankit.datasets.cards import Card
from gankit.datasets.files import FilesCard
from gankit.datasets.packaged import PackageCard
from gankit.errors import DataError, UsageError, did_you_mean

log = logging.getLogger("gankit")

GROUP = "gankit.datasets"
_CARD: TypeAdapter[Card] = TypeAdapter(Annotated[PackageCard | ArchiveCard | FilesCard, Field(discriminator="layout")])


@cache
def all_cards() -> Mapping[str, Card]:
    """All registered cards by name.

    Raises:
        DataError: A card is damaged, or two have one name.

    Examples:
        >>> "photos" in all_cards()
        True
    """
    found: dict[str, Card] = {}
    for point in importlib.metadata.entry_points(group=GROUP):
        for file in point.load()():
            card = parse_card(file.read_text("utf-8"), str(file))
            if card.name in found:
                raise DataError(f"two cards describe the dataset {card.name!r}", "uninstall one of their distributions")
            found[card.name] = card
    return found


def parse_card(text: str, origin: str) -> Card:
    """A card from its YAML, which an error calls `origin`.

    Raises:
        DataError: It is damaged; says where.
    """
    document: dict[str, Any] = parse_yaml(text, origin)
    try:
        return _CARD.validate_python(document)
    except ValidationError as error:
        item = error.errors()[0]
        # The place begins with the layout, once it is a known one.
        inside = item["loc"][1:] if item["loc"][:1] == (document.get("layout"),) else item["loc"]
        place = ".".join(map(str, inside)) or "card"
        reason = re.sub("^Value error, ", "", item["msg"])
        raise DataError(f"the dataset card {origin} is damaged: {place}: {reason}", "see datasets/README.md") from error


def is_card(path: Path) -> bool:
    """Whether a path looks like the file of a card."""
    return path.suffix.lower() in (".yaml", ".yml") and path.is_file()


def read_card(path: Path) -> Card:
    """The card in a file.

    Raises:
        DataError: It cannot be read, or is damaged.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return parse_card(file.read(MAX_YAML_BYTES + 1), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the dataset card {path}: {error}", "give a YAML file in UTF-8") from error


def named(name: str) -> Card:
    """The registered dataset of that name.

    Raises:
        UsageError: There is none.

    Examples:
        >>> named("mnist").split_names
        ['train', 'test']
    """
    if name not in all_cards():
        raise UsageError(f"there is no dataset {name!r}", did_you_mean(name, all_cards()))
    return all_cards()[name]


def resolve(source: str, kind: str) -> Path | Card:
    """What a user means by `--data SOURCE`: the name of a dataset, a card's file, else a file or folder.

    A name wins, so that a recipe's default data do not depend on the folder that one happens to stand in; `photos/` or
    `./photos` is the folder.

    Args:
        source: As typed.
        kind: The kind of dataset that the recipe reads, "images" say.

    Raises:
        UsageError: There is neither, or the card describes another kind.
        DataError: The card is damaged.

    Examples:
        >>> resolve("photos", "images").name
        'photos'
    """
    path = Path(source).expanduser()
    known: Mapping[str, Card] = {name: card for name, card in all_cards().items() if card.kind == kind}
    if source in known:
        if path.exists():
            log.warning("%s is the dataset; write %s for the folder", source, os.path.join(".", source))
        return known[source]
    if is_card(path):
        card = read_card(path)
        if card.kind != kind:
            raise _other_kind(str(path), card, kind, known)
        return card
    if path.exists():
        return path
    if source in all_cards():
        raise _other_kind(source, all_cards()[source], kind, known)
    hint = did_you_mean(source, known)
    folder = f"(or a folder of {kind.replace('-', ' ')})"
    raise UsageError(f"there is no file, folder or dataset {source!r}", f"{hint} {folder}")


def _other_kind(source: str, card: Card, kind: str, known: Mapping[str, Card]) -> UsageError:
    """The error for a dataset that the recipe does not read."""
    has, reads = (name.replace("-", " ") for name in (card.kind, kind))
    return UsageError(f"{source} is a dataset of {has}, and the recipe reads {reads}", did_you_mean(source, known))
