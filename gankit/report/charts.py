"""The charts of a report: `metrics.jsonl` as hand-written inline SVG, which needs no script and no library.

A chart shows series over the total step, each labelled at its end. Series that span decades get a log scale; long ones
are thinned to extremes and means, so that the page stays small and no spike is lost.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from gankit.support.values import finite, mapping

Series = dict[str, tuple[list[float], list[float]]]  # name -> (total steps, values)
Stages = Sequence[tuple[float, str]]  # (total steps before it, name)
Curves = dict[str, tuple[np.ndarray, np.ndarray]]  # name -> (total steps, heights), both [points] float64

BINS, MEANS = 160, 60  # windows of a long curve: of its extremes, and of its mean
DRAWN_TERMS = 24
OUTPUTS = ("d_real", "d_fake")  # of what the monitors see, what has a scale of its own
SMALL = ("gradient norm", "learning rate", "knobs", "speed")  # charts that come last, and lower than those of losses

# One colour a curve, in light and in dark: told apart by the colour-blind too, since each curve bears its name.
LIGHT = ("#0b62b0", "#c2410c", "#17803d", "#8b2fb0", "#a16207", "#0e7c86", "#be185d", "#525c69")
DARK = ("#6cb2f5", "#fb9a5b", "#6fd591", "#d08cf0", "#e6c34a", "#55cfd8", "#f789b8", "#a9b3bf")
COLOURS = [";".join(f"--c{i}:{colour}" for i, colour in enumerate(colours)) for colours in (LIGHT, DARK)]
STYLE = f"""
:root{{{COLOURS[0]}}}@media screen and (prefers-color-scheme:dark){{:root{{{COLOURS[1]}}}}}
{"".join(f".s{i}{{stroke:var(--c{i})}}.t{i}{{fill:var(--c{i})}}" for i in range(len(LIGHT)))}
.charts{{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:1.2rem 2rem}}
.charts figcaption{{color:var(--ink);font-weight:600;font-size:1rem}}
svg{{display:block;width:100%;height:auto;font:12.5px system-ui,sans-serif;fill:var(--soft)}}
.grid{{stroke:var(--line)}}.stage{{stroke:var(--soft);stroke-dasharray:2 3}}.lead{{stroke-dasharray:1 3;opacity:.6}}
.curve{{fill:none;stroke-width:2;stroke-linejoin:round}}.raw{{opacity:.3;stroke-width:1}}
@media print{{.charts{{grid-template-columns:1fr 1fr}}}}
"""


LEGEND = (
    "Over the total step; dashed lines are starts of stages; beside each curve stands its last value. Of a long "
    f"series, the thin line keeps the least and greatest value of {BINS} windows; the thick one is the mean of {MEANS} "
    "(on a log scale, of the logarithms)."
)


def training(path: Path) -> tuple[list[Markup], list[str]]:
    """The charts of a run's `metrics.jsonl`, and remarks; the file may be missing or torn."""
    charts, stages, remarks = read_metrics(path)
    order = sorted(charts, key=lambda name: SMALL.index(name) if name in SMALL else -1)
    return [chart(name, charts[name], stages, 130 if name in SMALL else 200) for name in order], remarks


def read_metrics(path: Path) -> tuple[dict[str, Series], Stages, list[str]]:
    """Sorts the lines of metrics.jsonl into charts; none, if there is no such file.

    Returns:
        Chart -> its series; the stages; remarks on what could not be drawn.
    """
    charts: dict[str, Series] = {}
    stages: list[tuple[float, str]] = []
    bad: dict[str, float] = {}
    skipped = 0

    def put(chart: str, name: str, value: Any) -> None:
        if not finite(value) or abs(value) > 1e30:
            bad.setdefault(f"{chart.removeprefix('phase ')}/{name}", total)
            return
        xs, ys = charts.setdefault(chart, {}).setdefault(name, ([], []))
        xs.append(total)
        ys.append(value)

    for line in _lines(path):
        try:
            row = json.loads(line)
            total = float(row["total"])
            if not math.isfinite(total):
                raise ValueError(total)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            skipped += bool(line.strip())
            continue
        stage, step = str(row.get("stage", "")), row.get("step")
        if not stages or stages[-1][1] != stage:
            start = total - step if finite(step) else total
            while stages and stages[-1][0] >= start:  # resumed from an older checkpoint: the later word holds
                stages.pop()
            stages.append((start, stage))
        for name, value in mapping(row.get("terms")).items():
            phase, _, term = name.partition("/")
            if term == "gradient_norm":
                put("gradient norm", phase, value)
            else:
                put(f"phase {phase}", term or phase, value)
        for name, value in mapping(row.get("watch")).items():
            put("discriminator outputs" if name in OUTPUTS else "monitors", name, value)
        for name, value in mapping(row.get("held_out")).items():
            put(f"held out: {name}", name, value)  # a chart each: their units differ
        for title, key in (("learning rate", "lr"), ("knobs", "knobs")):
            for name, value in mapping(row.get(key)).items():
                put(title, name, value)
        if "examples_per_second" in row:
            put("speed", "examples/s", row["examples_per_second"])
    remarks = [f"{name} was NaN, infinite or absurdly large, first at step {at:,.0f}." for name, at in bad.items()]
    if skipped:
        remarks.append(f"{skipped} unreadable line(s) of metrics.jsonl were skipped.")
    return charts, stages, remarks


def _lines(path: Path) -> Iterator[str]:
    with contextlib.suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
        yield from file


def settled(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drops what a resume from an older checkpoint has overtaken: points not before all later ones."""
    later = np.append(np.minimum.accumulate(x[::-1])[::-1][1:], math.inf)
    return x[x < later], y[x < later]


def thin(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Extremes of each window, in their order, and the means of wider windows: (x, y, x mean, y mean)."""
    keep = {0, len(x) - 1}
    for a, b in itertools.pairwise(np.linspace(0, len(x), BINS + 1).astype(int)):
        keep |= {int(a + y[a:b].argmin()), int(a + y[a:b].argmax())}
    index = sorted(keep)
    edges = np.linspace(0, len(x), MEANS + 1).astype(int)
    mean_x, mean_y = (np.add.reduceat(v, edges[:-1]) / np.diff(edges) for v in (x, y))
    return x[index], y[index], mean_x, mean_y


def ticks(low: float, high: float, about: int) -> list[tuple[float, str]]:
    """Round values between two bounds, with the shortest text that tells them apart."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    values = [i * step for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
    digits = math.ceil(math.log10(max(abs(low), abs(high)) / step)) + 2
    return [(value, _number(value, digits)) for value in values]


def _number(value: float, digits: int = 4) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if size <= abs(value) < 1e9:
            return f"{value / size:.{digits}g}{unit}"
    return re.sub(r"e([+-])0*", lambda found: "e" + found[1].strip("+"), f"{value:.{digits}g}")


@dataclass(frozen=True)
class Frame:
    """Where the plot lies in an SVG of width 480, and the bounds of its data: steps across, values (or logs) up."""

    left: int
    right: int
    top: int
    bottom: int
    first: float
    last: float
    low: float
    high: float

    def x(self, step: Any) -> Any:
        """Where steps lie, from the left."""
        return self.left + (step - self.first) / (self.last - self.first) * (self.right - self.left)

    def y(self, value: Any) -> Any:
        """Where values lie, from the top."""
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)


def chart(title: str, series: Series, stages: Stages, tall: int, order: Sequence[str] = ()) -> Markup:
    """One figure.

    Args:
        title: Its caption.
        series: At least one, none of them empty.
        stages: Marked by dashed lines.
        tall: The least height of the plot in SVG units.
        order: Names of series in the order of the colours, so that a name has one colour in several charts.
    """
    curves = {n: settled(np.array(x), np.array(y, "float64")) for n, (x, y) in list(series.items())[:DRAWN_TERMS]}
    values = np.concatenate([y for _, y in curves.values()])
    positive = values[values > 0]
    log = values.min() >= 0 and positive.size > 0 and positive.max() / positive.min() > 100
    if log:  # zeros lie on the floor, where the least positive value is
        curves = {name: (x, np.log10(np.maximum(y, positive.min()))) for name, (x, y) in curves.items()}
        values = np.log10(positive)
    low, high = float(values.min()), float(values.max())
    pad = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
    low, high = low - pad, high + pad
    first, last = min(x[0] for x, _ in curves.values()), max(x[-1] for x, _ in curves.values())
    first = max((start for start, _ in stages if start <= first), default=first)  # a stage begins before its first line

    tall = max(tall, 16 * len(curves))
    if log:
        decades = range(math.ceil(low), math.floor(high) + 1)
        marks: list[tuple[float, str]] = [
            (d, _number(10.0**d)) for d in decades[:: max(1, math.ceil(len(decades) / (tall // 28)))]
        ]
    else:
        marks = ticks(low, high, max(3, tall // 34))
    labels = {n: f"{n if len(n) < 19 else n[:17] + '…'} {_number(series[n][1][-1])}" for n in curves}
    left = 15 + int(7 * max((len(text) for _, text in marks), default=0))
    right = 460 - min(180, int(6.6 * max(map(len, labels.values()))))
    frame = Frame(left, right, 20, 20 + tall, first, last if last > first else first + 1, low, high)

    caption = title + " (log scale)" * bool(log)
    if len(series) > len(curves):
        caption += f" ({len(series) - len(curves)} more not drawn)"
    svg = f'<svg viewBox="0 0 480 {frame.bottom + 24}" role="img" aria-label="{escape(title)} over steps">'
    drawn = [*_axes(frame, marks), *_stage_lines(frame, stages), *_curves(frame, curves, labels, order or list(curves))]
    figure = f"<figure><figcaption>{escape(caption)}</figcaption>\n{svg}" + "\n".join(drawn) + "</svg></figure>"
    return Markup(figure)


def _axes(frame: Frame, marks: Iterable[tuple[float, str]]) -> Iterable[str]:
    left, right, bottom = frame.left, frame.right, frame.bottom
    for mark, text in marks:
        y = frame.y(mark)
        yield f'<path class="grid" d="M{left} {y:.1f}H{right}"/>'
        yield f'<text x="{left - 5}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
    for mark, text in ticks(frame.first, frame.last, 5):
        x = frame.x(mark)
        yield f'<path class="grid" d="M{x:.1f} {bottom}v4"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{text}</text>'
    yield f'<text x="{right + 24}" y="{bottom + 17}">step</text>'


def _stage_lines(frame: Frame, stages: Stages) -> Iterable[str]:
    ends = [start for start, _ in stages[1:]] + [math.inf]
    for (start, name), end in zip(stages, ends, strict=False):
        if end > frame.first and start < frame.last:
            x = frame.x(max(start, frame.first))
            room = frame.x(min(end, frame.last)) - x
            text = name if room > 6.5 * len(name) + 6 else ""  # one that does not fit is still the line's tooltip
            yield f'<g><title>{escape(name)}</title><path class="stage" d="M{x:.1f} {frame.top - 14}V{frame.bottom}"/>'
            yield f'<text x="{x + 4:.1f}" y="{frame.top - 5}">{escape(text)}</text></g>'


def _curves(frame: Frame, curves: Curves, labels: Mapping[str, str], order: Sequence[str]) -> Iterable[str]:
    def line(x: np.ndarray, y: np.ndarray, kind: str) -> str:
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(frame.x(x), frame.y(y), strict=True))
        return f'<polyline class="curve {kind}" points="{points}"/>'

    spots = _spread({name: float(frame.y(y[-1])) for name, (_, y) in curves.items()}, frame.top, frame.bottom)
    for name, (x, y) in curves.items():
        x_end, y_end, spot, colour = frame.x(x[-1]), frame.y(y[-1]), spots[name], order.index(name) % len(LIGHT)
        yield f"<g><title>{escape(name)}</title>"
        if len(x) > 2 * BINS:
            raw_x, raw_y, x, y = thin(x, y)
            yield line(raw_x, raw_y, f"s{colour} raw")
        yield line(x, y, f"s{colour}")
        yield f'<circle class="t{colour}" cx="{x_end:.1f}" cy="{y_end:.1f}" r="2"/>'
        yield f'<path class="lead s{colour}" d="M{x_end:.1f} {y_end:.1f}L{frame.right + 6} {spot:.1f}"/>'
        yield f'<text class="t{colour}" x="{frame.right + 8}" y="{spot + 4:.1f}">{escape(labels[name])}</text></g>'


def _spread(spots: Mapping[str, float], top: float, bottom: float) -> dict[str, float]:
    """Heights of labels, moved apart so that none covers another and all stay beside the plot."""
    names, room = sorted(spots, key=lambda name: spots[name]), 15.0
    placed: dict[str, float] = {}
    for i, name in enumerate(names):
        placed[name] = max(spots[name], placed[names[i - 1]] + room if i else top + 4)
    limit = bottom - 2.0
    for name in reversed(names):
        placed[name] = min(placed[name], limit)
        limit = placed[name] - room
    return placed
