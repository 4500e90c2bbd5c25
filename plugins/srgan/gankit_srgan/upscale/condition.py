"""What a picture suffers from: blocks of JPEG, noise, blur. It decides which network is the right one.

The limits lie where 200 photographs of BSDS500 and 36 of PHOTOGRAPHS.md, clean and damaged in known ways, fall apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from gankit.images.metrics import luma

BLOCK = 8  # pixels a side of JPEG's blocks
WINDOW = 1024  # pixels a side of the middle that is looked at
BLOCKY, SURE = 1.0, 2.5  # levels that edges of blocks stand out by, and standard errors of that
STRONG = 1.5  # levels from which repairing does more good than harm
NOISY, NOISY_COLOUR = 2.6, 1.8  # levels
SOFT = 0.62


@dataclass(frozen=True)
class Condition:
    """What was measured.

    Attributes:
        blocks: How much more neighbours differ across the edges of blocks than elsewhere, in levels of 255; 0 where
            that is within the chance.
        noise: Standard deviation where a picture is flattest, in levels.
        colour_noise: The same of the difference of two colours, in which textures cancel out; 0 for grey.
        sharpness: Finest detail over the next finer: about 1 in a reduced photograph, less where it is blurred.
    """

    blocks: float
    noise: float
    colour_noise: float
    sharpness: float

    @property
    def damaged(self) -> bool:
        """Whether a network that repairs does more good than harm; blur alone may be that of a sound camera."""
        return self.blocks > STRONG or max(self.noise - NOISY, self.colour_noise - NOISY_COLOUR) > 0

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong, in words."""
        found = []
        if self.blocks > BLOCKY:
            found.append(f"blocks of JPEG ({self.blocks:.1f} levels)")
        if self.noise > NOISY or self.colour_noise > NOISY_COLOUR:
            found.append(f"noise ({max(self.noise, self.colour_noise):.1f} levels)")
        if self.sharpness < SOFT:
            found.append(f"blur (sharpness {self.sharpness:.2f})")
        return tuple(found)


def condition(colour: np.ndarray) -> Condition:
    """Looks at the middle of a picture.

    Args:
        colour: `[h, w, 1 or 3]` uint8 or uint16.

    Returns:
        All zero, with a sharpness of 1, for a picture under 32 pixels a side: there is too little to tell.

    Examples:
        >>> condition(np.zeros((64, 64, 3), np.uint8)).faults
        ()
    """
    top, left = (max(0, (side - WINDOW) // 2) for side in colour.shape[:2])
    part = colour[top : top + WINDOW, left : left + WINDOW].astype(np.float64)
    if min(part.shape[:2]) < 4 * BLOCK:
        return Condition(0.0, 0.0, 0.0, 1.0)
    part *= 255 / np.iinfo(colour.dtype).max
    grey = luma(part) * (255 / 219)  # of BT.601's range
    difference = (part[..., 0] - part[..., 1]) / 2**0.5 if part.shape[2] == 3 else np.zeros_like(grey)
    return Condition(
        min(_blocks(grey), _blocks(grey.T)), _flattest(grey, 5), _flattest(difference, 20), _sharpness(grey)
    )


def _blocks(grey: np.ndarray) -> float:
    """Along rows: the excess of steps at one column in eight over those at all others."""
    steps = np.abs(np.diff(grey, axis=1))
    # Against the steps beside it; an edge of a thing is larger than any block's.
    excess = np.clip(steps[:, 1:-1] - (steps[:, :-2] + steps[:, 2:]) / 2, -BLOCK, BLOCK).mean(axis=0)
    first = max(range(BLOCK), key=lambda start: excess[start::BLOCK].mean())
    others = np.delete(excess, slice(first, None, BLOCK))
    found = excess[first::BLOCK].mean() - others.mean()
    chance = others.std() / len(excess[first::BLOCK]) ** 0.5 + 0.02  # of rounding
    return float(found) if found > SURE * chance else 0.0


def _flattest(plane: np.ndarray, percent: float) -> float:
    """Deviation of the finest diagonal detail in squares, of which few have less."""
    detail = (plane[:-1, :-1] - plane[1:, :-1] - plane[:-1, 1:] + plane[1:, 1:]) / 2
    rows, columns = (side // BLOCK for side in detail.shape)
    squares = detail[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return float(np.percentile(squares.std(axis=(1, 3)), percent))


def _sharpness(grey: np.ndarray) -> float:
    fine, coarse = (ndimage.gaussian_filter(grey, sigma) for sigma in (0.7, 1.4))
    below = (fine - coarse).std()
    return float((grey - fine).std() / below) if below > 0.5 else 1.0
