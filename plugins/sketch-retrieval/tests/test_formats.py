"""Hits for other programs."""

import csv
import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from gankit_sketch_retrieval.use import formats
from gankit_sketch_retrieval.use.hits import Hit

from gankit.errors import DataError, UsageError

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


def size(document, page):
    return SIZES[document, page]


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


def test_csv_round_trip(tmp_path):
    path = formats.write_csv(tmp_path / "hits.csv", HITS)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert reader.fieldnames == ["document", "page", "x0", "y0", "x1", "y1", "score", "rank"]
    for row, hit in zip(rows, HITS, strict=True):
        box = tuple(int(row[key]) for key in ("x0", "y0", "x1", "y1"))
        again = Hit(int(row["rank"]), float(row["score"]), row["document"], int(row["page"]), box, hit.path)
        assert again == dataclasses.replace(hit, score=round(hit.score, 6))
    assert rows[0]["score"] == "0.987654"


def test_csv_without_hits_has_its_head(tmp_path):
    assert formats.write_csv(tmp_path / "none.csv", []).read_text() == "document,page,x0,y0,x1,y1,score,rank\n"


def test_json(tmp_path):
    box = tuple(np.int32([1, 2, 3, 4]))
    hits = [Hit(1, np.float32(0.1), "caf\udce9.png", 1, box, Path("x"))]  # a name that is no valid UTF-8
    made = json.loads(formats.write_json(tmp_path / "hits.json", hits, "q.png#1,2,3,4").read_text("utf-8"))
    row = {"document": "caf?.png", "page": 1, "x0": 1, "y0": 2, "x1": 3, "y1": 4, "score": 0.1, "rank": 1}
    assert made == {"query": "q.png#1,2,3,4", "count": 1, "hits": [row]}


def test_manifest_follows_the_rules(tmp_path):
    path = formats.write_iiif(tmp_path / "a.json", HITS, "<b>q</b>", size, image="https://x.org/{stem}/{page}.jpg")
    check_manifest(json.loads(path.read_text("utf-8")))
    check_manifest(formats.manifest(HITS, "q", size))


def test_manifest_says_what_was_found():
    first, second = formats.manifest(HITS, "q", size, image="https://x.org/{stem}/{page}.jpg")["items"]
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
    made = formats.manifest(HITS, "q", size)
    assert made == formats.manifest(HITS, "q", size)
    ids = {formats.manifest(hits, query, size)["id"] for hits, query in ((HITS, "q"), (HITS, "r"), (HITS[:2], "q"))}
    assert len(ids) == 3


def test_size_is_asked_once_a_page():
    asked = []
    formats.manifest(HITS, "q", lambda *key: asked.append(key) or SIZES[key])
    assert asked == [("folder/a.tif", 2), ("b é.png", 1)]


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
        formats.manifest(HITS, "q", size, canvas)


@pytest.mark.parametrize("box", [(0, 0, 301, 5), (0, 0, 5, 201), (-1, 0, 5, 5), (5, 0, 5, 5)])
def test_a_box_beyond_its_page(box):
    with pytest.raises(DataError, match="does not lie on page 2 of folder"):
        formats.manifest([dataclasses.replace(HITS[0], box=box)], "q", size)


def test_nothing_to_annotate():
    with pytest.raises(DataError, match="nothing was found"):
        formats.manifest([], "q", size)


@pytest.mark.parametrize("hits", [HITS, []])
def test_a_folder_that_is_missing(tmp_path, hits):
    for write in (formats.write_csv, lambda path, hits: formats.write_json(path, hits, "q")):
        with pytest.raises(UsageError, match="cannot write"):
            write(tmp_path / "missing" / "hits", hits)
