"""Drawn neutral patterns: checkers, stripes, dither, halftone and text, as screens and print show them.

Photographs hold next to nothing of the kind. A network that was trained on them alone takes a fine checker for
something that it knows, and gives it colour.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 256  # pixels of a drawing
WORDS = [
    "the",
    "of",
    "and",
    "a",
    "to",
    "in",
    "is",
    "you",
    "that",
    "it",
    "he",
    "was",
    "for",
    "on",
    "are",
    "with",
    "as",
    "I",
    "his",
    "they",
    "at",
    "be",
    "this",
    "have",
    "from",
    "one",
    "had",
    "by",
]


def drawings(scale: int, side: int = SIDE, seed: int = 0) -> list[np.ndarray]:
    """Drawings to cut crops from.

    Args:
        scale: Factor of the enlargement: patterns are as fine as a pixel of the small picture.
        side: Pixels of a drawing.
        seed: Of the choice of levels, sizes and words.

    Returns:
        Sixty `[side, side, 3]` uint8, each of equal colours; the same for a seed.
    """
    chance = np.random.default_rng(seed)
    makers = (_checker, _stripes, _dither, _halftone, _text)
    return [np.repeat(make(scale, side, chance)[:, :, None], 3, axis=2) for _ in range(12) for make in makers]


def _levels(chance: np.random.Generator) -> tuple[int, int]:
    """A dark and a bright level; often black and white."""
    if chance.random() < 0.5:
        return 0, 255
    dark = int(chance.integers(0, 180))
    return dark, int(chance.integers(dark + 40, 256))


def _two(mask: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    dark, bright = _levels(chance)
    return np.where(mask, bright, dark).astype(np.uint8)


def _period(scale: int, chance: np.random.Generator) -> int:
    """Pixels of a cell: mostly one or two of the small picture's, sometimes a fraction."""
    return int(chance.choice([scale, scale, 2 * scale, 3 * scale, max(1, scale // 2)]))


def _checker(scale: int, side: int, chance: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:side, :side] // _period(scale, chance)
    return _two((y + x) % 2 == 0, chance)


def _stripes(scale: int, side: int, chance: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    if chance.random() < 0.6:
        line = (x if chance.random() < 0.5 else y) // _period(scale, chance)
        return _two(line % int(chance.integers(2, 4)) == 0, chance)
    angle, period = chance.uniform(0, np.pi), chance.uniform(2, 5) * scale
    return _two(np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period) > 0, chance)


def _dither(scale: int, side: int, chance: np.random.Generator) -> np.ndarray:
    """A gradient in black and white, by diffusion of errors or by a matrix, a cell for a pixel of the small picture."""
    cells = side // scale
    y, x = np.mgrid[:cells, :cells] / cells
    angle = chance.uniform(0, 2 * np.pi)
    grey = np.clip(0.5 + chance.uniform(0.2, 0.7) * ((x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)), 0, 1)
    if chance.random() < 0.5:
        black = np.asarray(Image.fromarray((255 * grey).astype(np.uint8)).convert("1"))
    else:
        matrix = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16 + 1 / 32
        black = grey > np.tile(matrix, (cells // 4 + 1, cells // 4 + 1))[:cells, :cells]
    large = np.kron(black, np.ones((scale, scale), bool))
    return _two(np.pad(large, ((0, side - len(large)),) * 2, "edge"), chance)


def _halftone(scale: int, side: int, chance: np.random.Generator) -> np.ndarray:
    """Dots on a turned grid, larger where it is darker."""
    y, x = np.mgrid[:side, :side]
    angle, period = chance.uniform(0, np.pi / 2), chance.uniform(2, 5) * scale
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    screen = np.cos(2 * np.pi * u / period) + np.cos(2 * np.pi * v / period)
    return _two(screen > chance.uniform(-1.5, 1.5) * (x / side * 2 - 1), chance)


def _text(scale: int, side: int, chance: np.random.Generator) -> np.ndarray:
    dark, bright = _levels(chance)
    paper, ink = (bright, dark) if chance.random() < 0.8 else (dark, bright)
    page = Image.new("L", (side, side), paper)
    pen, size = ImageDraw.Draw(page), int(chance.integers(4 * scale, 12 * scale))
    font = ImageFont.load_default(size)
    for top in range(int(chance.integers(0, size)), side, int(1.3 * size)):
        words = " ".join(chance.choice(WORDS, 30))
        pen.text((-int(chance.integers(0, 4 * size)), top), words, fill=ink, font=font)
    return np.asarray(page)
