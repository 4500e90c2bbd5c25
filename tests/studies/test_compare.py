"""Runs side by side: what differs, what is ranked, the page."""

import json
import re

import numpy as np
import pytest
from pages import HOSTILE, Page, line
from PIL import Image

from gankit.cli import main
from gankit.errors import UsageError
from gankit.report import charts
from gankit.runs.run import Run
from gankit.studies.comparison import compare, notes
from gankit.studies.comparison_page import write_page


def gankit(*arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    out = capsys.readouterr()
    return stop.value.code, out.out, out.err


def make(folder, config="width: 8\ntraining: {seed: 0}\n", status="done", recipe="ring", data="ring", **evaluation):
    """A run folder without a training."""
    run = Run.create(folder, recipe, f"recipe: {recipe}\n{config}", {})
    run.update(status=status)
    whole = {"recipe": recipe, "data": data, "protocol": {}, "baselines": {}, "better": {}, **evaluation}
    (run.path / "evaluation.json").write_text(json.dumps(whole))
    return run


def figures(fid, modes, /, **protocol):
    return {
        "metrics": {"fid": fid, "modes": modes, "size": 3},
        "better": {"fid": "lower", "modes": "higher"},
        "protocol": {"samples": 10, **protocol},
    }


def rows(comparison):
    return {row.metric: row for row in comparison.rows}


def render(comparison, path):
    text = write_page(comparison, path).read_text("utf-8")
    page = Page(text)
    assert "script" not in page.tags and "default-src 'none'" in text
    for _tag, name, value in page.attributes:
        assert not name.startswith("on") and name != "style"
        if name in ("src", "href", "xlink:href", "data", "action"):
            assert value.startswith("data:image/")
    return text, page


@pytest.fixture
def pair(tmp_path):
    """Two runs of one recipe that differ by width and seed."""
    first = make(tmp_path, **figures(20.0, 7))
    second = make(tmp_path, "width: 16\ntraining: {seed: 4}\n", **figures(10.0, 5))
    for run, factor in ((first, 1.0), (second, 3.0)):
        lines = [line(t, generator__fool=factor * t, **{f"warm{factor:.0f}__only": t}) for t in range(1, 6)]
        (run.path / "metrics.jsonl").write_text("\n".join(lines))
        for name, level in (("step-000000002", 0), ("final", int(40 * factor))):
            (run.path / "samples" / name).mkdir(parents=True)
            Image.fromarray(np.full((8, 8, 3), level, "uint8")).save(run.path / "samples" / name / "grid.png")
    return first, second


def test_the_best_is_found_by_its_direction(pair):
    found = compare(pair)
    assert {name: row.best for name, row in rows(found).items()} == {"fid": [1], "modes": [0], "size": []}
    assert rows(found)["fid"].values == [20.0, 10.0]
    assert found.differing == {"width": ["8", "16"], "training.seed": ["0", "4"]}
    assert found.protocol == {} and list(notes(found)) == [] and found.over_seeds == {}
    assert [side.name for side in found.sides] == ["A", "B"]


def test_equals_share_the_first_place(tmp_path):
    found = compare([make(tmp_path, **figures(value, 1)) for value in (2.0, 1.0, 1.0)])
    assert rows(found)["fid"].best == [1, 2] and rows(found)["modes"].best == [0, 1, 2]
    assert found.differing == {}


def test_other_protocols_are_shown_and_not_ranked(tmp_path):
    features = {"features": {"network": "a", "sha256": "0"}}
    first = make(tmp_path, **figures(20.0, 7, **features, fid={"subsets": 5}))
    second = make(tmp_path, **figures(10.0, 5, **{"features": {"network": "a", "sha256": "1"}}, fid={"subsets": 9}))
    found = compare([first, second])
    assert all(row.best == [] for row in found.rows)
    assert rows(found)["fid"].differs == ["features.sha256", "fid.subsets"]
    assert rows(found)["modes"].differs == ["features.sha256"]
    said = "\n".join(notes(found))
    assert "Not ranked, since the protocols differ: fid, modes, size." in said
    assert 'protocol features.sha256: "0" (A), "1" (B)' in said and "protocol fid.subsets: 5 (A), 9 (B)" in said
    assert "network" not in said


def test_a_key_that_names_metrics_speaks_of_no_others(tmp_path):
    first = make(tmp_path, **figures(20.0, 7, **{"fid, size": "a"}))
    second = make(tmp_path, **figures(10.0, 5, **{"fid, size": "b"}))
    found = compare([first, second])
    assert {name: row.best for name, row in rows(found).items()} == {"fid": [], "modes": [0], "size": []}


@pytest.mark.parametrize(("ours", "theirs"), [(1, True), (None, "absent"), ("1", 1), ([1, 2], [2, 1])])
def test_protocols_are_compared_as_json(tmp_path, ours, theirs):
    other = {} if theirs == "absent" else {"key": theirs}
    found = compare([make(tmp_path, **figures(2.0, 7, key=ours)), make(tmp_path, **figures(1.0, 5, **other))])
    assert rows(found)["fid"].differs == ["key"] and rows(found)["fid"].best == []


def test_other_data_and_directions_are_other_protocols(tmp_path):
    found = compare([make(tmp_path, data=data, **figures(2.0, 7)) for data in ("digits", "letters")])
    assert rows(found)["fid"].differs == ["data"]
    upside = {**figures(1.0, 5), "better": {"fid": "higher", "modes": "higher"}}
    found = compare([make(tmp_path, **figures(2.0, 7)), make(tmp_path, **upside)])
    assert rows(found)["fid"].differs == ["better"] and rows(found)["modes"].best == [0]
    assert "disagree" in " ".join(notes(found))


def test_recipes_meet_where_they_have_metrics_in_common(tmp_path):
    first = make(tmp_path, **figures(20.0, 7))
    other = make(tmp_path, recipe="square", data="square", **{**figures(10.0, 5), "metrics": {"fid": 30.0, "area": 2}})
    found = compare([first, other])
    assert rows(found)["fid"].best == [0] and rows(found)["area"].values == [None, 2]
    assert rows(found)["modes"].best == []


def test_runs_that_differ_by_the_seed_alone_have_a_spread(tmp_path):
    values = [3.0, 4.0, 8.0]
    runs = [make(tmp_path, f"training: {{seed: {i}}}\n", **figures(v, 1)) for i, v in enumerate(values)]
    found = compare(runs)
    assert found.over_seeds["fid"]["mean"] == pytest.approx(np.mean(values))
    assert found.over_seeds["fid"]["sd"] == pytest.approx(np.std(values, ddof=1))
    assert [side.name for side in found.sides] == ["A seed 0", "B seed 1", "C seed 2"]


def test_from_the_command_line(pair, tmp_path, capsys):
    code, out, _ = gankit("compare", *(run.path.name for run in pair), "--runs-dir", tmp_path, capsys=capsys)
    assert code == 0
    assert re.search(r"fid ↓ +20\.00 +10\.00 \*", out) and re.search(r"modes ↑ +7 \* +5\n", out)
    assert re.search(rf"A  ring/{pair[0].path.name} +8 +0\n", out)
    (page,) = tmp_path.glob("comparison-*.html")
    assert f"page      {page}" in out
    target = tmp_path / "page.html"
    common = ("compare", pair[0].path, pair[1].path, "-o", target)
    code, out, _ = gankit(*common, "--json", capsys=capsys)
    result = json.loads(out)
    assert code == 0 and result["page"] == str(target) and target.is_file()
    assert [run["run"] for run in result["runs"]] == [str(run.path) for run in pair]
    assert result["metrics"][0]["metric"] == "fid" and result["metrics"][0]["best"] == [1]
    code, _, err = gankit(*common, capsys=capsys)
    assert code == 2 and "--force" in err
    assert gankit(*common, "--force", capsys=capsys)[0] == 0
    code, _, err = gankit(*common[:3], "-o", tmp_path / "absent" / "page.html", capsys=capsys)
    assert code == 2 and "cannot write" in err
    assert not [path for path in tmp_path.rglob("*") if "tmp" in path.name]


def test_one_run_is_no_comparison(pair, tmp_path, capsys):
    for runs in ([pair[0]], [pair[0], pair[0]]):
        with pytest.raises(UsageError, match="two or more"):
            compare(runs)
    code, _, err = gankit("compare", pair[0].path, capsys=capsys)
    assert code == 2 and "two or more" in err


def test_the_page_overlays_common_terms_and_shows_the_newest_pictures(pair, tmp_path):
    text, page = render(compare(pair), tmp_path / "page.html")
    captions = [value for _, name, value in page.attributes if name == "aria-label"]
    assert captions == ["generator/fool over steps", "learning rate: pixel over steps"]
    chart = text[text.index('aria-label="generator/fool') :].split("</svg>")[0]
    assert chart.count("<polyline") == 2 and ">A 5</text>" in chart and ">B 15</text>" in chart
    assert "warm1/only (A)" in text and "warm3/only (B)" in text
    assert "<td>20</td><td><strong>10</strong></td>" in text and "<td><strong>7</strong></td><td>5</td>" in text
    pictures = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
    assert pictures == ["A: grid.png", "B: grid.png"] and text.count("final, grid.png") == 2
    assert len(set(re.findall(r'src="([^"]+)"', text))) == 2


def test_a_run_has_one_colour_in_all_charts(tmp_path):
    series = {"B": ([1, 2], [1.0, 2.0]), "C": ([1, 2], [2.0, 1.0])}
    text = charts.chart("x", series, (), 100, ["A", "B", "C"])
    assert 'class="t1" x=' in text and 'class="t2" x=' in text and "s0" not in text
    assert 'class="t0" x=' in charts.chart("x", series, (), 100)


def test_nothing_that_is_in_a_file_becomes_markup(tmp_path, capsys):
    config = json.dumps({"note": HOSTILE, HOSTILE: 1})
    hostile = {
        "metrics": {HOSTILE: 1.0, "text": HOSTILE, "huge": 10**400},
        "better": {HOSTILE: "lower"},
        "protocol": {HOSTILE: HOSTILE},
    }
    first = make(tmp_path, config, status=HOSTILE, data=HOSTILE, **hostile)
    second = make(tmp_path, "note: other", data="x", **{**hostile, "protocol": {HOSTILE: 1}})
    for run in (first, second):
        run.update(recipe=HOSTILE)
        lines = [json.dumps({"stage": HOSTILE, "step": t, "total": t, "terms": {f"{HOSTILE}/x": t}}) for t in (1, 2)]
        (run.path / "metrics.jsonl").write_text("\n".join(lines))
        (run.path / "samples" / "final").mkdir(parents=True)
        (run.path / "samples" / "final" / "<b onload=x>.png").write_bytes(b"no picture")
    text, _page = render(compare([first, second]), tmp_path / "page.html")
    assert "<img src=x" not in text and "<b onload" not in text and "which cannot be shown" in text
    code, _, err = gankit("compare", first.path, second.path, "-o", tmp_path / "p.html", capsys=capsys)
    assert code == 0, err


@pytest.mark.parametrize("torn", ['{"metrics": {"fid', "", "[]", '{"metrics": [1]}', '{"protocol": 3, "metrics": 3}'])
def test_torn_and_missing_files_are_told(pair, tmp_path, torn):
    first, second = pair
    for name in ("evaluation.json", "config.yaml", "metrics.jsonl", "run.json"):
        (first.path / name).write_text(torn or "\0")
    found = compare([first, second, make(tmp_path, **figures(9.0, 1))])
    assert rows(found)["fid"].values == [None, 10.0, 9.0] and rows(found)["fid"].best == [2]
    said = " ".join(notes(found))
    assert "A: the run is of unknown status." in said and "A: it has no readable evaluation." in said
    render(found, tmp_path / "torn.html")
    for name in ("evaluation.json", "config.yaml", "metrics.jsonl"):
        (second.path / name).unlink()
    render(compare([first, second]), tmp_path / "missing.html")
