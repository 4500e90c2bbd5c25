"""The file of an index: every wrong bit is noticed, nothing is seen half-written, nothing foreign is overwritten."""

import dataclasses
import json
import os
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from filelock import FileLock
from gankit_sketch_retrieval.index import container, search
from gankit_sketch_retrieval.index.partial import Partial, Piece
from gankit_sketch_retrieval.index.rows import Document, Documents, Rows, identified
from gankit_sketch_retrieval.index.search import SearchSettings
from gankit_sketch_retrieval.index.store import Entry, Index
from mutation import altered, mutated

from gankit import DataError, GankitError, UsageError

DIM = 16
META = {"encoder": {"fingerprint": "abc", "settings": {"layers": (1, 2)}}, "cutting": {}}


def unit(n, seed=0, dim=DIM):
    vectors = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def rows(names, each=5, seed=0):
    n = each * len(names)
    documents = [Document(name, f"/scans/{name}", 10, 20 + i, f"{i:02x}" * 32) for i, name in enumerate(names)]
    boxes = np.arange(4 * n).reshape(n, 4)
    return Rows.of(documents, np.repeat(range(len(names)), each), np.arange(n) % 3 + 1, boxes, unit(n, seed))


def filled(*names, **settings):
    index = Index.create(DIM, META, SearchSettings(**settings))
    index.add(rows(names))
    return index


def same(a, b):
    assert a.meta == b.meta and a.settings == b.settings and list(a.documents) == list(b.documents)
    for name in ("owners", "pages", "boxes", "vectors"):
        np.testing.assert_array_equal(getattr(a.rows, name), getattr(b.rows, name), strict=True)


@pytest.mark.parametrize("mapped", [True, False])
def test_what_is_saved_is_loaded(tmp_path, mapped):
    index = filled("a.png", "sub/ü \udce4.tif", "empty", ivf_from=7, lists=3, recall=0.5)
    index.save(tmp_path / "marks.index")
    loaded = Index.load(tmp_path / "marks.index", mapped)
    same(index, loaded)
    assert len(loaded) == 15 and loaded.dim == DIM
    assert loaded.entry(6) == Entry("sub/ü \udce4.tif", 1, (24, 25, 26, 27))
    assert loaded.documents.named("a.png") == Document("a.png", "/scans/a.png", 10, 20, "00" * 32)
    assert loaded.documents.named("b.png") is None
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".lock") == ["marks.index"]


def test_an_empty_index_is_an_index(tmp_path):
    Index.create(DIM, META).save(tmp_path / "marks.index")
    loaded = Index.load(tmp_path / "marks.index")
    scores, found = loaded.search(unit(1))
    assert len(loaded) == len(loaded.documents) == len(scores) == len(found) == 0


def test_every_flipped_bit_and_every_cut_is_noticed(tmp_path):
    path = tmp_path / "marks.index"
    filled("a", "b").save(path)
    good = path.read_bytes()
    # The beginning, the header, every column, and what fills up to 64 bytes.
    for at in [*range(64), *range(64, len(good), 5), len(good) - 1]:
        path.write_bytes(good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :])
        with pytest.raises(DataError) as error:
            container.read(path)
        assert error.value.hint, at
    for size in (0, 1, 8, 63, 64, 100, len(good) // 2, len(good) - 1, len(good) + 1):
        path.write_bytes((good + b"\0")[:size])
        with pytest.raises(DataError) as error:
            Index.load(path)
        assert error.value.hint, size


def test_errors_say_what_is_wrong(tmp_path):
    path = tmp_path / "marks.index"
    filled("a").save(path)
    good = path.read_bytes()

    def fails(data, *words):
        path.write_bytes(data)
        with pytest.raises(DataError) as error:
            Index.load(path)
        assert all(word in f"{error.value.message} {error.value.hint}" for word in words), error.value

    fails(b"%PDF-1.7" + good[8:], "not an index of marks")
    fails(good[:8] + struct.pack("<Q", 2) + good[16:], "format 2", "reads format 1", "update")
    fails(good[:-1], f"{len(good) - 1:,} bytes instead of {len(good):,}", "restore")
    fails(good[:-1] + b"x", "is damaged", "restore")
    with pytest.raises(DataError, match="No such file"):
        Index.load(tmp_path / "none")
    with pytest.raises(DataError, match="directory"):
        Index.load(tmp_path)
    container.write(path, {"pieces": []}, {})
    with pytest.raises(DataError, match="only a part"):
        Index.load(path)


def test_blocks_are_hashed_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(container, "BLOCK", 128)
    one = container.write(tmp_path / "one", {}, {"x": np.repeat(np.uint8([1, 2]), 128)})
    other = container.write(tmp_path / "other", {}, {"x": np.repeat(np.uint8([2, 1]), 128)})
    assert one != other
    np.testing.assert_array_equal(container.read(tmp_path / "one")[1]["x"], np.repeat([1, 2], 128))


def test_what_a_killed_process_left_is_removed_and_another_index_is_not(tmp_path):
    for name in (".marks.index.4711.tmp", ".marks.index.2.4711.tmp"):
        (tmp_path / name).write_bytes(b"half")
    container.write(tmp_path / "marks.index", {}, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".marks.index.2.4711.tmp", "marks.index"]


def test_a_failing_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "marks.index"
    filled("a").save(path)
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(GankitError, match="disk is full"):
            filled("b").save(path)
    assert path.read_bytes() == before and not list(tmp_path.glob(".*.tmp"))
    (tmp_path / ".marks.index.1.tmp").touch()  # of a killed process
    filled("b").save(path)
    assert Index.load(path).documents.names == ["b"] and not list(tmp_path.glob(".*.tmp"))


def test_only_an_index_is_overwritten(tmp_path):
    path = tmp_path / "thesis.tex"
    for contents in (b"precious", b""):
        path.write_bytes(contents)
        with pytest.raises(UsageError, match="not overwritten"):
            filled("a").save(path)
        assert path.read_bytes() == contents
    with pytest.raises(UsageError, match="not overwritten"):
        filled("a").save(tmp_path)
    link, real = tmp_path / "link", tmp_path / "real"
    filled("a").save(real)
    link.symlink_to(real)
    filled("b").save(link)
    assert link.is_symlink() and Index.load(real).documents.names == ["b"]


def test_two_processes_do_not_undo_each_other(tmp_path, monkeypatch):
    path = tmp_path / "marks.index"
    filled("a", "b").save(path)
    one, other = Index.load(path), Index.load(path)
    one.delete(["a"])
    one.save(path)
    one.delete(["b"])
    one.save(path)  # its own changes are no obstacle
    other.add(rows(["c"]))
    with pytest.raises(DataError, match="changed by another process"):
        other.save(path)
    assert not Index.load(path).documents.names
    monkeypatch.setattr("gankit_sketch_retrieval.index.store._WAIT", 0.1)
    with FileLock(tmp_path / ".marks.index.lock"), pytest.raises(UsageError, match="another process is writing"):
        one.save(path)


def test_add_and_delete_and_save_again(tmp_path):
    path = tmp_path / "marks.index"
    index = filled("a", "b", "c")
    index.save(path)
    index = Index.load(path)
    kept = index.rows.vectors[5:10].copy()
    assert index.delete(["a", "c"]) == 10
    assert index.documents.names == ["b"] and len(index) == 5
    np.testing.assert_array_equal(index.rows.vectors, kept)
    index.add(rows(["a", "none"], seed=1))
    index.save(path)
    loaded = Index.load(path)
    same(index, loaded)
    assert loaded.documents.names == ["b", "a", "none"]
    assert [loaded.entry(row).document for row in (0, 4, 5, 14)] == ["b", "b", "a", "none"]
    np.testing.assert_array_equal(loaded.rows.vectors[5:], unit(10, 1))
    assert loaded.entry(5).box == (0, 1, 2, 3)
    with pytest.raises(UsageError, match="a is in the index already"):
        loaded.add(rows(["z", "a"]))
    with pytest.raises(UsageError, match=r"bb is not in the index") as error:
        loaded.delete(["bb"])
    assert "b?" in error.value.hint
    assert loaded.delete(loaded.documents.names) == 15
    loaded.save(path)
    assert len(Index.load(path)) == 0


def test_columns_that_do_not_fit(tmp_path):
    good = rows(["a"])
    for change in ({"pages": good.pages[:-1]}, {"owners": good.owners + 1}, {"boxes": good.boxes.astype(float)}):
        with pytest.raises(ValueError, match=next(iter(change))):
            dataclasses.replace(good, **change)
    with pytest.raises(DataError, match="not finite"):
        Rows.of([Document("a")], [0], [1], [[0, 0, 1, 1]], [[np.nan] * DIM])
    with pytest.raises(UsageError, match="16 numbers, not of 8"):
        filled("a").add(Rows.of([Document("b")], [0], [1], [[0, 0, 1, 1]], unit(1, dim=8)))


def test_another_encoder_is_refused():
    index = filled("a")
    index.check(META)
    with pytest.raises(UsageError, match=r"another encoder$"):
        index.check({**META, "encoder": {"fingerprint": "abd"}})
    with pytest.raises(UsageError, match="another cutting and another encoder"):
        index.check({"encoder": {}, "cutting": {"kind": "words"}})


def test_a_document_is_known_again(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    first = identified("a.png", path)
    assert (first.size, first.sha256) == (3, "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed")
    os.utime(path, ns=(5, 5))
    touched = identified("a.png", path, first)
    assert touched != first and touched.sha256 == first.sha256
    with monkeypatch.context() as patch:  # what did not change is not even opened
        patch.setattr("hashlib.file_digest", None)
        assert identified("a.png", path, None, touched) is touched
    path.write_bytes(b"two")
    assert identified("a.png", path, touched).sha256 != first.sha256


def test_moved_documents_keep_their_marks():
    index = filled("a", "b")
    new = Document("b", "/new/b", 10, 99, "01" * 32)
    index.renew([new])
    assert list(index.documents)[1] == new and index.documents[0].path == "/scans/a" and len(index) == 10


def test_names_survive_as_columns():
    documents = [Document("", "x"), Document("b\nc", "", 2**40, 2**62, "ab" * 32)]
    assert list(Documents.from_arrays(Documents.of(documents).arrays())) == documents
    assert list(Documents.from_arrays(Documents().arrays())) == []


def test_settings_out_of_range():
    for wrong in ({"kind": "flat"}, {"recall": 0}, {"recall": 1.1}, {"lists": -1}, {"ivf_from": 0}):
        with pytest.raises(UsageError):
            SearchSettings(**wrong)


def test_ivf_is_stored_with_its_cells(tmp_path, monkeypatch):
    pytest.importorskip("faiss")
    path = tmp_path / "marks.index"
    index = Index.create(DIM, META, SearchSettings("ivf", lists=8))
    index.add(Rows.of([Document("a")], np.zeros(3000), np.ones(3000), np.zeros((3000, 4)), unit(3000)))
    queries = unit(20, 1)
    wanted = [index.search(query[None], 5) for query in queries]
    index.save(path)
    assert index.facts["cells"]["lists"] == 8 and index.facts["cells"]["recall"] >= 0.96
    monkeypatch.setattr(search.Cells, "placed", None)  # loaded ones need not be placed
    loaded = Index.load(path)
    assert loaded.facts == index.facts and loaded.kind == "ivf"
    for query, (scores, found) in zip(queries, wanted, strict=True):
        np.testing.assert_array_equal(loaded.search(query[None], 5), (scores, found))


@pytest.mark.slow
def test_a_reader_never_sees_half_of_it(tmp_path):
    path = tmp_path / "marks.index"
    code = f"""
import os, sys; sys.path.insert(0, {os.path.dirname(__file__)!r})
from test_index_store import filled
from pathlib import Path
parent = os.getppid()
while os.getppid() == parent:
    for names in (["a"], ["a", "b", "c"]):
        filled(*names).save(Path({str(path)!r}))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writer = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        while not path.exists():
            assert writer.poll() is None
            time.sleep(0.05)
        sizes, until = [], time.monotonic() + 60
        while len(sizes) < 500 or (len(set(sizes)) < 2 and time.monotonic() < until):
            sizes.append(len(Index.load(path, mapped=bool(len(sizes) % 2))))
    finally:
        writer.kill()
        writer.wait()
    assert set(sizes) == {5, 15}


def forged(path, header, body, out):
    """A file with this header and body, and the checksum that fits them."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    begun = struct.pack("<8sQQQ", container.MAGIC, container.FORMAT, len(text), len(body))
    digest = container._digest(begun, text, np.frombuffer(body, np.uint8))
    out.write_bytes(begun + digest + text + body)
    return out


def parts(path):
    """Header and body of a file."""
    content = path.read_bytes()
    length = struct.unpack_from("<Q", content, 16)[0]
    return json.loads(content[64 : 64 + length]), content[64 + length :]


@pytest.mark.parametrize(
    "header",
    [
        b"{",
        b"[" * 100_000,
        b"[]",
        b"{}",
        {"facts": {}},
        {"facts": [], "arrays": {}},
        *(
            {"facts": {}, "arrays": {"v": place}}
            for place in [
                None,
                [],
                ["|O8", [1], 0],
                ["O", [1], 0],
                ["<f4,<f4", [1], 0],
                [["<f4"], [1], 0],
                ["<f4", 1, 0],
                ["<f4", [-1], 0],
                ["<f4", [True], 0],
                ["<f4", ["1"], 0],
                ["<f4", [2**62, 4], 0],
                ["<f4", [2**70], 0],
                ["<f4", [0, 2**70], 0],
                ["<f4", [0, 2**40, 2**40], 0],
                ["<f4", [1] * 70, 0],
                ["<f4", [16], 4],
                ["<f4", [1], -4],
                ["<f4", [1], 2**70],
                ["<f4", [1], 0.5],
                ["<f4", [1], 0, 0],
            ]
        ),
    ],
)
def test_a_right_checksum_makes_no_right_header(tmp_path, header):
    with pytest.raises(DataError, match="is damaged") as error:
        container.read(forged(tmp_path, header, bytes(64), tmp_path / "x"))
    assert error.value.hint


@pytest.mark.parametrize("place", [["<f4", [17], 0], ["<f4", [2**62, 4], 0], ["<f4", [16], 4], ["|u1", [0], 65]])
def test_an_array_beyond_the_file_is_told(tmp_path, place):
    with pytest.raises(DataError, match="the array 'v' of its header reaches beyond the file"):
        container.read(forged(tmp_path, {"facts": {}, "arrays": {"v": place}}, bytes(64), tmp_path / "x"))


@pytest.mark.parametrize(
    "change",
    [
        lambda facts, arrays: facts.pop("meta"),
        lambda facts, arrays: facts.update(meta={"encoder": 3}),
        lambda facts, arrays: facts.update(settings={"kind": 3}),
        lambda facts, arrays: facts.update(settings={"kind": "none"}),
        lambda facts, arrays: facts.update(next="x"),
        lambda facts, arrays: facts.update(next=3),
        lambda facts, arrays: facts.update(cells={"trained": 5, "recall": 1.0}),
        lambda facts, arrays: arrays.pop("ids"),
        lambda facts, arrays: arrays.pop("vectors"),
        lambda facts, arrays: arrays.pop("digests"),
        lambda facts, arrays: arrays.update(vectors=["<f4", [], 0]),
        lambda facts, arrays: arrays.update(vectors=["<f8", [10, 8], arrays["vectors"][2]]),
        lambda facts, arrays: arrays.update(owners=["<i4", [10], arrays["boxes"][2]]),
        lambda facts, arrays: arrays.update(states=["<i8", [], 0]),
        lambda facts, arrays: arrays.update(states=["<i8", [1, 2], 0]),
        lambda facts, arrays: arrays.update(names=["|u1", [0], 0]),
        lambda facts, arrays: arrays.update(ids=["<i8", [10], arrays["digests"][2]]),
    ],
)
def test_what_does_not_fit_is_damage(tmp_path, change):
    filled("a", "b").save(tmp_path / "marks.index")
    header, body = parts(tmp_path / "marks.index")
    change(header["facts"], header["arrays"])
    with pytest.raises(DataError, match="is damaged") as error:
        Index.load(forged(tmp_path, header, body, tmp_path / "x"))
    assert error.value.hint


def test_any_other_header_or_body_gives_an_index_or_an_error(tmp_path):
    """By chance, with a checksum that fits."""
    filled("a", "b").save(tmp_path / "marks.index")
    header, body = parts(tmp_path / "marks.index")
    rng, damaged = np.random.default_rng(0), 0
    for _ in range(300):
        text = (
            json.dumps(altered(header, rng)).encode()
            if rng.random() < 0.8
            else mutated(json.dumps(header).encode(), rng)
        )
        changed = mutated(body, rng) if rng.random() < 0.3 else body
        try:
            index = Index.load(forged(tmp_path, text, changed, tmp_path / "x"))
            with np.errstate(all="ignore"):
                index.search(unit(1, dim=index.dim), 3)
            index.check(META)
        except GankitError:
            damaged += 1
    assert damaged > 150


@pytest.mark.slow
def test_any_other_cells_give_an_index_or_an_error(tmp_path):
    pytest.importorskip("faiss")
    index = filled(*map(str, range(20)), kind="ivf", lists=3)
    index.save(tmp_path / "marks.index")
    header, body = parts(tmp_path / "marks.index")
    _, (size,), start = header["arrays"]["cells"]
    for cells in (b"", body[start : start + size // 2], bytes(size)):
        changed = {**header, "arrays": {**header["arrays"], "cells": ["|u1", [len(cells)], len(body)]}}
        with pytest.raises(DataError, match="its cells cannot be read"):
            Index.load(forged(tmp_path, changed, body + cells, tmp_path / "x"))
    header["facts"]["next"] += 1
    header["arrays"]["ids"] = ["<i8", [100], len(body)]
    with pytest.raises(DataError, match="they hold other marks"):
        Index.load(forged(tmp_path, header, body + np.arange(1, 101).tobytes(), tmp_path / "x"))


def test_a_segment_of_another_kind_is_read_again(tmp_path, caplog):
    partial = Partial(tmp_path / "p", META)
    partial.append([Piece(Document("a"), 0, 1, True), Piece(Document("b"), 0, 1, True)], rows(["a", "b"]))
    header, body = parts(tmp_path / "p" / "segment-000001")
    (tmp_path / "p" / "segment-x").write_bytes(b"no number")
    for pieces in (None, [], [[0, 1, True]], [[0, -1, True], [0, 1, True]], [["a", 1, True], [0, 1, True]], [[0], [1]]):
        changed = {**header, "facts": {**header["facts"], "pieces": pieces}}
        forged(tmp_path, changed, body, tmp_path / "p" / "segment-000001")
        assert Partial(tmp_path / "p", META).known("a") is None
    assert "its pages are read again" in caplog.text
