"""Pages composed of real backgrounds and known marks, for tests: what was pasted where is known to the pixel.

Marks go to places with little ink, margins and gaps between paragraphs, as annotators' and merchants' marks do; if
there are none left, a mark is dropped and the truth says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from gankit_sketch_retrieval.marks.normalisation import SIDE, ink_box
from gankit_sketch_retrieval.pages.boxes import shared
from gankit_sketch_retrieval.pages.ink import RIM, read_ink

TRIES = 300  # places looked at for a mark


@dataclass(frozen=True)
class Drawing:
    """How marks are varied; each is drawn evenly from a range.

    Attributes:
        rotation: Degrees, from minus to plus.
        scale: Least and largest, of 64 pixels.
        strength: Least and largest share of the contrast of the page's own ink.
        blur: Largest sigma of the Gaussian that softens a mark, pixels.
        noise: Standard deviation added to every pixel of the page, of 255.
        ink: The largest share of a place's pixels that may be ink already.
    """

    rotation: float = 15.0
    scale: tuple[float, float] = (0.5, 1.5)
    strength: tuple[float, float] = (0.6, 1.0)
    blur: float = 1.0
    noise: float = 4.0
    ink: float = 0.01


DRAWING = Drawing()


@dataclass(frozen=True)
class Composed:
    """A page and what is on it.

    Attributes:
        pixels: `[h, w]` uint8, ink dark.
        boxes: `[n, 4]` int32: the box around each mark's ink, `x0, y0, x1, y1`, ends exclusive.
        labels: `[n]`: of those marks that found a place.
        rows: `[n]` int64: which of the marks given they are.
    """

    pixels: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    rows: np.ndarray


def compose(background: np.ndarray, marks: np.ndarray, labels: Any, seed: int, drawing: Drawing = DRAWING) -> Composed:
    """Pastes marks onto a page, where it is empty, without overlaps.

    Args:
        background: `[h, w]` uint8, dark ink on bright ground.
        marks: `[n, 64, 64]` uint8, ink bright.
        labels: `[n]`.
        seed: Of places and variations; the same seed gives the same page.
        drawing: How marks are varied.
    """
    from scipy import ndimage

    random = np.random.default_rng(seed)
    page = read_ink(background, "dark")
    paper = background.astype(np.float32)
    # A frame's dark insides are no ink by a local threshold, but no paper either.
    inked = page.labels > 0
    dark = paper < (np.median(paper) + np.percentile(paper, 1)) / 2
    taken = np.cumsum(np.cumsum(np.pad(inked | dark, ((1, 0), (1, 0))), 0, dtype=np.int64), 1)
    full = _contrast(paper, inked)
    boxes: list[tuple[int, int, int, int]] = []
    rows = []
    for row, mark in enumerate(marks):
        stroke = _varied(mark, random, drawing)
        place = _place(stroke.shape, taken, boxes, random, drawing.ink)
        if place is None:
            continue
        x, y = place
        x1, y1 = x + stroke.shape[1], y + stroke.shape[0]
        part = paper[y:y1, x:x1]
        # Ink covers what is below it; it never brightens.
        ground = ndimage.median_filter(part, 9)
        np.minimum(part, ground - stroke * random.uniform(*drawing.strength) * full, out=part)
        boxes.append((x, y, x1, y1))
        rows.append(row)
    noisy = paper + random.normal(0, drawing.noise, paper.shape)
    # The ink's boxes, within the room that blur had.
    tight = [(x0 + RIM, y0 + RIM, x1 - RIM, y1 - RIM) for x0, y0, x1, y1 in boxes]
    return Composed(
        np.clip(np.rint(noisy), 0, 255).astype(np.uint8),
        np.array(tight, np.int32).reshape(-1, 4),
        np.asarray(labels)[rows],
        np.array(rows, np.int64),
    )


def _contrast(paper: np.ndarray, inked: np.ndarray) -> float:
    """How much darker the page's ink is than its ground; 150 on an empty page."""
    if inked.sum() < 100:
        return 150.0
    return max(60.0, float(np.median(paper[~inked]) - np.percentile(paper[inked], 25)))


def _varied(mark: np.ndarray, random: np.random.Generator, drawing: Drawing) -> np.ndarray:
    """A mark turned, scaled, and blurred; its ink lies 2 pixels inside of the picture's sides. `[h, w]` in [0, 1]."""
    from scipy import ndimage

    side = max(4, round(SIDE * random.uniform(*drawing.scale)))
    angle = random.uniform(-drawing.rotation, drawing.rotation)
    picture = Image.fromarray(mark).rotate(angle, Image.Resampling.BICUBIC, expand=True)
    scaled = [max(1, round(length * side / SIDE)) for length in picture.size]
    soft = np.asarray(picture.resize((scaled[0], scaled[1]), Image.Resampling.LANCZOS), np.float32) / 255
    soft = ndimage.gaussian_filter(np.pad(soft, RIM), random.uniform(0, drawing.blur))
    soft = np.clip(soft / max(float(soft.max()), 1e-6), 0, 1)
    box, soft = ink_box(soft), np.pad(soft, RIM)
    return soft[box[1] : box[3] + 2 * RIM, box[0] : box[2] + 2 * RIM] if box else soft


def _place(
    shape: tuple[int, ...],
    taken: np.ndarray,
    boxes: list[tuple[int, int, int, int]],
    random: np.random.Generator,
    share: float,
) -> tuple[int, int] | None:
    """The first place found that is empty enough; None if there is none."""
    high, wide = shape
    bottom, right = taken.shape[0] - 1 - high, taken.shape[1] - 1 - wide
    if bottom < 0 or right < 0:
        return None
    for x, y in zip(random.integers(0, right + 1, TRIES), random.integers(0, bottom + 1, TRIES), strict=True):
        ink = taken[y + high, x + wide] - taken[y, x + wide] - taken[y + high, x] + taken[y, x]
        box = np.array([[x, y, x + wide, y + high]])
        if ink <= share * high * wide and not (boxes and shared(box, np.array(boxes)).any()):
            return int(x), int(y)
    return None
