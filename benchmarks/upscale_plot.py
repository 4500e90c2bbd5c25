"""The picture of `benchmarks/upscale.py`: PSNR against speed, a panel a benchmark set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
from matplotlib.text import Annotation

from gankit.support import whole

# One colour a family; no legend, since each point bears its name.
COLOURS = {"gankit": "#c2410c", "bicubic": "#525c69", "OpenCV": "#0b62b0", "UpscalerJS, TensorFlow": "#17803d"}
COLOURS |= {"UpscalerJS, Node": "#65a30d", "ncnn": "#8b2fb0"}
# Where a name may stand: from its point, in points of print.
PLACES = [
    (8, 0),
    (-8, 0),
    (0, 10),
    (0, -10),
    (8, 9),
    (-8, 9),
    (8, -9),
    (-8, -9),
    (0, 20),
    (0, -20),
    (14, 18),
    (14, -18),
]


def fastest(speeds: Mapping[str, Mapping[str, Any]], sizes: Sequence[str]) -> tuple[str, Mapping[str, Any]] | None:
    """The first of the sizes on which a method was timed, and its speed there."""
    return next(((size, speeds[size]) for size in sizes if "median" in speeds.get(size, {})), None)


def draw(report: Mapping[str, Any], sets: Sequence[str], sizes: Sequence[str], out: Path) -> None:
    """Draws the report.

    Args:
        report: As `upscale.py` writes it.
        sets: The benchmark sets to show.
        sizes: Pictures whose speed is shown; where the first was too large for a method, the next, with an open mark.
        out: The PNG.
    """
    figure, axes = plt.subplots(1, len(sets), figsize=(7.5 * len(sets), 6.2), squeeze=False, layout="constrained")
    for axis, name in zip(axes[0], sets, strict=True):
        panel(axis, report["methods"], name, sizes)
    threads = report["machine"]["threads"]
    axes[0][0].set_ylabel("PSNR of luma, dB")
    figure.suptitle(
        f"Enlarging by four on {threads} processor threads: quality and speed (further up and to the right is better)"
    )
    low, *others = sizes
    rounds = report["protocol"]["rounds"]
    text = f"Speed: median of {rounds} rounds on a low resolution of {low}; the bar spans all rounds."
    if others:
        text += f" Open marks: too slow for it, timed on {', '.join(others)}."
    figure.supxlabel("output megapixels a second (log scale)\n" + text, fontsize=10)
    with whole(out) as aside:
        figure.savefig(aside, dpi=120, format="png")
    plt.close(figure)


def panel(axis: Any, methods: Sequence[Mapping[str, Any]], name: str, sizes: Sequence[str]) -> None:
    """One benchmark set."""
    names = []
    for method in methods:
        score, found = method["quality"].get(name, {}).get("psnr_y"), fastest(method["speed"], sizes)
        if score is None or found is None:
            continue
        size, rate = found
        colour, ours = COLOURS.get(method["family"], "black"), method["family"] == "gankit"
        spread = [[rate["median"] - rate["least"]], [rate["greatest"] - rate["median"]]]
        filled = colour if size == sizes[0] else "white"
        mark = {"marker": "D" if ours else "o", "markersize": 8 if ours else 6, "markerfacecolor": filled}
        axis.errorbar(rate["median"], score, xerr=spread, color=colour, linestyle="", elinewidth=1, **mark)
        names.append((rate["median"], score, method["name"], colour))
    axis.set_xscale("log")
    axis.margins(x=0.16, y=0.08)
    axis.set_title(name)
    axis.grid(True, which="major", alpha=0.3)
    axis.xaxis.set_major_formatter("{x:g}")
    write_names(axis, names)


def write_names(axis: Any, names: Sequence[tuple[float, float, str, str]]) -> None:
    """Writes each name beside its point, at the place where it covers the fewest names and points."""
    figure = axis.get_figure()
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    points = [axis.transData.transform((x, y)) for x, y, _, _ in names]
    taken: list[Any] = []
    for x, y, name, colour in names:

        def written(offset: tuple[int, int], x: float = x, y: float = y, n: str = name, c: str = colour) -> Annotation:
            sides = {1: "left", -1: "right", 0: "center"}
            across = sides[(offset[0] > 0) - (offset[0] < 0)]
            return axis.annotate(
                n, (x, y), offset, textcoords="offset points", ha=across, va="center", fontsize=9, color=c
            )

        def cost(offset: tuple[int, int], written: Any = written) -> float:
            text = written(offset)
            box = text.get_window_extent(renderer).expanded(1.02, 1.1)
            text.remove()
            inside = axis.bbox.contains(box.x0, box.y0) and axis.bbox.contains(box.x1, box.y1)
            covered = sum(box.contains(*point) for point in points) + sum(box.overlaps(other) for other in taken)
            return covered + (not inside) + 0.001 * (abs(offset[0]) + abs(offset[1]))

        text = written(min(PLACES, key=cost))
        taken.append(text.get_window_extent(renderer))
