"""Photographs that come in pairs, small and large, as two cameras or another program made them: `--pairs LR/ HR/`."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from gankit import Data
from gankit.errors import DataError
from gankit.images import ImageCrops, Reductions, imresize, list_images, load_pixels, read_each, read_image
from gankit.support import Bar
from gankit_srgan.evaluation import busiest, colour
from gankit_srgan.photos import LARGEST_TEST_SIDE, Pair, divided, smallest_side

log = logging.getLogger("gankit")

WINDOW = 192  # pixels of the small picture whose place in the large one is measured
WORTH_SAYING, TOO_FAR = 0.5, 1.0  # small pixels
ALIKE = 0.3  # correlation below which two pictures show different things
FLAT = 2.0  # levels; what varies less has no place
FINE = 20  # steps within a pixel
SUFFIX = re.compile(r"(?i)([-_. ]?x[1-4]m?|[-_. ](lr|hr|gt|srf)[-_]?[1-4]?|[-_. ]bicubic)+$")


class Files(NamedTuple):
    """Two files that belong together."""

    name: str
    low: Path
    high: Path


class Look(NamedTuple):
    """What was seen of a pair.

    Attributes:
        problem: Why it is of no use; empty if it is of use.
        shift: How far the small picture lies beside the large one, in small pixels; None if nothing in it tells.
        cut: Whether the large one has a remainder of fewer pixels than the factor, or lacks as few.
    """

    problem: str = ""
    shift: float | None = None
    cut: bool = False


@dataclass(frozen=True)
class Opened:
    """The pairs of two folders.

    Attributes:
        pairs: In the order of their names.
        left_out: What is wrong with those that `skip_bad` left out, by name.
        facts: Their number, and how far the small pictures lie beside the large ones, in small pixels.
    """

    pairs: list[Files]
    left_out: Mapping[str, str]
    facts: Mapping[str, Any]


def open_photo_pairs(
    folders: Sequence[str],
    scale: int,
    crop: int,
    held_out: int | None,
    sampling: Literal["detail", "area", "image"],
    cache_mb: float,
    skip_bad: bool,
) -> Data:
    """Opens two folders to train on.

    Args:
        folders: That of the small and that of the large pictures.
        scale: Factor between them.
        crop: Side of a crop of the large ones.
        held_out: As of `gankit_srgan.photos.split`.
        sampling: As `by` of `gankit.images.ImageCrops`; the detail is that of the small pictures.
        cache_mb: Most memory for the decoded pictures, in MB.
        skip_bad: Leave out files without a partner and pairs of no use, which are an error otherwise.

    Returns:
        `Data.train["photos"]` with the fields `lr` and `hr` in [0, 1], cut at the same places and turned alike;
        `Data.held_out`: name -> `Pair`; and in `Data.facts` "pairs", and "left_out" where there is any.

    Raises:
        DataError: Files have no partner, or pairs are of no use; names them.
    """
    found = opened(folders, scale, crop, skip_bad)
    train, test = divided(found.pairs, held_out, f"{folders[0]} and {folders[1]} have {len(found.pairs)} pair(s), and")
    share = cache_mb / (scale**2 + 1)
    low = load_pixels([pair.low for pair in train], Reductions(), share)
    high = load_pixels([pair.high for pair in train], Reductions(), cache_mb - share)
    # Thirty-two crops an image and epoch, as of photographs.
    crops = ImageCrops(low, crop // scale, field="lr", repeat=32, by=sampling, larger={"hr": (high, scale)})
    left_out = {"left_out": dict(found.left_out)} if found.left_out else {}
    return Data({"photos": crops}, whole(test, scale), {"pairs": dict(found.facts), **left_out})


def opened(folders: Sequence[str], scale: int, crop: int, skip_bad: bool) -> Opened:
    """Matches two folders by their files' names, and looks at each pair: sizes, and whether one lies upon the other.

    Args:
        folders: As of `open_photo_pairs`.
        scale: As there.
        crop: As there; the smallest side of a large picture.
        skip_bad: As there.

    Raises:
        DataError: As there.
    """
    pairs, lonely = matched(Path(folders[0]).expanduser(), Path(folders[1]).expanduser())
    total = iter([pair.low.stat().st_size + pair.high.stat().st_size for pair in pairs])
    with Bar(f"comparing {len(pairs)} pairs", sum(p.low.stat().st_size + p.high.stat().st_size for p in pairs)) as bar:
        looks = read_each(pairs, lambda pair: examined(pair, scale, crop), lambda _: bar(next(total)))
    bad = {pair.name: look.problem for pair, look in zip(pairs, looks, strict=True) if look.problem}
    wrong = {**lonely, **bad}
    if wrong and not skip_bad:
        raise DataError(said(wrong, len(pairs) + len(lonely)), hint(bad, scale))
    if wrong:
        log.warning("left out: %s", said(wrong, len(pairs) + len(lonely)))
    good = {pair: look for pair, look in zip(pairs, looks, strict=True) if not look.problem}
    if cut := [pair.name for pair, look in good.items() if look.cut]:
        log.info("%d pairs have rows or columns at the end that only one picture has; they are left out", len(cut))
    shifts = {pair.name: look.shift for pair, look in good.items() if look.shift is not None}
    facts: dict[str, Any] = {"count": len(good), "measured": len(shifts)}
    if shifts:
        farthest = max(shifts, key=lambda name: shifts[name])
        facts |= {"median_shift": round(float(np.median([*shifts.values()])), 2), "largest_shift": shifts[farthest]}
        log.info(
            "%d pairs lie upon each other within %.2f small pixels in the median, and %.2f at most (%s)",
            *(len(good), facts["median_shift"], facts["largest_shift"], farthest),
        )
    if far := {name: f"by {shift:.2f} small pixels" for name, shift in shifts.items() if shift > WORTH_SAYING}:
        log.warning("not quite upon each other: %s", said(far, len(good)))
    return Opened([*good], wrong, facts)


def matched(low: Path, high: Path) -> tuple[list[Files], dict[str, str]]:
    """Files of two folders by name, and what lacks a partner.

    Names are compared without extensions, and where that finds none, without what tells sizes: 0001x4.png belongs to
    0001.png, and a_LR4.png to a_HR.png.

    Raises:
        DataError: There is no such folder or no picture, or nothing matches.
    """
    sides: list[dict[str, Path]] = []
    twice: dict[str, str] = {}
    for folder in (low, high):
        if not folder.is_dir():
            raise DataError(
                f"there is no folder {folder}", "--pairs takes the small pictures' folder, then the large ones'"
            )
        named: dict[str, Path] = {}
        for path in list_images(folder):
            name = path.relative_to(folder).with_suffix("").as_posix()
            if named.setdefault(name, path) != path:
                twice[str(path)] = f"{named[name].name} has the same name"
        sides.append(named)
    ours, theirs = sides
    partner = {name: name for name in ours.keys() & theirs.keys()}
    plain: dict[str, list[str]] = {}
    for name in sorted(theirs.keys() - partner.keys()):
        plain.setdefault(SUFFIX.sub("", name), []).append(name)
    for name in sorted(ours.keys() - partner.keys()):
        if len(others := plain.get(SUFFIX.sub("", name), [])) == 1:
            partner[name] = others.pop()
    lonely = twice | {
        str(ours[name]): f"nothing of its name in {high}" for name in sorted(ours.keys() - partner.keys())
    }
    taken = set(partner.values())
    lonely |= {str(theirs[name]): f"nothing of its name in {low}" for name in sorted(theirs.keys() - taken)}
    if not partner:
        raise DataError(
            f"no file of {low} has the name of one of {high}", "a pair has one name: 0001x4.png and 0001.png"
        )
    return [Files(name, ours[name], theirs[partner[name]]) for name in sorted(partner)], lonely


def examined(pair: Files, scale: int, crop: int) -> Look:
    """Looks at one pair; the arguments are those of `opened`."""
    try:
        low, high = read_image(pair.low), read_image(pair.high)
    except DataError as error:
        return Look(error.message)
    (h, w), (height, width) = low.shape[:2], high.shape[:2]
    sizes = f"{w} x {h} and {width} x {height} pixels"
    if max(abs(height - scale * h), abs(width - scale * w)) >= scale:
        return Look(f"{sizes}, which is not x{scale}")
    low, high = common(low, high, scale)
    if min(high.shape[:2]) < max(crop, smallest_side(scale)):
        return Look(f"{sizes}, smaller than a crop of {crop} x {crop}")
    cut = (height, width) != (scale * h, scale * w)
    if (found := displacement(low, high, scale)) is None:
        return Look(cut=cut)
    shift, likeness = found
    if likeness < ALIKE:
        return Look(f"the two show different things (correlation {likeness:.2f})")
    return Look("" if shift <= TOO_FAR else f"shifted by {shift:.1f} small pixels", shift, cut)


def common(low: np.ndarray, high: np.ndarray, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """What two pictures have both: without the rows and columns at the end that only one of them has."""
    h, w = (min(a, b // scale) for a, b in zip(low.shape[:2], high.shape[:2], strict=True))
    return low[:h, :w], high[: h * scale, : w * scale]


def displacement(low: np.ndarray, high: np.ndarray, scale: int) -> tuple[float, float] | None:
    """How far a small picture lies beside a large one, by phase correlation of its busiest window.

    Args:
        low: `[h, w, 3]` uint8.
        high: `[h * scale, w * scale, 3]` uint8.
        scale: Factor.

    Returns:
        The distance in small pixels, to a twentieth; and the correlation of the two once it is undone. None where the
        window is flat, or where undoing a large distance does not bring the two nearer to each other.
    """
    y, x = busiest(low, WINDOW)
    window = low[y : y + WINDOW, x : x + WINDOW]
    h, w = window.shape[:2]
    truth = imresize(high[y * scale : (y + h) * scale, x * scale : (x + w) * scale], h, w)
    a, b = (colour(image).mean(axis=2) for image in (window, truth))
    if min(a.std(), b.std()) < FLAT:
        return None
    fade = np.outer(np.hanning(h + 2)[1:-1], np.hanning(w + 2)[1:-1])  # the borders don't meet
    cross = np.fft.fft2((a - a.mean()) * fade) * np.fft.fft2((b - b.mean()) * fade).conj()
    cross /= np.abs(cross) + 1e-9 * np.abs(cross).max()
    peak = np.unravel_index(np.fft.ifft2(cross).real.argmax(), (h, w))
    near = [int(place) - size if place > size // 2 else int(place) for place, size in zip(peak, (h, w), strict=True)]
    # Between the pixels: the same sum at fractions of them, around the peak.
    steps = np.arange(-FINE, FINE + 1) / FINE
    rows, columns = (
        np.exp(2j * np.pi * np.outer(place + steps, np.fft.fftfreq(size)))
        for place, size in zip(near, (h, w), strict=True)
    )
    i, j = np.unravel_index((rows @ cross @ columns.T).real.argmax(), (len(steps), len(steps)))
    exact = float(np.hypot(near[0] + steps[i], near[1] + steps[j]))
    here, there = correlation(a, b, (0, 0)), correlation(a, b, near)
    if exact > TOO_FAR and there <= here:
        return None if here >= ALIKE else (exact, here)
    return round(exact, 2), there


def correlation(a: np.ndarray, b: np.ndarray, shift: Sequence[int]) -> float:
    """Pearson's, of `a[y + dy, x + dx]` and `b[y, x]` where both are."""
    (dy, dx), (h, w) = shift, a.shape
    ours = a[max(0, dy) : h + min(0, dy), max(0, dx) : w + min(0, dx)]
    theirs = b[max(0, -dy) : h + min(0, -dy), max(0, -dx) : w + min(0, -dx)]
    if ours.size < 64 or min(ours.std(), theirs.std()) == 0:
        return 0.0
    return float(np.corrcoef(ours.ravel(), theirs.ravel())[0, 1])


def said(wrong: Mapping[str, str], count: int) -> str:
    """The first ten of many, and how many there are."""
    shown = [f"{name}: {what}" for name, what in list(wrong.items())[:10]]
    more = [f"and {len(wrong) - 10:,} more"] if len(wrong) > 10 else []
    return f"{len(wrong):,} of {count:,} pairs of photographs: {'; '.join(shown + more)}"


def hint(bad: Mapping[str, str], scale: int) -> str:
    """What to do about pairs of no use: where all sizes tell one story, that."""
    skip = "--skip-bad leaves them out"
    sizes = [re.match(r"(\d+) x (\d+) and (\d+) x (\d+) pixels, which", what) for what in bad.values()]
    ratios = {round(int(m[3]) / int(m[1]), 1) for m in sizes if m}
    if len(ratios) == 1 and all(sizes):
        (ratio,) = ratios
        if ratio < 1:
            return "the small pictures' folder comes first: --pairs LR/ HR/"
        if ratio in (1, 2, 3, 4) and ratio != scale:
            return f"--scale {ratio:.0f} fits them, or {skip}"
    return f"{'mend' if bad else 'rename or remove'} them, or {skip}"


def whole(pairs: Sequence[Files], scale: int) -> dict[str, Pair]:
    """Pairs to judge by: grey kept grey where both are, the middle of large ones."""

    def read(pair: Files) -> Pair:
        low, high = common(read_image(pair.low, keep_grey=True), read_image(pair.high, keep_grey=True), scale)
        if low.ndim != high.ndim:
            low, high = colour(low), colour(high)
        for axis in (0, 1):
            size = min(low.shape[axis], LARGEST_TEST_SIDE // scale)
            start = (low.shape[axis] - size) // 2
            low = low.take(range(start, start + size), axis=axis)
            high = high.take(range(start * scale, (start + size) * scale), axis=axis)
        return Pair(low, high)

    return dict(zip([pair.name for pair in pairs], read_each(pairs, read), strict=True))
