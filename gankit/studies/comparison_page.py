"""Runs side by side as one HTML page, like the report of a run. Every file of a run may be missing or torn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from markupsafe import Markup

from gankit.report import charts
from gankit.report.album import Album, sets
from gankit.report.charts import SMALL, Series
from gankit.report.html import arrow, document, text
from gankit.studies.comparison import Comparison, Side, notes
from gankit.support.files import write

DRAWN = 48  # charts of a page
ROOM = 12_000_000  # characters of data URIs

# A square of the colour that a run's curves have, and its letter.
SWATCH = Markup(
    '<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect class="t{}" width="10" height="10"/></svg>{}'
)
Row = tuple[str, list[tuple[str, bool]]]  # of a table: name, and cells with whether they are the best
STYLE = """
.swatch{display:inline-block;width:.7em;height:.7em;margin-right:.4em;vertical-align:baseline}
.runs{min-width:60%;margin-top:1.2rem}.runs td,.runs th{text-align:left}.runs td{white-space:normal}
.pictures figcaption b{color:var(--ink)}
"""


def write_page(comparison: Comparison, path: Path) -> Path:
    """Writes the page, whole or not at all.

    Raises:
        GankitError: It cannot be written there.
    """
    sides = comparison.sides
    title = f"{len(sides)} runs of {' and '.join(dict.fromkeys(side.recipe for side in sides))}"
    figures, note, remarks = _curves(sides)
    page = document(
        title,
        "{% include 'comparison.html' %}",
        style=charts.STYLE + STYLE,
        runs_head=["", "run", *comparison.differing],
        runs=list(_runs(comparison)),
        metrics_head=["metric", *(side.name for side in sides), *["mean ± sd"] * bool(comparison.over_seeds)],
        metrics=list(_metrics(comparison)),
        directions=[row.better for row in comparison.rows],
        notes=list(notes(comparison)),
        figures=figures,
        note=note,
        remarks=remarks,
        pictures=list(_pictures(sides)),
    )
    return write(path, page)


def _runs(comparison: Comparison) -> Iterator[Row]:
    for i, side in enumerate(comparison.sides):
        cells = [f"{side.recipe}/{side.path.resolve().name}", *(values[i] for values in comparison.differing.values())]
        yield SWATCH.format(i % len(charts.LIGHT), side.name.split()[0]), [(cell, False) for cell in cells]


def _metrics(comparison: Comparison) -> Iterator[Row]:
    spread = comparison.over_seeds
    for row in comparison.rows:
        cells = [("" if value is None else text(value), i in row.best) for i, value in enumerate(row.values)]
        if spread:
            found = spread.get(row.metric, {"mean": None})
            cells.append(("" if found["mean"] is None else f"{text(found['mean'])} ± {text(found['sd'])}", False))
        yield row.metric + arrow(row.better), cells


def _curves(sides: Sequence[Side]) -> tuple[list[Markup], str, list[str]]:
    """A chart of each term that at least two of the runs have logged, a note, and remarks."""
    terms: dict[tuple[str, str], Series] = {}
    read = {side.name: charts.read_metrics(side.path / "metrics.jsonl") for side in sides}
    for side, (found, _, _) in read.items():
        for chart, series in found.items():
            for term, points in series.items():
                terms.setdefault((chart, term), {})[side] = points
    common = {key: series for key, series in terms.items() if len(series) > 1}
    order = sorted(common, key=lambda key: SMALL.index(key[0]) if key[0] in SMALL else -1)
    stages = [begun for _, begun, _ in read.values() if begun]
    like = stages[0] if stages and all(begun == stages[0] for begun in stages) else ()
    figures = [
        charts.chart(_title(*key), common[key], like, 110 if key[0] in SMALL else 180, list(read))
        for key in order[:DRAWN]
    ]
    said = [] if figures else ["The runs have logged no term in common."]
    if left := len(order) - len(figures):
        said.append(f"{left} more charts are not drawn.")
    if alone := [f"{_title(*key)} ({next(iter(series))})" for key, series in terms.items() if len(series) < 2]:
        said.append(f"Of one run only: {', '.join(alone)}")
    return figures, " ".join(said), [f"{side}: {remark}" for side, (_, _, told) in read.items() for remark in told]


def _title(chart: str, term: str) -> str:
    return f"{chart}: {term}" if chart in SMALL else f"{chart.removeprefix('phase ')}/{term}"


def _pictures(sides: Sequence[Side]) -> Iterator[tuple[str, Markup, str]]:
    """One picture of the newest samples of each run: the same one where the runs have a name in common."""
    newest = [next((one for one in reversed(sets(s.path / "samples")) if one.pictures), None) for s in sides]
    names = [[path.name for path in one.pictures] for one in newest if one]
    shared = [name for name in names[0] if all(name in others for others in names)] if names else []
    album = Album(ROOM)
    for side, one in zip(sides, newest, strict=True):
        if one is None:
            yield side.name, Markup(), "no pictures"
            continue
        path = next((path for path in one.pictures if path.name in shared[:1]), one.pictures[0])
        image = album.image(path, f"{side.name}: {path.name}", side=1600, limit=ROOM // (2 * len(sides)))
        yield side.name, image, f"{one.label}, {path.name}" + ("" if image else ", which cannot be shown")
