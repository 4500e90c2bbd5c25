"""Pictures of two kinds: pairs that belong together, and two folders that do not."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from gankit.errors import DataError, UsageError
from gankit.images.fitting import Fit, How
from gankit.images.folders import divided, folder_of, listed, loose_pictures, pictures_of, split_folder, sub_folders
from gankit.images.images import image_size, read_each
from gankit.images.prepared import load_pixels
from gankit.images.sources import PictureSource
from gankit.recipe import Data

log = logging.getLogger("gankit")

SHOWN = 5  # names in a message

LAYOUTS = "put pictures side by side in it, or sub-folders A and B (or trainA and trainB), or name two folders"


def open_pairs(
    data: str | Path,
    other: str | Path | None = None,
    *,
    size: int | tuple[int, int],
    fit: How = "crop",
    channels: int = 3,
    source: Literal["first", "second"] = "first",
    unmatched: Literal["error", "leave"] = "error",
    held_out: float = 0.1,
    cache_mb: float = 2000,
) -> Data:
    """Opens pictures that belong together two by two, as pix2pix learns from.

    What the folder holds may be

    - pictures that are two side by side, of which the left one is the first;
    - two folders `A` and `B`, whose files of the same name (whatever their extensions) belong together;
    - `trainA` and `trainB`, and to test with `testA` and `testB`.

    Each of these may lie in `train` and `test` (or `val`). Where nothing is set aside to test with, a part is held out,
    spread over the names. Pictures that do not fit into `cache_mb` are decoded once into a file.

    Args:
        data: The folder; or, with `other`, the folder of the first pictures.
        other: The folder of the second pictures.
        size: Side of square pictures, or (height, width), in pixels.
        fit: "crop" resizes the middle, "squeeze" the whole picture, "middle" cuts the middle out without resizing.
        channels: 1 for grey, 3 for RGB.
        source: Which of the two is the field "source"; the other one is "target".
        unmatched: "leave" leaves out the files without a partner, and says which; else they are an error.
        held_out: Part of the pairs that is held out where the folder sets none aside; 1 opens nothing to train on,
            for `Recipe.test_data`, and 0 nothing to test with.
        cache_mb: Most memory for the pictures, in MB.

    Returns:
        `Data.train["pairs"]` and `Data.held_out["pairs"]`, both sources with the fields "source" and "target",
        `[batch, height, width, channels]` floatx in [-1, 1], and in `Data.facts` "size" and "channels".

    Raises:
        DataError: There is no such folder or no picture, or files are damaged or have no partner.
        UsageError: An option is out of range.

    Examples:
        >>> open_pairs("facades", size=256, source="second").train["pairs"].n  # doctest: +SKIP
        400
    """
    if source not in ("first", "second") or unmatched not in ("error", "leave"):
        raise UsageError(
            f"source {source!r}, unmatched {unmatched!r}", "source is first or second, unmatched is error or leave"
        )
    sides = _sides(data, other)
    if sides:
        (first, first_test), (second, second_test) = sides
        if (first_test is None) != (second_test is None):
            here, lacking = (second_test, first) if first_test is None else (first_test, second)
            raise DataError(f"{here} has no counterpart beside {lacking}", "set pictures of both aside, or of neither")
        found = _matched(first, second, unmatched)
        test = _matched(first_test, second_test, unmatched) if first_test and second_test else None
    else:
        train, tested = split_folder(folder_of(data))
        found, test = _side_by_side(train), _side_by_side(tested) if tested else None
    parts = divided(found, test, held_out)
    how = Fit(size, fit, channels, halves=not sides)
    if not sides:
        _check_halves([file for part in parts for (file,) in part or ()])

    def opened(pairs: Sequence[tuple[Path, ...]]) -> dict[str, Any]:
        if not pairs:
            return {}
        if sides and fit != "squeeze":
            _compare(pairs)
        pictures = load_pixels([file for pair in pairs for file in pair], how, cache_mb).array()
        fields = ("source", "target") if source == "first" else ("target", "source")
        return {"pairs": PictureSource({fields[0]: pictures[::2], fields[1]: pictures[1::2]})}

    train_part, test_part = (opened(part) for part in parts)
    return Data(train_part, test_part, {"size": list(how.shape), "channels": channels})


def open_unpaired(
    data: str | Path,
    other: str | Path | None = None,
    *,
    size: int | tuple[int, int],
    fit: How = "crop",
    channels: int = 3,
    held_out: float = 0.1,
    cache_mb: float = 2000,
) -> Data:
    """Opens pictures of two kinds, any number of each, as CycleGAN learns from.

    Args:
        data: A folder with `trainA` and `trainB` (and `testA` and `testB`), or with `A` and `B`; or, with `other`, the
            folder of the first kind, which may have `train` and `test`.
        other: The folder of the second kind.
        size: Side of square pictures, or (height, width), in pixels.
        fit: "crop" resizes the middle, "squeeze" the whole picture, "middle" cuts the middle out without resizing.
        channels: 1 for grey, 3 for RGB.
        held_out: Part of each kind that is held out where the folder sets none aside; 1 opens nothing to train on,
            for `Recipe.test_data`, and 0 nothing to test with.
        cache_mb: Most memory for the pictures, in MB; beyond it they are decoded once into files.

    Returns:
        `Data.train` and `Data.held_out`, each with a source "a" of the field "a" and a source "b" of the field "b",
        `[batch, height, width, channels]` floatx in [-1, 1]; and in `Data.facts` "size" and "channels". Each source is
        shuffled by itself, and begins anew after its own last picture.

    Raises:
        DataError: There is no such folder or no picture, or files are damaged.
        UsageError: An option is out of range.

    Examples:
        >>> open_unpaired("horse2zebra", size=256).train["b"].n  # doctest: +SKIP
        1334
    """
    sides = _sides(data, other)
    if not sides:
        raise DataError(f"{data} has neither trainA and trainB nor A and B", "name them so, or give two folders")
    how = Fit(size, fit, channels)
    parts: tuple[dict[str, Any], dict[str, Any]] = {}, {}
    for name, (train, tested) in zip("ab", sides, strict=True):
        files, test = pictures_of(train), pictures_of(tested) if tested else None
        for part, found in zip(parts, divided(files, test, held_out), strict=True):
            if found:
                part[name] = PictureSource(load_pixels(found, how, cache_mb / 2).array(), name)
    return Data(*parts, {"size": list(how.shape), "channels": channels})


Side = tuple[Path, Path | None]
"""The folder to train on, and the one to test with."""


def _sides(data: str | Path, other: str | Path | None) -> tuple[Side, Side] | None:
    """The folders of two kinds of pictures; None if there is one folder, and nothing in it says that it has two."""
    folder = folder_of(data)
    if other is not None:
        return split_folder(folder), split_folder(folder_of(other))
    inside = sub_folders(folder)
    if {"trainA", "trainB"} <= inside.keys():
        return split_folder(folder, "A"), split_folder(folder, "B")
    if {"A", "B"} <= inside.keys():
        return split_folder(inside["A"]), split_folder(inside["B"])
    train, test = split_folder(folder)
    if {"A", "B"} <= sub_folders(train).keys():
        return (train / "A", test and test / "A"), (train / "B", test and test / "B")
    return None


def _side_by_side(folder: Path) -> list[tuple[Path, ...]]:
    """The pictures of a folder, each of which is a pair."""
    if not (found := loose_pictures(folder)):
        inside = ", ".join(sub_folders(folder)) or "nothing of use"
        raise DataError(f"no pairs of pictures in {folder}, but {inside}", LAYOUTS)
    return [(file,) for file in found]


def _check_halves(files: Sequence[Path]) -> None:
    """Says what is taken for pairs; pictures that are not wider than high can hardly be two side by side."""
    single = [file for file, size in zip(files, read_each(files, image_size), strict=True) if size[1] <= size[0]]
    if single:
        raise DataError(
            f"{len(single):,} of {len(files):,} pictures are no wider than high, so they are no pairs side by side: "
            f"{listed([file.name for file in single])}",
            LAYOUTS,
        )
    log.info("each of %d pictures is taken for a pair, its left half and its right half", len(files))


def _by_name(folder: Path) -> dict[str, Path]:
    """The pictures of a folder by their paths in it, without extensions."""
    found: dict[str, Path] = {}
    for file in pictures_of(folder):
        name = file.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            raise DataError(f"{found[name]} and {file} have one name", "rename one of them, or remove it")
        found[name] = file
    return found


def _matched(first: Path, second: Path, unmatched: str) -> list[tuple[Path, ...]]:
    """Pairs of files with the same name, in the order of the names."""
    one, other = _by_name(first), _by_name(second)
    lonely = [
        f"{len(names):,} of {len(own):,} files of {folder} have none in {elsewhere}: {listed(sorted(names))}"
        for own, folder, elsewhere, names in (
            (one, first, second, one.keys() - other.keys()),
            (other, second, first, other.keys() - one.keys()),
        )
        if names
    ]
    if lonely and unmatched == "error":
        hint = "a pair has the same name in both folders; rename or remove these, or unmatched='leave' leaves them out"
        raise DataError("files without a partner: " + "; ".join(lonely), hint)
    if not (names := sorted(one.keys() & other.keys())):
        raise DataError(f"no file of {first} has the name of one of {second}", "a pair has the same name in both")
    if lonely:
        log.warning("left out, having no partner: %s", "; ".join(lonely))
    return [(one[name], other[name]) for name in names]


def _compare(pairs: Sequence[tuple[Path, ...]]) -> None:
    """Says which pairs have different proportions, so that the middles of both need not show the same."""
    sizes = read_each([file for pair in pairs for file in pair], image_size)
    odd = [
        f"{pair[0].name} ({a[1]} x {a[0]} and {b[1]} x {b[0]})"
        for pair, a, b in zip(pairs, sizes[::2], sizes[1::2], strict=True)
        if abs(a[0] * b[1] / (a[1] * b[0]) - 1) > 0.02
    ]
    if odd:
        log.warning(
            "%d of %d pairs have different proportions, and may not lie upon each other once they are cut: %s; "
            "fit='squeeze' cuts nothing off",
            *(len(odd), len(pairs), listed(odd)),
        )
