"""A page's ink: binarised where it lies, its strength evened out, cut into connected components.

Nothing is resampled: a page scanned askew keeps its pixels and boxes, and `PageInk.skew` says how far its lines climb.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from gankit_sketch_retrieval.marks.ink import BRIGHT, DARK

SAUVOLA_K = 0.15  # of Sauvola's threshold mean * (1 + k * (deviation / range - 1))
CONTRAST = 0.35  # of the page's usual stroke: what differs less from the ground around it is none
FAINT = 0.6  # of the page's usual stroke: fainter ones are not evened out any further, lest stains turn into ink
RIM = 2  # pixels around binarised ink in which a stroke fades out
INSIDE = 0.5  # the share of a component that must lie in a box for it to belong there,
OWN = 0.5  # unless it is more than this share of the box's ink


@dataclass(frozen=True)
class PageInk:
    """What is drawn on a page, in pixels of the scan.

    Attributes:
        soft: `[h, w]` float32 in [0, 1]: ink strength, 1 in full strokes, faint ones evened out; 0 on the ground.
        labels: `[h, w]` int32: which component a pixel's ink belongs to, from 1; 0 on the ground.
        owners: `[h, w]` int32: the same with the rims in which strokes fade out.
        boxes: `[n, 4]` int32: of component i + 1, `x0, y0, x1, y1`, ends exclusive.
        areas: `[n]` int64: pixels of component i + 1.
        height: The usual height of a component in pixels: half of all ink lies in components not higher.
        skew: Degrees by which lines of writing descend to the right, within +-5; 0 if there are none.
        kind: "dark" or "bright" ink.
    """

    soft: np.ndarray
    labels: np.ndarray
    owners: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray
    height: float
    skew: float
    kind: str


def read_ink(pixels: np.ndarray, kind: str = "") -> PageInk:
    """Ink, components and skew of a page.

    The threshold is Sauvola's (Adaptive document image binarization, Pattern Recognition 33, 2000, eq. 5), in windows
    that are first chosen by the page's size and then by the height of its writing.

    Args:
        pixels: `[h, w]` uint8, grey.
        kind: "dark" or "bright" ink, or "" to find out.
    """
    from scipy import ndimage
    from skimage.segmentation import expand_labels

    kind = kind or page_polarity(pixels)
    paper = pixels if kind == DARK else 255 - pixels
    window = max(8.0, min(paper.shape) / 25)
    for _ in range(2):
        mask, depth = _binarised(paper, window)
        labels, n = ndimage.label(mask, np.ones((3, 3), int))
        boxes, areas = _components(labels, n)
        height = usual_height(boxes, areas, paper.shape)
        window = 2 * height
    owners = expand_labels(labels, RIM)
    return PageInk(
        soft=np.where(owners > 0, _evened(depth, mask, 3 * height), 0).astype(np.float32),
        labels=labels,
        owners=owners,
        boxes=boxes,
        areas=areas,
        height=height,
        skew=skew(mask, height),
        kind=kind,
    )


def cut(page: PageInk, boxes: np.ndarray) -> list[np.ndarray]:
    """The ink in each box, without components that merely intrude from outside, turned upright on a skewed page.

    A component intrudes if less than half of it lies in the box and it is not most of the box's ink either.

    Args:
        page: As of `read_ink`.
        boxes: `[n, 4]` integers; parts outside of the page are empty.

    Returns:
        n pictures, float32 in [0, 1], as `marks.ink.ink` gives them; of boxes without pixels on the page 1 x 1, empty.
    """
    found = []
    areas = np.concatenate([[1], page.areas])
    high, wide = page.labels.shape
    for x0, y0, x1, y1 in np.asarray(boxes).tolist():
        part = slice(max(y0, 0), min(y1, high)), slice(max(x0, 0), min(x1, wide))
        soft, owners = page.soft[part], page.owners[part]
        if not soft.size:
            found.append(np.zeros((1, 1), np.float32))
            continue
        inside = page.labels[part]
        names, counts = np.unique(inside[inside > 0], return_counts=True)
        intruding = (counts < INSIDE * areas[names]) & (counts < OWN * counts.sum())
        if intruding.any():
            soft = np.where(np.isin(owners, names[intruding]), np.float32(0), soft)
        found.append(_upright(soft, page.skew) if page.skew else soft)
    return found


def _upright(soft: np.ndarray, degrees: float) -> np.ndarray:
    """Turned against the skew, and as large as that needs."""
    turned = Image.fromarray(soft).rotate(degrees, Image.Resampling.BILINEAR, expand=True)
    return np.clip(np.asarray(turned), 0, 1)


def page_polarity(pixels: np.ndarray) -> str:
    """Whether the ink is dark or bright: strokes are thin, so that what stands out from its surroundings is ink.

    The sign of the skewness of pixel minus local mean; unlike `marks.ink.polarity` it does not mind a scanner's lid
    or a dark table around the sheet.

    Args:
        pixels: `[h, w]` uint8.
    """
    from scipy import ndimage

    values = pixels.astype(np.float32)
    apart = values - ndimage.uniform_filter(values, max(3, int(min(pixels.shape) / 25)))
    return BRIGHT if float((apart**3).sum()) > 0 else DARK


def usual_height(boxes: np.ndarray, areas: np.ndarray, shape: tuple[int, int]) -> float:
    """The height below which half of the ink lies, as specks do not count and rules and frames hardly.

    Components, with boxes `[n, 4]` and `[n]` pixels, that span more than a quarter of the page are no writing.
    """
    high, wide = boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0]
    writing = (high < shape[0] / 4) & (wide < shape[1] / 4) & (high > 2) & (areas > 8)
    if not writing.any():
        return float(max(8, min(shape) / 25))
    heights, weights = high[writing], areas[writing]
    order = np.argsort(heights, kind="stable")
    total = np.cumsum(weights[order])
    return float(max(6, heights[order][np.searchsorted(total, total[-1] / 2)]))


def skew(mask: np.ndarray, height: float) -> float:
    """How far lines of writing descend to the right, in degrees within +-5, at steps of 0.1.

    The angle at which the profile across the lines is the most uneven (the sum of squared differences of
    neighbouring rows); 0 if no angle makes it clearly more uneven than 0 does. The mask is `[h, w]` bool, ink, and the
    height is that of the writing, in pixels.
    """
    step = max(1, int(height / 8))
    y, x = np.nonzero(mask[::step, ::step])
    if len(y) < 100:
        return 0.0
    x = x - mask.shape[1] / step / 2

    def uneven(angle: float) -> float:
        rows = np.rint(y - x * np.tan(np.radians(angle))).astype(int)
        return float((np.diff(np.bincount(rows - rows.min()).astype(float)) ** 2).sum())

    coarse = max(np.arange(-5, 5.01, 0.5), key=uneven)
    best = max(np.arange(coarse - 0.5, coarse + 0.51, 0.1), key=uneven)
    return round(float(best), 1) if abs(best) > 0.3 and uneven(best) > 1.1 * uneven(0) else 0.0


def _binarised(paper: np.ndarray, window: float) -> tuple[np.ndarray, np.ndarray]:
    """Where there is ink, and how much darker than the ground around it every pixel is."""
    from scipy import ndimage
    from skimage.filters import threshold_sauvola

    mask = paper < threshold_sauvola(paper, 2 * int(window / 2) + 1, k=SAUVOLA_K)
    # The ground is the mean of what is none, in windows that reach beyond any stroke.
    size = 2 * int(window) + 1
    clear = (~ndimage.binary_dilation(mask, iterations=2)).astype(np.float32)
    weight = ndimage.uniform_filter(clear, size)
    ground = ndimage.uniform_filter(paper * clear, size) / np.maximum(weight, 1e-3)
    depth = np.where(weight > 1e-3, ground - paper, 0).astype(np.float32)
    if mask.any():
        mask &= depth > CONTRAST * np.median(depth[mask])
    return mask, depth


def _components(labels: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and areas of components 1 to n."""
    from scipy import ndimage

    found = ndimage.find_objects(labels)
    boxes = [(x.start, y.start, x.stop, y.stop) for y, x in found]
    return np.array(boxes, np.int32).reshape(-1, 4), np.bincount(labels.ravel(), minlength=n + 1)[1:]


def _evened(depth: np.ndarray, mask: np.ndarray, window: float) -> np.ndarray:
    """Ink strength relative to that of the strokes around, so that faint writing counts as much as full."""
    from scipy import ndimage

    size = 2 * int(window / 2) + 1
    inked = ndimage.uniform_filter(mask.astype(np.float32), size)
    usual = ndimage.uniform_filter(depth * mask, size) / np.maximum(inked, 1e-6)
    least = FAINT * np.median(depth[mask]) if mask.any() else 1
    return np.clip(depth / np.maximum(usual, least), 0, 1)
