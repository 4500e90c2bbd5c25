"""How good and how fast a method of enlarging is. The scores of every method come from the same functions."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gankit_srgan.degradation.tracks import TRACKS, reduced
from gankit_srgan.evaluation import colour, distance, naturalness
from gankit_srgan.photos import held_out
from peers.method import SCALE, Failed, Method

from gankit.images import list_images
from gankit.images.metrics import super_resolution_scores

Size = tuple[int, int]  # width, height in pixels


def read_set(data: Path, name: str) -> dict[str, np.ndarray]:
    """The originals of a benchmark set: `data/name/HR` if there is such a folder, else `data/name`.

    A track may stand behind its name: "Set5:medium".
    """
    folder = data / name.partition(":")[0]
    return held_out(list_images(folder / "HR" if (folder / "HR").is_dir() else folder), SCALE)


def quality(method: Method, photos: Mapping[str, np.ndarray], patience: float, track: str = "") -> dict[str, Any]:
    """Mean scores over a set.

    Args:
        method: Sees the low resolution in 8 bits, in colour (a grey one three times).
        photos: The originals; those stored as grey are scored as grey.
        patience: Seconds that the set may take; a method that would take longer is stopped after two pictures.
        track: Of `gankit_srgan.degradation.tracks`: what the low resolution suffers; "" is "clean".

    Returns:
        `psnr_y`, `ssim_wang`, `ssim_daala`, `feature_distance`, `niqe`, the number of `images`, or `skipped`: the
        reason.
    """
    lows = [reduced(photo, SCALE, TRACKS[track or "clean"], name) for name, photo in photos.items()]
    rest, spent = sum(low[..., :1].size if low.ndim == 3 else low.size for low in lows), 0.0
    rows = []
    for (name, photo), low in zip(photos.items(), lows, strict=True):
        try:
            output, seconds = method.run(colour(low))
        except Failed as error:
            return {"skipped": f"failed on {name}: {error}"}
        further = {"feature_distance": distance(colour(photo), output), **naturalness({"niqe": output}, SCALE)}
        rows.append({**super_resolution_scores(photo, output, SCALE), **further})
        pixels = low.shape[0] * low.shape[1]
        spent, rest = spent + seconds, rest - pixels
        expected = spent + seconds / pixels * rest
        if len(rows) == 2 and expected > patience:
            return {"skipped": f"it would take about {expected:.0f} s"}
    means = {name: float(np.mean([row[name] for row in rows if row[name] is not None])) for name in rows[0]}
    return {**means, "images": len(rows)}


def picture(size: Size) -> np.ndarray:
    """What speed is measured on: `[h, w, 3]` uint8 of noise, always the same."""
    width, height = size
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def speed(
    methods: Sequence[Method],
    sizes: Sequence[Size],
    rounds: int,
    patience: float,
    note: Callable[[str, Mapping[str, Any]], None],
) -> None:
    """Output megapixels a second, in rounds: every method once, then every one again, so that all meet one machine.

    Args:
        methods: Those that work at all.
        sizes: Of the low-resolution pictures.
        rounds: Timed calls of each method on each picture; others before them warm it up.
        patience: Seconds that a method may take for all rounds on one picture; a slower one does without that picture.
        note: Called after each round, so that a crash loses one round at most: what goes on, and method -> picture ->
            `median`, `least`, `greatest` and each of the `rounds` so far, or `skipped`: the reason.
    """
    sizes = sorted(sizes, key=lambda size: size[0] * size[1])
    found: dict[str, dict[str, Any]] = {method.name: {} for method in methods}
    rates: dict[tuple[str, Size], list[float]] = {}
    for method in methods:
        note(f"warming up {method.name}", found)
        for size, reason in warm_up(method, sizes, rounds, patience).items():
            if reason:
                found[method.name][label(size)] = {"skipped": reason}
            else:
                rates[method.name, size] = []
    for number in range(rounds):
        for size in sizes:
            for method in methods:
                if (method.name, size) not in rates:
                    continue
                try:
                    _, seconds = method.run(picture(size))
                except Failed as error:
                    del rates[method.name, size]
                    found[method.name][label(size)] = {"skipped": f"failed: {error}"}
                else:
                    rates[method.name, size].append(size[0] * size[1] * SCALE**2 / 1e6 / seconds)
        for (name, size), each in rates.items():
            summary = {"median": statistics.median(each), "least": min(each), "greatest": max(each), "rounds": each}
            found[name][label(size)] = summary
        note(f"round {number + 1} of {rounds} is done", found)


def warm_up(method: Method, sizes: Sequence[Size], rounds: int, patience: float) -> dict[Size, str]:
    """Calls a method on each picture, from the smallest; returns the reason why a picture is left out, or nothing."""
    reasons: dict[Size, str] = {}
    rate = 0.0  # seconds a pixel, of the size before
    for size in sizes:
        pixels = size[0] * size[1]
        if rate * pixels * (rounds + 1) > patience:
            reasons[size] = f"a call would take about {rate * pixels:.0f} s"
            continue
        try:
            if not rate:  # the very first call builds graphs, too, which says nothing of the next size
                method.run(picture(size))
            rate = method.run(picture(size))[1] / pixels
            reasons[size] = ""
        except Failed as error:
            reasons[size] = f"failed: {error}"
    return reasons


def label(size: Size) -> str:
    """`480x320`."""
    return f"{size[0]}x{size[1]}"
