"""Pictures of any size and kind -> marks, with what was left out and why."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from gankit import DataError, UsageError
from gankit.images import list_images, read_each
from gankit_sketch_retrieval.marks.arrays import is_arrays, read_arrays
from gankit_sketch_retrieval.marks.ink import BRIGHT, DARK, ink, open_grey, polarity
from gankit_sketch_retrieval.marks.labels import FILE, read_labels
from gankit_sketch_retrieval.marks.normalisation import ink_box, normalised

LEAST = 8  # pixels of the longer side
AGREED = 0.8  # share of the pictures whose verdict holds for all
MIXED = "mixed"
SAID = {DARK: "dark ink on bright ground", BRIGHT: "bright ink on dark ground"}
UNREADABLE, SMALL, EMPTY = "unreadable", f"smaller than {LEAST} pixels", "without ink"

log = logging.getLogger("gankit")


@dataclass(frozen=True)
class Marks:
    """Marks that were read.

    Attributes:
        pictures: `[n, 64, 64]` uint8, normalised, ink bright.
        names: Of each: its path relative to the folder, POSIX, or "file.npz#train/17".
        columns: What is known: column -> `[n]` strings. "label" is the class, "" if a mark has none.
        kind: The ink's: `DARK`, `BRIGHT` or `MIXED`.
        left_out: Reason -> how many pictures.
        repeated: How many pictures are the same, pixel by pixel, as an earlier one.
        raw: Ink cut out but not brought to one size, each `[height, width]` uint8, ink bright; empty if not asked for.
    """

    pictures: np.ndarray
    names: tuple[str, ...]
    columns: dict[str, np.ndarray]
    kind: str
    left_out: dict[str, int]
    repeated: int
    raw: tuple[np.ndarray, ...] = ()

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def labels(self) -> np.ndarray | None:
        """Classes, `[n]` strings, "" where there is none; None if nothing is labelled."""
        return self.columns.get("label")

    def only(self, rows: np.ndarray) -> Marks:
        """Some of the marks.

        Args:
            rows: Their numbers, or `[n]` bool.
        """
        rows = np.arange(len(self))[rows]
        return replace(
            self,
            pictures=self.pictures[rows],
            names=tuple(self.names[row] for row in rows),
            columns={name: values[rows] for name, values in self.columns.items()},
            raw=tuple(self.raw[row] for row in rows) if self.raw else (),
        )

    def labelled(self) -> Marks:
        """Those that have a label.

        Raises:
            DataError: None has.
        """
        if self.labels is None or not (self.labels != "").any():
            raise DataError("no mark has a label", f"write a {FILE} with the columns path,label beside the pictures")
        return self.only(self.labels != "")


@dataclass(frozen=True)
class _Seen:
    """What became of one picture: either a fault, or all the rest."""

    fault: str = ""
    why: str = ""
    kind: str = ""
    digest: bytes = b""
    mark: np.ndarray | None = None
    raw: np.ndarray | None = None


def read(source: str | Path, *, kind: str = "", stretch: float = 0.0, raw: int = 0, by_folder: bool = False) -> Marks:
    """Reads the marks of a folder or a file.

    A folder is searched with its sub-folders; of files with several pictures the first counts. If at least 80 % of the
    pictures have ink of one kind, that is taken to be so in all of them. Pictures that are unreadable, smaller than
    8 pixels, or without ink are left out with a warning; repeated ones are kept, with a warning.

    Labels come from a `labels.csv` in the folder. Training needs none. Sub-folders are no classes, since archives are
    as often filed by source or date, unless `by_folder` says so.

    Args:
        source: A folder of images, one image, "FILE.npz" (arrays `images` and `labels`) or "FILE.npz#train" (`train`
            and `train_labels`).
        kind: `DARK` or `BRIGHT` if the ink's kind is known.
        stretch: Of the normalisation.
        raw: Largest side in pixels at which the ink is kept besides; 0 keeps none.
        by_folder: Without labels.csv, a picture's label is the folder that it is in (none for those at the top).

    Returns:
        In the order of the paths or of the array.

    Raises:
        DataError: Nothing can be used, or labels.csv is wrong.
        UsageError: `kind` is none.
    """
    if kind not in ("", DARK, BRIGHT):
        raise UsageError(f"ink cannot be {kind!r}", f"it is {DARK} or {BRIGHT}; leave it out to find out")
    names, opened, columns = _opened(str(source), by_folder)

    def seen(row: int, kind: str = kind) -> _Seen:
        return _seen(opened, row, kind, stretch, raw)

    rows = list(range(len(names)))
    found = [seen(row) for row in rows] if is_arrays(str(source)) else read_each(rows, seen)
    usable = [row for row in rows if not found[row].fault]
    counts = Counter(found[row].kind for row in usable)
    verdict, agreeing = counts.most_common(1)[0] if counts else (kind, 0)
    if agreeing >= AGREED * len(usable):
        others = [row for row in usable if found[row].kind != verdict]
        for row, again in zip(others, read_each(others, lambda row: seen(row, verdict)), strict=True):
            found[row] = again
        usable = [row for row in usable if not found[row].fault]
    else:
        others, verdict = [], MIXED
    faults = {row: one for row, one in enumerate(found) if one.fault}
    left_out = dict(Counter(one.fault for one in faults.values()))
    if faults:
        first = {one.fault: one.why or names[row] for row, one in reversed(faults.items())}  # an example of each
        examples = "; ".join(first[fault] for fault in left_out)
        log.warning("%s pictures left out: %s (%s)", f"{len(faults):,}", _listed(left_out), examples)
    if not usable:
        raise DataError(f"no mark in {source}: {_listed(left_out)}", "give pictures of dark or bright ink")
    _say_kind(len(usable), verdict, len(others), counts)
    chosen = [found[row] for row in usable]
    earlier: dict[bytes, int] = {}
    repeated = [(row, same) for row in usable if (same := earlier.setdefault(found[row].digest, row)) != row]
    if repeated:
        message = "%s pictures are the same as others (%s as %s, say); they are kept"
        log.warning(message, f"{len(repeated):,}", *(names[row] for row in repeated[0]))
    return Marks(
        pictures=np.stack([one.mark for one in chosen]),
        names=tuple(names[row] for row in usable),
        columns={name: values[usable] for name, values in columns.items()},
        kind=verdict,
        left_out=left_out,
        repeated=len(repeated),
        raw=tuple(one.raw for one in chosen) if raw else (),
    )


def _opened(source: str, by_folder: bool) -> tuple[list[str], Callable[[int], np.ndarray], dict[str, np.ndarray]]:
    """Names, how to get the grey pixels of each, and what is known of each."""
    if is_arrays(source):
        arrays, columns = read_arrays(source)
        name = Path(source).name
        separator = "/" if "#" in name else "#"
        return [f"{name}{separator}{row}" for row in range(len(arrays))], arrays.__getitem__, columns
    paths = list_images(Path(source))
    folder = Path(source) if Path(source).is_dir() else Path(source).parent
    names = [path.relative_to(folder).as_posix() for path in paths]
    columns = read_labels(folder, names) if Path(source).is_dir() else {}
    if by_folder and not columns:
        parents = [name.rpartition("/")[0] for name in names]
        columns = {"label": np.array(parents)} if any(parents) else {}
    return names, lambda row: open_grey(paths[row]), columns


def _seen(opened: Callable[[int], np.ndarray], row: int, kind: str, stretch: float, most: int) -> _Seen:
    try:
        pixels = opened(row)
    except DataError as error:
        return _Seen(UNREADABLE, error.message)
    if max(pixels.shape) < LEAST:
        return _Seen(SMALL)
    kind = kind or polarity(pixels)
    strokes = ink(pixels, kind)
    mark = normalised(strokes, stretch)
    if not mark.any():
        return _Seen(EMPTY)
    digest = hashlib.blake2b(repr(pixels.shape).encode() + pixels.tobytes(), digest_size=16).digest()
    return _Seen(kind=kind, digest=digest, mark=mark, raw=_bounded(strokes, most) if most else None)


def _bounded(strokes: np.ndarray, most: int) -> np.ndarray:
    """The box around the ink, made so small that its longer side has at most so many pixels."""
    x0, y0, x1, y1 = ink_box(strokes) or (0, 0, 1, 1)
    part = np.rint(strokes[y0:y1, x0:x1] * 255).astype(np.uint8)
    if max(part.shape) <= most:
        return part
    height, width = (max(1, round(side * most / max(part.shape))) for side in part.shape)
    return np.asarray(Image.fromarray(part).resize((width, height), Image.Resampling.BOX))


def _listed(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())


def _say_kind(count: int, verdict: str, corrected: int, counts: Counter[str]) -> None:
    if verdict == MIXED:
        parts = " and ".join(f"{SAID[kind]} in {number:,}" for kind, number in counts.most_common())
        log.warning("%s marks: %s; each is read as it looks, unless you say which it is", f"{count:,}", parts)
        return
    log.info("%s marks: %s", f"{count:,}", SAID[verdict])
    if corrected:
        log.warning("%s of them look as if it were the other way round, and are read like the rest", f"{corrected:,}")
