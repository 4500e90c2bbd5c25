import json
import subprocess
import sys

import numpy as np
import pytest
from pages import HOSTILE, Page, line
from PIL import Image

from gankit.commands import print_evaluation
from gankit.errors import UsageError
from gankit.metrics.evaluation import Evaluation
from gankit.report import album, charts
from gankit.report import run_page as report


def render(run):
    path = report.write_report(run)
    assert path == run / "report.html"
    assert [p.name for p in run.iterdir() if "tmp" in p.name] == []
    text = path.read_text("utf-8")
    page = Page(text)
    assert "script" not in page.tags
    for _tag, name, value in page.attributes:
        assert not name.startswith("on") and name != "style"
        if name in ("src", "href", "xlink:href", "data", "action"):
            assert value.startswith("data:image/")
    return text, page


@pytest.fixture
def run(tmp_path):
    facts = {
        "recipe": "srgan",
        "status": "done",
        "argv": ["/somewhere/bin/gankit", "run", "srgan", "--data", "my photos"],
        "seed": 7,
        "started": "2026-03-04T10:11:12+00:00",
        "ended": "2026-03-04T10:15:13+00:00",
        "exit_code": 0,
        "error": None,
        "versions": {"keras": "3.15.1"},
        "device": "8 cores",
        "strategy": "single",
        "replicas": 1,
        "data": {"examples": {"photos": 1234}, "fingerprint": {"photos": "sha-123"}},
        "stages": [{"name": "pixel", "steps": 1200, "planned_steps": 40000}, {"name": "gan", "steps": 50}],
        "weights": {"generator": 292000},
        "seconds": 241.2,
    }
    evaluation = {
        "recipe": "srgan",
        "data": "set14",
        "protocol": {"crop": 4},
        "metrics": {"psnr_y": 27.9, "feature_distance": 0.2},
        "baselines": {"bicubic": {"psnr_y": 28.4, "feature_distance": 0.5}},
        "better": {"psnr_y": "higher", "feature_distance": "lower"},
    }
    (tmp_path / "run.json").write_text(json.dumps(facts))
    (tmp_path / "evaluation.json").write_text(json.dumps(evaluation))
    (tmp_path / "config.yaml").write_text(f"data: https://example.org/x\nnote: {HOSTILE}\n")
    lines = [line(t, pixel__l1=0.5 / t, pixel__gradient_norm=10.0 ** -(t / 4)) for t in range(1, 21)]
    lines += [line(t, "gan", t - 20, discriminator__real=0.7, generator__fool=-0.3) for t in range(21, 41)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + '\n{"stage": "gan", "tot')
    for name in ("step-000000010", "step-000000020", "final"):
        (tmp_path / "samples" / name).mkdir(parents=True)
        pixels = np.random.default_rng(0).integers(0, 255, (32, 32, 3), "uint8")
        Image.fromarray(pixels).save(tmp_path / "samples" / name / "grid.png")
    return tmp_path


def test_says_what_was_done_and_found(run):
    text, page = render(run)
    words = " ".join(page.words)
    assert "Trained pixel (1,200 of 40,000 steps), then gan (50 steps) on examples: 1,234 of photos, seed 7." in words
    for part in ("27.9", "28.4", "4 min 01 s", "8 cores", "292,000", "3.15.1", "sha-123", "crop: 4", "set14"):
        assert part in words
    assert "gankit run srgan --data 'my photos' --seed 7" in words
    assert "/somewhere" not in text
    assert "1 unreadable line(s)" in words
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text


def test_marks_the_winner_and_names_the_baseline_that_wins(run):
    text, _ = render(run)
    assert "<td>27.9</td><td><strong>28.4</strong></td>" in text
    assert "<td><strong>0.2</strong></td><td>0.5</td>" in text
    assert "bicubic is better by psnr_y: 28.4 against 27.9." in text
    assert "This run is better than every baseline by feature_distance." in text


def test_a_metric_without_a_direction_is_shown_and_not_ranked(run):
    (run / "evaluation.json").unlink()
    (run / "evaluations").mkdir()
    evaluation = {"data": "other", "metrics": {"ssim": 0.9}, "baselines": {"base": {"ssim": 0.8}}}
    (run / "evaluations" / "other.json").write_text(json.dumps(evaluation))
    text, _ = render(run)
    assert "<tr><th>ssim</th><td>0.9</td><td>0.8</td></tr>" in text
    assert "Metrics without an arrow are not ranked" in text and "is better by" not in text and "<strong>" not in text
    (run / "evaluations" / "other.json").write_text(json.dumps({**evaluation, "better": {"ssim": "higher"}}))
    text, _ = render(run)
    assert "<tr><th>ssim ↑</th><td><strong>0.9</strong></td><td>0.8</td></tr>" in text and "not ranked" not in text


@pytest.mark.parametrize(
    ("better", "ours", "theirs", "standing"),
    [
        ("lower", 0.3, 0.5, "better"),
        ("higher", 0.3, 0.5, "not better"),
        ("lower", 0.5, 0.5, "even"),
        ("lower", float("nan"), 0.5, "not better"),
        ("", 0.3, 0.5, ""),
    ],
)
def test_the_report_and_the_command_line_say_the_same(run, capsys, better, ours, theirs, standing):
    evaluation = Evaluation(
        {"precision_gap": ours}, {"none": {"precision_gap": theirs}}, {}, {"precision_gap": better}
    ).as_dict()
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    text, page = render(run)
    print_evaluation({**evaluation, "recipe": "x", "data": "y"})
    said = capsys.readouterr().out.splitlines()[-1].split(maxsplit=3)[3:]
    assert said == [standing] * bool(standing)
    assert ("This run is better than every baseline by precision_gap." in text) is (standing == "better")
    assert ("none is better by precision_gap" in text) is (standing == "not better")
    kind = {"better": "wins", "not better": "loses"}.get(standing, "even")
    assert ("b", "class", kind) in page.attributes


def test_a_limit_takes_no_part_in_a_verdict(run):
    baselines = {"real": {"fid": 0.1}, "untrained": {"fid": 90.0}}
    evaluation = {"data": "x", "metrics": {"fid": 5.0}, "baselines": baselines, "better": {"fid": "lower"}}
    (run / "evaluation.json").write_text(json.dumps({**evaluation, "limits": ["real"]}))
    text, _ = render(run)
    assert "is better by" not in text and "This run is better than every baseline by fid." in text
    assert "<th>real *</th>" in text and "<strong>5</strong>" in text and 'class="wins"' in text
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    assert "real is better by fid: 0.1 against 5." in render(run)[0]


def test_a_verdict_of_the_recipe_stands_at_the_top_and_above_the_table(run):
    evaluation = {"data": "x", "metrics": {"mae": 5.0}, "baselines": {"a": {"mae": 4.0}}, "better": {"mae": "lower"}}
    (run / "evaluation.json").write_text(json.dumps({**evaluation, "verdict": ["no skill <over> a (p = .4)."]}))
    text, _ = render(run)
    summary, rest = text.split("<h2>Evaluation</h2>")
    assert "no skill &lt;over&gt; a (p = .4)." in summary and "a is better by" not in summary
    assert "no skill &lt;over&gt; a (p = .4)." in rest and "a is better by mae: 4 against 5." in rest


def test_draws_a_chart_a_phase_and_a_line_a_stage(run):
    text, page = render(run)
    captions = [value for _, name, value in page.attributes if name == "aria-label"]
    assert captions == [f"{c} over steps" for c in ("phase pixel", "phase discriminator", "phase generator")] + [
        "gradient norm over steps",
        "learning rate over steps",
    ]
    assert "gradient norm (log scale)" in text and "phase generator (log" not in text
    rate = text[text.index('aria-label="learning rate') :].split("</svg>")[0]
    assert rate.count('class="stage"') == 2 and ">pixel</text>" in rate and ">gan</text>" in rate
    assert ">l1 0.025</text>" in text  # 0.5 / 20, the last value beside its curve


def test_a_resumed_run_draws_the_later_word(tmp_path):
    rows = [line(t, p__a=1.0) for t in (10, 20, 30, 40)] + [line(t, p__a=2.0) for t in (25, 30, 35)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(rows))
    series, stages, remarks = charts.read_metrics(tmp_path / "metrics.jsonl")
    x, y = charts.settled(*(np.array(v) for v in series["phase p"]["a"]))
    assert x.tolist() == [10, 20, 25, 30, 35] and y.tolist() == [1, 1, 2, 2, 2]
    assert stages == [(0, "pixel")] and remarks == []


def test_long_series_keep_their_extremes():
    x, y = np.arange(100_000.0), np.random.default_rng(0).normal(size=100_000)
    y[[4321, 77_777]] = 50, -60
    thin_x, thin_y, mean_x, mean_y = charts.thin(x, y)
    assert thin_y.max() == 50 and thin_y.min() == -60 and thin_x[0] == 0 and thin_x[-1] == 99_999
    assert len(thin_x) <= 2 * charts.BINS + 2 and len(mean_x) == charts.MEANS
    np.testing.assert_allclose(mean_y.mean(), y.mean(), atol=1e-4)


def test_escapes_everything_that_users_name(run):
    facts = json.loads((run / "run.json").read_text())
    facts |= {"recipe": HOSTILE, "status": HOSTILE, "device": HOSTILE, "error": HOSTILE, "argv": ["gankit", HOSTILE]}
    facts |= {"stages": [{"name": HOSTILE}], "versions": {HOSTILE: HOSTILE}, "seed": HOSTILE, "strategy": HOSTILE}
    (run / "run.json").write_text(json.dumps(facts))
    evaluation = {"data": HOSTILE, "metrics": {HOSTILE: HOSTILE}, "baselines": {HOSTILE: {HOSTILE: 1}}}
    (run / "evaluation.json").write_text(json.dumps(evaluation | {"protocol": {HOSTILE: [HOSTILE]}}))
    row = {"stage": HOSTILE, "step": 1, "total": 1, "terms": {f"{HOSTILE}/x": 1, f"a/{HOSTILE}": 2, HOSTILE: None}}
    (run / "metrics.jsonl").write_text(json.dumps(row))
    name = HOSTILE.replace("/", "") + ".png"
    (run / "samples/final/grid.png").rename(run / "samples/final" / name)
    text, page = render(run)
    assert "<img src=x" not in text and "&lt;img src=x" in text
    assert page.tags.count("img") == 3
    assert ("img", "alt", f"final: {name}") in page.attributes


@pytest.mark.parametrize("wrong", [b"", b"[1, 2]", b"{", b"\xff\xfe", b"null"])
def test_missing_and_broken_files_are_survived(tmp_path, wrong):
    text, _ = render(tmp_path)
    for part in ("run.json is missing", "has not been evaluated", "No samples", "No metrics", "config.yaml is missing"):
        assert part in text
    (tmp_path / "samples" / "final").mkdir(parents=True)
    for name in ("run.json", "evaluation.json", "metrics.jsonl", "config.yaml", "samples/final/a.png"):
        (tmp_path / name).write_bytes(wrong)
    text, _ = render(tmp_path)
    assert "run.json is missing or cannot be read" in text and "1 more not shown" in text


def test_a_failed_run_shows_its_error_and_its_nan(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"recipe": "x", "status": "failed", "error": "it broke", "seed": 1}))
    rows = [line(10, p__a=1.0), line(20, p__a=float("nan")), line(30, p__a=10**400), line(40, p__b=1e300)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(rows))
    text, _ = render(tmp_path)
    assert '<pre class="error">it broke</pre>' in text and 'class="badge failed"' in text
    assert "p/a was NaN, infinite or absurdly large, first at step 20." in text
    assert "nan" not in text.split("<svg", 1)[1].split("</svg>")[0]


@pytest.mark.slow
def test_the_page_of_a_large_run_stays_small(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(100_000, 4)).tolist()
    rows = (line(t + 1, p__a=v[0], p__b=v[1], q__c=v[2], q__gradient_norm=abs(v[3])) for t, v in enumerate(values))
    (tmp_path / "metrics.jsonl").write_text("\n".join(rows))
    noise = Image.fromarray(rng.integers(0, 255, (1400, 1400, 3), "uint8"))
    for step in range(30):
        folder = tmp_path / "samples" / f"step-{step:09d}"
        folder.mkdir(parents=True)
        (noise if step == 29 else noise.crop((0, 0, 200, 200))).save(folder / "0.png")
        for i in range(1, 12 if step == 29 else 3):
            (folder / f"{i}.png").write_bytes((folder / "0.png").read_bytes())
    text, page = render(tmp_path)
    assert len(text) < 15_000_000
    assert "(20 of 29 sets)" in text and "more not shown" in text
    points = [value for _, name, value in page.attributes if name == "points"]
    assert max(value.count(",") for value in points) <= 2 * charts.BINS + 2


def test_is_written_whole_or_not_at_all(run, monkeypatch):
    report.write_report(run)
    before = (run / "report.html").read_bytes()
    monkeypatch.setattr("gankit.support.files.os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(UsageError, match="cannot write"):
        report.write_report(run)
    assert (run / "report.html").read_bytes() == before
    assert not list(run.glob(".report*"))
    with pytest.raises(UsageError, match="no run"):
        report.write_report(run / "nothing")


def test_sixteen_bit_and_transparent_pictures(tmp_path):
    pictures = album.Album(10**6)
    Image.fromarray(np.linspace(0, 65535, 300 * 300).reshape(300, 300).astype("uint16")).save(tmp_path / "deep.png")
    Image.new("RGBA", (300, 300), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    for name in ("deep.png", "clear.png"):
        assert 'width="160" height="160"' in pictures.image(tmp_path / name, name, side=160, limit=30_000)
    assert pictures.left_out == 0


def test_imports_no_tensorflow():
    code = "import gankit.report.run_page, sys; assert not {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("alarms", "said"), [([], True), (None, False)])
def test_that_the_monitors_looked_and_saw_nothing_is_said(tmp_path, alarms, said):
    (tmp_path / "run.json").write_text(json.dumps({"recipe": "x", "alarms": alarms}))
    page = report.write_report(tmp_path).read_text("utf-8")
    assert ("The monitors raised no alarm." in page) is said
