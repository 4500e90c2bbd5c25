"""What every dataset card says and can be asked; each layout has its own file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gankit.datasets.download import Advance, check_address, silent, wrong
from gankit.errors import DataError

SplitName = Literal["train", "test"]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Size = Annotated[int, Field(ge=1)]


def _fetchable(address: str) -> str:
    try:
        return check_address(address)
    except DataError as error:
        raise ValueError(f"{error.message}: {error.hint}") from error


Address = Annotated[str, AfterValidator(_fetchable)]


@dataclass(frozen=True)
class Problem:
    """Something that a check found.

    Attributes:
        path: Of the file.
        what: What is wrong with it.
    """

    path: Path
    what: str


class Download(BaseModel):
    """A file to download.

    Attributes:
        file: Its name in the folder of downloads.
        address: An https URL.
        sha256: Hexadecimal, of the file as it is downloaded.
        bytes: Its size.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    # One plain name: whatever a card says, nothing is written outside of the dataset's folder.
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    address: Address
    sha256: Sha256
    bytes: Size

    def wrong(self, path: Path, advance: Advance = silent) -> str:
        """Why a file is not the one that the card describes; "" if it is."""
        return wrong(path, self.bytes, self.sha256, advance)


class Card(BaseModel):
    """What is known of a dataset; further fields of the file are kept as they are.

    Attributes:
        name: What the user types.
        title: One line.
        kind: What an example is: "images" or "labelled-images".
        licence: Its terms.
        citation: What to cite.
        format: How its files are to be read, where their names do not say it; see `gankit.images.labelled`.
        classes: What the labels 0, 1, ... stand for.

    Examples:
        >>> from gankit.datasets import named
        >>> named("mnist").kind
        'labelled-images'
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    # The name is also that of a folder.
    name: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,63}$")]
    title: str
    kind: str
    licence: str
    citation: str = ""
    format: str = ""
    classes: tuple[str, ...] = ()

    @property
    def folder(self) -> Path | None:
        """Where its files lie or will lie; None if they are spread over packages."""
        return None

    @property
    def bytes(self) -> int:
        """Size as it is obtained."""
        raise NotImplementedError

    @property
    def state(self) -> str:
        """Whether it is there, without looking into the files."""
        raise NotImplementedError

    @property
    def split_names(self) -> Sequence[str]:
        """Which splits it has."""
        raise NotImplementedError

    def fetch(self, *, verify: bool = False) -> None:
        """Obtains whatever is missing; `verify` compares the hash of every file and replaces those that are damaged.

        Raises:
            DataError: It cannot be had.
            Offline: It would have to be downloaded.
        """
        raise NotImplementedError

    def paths(self, split: str) -> list[Path]:
        """The files of a split, in the order of their names; downloads what is missing.

        Raises:
            DataError: A file is missing, or not the one that the card describes.
            Offline: It would have to be downloaded.
        """
        raise NotImplementedError

    def problems(self) -> list[Problem]:
        """What is missing or damaged, by the hash of every file."""
        raise NotImplementedError
