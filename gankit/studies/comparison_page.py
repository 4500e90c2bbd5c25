"""Runs side by side as one HTML page, which needs no network and no script, like the report of a run.

Whatever comes from a file is escaped, and every file may be missing or torn.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from markupsafe import Markup

from gankit.report import album, charts
from gankit.report import html as page
from gankit.report.charts import SMALL, Series, Stages
from gankit.studies.comparison import ARROWS, Comparison, Side, notes
from gankit.support.files import write
from gankit.support.values import finite

DRAWN = 48  # charts of a page
ROOM = 12_000_000  # characters of data URIs

STYLE = """
.swatch{display:inline-block;width:.7em;height:.7em;margin-right:.4em;vertical-align:baseline}
.runs{min-width:60%;margin-top:1.2rem}.runs td,.runs th{text-align:left}.runs td{white-space:normal}
.pictures figcaption b{color:var(--ink)}
"""


def write_page(comparison: Comparison, path: Path) -> Path:
    """Writes the page, whole or not at all.

    Raises:
        UsageError: It cannot be written there.
    """
    return write(path, _page(comparison))


def _page(comparison: Comparison) -> str:
    title = f"{len(comparison.sides)} runs of {' and '.join(dict.fromkeys(side.recipe for side in comparison.sides))}"
    sections = (
        f"<header>\n<h1>{escape(title)}</h1>\n</header>",
        _runs(comparison),
        "<h2>Figures</h2>",
        _figures(comparison),
        _curves(comparison.sides),
        _pictures(comparison.sides),
        f'<p class="soft">Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by gankit.</p>',
    )
    return page.document(title, "{{ sections }}", style=charts.STYLE + STYLE, sections=Markup("\n".join(sections)))


def _table(head: Sequence[str], rows: Sequence[str], kind: str = "") -> str:
    """A table of ready rows; only the heads are escaped here."""
    heads = "".join(f"<th>{escape(text)}</th>" for text in head)
    table = f"<table{kind}><thead><tr>{heads}</tr></thead><tbody>\n" + "\n".join(rows) + "\n</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _swatch(number: int) -> str:
    """A square of the colour that a run's curves have."""
    square = f'<rect class="t{number % len(charts.LIGHT)}" width="10" height="10"/>'
    return f'<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">{square}</svg>'


def _runs(comparison: Comparison) -> str:
    """Which runs, and what differs in their configuration."""
    rows = []
    for i, side in enumerate(comparison.sides):
        cells = [f"{side.recipe}/{side.path.resolve().name}", *(values[i] for values in comparison.differing.values())]
        text = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        rows.append(f"<tr><th>{_swatch(i)}{escape(side.name.split()[0])}</th>{text}</tr>")
    same = "" if comparison.differing else '<p class="soft">Their configurations are equal.</p>'
    return _table(["", "run", *comparison.differing], rows, ' class="runs"') + same


def _figures(comparison: Comparison) -> str:
    spread, rows = comparison.over_seeds, []
    for row in comparison.rows:
        cells = ""
        for i, value in enumerate(row.values):
            text = escape(_figure(value))
            cells += f"<td><strong>{text}</strong></td>" if i in row.best else f"<td>{text}</td>"
        if spread:
            found = spread.get(row.metric, {"mean": None, "sd": None})
            text = "" if found["mean"] is None else f"{_figure(found['mean'])} ± {_figure(found['sd'])}"
            cells += f"<td>{text}</td>"
        rows.append(f"<tr><th>{escape(row.metric)}{ARROWS.get(row.better, '')}</th>{cells}</tr>")
    heads = ["metric", *(side.name for side in comparison.sides), *["mean ± sd"] * bool(spread)]
    parts = [_table(heads, rows)] if rows else []
    parts += [f"<p>{escape(note)}</p>" for note in notes(comparison)]
    parts.append('<p class="soft">↑ higher is better, ↓ lower is better, bold is best.</p>' if rows else "")
    return "\n".join(parts)


def _figure(value: Any) -> str:
    if not finite(value):
        return "" if value is None else str(value)
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def _curves(sides: Sequence[Side]) -> str:
    """A chart of each term that at least two of the runs have logged."""
    terms: dict[tuple[str, str], Series] = {}
    stages: list[Stages] = []
    remarks = []
    for side in sides:
        for (chart, term), points in _terms(side, stages, remarks):
            terms.setdefault((chart, term), {})[side.name] = points
    names = [side.name for side in sides]
    common = {key: series for key, series in terms.items() if len(series) > 1}
    order = sorted(common, key=lambda key: SMALL.index(key[0]) if key[0] in SMALL else -1)
    like = stages[0] if stages and all(one == stages[0] for one in stages) else ()
    figures = []
    for chart, term in order[:DRAWN]:
        tall = 110 if chart in SMALL else 180
        figures.append(charts.chart(_title(chart, term), common[chart, term], like, tall, names))
    parts = ["<h2>Training</h2>", '<div class="charts">', *figures, "</div>"]
    if not figures:
        parts.append('<p class="soft">The runs have logged no term in common.</p>')
    if left := len(order) - len(figures):
        parts.append(f'<p class="soft">{left} more charts are not drawn.</p>')
    if alone := [f"{_title(*key)} ({next(iter(series))})" for key, series in terms.items() if len(series) < 2]:
        parts.append(f'<p class="soft">Of one run only: {escape(", ".join(alone))}</p>')
    return "\n".join(parts + [f'<p class="loses">{escape(remark)}</p>' for remark in remarks])


def _title(chart: str, term: str) -> str:
    return f"{chart}: {term}" if chart in SMALL else f"{chart.removeprefix('phase ')}/{term}"


def _terms(side: Side, stages: list[Stages], remarks: list[str]) -> Iterator[tuple[tuple[str, str], Any]]:
    """(chart, term) and the points of each term in a run's metrics.jsonl; tells stages and remarks of it."""
    with (
        contextlib.suppress(OSError),
        (side.path / "metrics.jsonl").open(encoding="utf-8", errors="replace") as lines,
    ):
        found, begun, said = charts.read_metrics(lines)
        stages.append(begun)
        remarks.extend(f"{side.name}: {remark}" for remark in said)
        for chart, series in found.items():
            for term, points in series.items():
                yield (chart, term), points


def _pictures(sides: Sequence[Side]) -> str:
    """One picture of the newest samples of each run: the same one where the runs have a name in common."""
    sets = [[one for one in album.sets(side.path / "samples") if one.pictures] for side in sides]
    newest = [found[-1] if found else None for found in sets]
    names = [[path.name for path in one.pictures] for one in newest if one]
    shared = [name for name in names[0] if all(name in others for others in names)] if names else []
    pages, figures = album.Album(ROOM), ""
    for side, one in zip(sides, newest, strict=True):
        image, text = "", "no pictures"
        if one:
            path = next((path for path in one.pictures if path.name in shared[:1]), one.pictures[0])
            image = pages.image(path, f"{side.name}: {path.name}", side=1600, limit=ROOM // (2 * len(sides)))
            text = f"{one.label}, {path.name}" + ("" if image else ", which cannot be shown")
        figures += f"<figure>{image}<figcaption><b>{escape(side.name)}</b> {escape(text)}</figcaption></figure>\n"
    return f'<h2>Newest samples</h2>\n<div class="pictures">\n{figures}</div>'
