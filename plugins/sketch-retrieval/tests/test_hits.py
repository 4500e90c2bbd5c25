"""Hits for other programs."""

import csv
import dataclasses
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from gankit_sketch_retrieval.hits.hit import Hit
from gankit_sketch_retrieval.hits.iiif import manifest
from gankit_sketch_retrieval.hits.query import Query
from gankit_sketch_retrieval.hits.results import write_hits

from gankit import DataError, UsageError

# Rank 3 is on the page of rank 1, so that pages and ranks interleave.
HITS = [
    Hit(1, 0.98765432, "folder/a.tif", 2, (10, 20, 40, 90), Path("/scans/folder/a.tif")),
    Hit(2, 0.5, "b é.png", 1, (0, 0, 7, 5), Path("/scans/b é.png")),
    Hit(3, -0.25, "folder/a.tif", 2, (100, 0, 300, 200), Path("/scans/folder/a.tif")),
]
SIZES = {("folder/a.tif", 2): (300, 200), ("b é.png", 1): (64, 32)}
W3C_MOTIVATIONS = {
    *("assessing", "bookmarking", "classifying", "commenting", "describing", "editing", "highlighting"),
    *("identifying", "linking", "moderating", "questioning", "replying", "tagging"),
}


def check_manifest(made):
    """Rules of IIIF Presentation 3.0 (sections 4.6, 5.2 to 5.6, 6.1) and of the W3C annotation model, as far as met."""
    assert next(iter(made)) == "@context" and made["@context"] == "http://iiif.io/api/presentation/3/context.json"
    assert made["type"] == "Manifest" and made["items"]
    ids = [made["id"]]

    def language_map(value):
        assert value
        for texts in value.values():
            assert type(texts) is list and all(type(text) is str for text in texts)

    def annotation(one, canvas, motivations):
        assert one["type"] == "Annotation" and one["motivation"] in motivations
        ids.append(one["id"])
        source, _, fragment = one["target"].partition("#")
        assert source == canvas["id"]
        if fragment:
            x, y, w, h = map(int, re.fullmatch(r"xywh=(\d+),(\d+),(\d+),(\d+)", fragment).groups())
            assert w > 0 and h > 0 and x + w <= canvas["width"] and y + h <= canvas["height"]

    language_map(made["label"])
    for canvas in made["items"]:
        assert canvas["type"] == "Canvas" and "#" not in canvas["id"]
        assert type(canvas["width"]) is int and type(canvas["height"]) is int
        ids.append(canvas["id"])
        language_map(canvas["label"])
        for where, motivations in (("items", {"painting"}), ("annotations", W3C_MOTIVATIONS)):
            for page in canvas.get(where, []):
                assert page["type"] == "AnnotationPage" and page["items"]
                ids.append(page["id"])
                for one in page["items"]:
                    annotation(one, canvas, motivations)
                    bodies = one["body"] if isinstance(one["body"], list) else [one["body"]]
                    for body in bodies:
                        if where == "items":
                            assert body["type"] == "Image" and body["id"].startswith("https://")
                        else:
                            assert body["type"] == "TextualBody" and type(body["value"]) is str
    assert all(re.fullmatch(r"https://[!-~]+", one) for one in ids) and len(set(ids)) == len(ids)
    text = json.dumps(made)
    assert text.count("@context") == 1 and "@graph" not in text


def written(folder, hits, query="q.png#1,2,3,4"):
    """The files of a search whose pages are all gone."""
    asked = Query(query, np.full((9, 9), 200, np.uint8), np.zeros((1, 4), np.float32))
    model = SimpleNamespace(fingerprint="abc", settings={"network": "mark-gan"})
    told = write_hits("search", asked, hits, {"k": 3}, model, None, output=folder, iiif_canvas="", iiif_image="")
    assert set(told["files"]) == {"table", "json", "picture", "page", "provenance"}  # nothing can be annotated
    return told


def test_csv_round_trip(tmp_path):
    with open(written(tmp_path / "out", HITS)["files"]["table"], encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert reader.fieldnames == ["document", "page", "x0", "y0", "x1", "y1", "score", "rank"]
    for row, hit in zip(rows, HITS, strict=True):
        box = tuple(int(row[key]) for key in ("x0", "y0", "x1", "y1"))
        again = Hit(int(row["rank"]), float(row["score"]), row["document"], int(row["page"]), box, hit.path)
        assert again == dataclasses.replace(hit, score=round(hit.score, 6))
    assert rows[0]["score"] == "0.987654"


def test_without_hits_there_are_files_all_the_same(tmp_path):
    told = written(tmp_path, [])
    assert Path(told["files"]["table"]).read_text() == "document,page,x0,y0,x1,y1,score,rank\n"
    assert (told["count"], told["hits"]) == (0, [])


def test_json_and_provenance(tmp_path):
    box = tuple(np.int32([1, 2, 3, 4]))
    hits = [Hit(1, np.float32(0.1), "caf\udce9.png", 1, box, Path("x"))]  # a name that is no valid UTF-8
    files = written(tmp_path, hits)["files"]
    row = {"document": "caf?.png", "page": 1, "x0": 1, "y0": 2, "x1": 3, "y1": 4, "score": 0.1, "rank": 1}
    assert json.loads(Path(files["json"]).read_text("utf-8")) == {"query": "q.png#1,2,3,4", "count": 1, "hits": [row]}
    origin = json.loads(Path(files["provenance"]).read_text("utf-8"))
    assert origin["request"] == {"query": "q.png#1,2,3,4", "k": 3}
    assert origin["model"] == {"fingerprint": "abc", "network": "mark-gan"}
    assert {"gankit", "gankit-sketch-retrieval", "numpy", "scikit-image"} <= set(origin["versions"])


def test_manifest_follows_the_rules():
    check_manifest(json.loads(json.dumps(manifest(HITS, "<b>q</b>", SIZES, image="https://x.org/{stem}/{page}.jpg"))))
    check_manifest(manifest(HITS, "q", SIZES))


def test_manifest_says_what_was_found():
    first, second = manifest(HITS, "q", SIZES, image="https://x.org/{stem}/{page}.jpg")["items"]
    assert (first["width"], first["height"]) == (300, 200)
    assert first["label"] == {"none": ["folder/a.tif, page 2"]}
    assert first["id"] == "https://gankit.invalid/folder/a.tif/canvas/2"
    assert second["id"] == "https://gankit.invalid/b%20%C3%A9.png/canvas/1"
    assert first["items"][0]["items"][0]["body"]["id"] == "https://x.org/folder/a/2.jpg"
    one, three = first["annotations"][0]["items"]
    (two,) = second["annotations"][0]["items"]
    assert one["target"] == first["id"] + "#xywh=10,20,30,70"
    assert two["target"] == second["id"] + "#xywh=0,0,7,5"
    assert three["target"] == first["id"] + "#xywh=100,0,200,200"
    assert [body["value"] for body in one["body"]] == ["rank 1", "score 0.9877", "q"]
    assert [body["value"] for body in three["body"]] == ["rank 3", "score -0.2500", "q"]


def test_manifest_is_stable_and_searches_differ():
    made = manifest(HITS, "q", SIZES)
    assert made == manifest(HITS, "q", SIZES)
    ids = {manifest(hits, query, SIZES)["id"] for hits, query in ((HITS, "q"), (HITS, "r"), (HITS[:2], "q"))}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("canvas", "said"),
    [
        ("https://x.org/{folio}/{page}", "no pattern"),
        ("https://x.org/{page", "no pattern"),
        ("https://x.org/{}", "no pattern"),
        ("https://x.org/{document:d}", "no pattern"),
        ("urn:book:{document}:{page}", "no web address"),
        ("https://x.org/{document}#{page}", "no web address"),
        ("https://x.org/book", "same for several pages"),
    ],
)
def test_bad_addresses(canvas, said):
    with pytest.raises(UsageError, match=said):
        manifest(HITS, "q", SIZES, canvas)


@pytest.mark.parametrize("box", [(0, 0, 301, 5), (0, 0, 5, 201), (-1, 0, 5, 5), (5, 0, 5, 5)])
def test_a_box_beyond_its_page(box):
    with pytest.raises(DataError, match="does not lie on page 2 of folder"):
        manifest([dataclasses.replace(HITS[0], box=box)], "q", SIZES)


def test_nothing_to_annotate():
    with pytest.raises(DataError, match="nothing was found"):
        manifest([], "q", SIZES)
