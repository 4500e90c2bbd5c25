"""Held-out figures and pictures, beside bicubic interpolation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gankit import Evaluation
from gankit.images import imresize, picture_grid, to_uint8
from gankit.images.features import Features, feature_distance, feature_network
from gankit.images.metrics import luma, niqe, psnr, super_resolution_scores
from gankit_srgan.degradation.tracks import TRACKS, reduced
from gankit_srgan.photos import LARGEST_TEST_SIDE

BETTER: Mapping[str, Literal["higher", "lower"]] = {
    "psnr_y": "higher",
    "ssim_wang": "higher",
    "ssim_daala": "higher",
    "feature_distance": "lower",
    "niqe": "lower",
}
PANEL = 192  # pixels a side of one picture in a sheet


@cache
def distance_features() -> Features:
    """The feature network of the figure `feature_distance`: one for all runs, whatever they were trained with."""
    return feature_network("efficientnet-lite0")


def colour(pixels: np.ndarray) -> np.ndarray:
    """`[h, w, 3]` of colour or grey."""
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)


Method = Callable[[np.ndarray], np.ndarray]
"""An enlargement: `[h, w, 3]` uint8 -> `[h * scale, w * scale, 3]` uint8."""


def enlarging(generator: Callable[[np.ndarray], Any]) -> Method:
    """A network's enlargement of one picture.

    Args:
        generator: A network of `gankit_srgan.networks`, or a `models.Enlarger`.
    """

    def enlarge(low: np.ndarray) -> np.ndarray:
        output = generator(low[None].astype("float32") / 255)
        return to_uint8(np.asarray(output[0], np.float64) * 255)

    return enlarge


def restoring(method: Method) -> Method:
    """What repairs a picture without enlarging it: an enlargement that is shrunk again."""

    def restore(low: np.ndarray) -> np.ndarray:
        return imresize(method(low), *low.shape[:2])

    return restore


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """`gankit.images.features.feature_distance` of two `[h, w, 3]` uint8 images."""
    maps = [distance_features()(image[None].astype("float32") / 255) for image in (a, b)]
    return float(feature_distance(*maps)[0])


def naturalness(images: Mapping[str, np.ndarray], border: int) -> dict[str, float | None]:
    """`gankit.images.metrics.niqe` of versions of a picture; None for all if one is too small or too flat for it."""
    try:
        return {name: niqe(luma(colour(image)), border) for name, image in images.items()}
    except ValueError:
        return dict.fromkeys(images)


def evaluate(
    methods: Mapping[str, Method],
    photos: Mapping[str, np.ndarray],
    scale: int,
    tracks: Sequence[str] = ("clean",),
    lows: Mapping[str, np.ndarray] | None = None,
) -> Evaluation:
    """Figures of methods beside bicubic interpolation, on small pictures that are clean or damaged.

    PSNR and SSIM are taken on luma with `scale` pixels of border removed, NIQE likewise, and the feature distance on
    whole colour images. The figures of a track other than "clean" bear its name: "medium/psnr_y".

    Args:
        methods: The first one's means are `Evaluation.metrics`; the others' stand among the baselines.
        photos: Name -> `[h, w, 3]` or grey `[h, w]` uint8, to be reduced and enlarged again.
        scale: Factor; at 1 the small picture itself is called "input" and stands for bicubic interpolation.
        tracks: Of `gankit_srgan.degradation.tracks.TRACKS`.
        lows: The small pictures by name, where they are given; then there are no tracks.
    """
    rows: list[dict[str, Any]] = []
    baseline = "bicubic" if scale > 1 else "input"
    for track in tracks:
        for image, truth in photos.items():
            low = lows[image] if lows else reduced(truth, scale, TRACKS[track], image)
            results = {name: method(colour(low)) for name, method in methods.items()}
            results[baseline] = imresize(low, *truth.shape[:2])
            rows += _scored(results, truth, scale, {"image": image, "track": track})
    first, *others = methods
    means = {name: _means(rows, name) for name in (first, baseline, *others)}
    natural = [f"{value:.3f}" for value in _means(rows, "truth").values()]
    small = {_of(track, "low_resolution"): str(TRACKS[track]) for track in tracks}
    protocol = {
        "images": len(photos),
        "scale": scale,
        **({"low_resolution": "as given"} if lows else small),
        "psnr_y, ssim": f"luma (BT.601, 16..235), {scale} border pixels removed, outputs rounded to 8 bits",
        "niqe": f"luma, {scale} border pixels removed, pictures of at least two blocks of 96 pixels; of the truth: "
        + (natural or ["-"])[0],
        "feature_distance": f"{distance_features().description}; not LPIPS",
        "large images": f"the middle {LARGEST_TEST_SIDE} pixels of longer sides",
    }
    ours = means.pop(first)
    better = {name: BETTER[name.rpartition("/")[2]] for name in ours}
    return Evaluation(ours, means, protocol, better, rows)


def _of(track: str, name: str) -> str:
    return name if track == "clean" else f"{track}/{name}"


def _scored(
    results: Mapping[str, np.ndarray], truth: np.ndarray, scale: int, about: Mapping[str, str]
) -> list[dict[str, Any]]:
    """A row for each method's picture, and one for the truth."""
    natural = naturalness({**results, "truth": truth}, scale)
    rows: list[dict[str, Any]] = []
    for name, output in results.items():
        scores: dict[str, float | None] = dict(super_resolution_scores(truth, output, scale))
        scores["feature_distance"] = distance(colour(truth), colour(output))
        scores["niqe"] = natural[name]
        rows.append({**about, "method": name, **scores})
    return [*rows, {**about, "method": "truth", "niqe": natural["truth"]}]


def _means(rows: list[dict[str, Any]], method: str) -> dict[str, float]:
    """A method's means over the images that have the figure, track after track."""
    own = [row for row in rows if row["method"] == method]
    known = {
        _of(track, name): [row[name] for row in own if row["track"] == track and row.get(name) is not None]
        for track in dict.fromkeys(row["track"] for row in own)
        for name in BETTER
    }
    return {name: float(np.mean(values)) for name, values in known.items() if values}


def busiest(pixels: np.ndarray, side: int) -> tuple[int, int]:
    """Top left corner of the window with the most contrast, where methods differ most."""
    grey = colour(pixels).mean(axis=2)
    steps = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
    total = np.pad(steps.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    height, width = (max(1, min(side, size) - 1) for size in grey.shape)
    windows = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    y, x = np.unravel_index(windows.argmax(), windows.shape)
    return int(y), int(x)


def sheet(
    method: Method,
    photos: Mapping[str, np.ndarray],
    scale: int,
    out: Path,
    rows: int = 4,
    track: str = "clean",
    lows: Mapping[str, np.ndarray] | None = None,
) -> Path:
    """A picture of details: low resolution | bicubic | ours | truth, with PSNR on luma of the detail.

    Args:
        method: The enlargement.
        photos: Held-out photographs; the first few are shown.
        scale: Factor.
        out: The PNG to write.
        rows: Photographs to show.
        track: What the small pictures suffer.
        lows: The small pictures by name, where they are given.
    """
    side = PANEL // scale * scale
    panels, labels = [], []
    for name, pixels in list(photos.items())[:rows]:
        y, x = (v // scale * scale for v in busiest(pixels, side))
        whole = colour(pixels)
        low = colour(lows[name] if lows else reduced(pixels, scale, TRACKS[track], name))
        # The networks see the whole image: a crop's border would not be what the user gets.
        squares = np.kron(low, np.ones((scale, scale, 1), np.uint8))
        shown = [squares, imresize(low, *whole.shape[:2]), method(low), whole]
        *others, truth = (image[y : y + side, x : x + side] for image in shown)
        decibels = [f"{luma_psnr(truth, image):.2f} dB" for image in others[1:]]
        panels += [*others, truth]
        labels += [name[:28], f"bicubic  {decibels[0]}", f"ours  {decibels[1]}", "truth"]
    picture_grid(panels, 4, gap=4, labels=labels).save(out)
    return out


def luma_psnr(truth: np.ndarray, output: np.ndarray) -> float:
    """PSNR on luma of a detail, its border kept."""
    return psnr(luma(truth), luma(output))
