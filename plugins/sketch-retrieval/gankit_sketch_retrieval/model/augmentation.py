"""Hand-drawn variety: marks are warped, turned, thickened and roughened as a hash of (seed, example, name) says.

The warp maps a pixel of the result to a place in the mark: an affine map and a smooth field of displacements over it.
What comes out is again brought to the size of a normalised mark (the box around its ink), since that is how marks are
seen when they are searched for. Both happen in one bilinear resampling.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gankit_sketch_retrieval.config import Augmentation
from gankit_sketch_retrieval.marks.normalisation import INNER, LEVEL, SIDE

Draw = Callable[..., Any]
"""(name, *shape) -> `[batch, *shape]` uniform in [0, 1)."""

COARSE = 56  # pixels a side of the first look, which finds the box of the ink
REACH = 1.6  # half the side of that look, in halves of the mark's side
KNOTS = 5  # control points a side of the displacements
LEAST = 0.08  # of the side: the smallest box of ink


def vary(marks: Any, draw: Draw, options: Augmentation) -> tf.Tensor:
    """Draws each mark anew.

    Args:
        marks: `[batch, 64, 64]` float in [0, 1], ink bright.
        draw: The noise.
        options: How much of everything.

    Returns:
        The same shape, ink boxes scaled to 52 of 64 pixels and centred, but for a small jitter.
    """
    return _strokes(_warped(marks, draw, options), draw, options)


def quarter_turns(marks: Any, draw: Draw) -> tf.Tensor:
    """Turns each mark by 0, 90, 180 or 270 degrees, and mirrors half of them: other marks, as good as drawn ones."""
    turns = tf.cast(draw("quarter") * 4, tf.int32)[:, None, None]
    flipped = tf.where(draw("mirror")[:, None, None] < 0.5, marks, tf.reverse(marks, [2]))
    once = tf.transpose(flipped, (0, 2, 1))
    half = tf.reverse(flipped, [1, 2])
    out = tf.where(turns == 1, tf.reverse(once, [1]), flipped)
    out = tf.where(turns == 2, half, out)
    return tf.where(turns == 3, tf.reverse(once, [2]), out)


def _symmetric(draw: Draw, name: str, *shape: int) -> Any:
    return 2 * draw(name, *shape) - 1


def _warped(marks: Any, draw: Draw, options: Augmentation) -> tf.Tensor:
    """The affine map, the displacements and the new box, resampled once."""
    dtype = marks.dtype
    angle = _symmetric(draw, "angle") * math.radians(options.rotation)
    shear = _symmetric(draw, "shear") * options.shear
    stretch = tf.exp(_symmetric(draw, "stretch") * options.stretch)
    cos, sin = tf.cos(angle), tf.sin(angle)
    # Rotation after shear after stretch, from places in the result to places in the mark.
    rows = [cos * stretch, cos * shear - sin / stretch, sin * stretch, sin * shear + cos / stretch]
    matrix = tf.cast(tf.reshape(tf.stack(rows, 1), (-1, 2, 2)), dtype)
    field = tf.cast(_symmetric(draw, "field", KNOTS, KNOTS, 2) * options.warp, dtype)

    def places(x: Any, y: Any) -> Any:
        """Where in the mark the pixels of axes x and y (`[batch, n]`, in halves of the side) come from, x then y."""
        basis_x, basis_y = _basis(x), _basis(y)
        moved = tf.einsum("bik,bjl,bklc->bijc", basis_y, basis_x, field)
        size = tf.shape(x)[1]
        grid = tf.stack(
            [tf.repeat(x[:, None], size, axis=1), tf.repeat(y[:, :, None], size, axis=2)], axis=-1
        )  # [batch, y, x, 2]
        return tf.einsum("bcd,bijd->bijc", matrix, grid) + moved

    axis = tf.cast(tf.linspace(-REACH, REACH, COARSE), dtype)[None] + tf.zeros_like(angle)[:, None]
    there = _nearest(_pooled(marks), places(axis, axis)) > LEVEL
    middle, half = [], []
    for other in (1, 2):
        low, high = _extent(tf.reduce_any(there, axis=other), axis)
        middle.append((low + high) / 2)
        half.append((high - low) / 2 + REACH / (COARSE - 1))  # ink ends between the last pixel seen and the next
    longer = tf.maximum(tf.maximum(half[0], half[1]), LEAST)
    jitter = tf.exp(_symmetric(draw, "size") * options.jitter)
    spread = longer * tf.cast(SIDE / INNER * jitter, dtype)
    unit = tf.cast(tf.linspace(-1.0, 1.0, SIDE), dtype)[None]
    axes = [
        (middle[i] + spread * tf.cast(_symmetric(draw, f"shift {i}") * options.jitter, dtype))[:, None]
        + unit * spread[:, None]
        for i in range(2)
    ]
    return _bilinear(marks, places(*axes))


def _basis(x: Any) -> tf.Tensor:
    """Quadratic B-splines of `KNOTS` control points over [-1, 1] at places `[batch, n]` -> `[batch, n, KNOTS]`."""
    at = (tf.clip_by_value(x, -1, 1) + 1) / 2 * (KNOTS - 1)
    apart = tf.abs(at[..., None] - tf.range(KNOTS, dtype=x.dtype))
    inner, outer = 0.75 - apart**2, (1.5 - tf.minimum(apart, 1.5)) ** 2 / 2
    return tf.where(apart < 0.5, inner, outer)


def _extent(seen: Any, axis: Any) -> tuple[Any, Any]:
    """First and last place of an axis where there is ink; 0 and 0 where there is none."""
    far = tf.cast(1e3, axis.dtype)
    low, high = tf.reduce_min(tf.where(seen, axis, far), 1), tf.reduce_max(tf.where(seen, axis, -far), 1)
    empty = low > high
    return tf.where(empty, tf.zeros_like(low), low), tf.where(empty, tf.zeros_like(high), high)


def _pooled(marks: Any) -> tf.Tensor:
    """Half the size, the brightest of each four: a thin stroke must not fall between the pixels of the first look."""
    return tf.nn.max_pool2d(marks[..., None], 2, 2, "SAME")[..., 0]


def _nearest(marks: Any, places: Any) -> tf.Tensor:
    """The marks at the pixels nearest to places in [-1, 1]^2; 0 outside."""
    side = marks.shape[1]
    at = tf.cast(tf.round((places + 1) / 2 * (side - 1)), tf.int32)
    inside = tf.reduce_all((at >= 0) & (at < side), -1)
    return tf.where(inside, _taken(marks, tf.clip_by_value(at, 0, side - 1)), 0)


def _bilinear(marks: Any, places: Any) -> tf.Tensor:
    """The marks at places in [-1, 1]^2, between their pixels; 0 outside."""
    padded = tf.pad(marks, [(0, 0), (1, 2), (1, 2)])
    side = marks.shape[1]
    at = tf.clip_by_value((places + 1) / 2 * (side - 1), -1, side) + 1
    low = tf.floor(at)
    part = at - low
    # Each pixel with its neighbours, since one gather of four is faster than four of one.
    four = tf.stack([padded[:, dy : dy + side + 2, dx : dx + side + 2] for dy in (0, 1) for dx in (0, 1)], -1)
    value, x, y = _taken(four, tf.cast(low, tf.int32)), part[..., 0], part[..., 1]
    above = value[..., 0] + x * (value[..., 1] - value[..., 0])
    below = value[..., 2] + x * (value[..., 3] - value[..., 2])
    return above + y * (below - above)


def _taken(marks: Any, at: Any) -> tf.Tensor:
    """`marks[b, y, x]` for each x, y of `at`, `[batch, n, n, 2]` int32."""
    count, side = tf.shape(marks)[0], marks.shape[1]
    first = (tf.range(count) * side**2)[:, None, None]
    flat = tf.reshape(marks, tf.concat([[count * side**2], tf.shape(marks)[3:]], 0))
    return tf.gather(flat, first + at[..., 1] * side + at[..., 0])


def _strokes(marks: Any, draw: Draw, options: Augmentation) -> tf.Tensor:
    """Thicker or thinner, softer or harder strokes, and gaps in them."""
    kind, amount = draw("thickness kind")[:, None, None], draw("thickness")[:, None, None] * options.thickness
    bright = marks[..., None]
    wide = tf.nn.max_pool2d(bright, 3, 1, "SAME")[..., 0]
    thin = -tf.nn.max_pool2d(-bright, 3, 1, "SAME")[..., 0]
    other = tf.where(kind < 0.6, wide, thin)  # thinning takes more from a stroke than thickening gives
    marks += tf.cast(tf.where(kind < 0.6, amount, amount / 2), marks.dtype) * (other - marks)
    # A blob of paper or blot of ink, somewhere.
    if options.holes:
        grid = tf.cast(tf.linspace(-1.0, 1.0, SIDE), marks.dtype)
        centre = tf.cast(_symmetric(draw, "hole", 2), marks.dtype)
        size = tf.cast(draw("hole size") * options.holes, marks.dtype)[:, None, None]
        down, across = grid[None, :, None] - centre[:, 1, None, None], grid[None, None] - centre[:, 0, None, None]
        apart = down**2 + across**2
        marks *= tf.cast(apart > size**2, marks.dtype)
    gain = tf.exp(_symmetric(draw, "gain") * options.gain)[:, None, None]
    return tf.clip_by_value(marks * tf.cast(gain, marks.dtype), 0, 1)
