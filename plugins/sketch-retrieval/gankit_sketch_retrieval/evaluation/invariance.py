"""How much a feature changes, and how much worse it finds, when a mark is turned, scaled or moved.

The curves are those of Creswell and Bharath 2016, "Adversarial Training For Sketch Retrieval": the mean normalised dot
product of a mark's feature and of its transformed version's. There the transformed picture goes straight into the
network (`normalise=False`, which needs 64 x 64 pictures and keeps the middle of the canvas, whatever is cut off); a
product cuts out the ink afterwards (`normalise=True`, with a `stretch`).

Pictures are raw ink, each `[height, width]` uint8, ink bright. A feature makes unit vectors `[n, d]` of marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from gankit_sketch_retrieval.evaluation.retrieval import scores
from gankit_sketch_retrieval.features.baselines import Embed
from gankit_sketch_retrieval.marks.normalisation import SIDE, normalised

ANGLES = np.arange(-180, 180.25, 0.5)  # degrees
SCALES = np.arange(10, 31) / 20
SHIFTS = np.arange(-12, 13)  # pixels
SAMPLE = 100  # marks of the curves
BATCH = 1024  # transformed marks embedded at a time
TRANSFORMS = ("rotation", "scale", "shift x", "shift y")
CLEAN = ("clean", 0.0)
HARD = (  # for retrieval
    *(("rotation", angle) for angle in (-30.0, -15.0, 15.0, 30.0)),
    *(("scale", scale) for scale in (0.75, 1.25)),
    *((name, shift) for name in ("shift x", "shift y") for shift in (-6.0, 6.0)),
)
COLOURS = ("#D55E00", "#0072B2", "black", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "0.5")


@dataclass(frozen=True)
class Curve:
    """Similarity along one transform.

    Attributes:
        model: What the feature is called.
        normalise: Whether the ink was cut out after the transform.
        transform: One of `TRANSFORMS`.
        values: Degrees, factors or pixels, `[k]`.
        similarity: Mean dot product with the untransformed mark's feature, `[k]`.
        deviation: Its standard deviation over the marks, `[k]`.
        marks: How many there were.
    """

    model: str
    normalise: bool
    transform: str
    values: np.ndarray
    similarity: np.ndarray
    deviation: np.ndarray
    marks: int

    def rows(self) -> list[dict[str, Any]]:
        """One row a value, of a table."""
        fixed = {"model": self.model, "normalised": int(self.normalise), "transform": self.transform}
        fixed["marks"] = self.marks
        return [
            {**fixed, "value": float(value), "similarity": round(float(mean), 6), "deviation": round(float(spread), 6)}
            for value, mean, spread in zip(self.values, self.similarity, self.deviation, strict=True)
        ]


def transformed(picture: np.ndarray, transform: str, value: float) -> np.ndarray:
    """A picture turned, scaled or moved about its centre, on a canvas so large that nothing is cut off.

    Args:
        picture: `[height, width]` uint8, ink bright.
        transform: "rotation" (degrees, counter-clockwise), "scale" (a factor), "shift x" (pixels to the right),
            "shift y" (pixels down) or "clean" (nothing is done).
        value: How much.

    Returns:
        `[height + 2 m, width + 2 m]` uint8; the picture's centre is that of the canvas.

    Raises:
        ValueError: There is no such transform.
    """
    if transform not in (*TRANSFORMS, CLEAN[0]):
        raise ValueError(f"no transform {transform!r}")
    scale = float(value) if transform == "scale" else 1.0  # Pillow wants no numbers of NumPy
    turn = np.deg2rad(value if transform == "rotation" else 0.0)
    shift = np.array([value if transform == f"shift {axis}" else 0.0 for axis in "xy"])
    reach = np.hypot(*picture.shape) / 2 * scale + np.abs(shift).max()
    margin = max(0, int(np.ceil(reach - min(picture.shape) / 2))) + 2
    canvas = Image.fromarray(np.pad(picture, margin))
    if scale < 1:  # interpolation alone would drop strokes between its samples
        canvas = canvas.filter(ImageFilter.GaussianBlur(0.5 * (scale**-2 - 1) ** 0.5))
    back = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / scale  # from the result's place
    centre = np.array(canvas.size) / 2
    offset = centre - back @ (centre + shift)
    matrix = (*back[0], offset[0], *back[1], offset[1])
    return np.asarray(canvas.transform(canvas.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))


def marks_under(
    pictures: Sequence[np.ndarray], transform: str, value: float, *, normalise: bool = True, stretch: float = 0.0
) -> np.ndarray:
    """Transformed pictures as a network gets them, `[n, 64, 64]` uint8; further arguments as for `transformed`.

    Raises:
        ValueError: A picture that is not to be normalised has another size.
    """
    found = (transformed(picture, transform, value) for picture in pictures)
    if normalise:
        return np.stack([normalised(canvas / np.float32(255), stretch) for canvas in found])
    if any(picture.shape != (SIDE, SIDE) for picture in pictures):
        raise ValueError(f"without normalisation pictures must be {SIDE} x {SIDE}")
    margins = ((canvas, (len(canvas) - SIDE) // 2) for canvas in found)
    return np.stack([canvas[margin : margin + SIDE, margin : margin + SIDE] for canvas, margin in margins])


def curves(
    embed: Embed,
    pictures: Sequence[np.ndarray],
    model: str,
    *,
    normalise: bool = True,
    stretch: float = 0.0,
    angles: np.ndarray = ANGLES,
    scales: np.ndarray = SCALES,
    shifts: np.ndarray = SHIFTS,
    most: int = SAMPLE,
    seed: int = 0,
) -> list[Curve]:
    """The similarity of transformed marks to themselves, along rotation, scale and both shifts.

    Args:
        embed: The feature.
        pictures: Of the marks.
        model: What to call it.
        normalise: Cut out the ink after the transform.
        stretch: Of the normalisation.
        angles: Degrees.
        scales: Factors.
        shifts: Pixels, along x and along y.
        most: Marks to draw at random if there are more: the cost is (angles + scales + 2 shifts) times this.
        seed: Of that draw.
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(len(pictures))[:most])
    sample = [pictures[row] for row in chosen]
    reference = embed(marks_under(sample, *CLEAN, normalise=normalise, stretch=stretch))
    found = []
    for transform, values in zip(TRANSFORMS, (angles, scales, shifts, shifts), strict=True):
        step = max(1, BATCH // len(sample))  # values at a time
        likeness = []
        for start in range(0, len(values), step):
            part = values[start : start + step]
            marks = [marks_under(sample, transform, float(v), normalise=normalise, stretch=stretch) for v in part]
            rows = embed(np.concatenate(marks)).reshape(len(part), *reference.shape)
            likeness.append(np.einsum("vnd,nd->vn", rows, reference))
        table = np.concatenate(likeness)
        found.append(Curve(model, normalise, transform, np.asarray(values), table.mean(1), table.std(1), len(sample)))
    return found


def retrieval_under(
    embed: Embed,
    pictures: Sequence[np.ndarray],
    labels: Any,
    model: str,
    *,
    queries: Embed | None = None,
    transforms: Iterable[tuple[str, float]] = HARD,
    stretch: float = 0.0,
    groups: Any = None,
) -> list[dict[str, Any]]:
    """Leave-one-out retrieval with transformed queries, whose ink is cut out again, in the untransformed gallery.

    Args:
        embed: The feature.
        pictures: Of the marks.
        labels: `[n]`.
        model: What to call it.
        queries: How queries are embedded if not by `embed`: `[n, d]`, or `[n, r, d]` if they are expanded by rotations.
        transforms: Pairs for `transformed`.
        stretch: Of the normalisation.
        groups: As for `scores`.

    Returns:
        Rows `model, normalised, transform, value, map, p1, p10, ratio`, the first one "clean". `ratio` is to the mAP
        of clean queries embedded by `embed`, even if `queries` is given.
    """
    gallery = embed(marks_under(pictures, *CLEAN, stretch=stretch))
    plain = scores(gallery, gallery, labels, labels, same=True, groups=groups)
    rows = []
    for transform, value in (CLEAN, *transforms):
        marks = marks_under(pictures, transform, value, stretch=stretch)
        result = scores((queries or embed)(marks), gallery, labels, labels, same=True, groups=groups)
        fixed = {"model": model, "normalised": 1, "transform": transform, "value": value}
        rows.append({**fixed, **result.figures, "ratio": result.map / plain.map})
    return rows


def draw_curves(found: Sequence[Curve], out: Path, title: str) -> Path:
    """Writes a PNG: one panel a transform, one line a model; what was not normalised is dashed."""
    from matplotlib.figure import Figure

    units = {"rotation": "degrees", "scale": "factor", "shift x": "pixels to the right", "shift y": "pixels down"}
    models = list(dict.fromkeys(curve.model for curve in found))
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    panels = dict(zip(TRANSFORMS, figure.subplots(2, 2, sharey=True).flat, strict=True))
    lines = {}
    for curve in found:
        colour = COLOURS[models.index(curve.model) % len(COLOURS)]
        name = curve.model if curve.normalise else f"{curve.model}, not normalised"
        style = {"color": colour, "linewidth": 1.5, "linestyle": "-" if curve.normalise else "--"}
        (lines[name],) = panels[curve.transform].plot(curve.values, curve.similarity, **style)
    for transform, axes in panels.items():
        axes.axhline(1, color="0.6", linewidth=0.8)
        axes.set(xlabel=f"{transform}, {units[transform]}")
        axes.margins(x=0.01)
    for left in ("rotation", "shift x"):
        panels[left].set_ylabel("mean similarity")
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=min(4, len(lines)), frameon=False)
    figure.suptitle(title)
    figure.savefig(out, dpi=100)
    return out
