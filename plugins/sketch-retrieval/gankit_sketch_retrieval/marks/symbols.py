"""Marks without any files: printed symbols, drawn again as if by hand.

The symbols are glyphs of the fonts that matplotlib brings along: DejaVu (Bitstream Vera's licence, changes in the
public domain) and STIX (SIL Open Font License 1.1). Neither licence restricts pictures of glyphs. The drawings are
synthetic: what is learned from them is not learned from anybody's hand. matplotlib's Computer Modern is not used, for
its glyphs are not numbered as in Unicode.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from gankit_sketch_retrieval.marks.normalisation import normalised

FONTS = ("DejaVuSans", "STIXGeneral", "DejaVuSerif", "DejaVuSansMono")  # the first that has a symbol decides its shape
BLOCKS = (
    (0x2190, 0x22FF),  # arrows, mathematical operators
    (0x2300, 0x2372),  # technical, without the letters of APL
    (0x237B, 0x23FF),
    (0x25A0, 0x27BF),  # geometric shapes, miscellaneous symbols (astrology, chess, weather), dingbats
    (0x27C0, 0x27FF),  # mathematical symbols, arrows
    (0x2900, 0x2BFF),  # more arrows and operators
)
KINDS = ("So", "Sm")  # Unicode's general categories "other symbol" and "mathematical symbol"
CANVAS, DRAWN = 112, 80  # sides of the drawing board, and of the glyph on it
ALIKE = (0.88, 0.95)  # cosines of two clean symbols, skeletons and ink, blurred, from which on they count as the same

ROTATION, SHEAR, ASPECT = 0.12, 0.15, 0.15  # radians, and two ratios: the most that a hand deviates
WARP, WARP_KNOTS = 3.0, 4  # pixels (one standard deviation) of displacement, and knots a side
ROUGH_KNOTS = 24
BROKEN = 0.35  # share of drawings with gaps


@cache
def code_points() -> tuple[int, ...]:
    """The symbols that there are, ascending.

    Of those that look the same but for the width of their strokes, which a hand does not keep, only the first counts;
    what no font has, or has as a blank, is not among them.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.morphology import skeletonize

    known = set().union(*(_characters(font) for font in FONTS))
    candidates = [
        code
        for low, high in BLOCKS
        for code in range(low, high + 1)
        if code in known and unicodedata.category(chr(code)) in KINDS
    ]
    kept: list[int] = []
    looks = np.zeros((2, len(candidates), 16 * 16), np.float32)
    for code in candidates:
        clean = normalised(_glyph(_fonts_with(code)[0], code)) > 127
        look = np.stack([gaussian_filter(part.astype(np.float32), 2)[::4, ::4] for part in (skeletonize(clean), clean)])
        look = look.reshape(2, -1) / (np.linalg.norm(look, axis=(1, 2))[:, None] + 1e-9)
        cosines = np.einsum("lkd,ld->kl", looks[:, : len(kept)], look)
        if clean.any() and (cosines < ALIKE).all():
            looks[:, len(kept)] = look
            kept.append(code)
    return tuple(kept)


@cache  # it takes seconds
def symbols(per_class: int = 8, seed: int = 0, classes: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Symbols drawn as if by hand.

    A drawing is a glyph of one of the fonts that have the symbol, turned, sheared, warped, its strokes made thicker or
    thinner with rough rims, some of them broken. It depends on seed, code point and its number alone: the same seed
    gives the same bytes, with the same versions of matplotlib, NumPy, Pillow and SciPy.

    Args:
        per_class: Drawings of each symbol.
        seed: Of all distortions.
        classes: How many symbols, evenly spread over `code_points`; None takes all.

    Returns:
        Normalised marks, `[n, 64, 64]` uint8, ink bright, symbol after symbol; and their labels, `[n]` strings such as
        "U+2190".
    """
    codes = code_points()
    if classes is not None:
        codes = tuple(codes[i] for i in np.linspace(0, len(codes) - 1, min(classes, len(codes))).round().astype(int))
    pictures = [
        normalised(drawn(code, np.random.default_rng([seed, code, number])))
        for code in codes
        for number in range(per_class)
    ]
    return np.stack(pictures), np.repeat([f"U+{code:04X}" for code in codes], per_class)


def drawn(code: int, rng: np.random.Generator) -> np.ndarray:
    """One symbol of `code_points`, drawn once: `[112, 112]` float32 in [0, 1], ink 1."""
    from scipy.ndimage import distance_transform_edt, map_coordinates

    fonts = _fonts_with(code)
    glyph = _glyph(fonts[rng.integers(len(fonts))], code)
    turn, shear, aspect = rng.uniform(-1, 1, 3) * (ROTATION, SHEAR, ASPECT)
    stretch = np.diag([np.exp(aspect / 2), np.exp(-aspect / 2)])
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ [[1, shear], [0, 1]] @ stretch
    middle = (CANVAS - 1) / 2
    grid = np.mgrid[:CANVAS, :CANVAS].reshape(2, -1) - middle
    field = np.stack([_smooth(rng, WARP_KNOTS).ravel() for _ in range(2)])
    at = matrix @ grid + middle + WARP * field
    there = map_coordinates(glyph, at, order=1).reshape(CANVAS, CANVAS) > 0.5
    if not there.any():
        return there.astype(np.float32)
    inside = distance_transform_edt(there)
    depth = inside - distance_transform_edt(~there)  # of each pixel in the ink; negative outside
    half = float(np.quantile(inside[there], 0.9))  # of a stroke's width
    thicker = rng.uniform(-0.3 * min(half, 4), 2.2)
    depth += thicker + min(0.25 * half, 0.9) * _smooth(rng, ROUGH_KNOTS)
    if rng.random() < BROKEN:
        pressure = _smooth(rng, ROUGH_KNOTS // 2)
        depth -= 6 * np.maximum(pressure - np.quantile(pressure[there], 0.93), 0) * (1 + half)
    return np.clip(depth + 0.5, 0, 1).astype(np.float32)


@cache
def font_file(font: str) -> str:
    """Path of a font that comes with matplotlib."""
    import matplotlib

    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf")


@cache
def _characters(font: str) -> frozenset[int]:
    """Code points that a font has a glyph for."""
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(font_file(font)).get_charmap())


@cache
def _fonts_with(code: int) -> tuple[str, ...]:
    return tuple(font for font in FONTS if code in _characters(font))


@lru_cache(maxsize=len(FONTS))  # a symbol's drawings follow each other
def _glyph(font: str, code: int) -> np.ndarray:
    """A printed symbol in the middle of the board, its longer side 80 pixels, `[112, 112]` float32; 0 if blank."""
    from PIL import Image, ImageDraw, ImageFont

    board = Image.new("L", (CANVAS, CANVAS))
    text, size = chr(code), 100.0
    for _ in range(2):  # the first time to measure
        face = ImageFont.truetype(font_file(font), size, layout_engine=ImageFont.Layout.BASIC)
        left, top, right, bottom = face.getbbox(text)
        if right <= left or bottom <= top:
            return np.zeros((CANVAS, CANVAS), np.float32)
        size = min(size * DRAWN / max(right - left, bottom - top), 1000)
    place = ((CANVAS - left - right) / 2, (CANVAS - top - bottom) / 2)
    ImageDraw.Draw(board).text(place, text, fill=255, font=face)
    return np.asarray(board, np.float32) / 255


@cache
def _basis(knots: int) -> np.ndarray:
    """Cubic B-splines over the board, `[112, knots + 2]`."""
    at = np.linspace(1, knots, CANVAS)[:, None]
    apart = np.abs(at - np.arange(knots + 2))
    inner, outer = 2 / 3 - apart**2 + apart**3 / 2, np.maximum(2 - apart, 0) ** 3 / 6
    return np.where(apart < 1, inner, outer)


def _smooth(rng: np.random.Generator, knots: int) -> np.ndarray:
    """Smooth noise of about unit variance, `[112, 112]`."""
    basis = _basis(knots)
    return 2 * basis @ rng.standard_normal((knots + 2, knots + 2)) @ basis.T
