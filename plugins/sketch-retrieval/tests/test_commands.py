"""`index`, `search`, `spot` and `measure` as a user types them, with an encoder that costs nothing to make."""

import csv
import json
import shutil

import keras
import numpy as np
import pytest
from gankit_sketch_retrieval.config import SketchConfig
from gankit_sketch_retrieval.features.encoder import Encoder
from gankit_sketch_retrieval.hits.hit import distinct
from gankit_sketch_retrieval.hits.query import angles, read_query
from gankit_sketch_retrieval.index.store import Entry
from gankit_sketch_retrieval.pages.cutouts import AUTO, MARKS, PAGES, cutter
from gankit_sketch_retrieval.pages.files import Page, named_documents
from gankit_sketch_retrieval.recipe import SketchRetrieval
from PIL import Image, ImageDraw

from gankit import DataError, UsageError
from gankit.cli import main

SHAPES = ("cross", "ring", "wedge", "bars", "ladder")


def draw(pen, kind, x, y, side=40):
    """One of five marks, in a square at a place."""
    far, mid, wide = side - 1, side // 2, max(3, side // 10)
    if kind == "cross":
        pen.line((x, y, x + far, y + far), fill=20, width=wide)
        pen.line((x + far, y, x, y + far), fill=20, width=wide)
    elif kind == "ring":
        pen.ellipse((x, y, x + far, y + far), outline=20, width=wide)
    elif kind == "wedge":
        pen.polygon((x, y + far, x + mid, y, x + far, y + far), outline=20, width=wide)
    elif kind == "bars":
        pen.line((x + mid, y, x + mid, y + far), fill=20, width=wide)
        pen.line((x, y + mid, x + far, y + mid), fill=20, width=wide)
        pen.line((x, y, x + far, y), fill=20, width=wide)
    else:
        for step in (x, x + far - wide):
            pen.line((step, y, step, y + far), fill=20, width=wide)
        for step in range(y + 4, y + far, side // 4):
            pen.line((x, step, x + far, step), fill=20, width=wide)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Marks in files, two pages with marks at known places, and an encoder."""
    place = tmp_path_factory.mktemp("archive")
    (place / "marks").mkdir()
    (place / "pages").mkdir()
    for kind in SHAPES:
        for side in (40, 60):
            mark = Image.new("L", (100, 100), 230)
            draw(ImageDraw.Draw(mark), kind, 20, 20, side)
            mark.save(place / "marks" / f"{kind}-{side}.png")
    rows = []
    for number in range(2):
        page = Image.new("L", (700, 900), 225)
        pen = ImageDraw.Draw(page)
        for i in range(20):
            kind = SHAPES[(i + i // 5 + number) % 5]
            x, y = 60 + 160 * (i % 4), 60 + 160 * (i // 4)
            draw(pen, kind, x, y)
            rows.append((f"page{number}.png", x, y, x + 40, y + 40, kind))
        page.save(place / "pages" / f"page{number}.png")
    with (place / "truth.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("page", "x0", "y0", "x1", "y1", "label"), *rows])
    with (place / "marks" / "labels.csv").open("w", newline="") as file:
        names = [(f"{kind}-{side}.png", kind) for kind in SHAPES for side in (40, 60)]
        csv.writer(file).writerows([("path", "label"), *names])
    keras.utils.set_random_seed(0)
    config = SketchConfig(width=4, feature="pooled", dimensions=16)
    shapes = np.random.default_rng(0).integers(0, 255, (40, 64, 64), dtype=np.uint8)
    Encoder.of(config, SketchRetrieval(config).networks(None), shapes).save(place / "fresh.safetensors")
    return place


def called(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["sketch-retrieval", *map(str, arguments)])
    out, err = capsys.readouterr()
    return ended.value.code, out, err


@pytest.fixture
def index(folder, tmp_path, capsys):
    path = tmp_path / "pages.index"
    code, out, _ = called(
        capsys, "index", folder / "pages", "-o", path, "--run", folder / "fresh.safetensors", "--json"
    )
    assert code == 0
    assert json.loads(out)["pages"] == 2
    return path


def test_a_region_of_a_page_is_found_with_all_of_its_kind(folder, index, tmp_path, capsys):
    reference = f"{folder}/pages/page0.png#60,60,100,100"
    code, out, _ = called(
        capsys, "search", reference, "--index", index, "--run", folder / "fresh.safetensors", "-k", 8, "-o",
        tmp_path / "hits", "--json",
    )  # fmt: skip
    assert code == 0
    found = json.loads(out)
    with (folder / "truth.csv").open() as file:
        truth = list(csv.DictReader(file))
    same = {(row["page"], int(row["x0"]), int(row["y0"])) for row in truth if row["label"] == SHAPES[0]}
    assert len(same) == 8
    places = [(hit["document"], hit["x0"], hit["y0"]) for hit in found["hits"]]
    assert found["hits"][0]["score"] == pytest.approx(1, abs=0.02)  # the box is not the proposal's to the pixel
    right = sum(any(page == p and abs(x - a) < 6 and abs(y - b) < 6 for p, a, b in same) for page, x, y in places)
    assert right == 8
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    for name in ("hits.csv", "hits.json", "hits.iiif.json", "contact.png", "contact.html", "provenance.json"):
        assert (tmp_path / "hits" / name).stat().st_size > 100


def test_spot_finds_what_search_finds(folder, index, tmp_path, capsys):
    asked = (f"{folder}/marks/ring-60.png", "--run", folder / "fresh.safetensors", "-k", 6, "--json")
    _, one, _ = called(capsys, "search", *asked, "--index", index, "-o", tmp_path / "a")
    _, two, _ = called(capsys, "spot", *asked, "--pages", folder / "pages", "-o", tmp_path / "b")
    assert json.loads(one)["hits"] == json.loads(two)["hits"]
    assert len(json.loads(one)["hits"]) == 6


def test_single_marks_are_found_by_another_size(folder, tmp_path, capsys):
    path = tmp_path / "marks.index"
    encoder = folder / "fresh.safetensors"
    code, out, _ = called(capsys, "index", folder / "marks", "-o", path, "--run", encoder)
    assert code == 0
    assert "10 marks" in out
    right = 0
    for kind in SHAPES:
        _, out, _ = called(
            capsys, "search", folder / "marks" / f"{kind}-40.png", "--index", path, "--run", encoder, "-k", 2, "-o",
            tmp_path / kind, "--json",
        )  # fmt: skip
        first, second = (hit["document"] for hit in json.loads(out)["hits"])
        assert first == f"{kind}-40.png"
        right += second == f"{kind}-60.png"
    assert right >= 4  # of five; the encoder was never trained


def test_an_index_of_pages_alone_is_searched_with_a_picture_of_a_mark(folder, tmp_path, capsys):
    path, encoder = tmp_path / "marks.index", folder / "fresh.safetensors"
    called(capsys, "index", folder / "pages", "-o", path, "--run", encoder, "--as", "pages")
    asked = ("search", folder / "marks" / "ring-60.png", "--index", path, "--run", encoder, "-k", 4)
    code, out, _ = called(capsys, *asked, "-o", tmp_path / "hits", "--json")
    assert code == 0
    assert len(json.loads(out)["hits"]) == 4
    whole = ("search", folder / "pages" / "page0.png", "--index", path, "--run", encoder)
    code, _, err = called(capsys, *whole)
    assert code == 2
    assert "whole page" in err


def test_hits_on_scans_that_are_gone_are_still_told(folder, tmp_path, capsys):
    path, encoder, scans = tmp_path / "marks.index", folder / "fresh.safetensors", tmp_path / "scans"
    shutil.copytree(folder / "pages", scans)
    called(capsys, "index", scans, "-o", path, "--run", encoder)
    asked = ("search", folder / "marks" / "ring-60.png", "--index", path, "--run", encoder, "-k", 8, "--json")
    _, before, _ = called(capsys, *asked, "-o", tmp_path / "before")
    for name in ("page0.png", "page1.png"):
        (scans / name).rename(tmp_path / name)
        code, after, err = called(capsys, *asked, "-o", tmp_path / f"without-{name}")
        assert code == 0
        assert json.loads(after)["hits"] == json.loads(before)["hits"]
        assert "of 8 hits are on pages that are gone" in err and f"{name} is not shown" in err
    assert (tmp_path / "without-page0.png" / "hits.iiif.json").exists()
    assert not (tmp_path / "without-page1.png" / "hits.iiif.json").exists()
    assert (tmp_path / "without-page1.png" / "contact.png").exists()


def test_indexing_again_reads_nothing_and_deleting_takes_away(folder, index, capsys):
    again = ("index", folder / "pages", "-o", index, "--run", folder / "fresh.safetensors", "--json")
    _, out, _ = called(capsys, *again)
    found = json.loads(out)
    assert (found["files"], found["unchanged"]) == (0, 2)
    _, out, _ = called(capsys, "index", "-o", index, "--delete", "page0.png", "--json")
    gone = json.loads(out)
    assert gone["deleted"] > 15
    assert gone["all"] == found["all"] - gone["deleted"]


def test_another_model_is_refused(folder, index, tmp_path, capsys):
    config = SketchConfig(width=8, feature="pooled", dimensions=16)
    shapes = np.random.default_rng(0).integers(0, 255, (40, 64, 64), dtype=np.uint8)
    Encoder.of(config, SketchRetrieval(config).networks(None), shapes).save(tmp_path / "other.safetensors")
    code, _, err = called(
        capsys, "search", folder / "marks" / "ring-60.png", "--index", index, "--run", tmp_path / "other.safetensors"
    )
    assert code == 2
    assert "another model" in err
    assert "hint:" in err


@pytest.mark.parametrize(
    ("query_of", "said"),
    [("missing.png", "missing.png"), ("pages/page0.png#1,2", "#1,2"), ("pages/page0.png#0,0,30,30", "no ink")],
)
def test_queries_that_are_none(folder, index, capsys, query_of, said):
    code, out, err = called(
        capsys, "search", folder / query_of, "--index", index, "--run", folder / "fresh.safetensors"
    )
    assert code in (1, 2)
    assert out == ""
    assert err.startswith("error:")
    assert said in err


def test_measure(folder, tmp_path, capsys):
    again = str(tmp_path / "fresh.safetensors")
    shutil.copy(folder / "fresh.safetensors", again)
    measured = ("--pages", folder / "pages", "--truth", folder / "truth.csv", "-o", tmp_path / "measured", "--json")
    code, out, _ = called(capsys, "measure", "--run", folder / "fresh.safetensors", "--run", again, *measured)
    assert code == 0
    rows = {row["model"]: row for row in json.loads(out)["tables"]["spotting"]}
    names = ("fresh.safetensors", again, "HOG tuned", "blurred pixels")
    assert set(rows) == {name + also for name in names for also in ("", ", query turned, too")}
    assert rows["fresh.safetensors"]["recall"] == 100
    assert rows["HOG tuned"]["map"] > 95
    assert json.loads((tmp_path / "measured" / "measure.json").read_text())["tables"]["spotting"]


def test_composed_pages_can_be_measured(folder, tmp_path, capsys):
    out = tmp_path / "composed"
    asked = ("compose", "--data", folder / "marks", "--pages", folder / "pages", "-o", out, "-n", 2, "--each", 2)
    code, said, _ = called(capsys, *asked)
    assert code == 0
    assert said.startswith("10 marks on 2 pages")
    with (out / "truth.csv").open() as file:
        truth = list(csv.DictReader(file))
    assert sorted(row["label"] for row in truth) == sorted(2 * SHAPES)
    for row in truth:
        box = [int(row[side]) for side in ("x0", "y0", "x1", "y1")]
        with Image.open(out / row["page"]) as page:
            assert np.asarray(page.crop(box)).min() < 120  # ink
    _, said, _ = called(
        capsys, "measure", "--run", folder / "fresh.safetensors", "--pages", out, "--truth", out / "truth.csv",
        "--rotations", 0, "-o", tmp_path / "measured", "--json",
    )  # fmt: skip
    assert all(row["recall"] >= 90 for row in json.loads(said)["tables"]["spotting"])


def test_measure_without_anything(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = called(capsys, "measure", "--run", folder / "fresh.safetensors")
    assert code == 2
    assert "nothing to measure" in err
    (tmp_path / "truth.csv").write_text("page,x0,y0,x1,y1,label\na.png,0,0,9,9,a\na.png,10,0,19,9,b\n")
    code, _, err = called(capsys, "measure", "--pages", folder / "pages", "--truth", "truth.csv")
    assert code == 1
    assert "no label occurs twice" in err
    one = ("--run", folder / "fresh.safetensors")
    code, _, err = called(capsys, "measure", *one, *one, "--data", folder / "marks")
    assert code == 2
    assert "twice" in err
    assert [path.name for path in tmp_path.iterdir()] == ["truth.csv"]


def test_small_pictures_are_marks_and_large_ones_pages(folder):
    page = Page("a", 1, folder, np.asarray(Image.open(folder / "pages" / "page0.png")))
    mark = Page("b", 1, folder, np.asarray(Image.open(folder / "marks" / "ring-60.png")))
    by_size = cutter(AUTO, 0.0)
    boxes, marks = by_size(mark)
    assert boxes.tolist() == [[20, 20, 80, 80]]
    assert marks.shape == (1, 64, 64)
    np.testing.assert_array_equal(by_size(page)[0], cutter(PAGES, 0.0)(page)[0])
    assert len(cutter(MARKS, 0.0)(page)[0]) == 1
    blank = Page("c", 1, folder, np.full((50, 50), 200, np.uint8))
    assert len(by_size(blank)[0]) == 0


def test_files_of_one_name(tmp_path):
    for name in ("a/x.png", "b/x.png", "b/y.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (10, 10)).save(tmp_path / name)
    found = named_documents([tmp_path / "a", tmp_path / "b"])
    assert list(found) == ["x.png", (tmp_path / "b" / "x.png").as_posix(), "y.png"]
    assert len(named_documents([tmp_path / "a", tmp_path / "a"])) == 1


def test_overlapping_hits_are_one():
    boxes = [(0, 0, 10, 10), (1, 0, 11, 10), (20, 0, 30, 10), (0, 0, 10, 10)]
    entries = [Entry("a", 1, box) for box in boxes[:3]] + [Entry("a", 2, boxes[3])]
    assert [i for i, _ in distinct(entries, 10)] == [0, 2, 3]
    assert [i for i, _ in distinct(entries, 1)] == [0]


def test_angles():
    assert angles(0) == [0.0]
    assert angles(20) == [0.0, -10.0, 10.0, -20.0, 20.0]
    assert max(np.diff(sorted(angles(35)))) <= 10


def test_errors_of_queries(folder):
    encoder = Encoder.load(folder / "fresh.safetensors")
    with pytest.raises((DataError, UsageError)):
        read_query(f"{folder}/pages/page0.png#600,800,2000,3000", encoder, 0)


def test_a_region_of_a_single_mark_is_read_as_the_mark_was(folder, tmp_path, capsys):
    path, encoder = tmp_path / "marks.index", folder / "fresh.safetensors"
    called(capsys, "index", folder / "marks", "-o", path, "--run", encoder)
    for number, region in enumerate(("", "#0,0,100,100", "#18,18,84,84")):
        reference = f"{folder}/marks/bars-60.png{region}"
        out = tmp_path / f"hits{number}"
        _, said, _ = called(capsys, "search", reference, "--index", path, "--run", encoder, "-o", out, "--json")
        best = json.loads(said)["hits"][0]
        assert best["document"] == "bars-60.png"
        assert best["score"] == pytest.approx(1, abs=1e-3)


def test_one_large_drawing_is_a_mark_and_a_few_small_ones_are_not():
    large = Image.new("L", (900, 900), 230)
    draw(ImageDraw.Draw(large), "ladder", 150, 150, 600)
    boxes, _ = cutter(AUTO, 0.0)(Page("a", 1, None, np.asarray(large)))
    assert len(boxes) == 1
    assert np.abs(boxes - [[150, 150, 750, 750]]).max() <= 30  # half a stroke
    few = Image.new("L", (900, 900), 230)
    for i, kind in enumerate(SHAPES):
        draw(ImageDraw.Draw(few), kind, 60 + 150 * i, 300)
    boxes, _ = cutter(AUTO, 0.0)(Page("b", 1, None, np.asarray(few)))
    assert len(boxes) >= 5


@pytest.mark.parametrize(
    ("query_of", "said"),
    [("pages/page0.png", "whole page"), ("pages/page0.png#600,800,2000,3000", "700 x 900"), ("none.png", "no file")],
)
def test_queries_that_cannot_be_meant(folder, index, capsys, query_of, said):
    code, _, err = called(capsys, "search", folder / query_of, "--index", index, "--run", folder / "fresh.safetensors")
    assert code == 2
    assert said in err
    assert "hint:" in err


def test_what_is_wrong_is_said_before_the_work(folder, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    asked = ("spot", folder / "marks" / "ring-60.png", "--pages", folder / "pages", "--run", "nowhere.safetensors")
    code, _, err = called(capsys, *asked, "-o", tmp_path / "full")
    assert (code, "not empty" in err) == (2, True)
    code, _, err = called(capsys, *asked, "--iiif-image", "https://a.org/{doc}", "-o", tmp_path / "new")
    assert (code, "pattern" in err) == (2, True)
    assert not (tmp_path / "new").exists()
    code, _, err = called(capsys, "index", folder / "pages", "-o", tmp_path / "i", "--delete", "page0.png")
    assert (code, "--delete" in err) == (2, True)
    code, _, err = called(capsys, *asked[:-1], folder / "marks", "-o", tmp_path / "new")
    assert (code, "neither a run nor" in err) == (2, True)


def test_pictures_without_a_mark_and_files_that_are_gone_are_told_of(folder, tmp_path, capsys):
    place = tmp_path / "mine"
    place.mkdir()
    for name in ("ring-60.png", "bars-60.png"):
        (place / name).write_bytes((folder / "marks" / name).read_bytes())
    Image.new("L", (80, 80), 220).save(place / "blank.png")
    asked = ("index", place, "-o", tmp_path / "m.index", "--run", folder / "fresh.safetensors", "--json")
    _, out, err = called(capsys, *asked)
    assert json.loads(out)["empty"] == 1
    assert "blank.png" in err
    assert "--forget" not in err
    (place / "ring-60.png").unlink()
    _, _, err = called(capsys, *asked)
    assert "--forget" in err
