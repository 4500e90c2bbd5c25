"""Building: whenever it is killed, the same bytes come out; later runs read only what is new or has changed."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from filelock import FileLock
from gankit_sketch_retrieval.index.build import build
from gankit_sketch_retrieval.index.search import SearchSettings
from gankit_sketch_retrieval.index.store import Index

from gankit import DataError, GankitError, UsageError
from gankit.support import Jobs

DIM = 8


class Encoder:
    """Vectors that depend on the mark and, as the rounding of a network does, on what else is in the batch."""

    dim, fingerprint, settings = DIM, "f1", {"layers": [1, 2]}

    def __init__(self):
        self.batches = []

    def embed(self, marks):
        assert marks.dtype == np.uint8 and marks.shape[1:] == (64, 64) and len(marks)
        self.batches.append(len(marks))
        vectors = marks[:, 0, :DIM].astype(np.float32) + 1 + np.arange(len(marks))[:, None] / 64 + len(marks) / 1024
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def read(path, document):
    """A page for every line of a text: as many marks on it as the line says."""
    assert path.name == document.rpartition("/")[2]
    for number, line in enumerate(path.read_text().split(), 1):
        if line == "broken":
            raise DataError(f"page {number} is broken", "mend it")
        yield SimpleNamespace(document=document, number=number, pixels=np.zeros((10, 10)), marks=int(line))


def cut(page):
    seed = [*page.document.encode(), page.number, page.marks]
    marks = np.random.default_rng(seed).integers(0, 255, (page.marks, 64, 64), np.uint8)
    at = np.arange(page.marks)[:, None]
    return np.int32([0, 1, 2, 3]) + np.int32(4 * at), marks


class Reading:
    """Counts what is read."""

    def __init__(self):
        self.pages = []

    def __call__(self, path, document):
        for page in read(path, document):
            self.pages.append((document, page.number))
            yield page


def write(folder, **texts):
    """Texts as files; returns all files of the folder by name."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text)
    return {path.name: path for path in sorted(folder.glob("*.txt"))}


def make(path, documents, **options):
    return build(path, documents, **{"read": read, "cut": cut, "encoder": Encoder(), "batch": 16, **options})


FIRST = {"a": "3 0 4", "b": "", "c": "1 1 1 1 1 1 40 2 2 2 9 9", "d": "5", "e": "3 3 broken", "f": "20 20"}


def expected(documents):
    """All entries, by reading everything at once."""
    for name, path in documents.items():
        try:
            pages = list(read(path, name))
        except DataError:
            continue
        for page in pages:
            for box in cut(page)[0].tolist():
                yield name, page.number, tuple(box)


def entries(index):
    every = (index.entry(row) for row in range(len(index)))
    return [(entry.document, entry.page, entry.box) for entry in every]


def test_everything_is_in_it(tmp_path, caplog):
    documents, path, told, encoder = write(tmp_path / "in", **FIRST), tmp_path / "marks.index", [], Encoder()
    summary = make(
        path, documents, encoder=encoder, cutting={"kind": "words"}, progress=lambda *state: told.append(state)
    )
    index = Index.load(path)
    assert entries(index) == list(expected(documents))
    assert index.documents.names == ["a.txt", "b.txt", "c.txt", "d.txt", "f.txt"]  # the empty one, too
    assert (summary.files, summary.pages, summary.marks, len(index)) == (5, 18, 122, 122)
    assert summary.skipped == [("e.txt", "page 3 is broken (mend it)")] and "page 3 is broken" in caplog.text
    assert (summary.unchanged, summary.removed, summary.resumed) == (0, 0, 0) and summary.seconds > 0
    encoded = {"fingerprint": "f1", "settings": {"layers": [1, 2]}}
    assert index.meta == {"encoder": encoded, "cutting": {"kind": "words"}}
    assert told[0] == (0, 6, "a.txt") and (3, 6, "d.txt, page 1") in told and told[-1] == (6, 6, "writing the index")
    assert [done for done, *_ in told] == sorted(done for done, *_ in told)
    assert encoder.batches == [53, 24, 31, 20]  # across pages and files; with 6 marks of the broken one
    assert not path.with_name("marks.index.partial").exists()
    assert all(path.suffix == ".lock" or path.name in ("in", "marks.index") for path in tmp_path.iterdir())


@pytest.mark.slow
def test_processes_make_the_same_index(tmp_path):
    documents = write(tmp_path / "in", **FIRST)
    alone = make(tmp_path / "one.index", documents)
    shared = make(tmp_path / "two.index", documents, jobs=Jobs(2))
    assert alone.skipped == shared.skipped and alone.empty == shared.empty == ["a.txt, page 2"]
    assert (tmp_path / "one.index").read_bytes() == (tmp_path / "two.index").read_bytes()


def test_vectors_stay_with_their_marks(tmp_path):
    class Plain(Encoder):
        def embed(self, marks):
            return marks[:, 5, :DIM].astype(np.float32)

    documents, path = write(tmp_path / "in", **FIRST), tmp_path / "marks.index"
    make(path, documents, encoder=Plain())
    index = Index.load(path)
    for row, (name, number, box) in enumerate(entries(index)):
        page = next(itertools.islice(read(documents[name], name), number - 1, None))
        np.testing.assert_array_equal(index.rows.vectors[row], cut(page)[1][box[0] // 4][5, :DIM])


def test_only_what_is_new_or_has_changed_is_read(tmp_path):
    folder, path = tmp_path / "in", tmp_path / "sub" / "marks.index"
    make(path, write(folder, **FIRST))
    before = path.read_bytes()
    reading = Reading()
    summary = make(path, write(folder), read=reading)
    assert reading.pages == [("e.txt", 1), ("e.txt", 2)]  # the broken one is tried again
    assert (summary.files, summary.unchanged, summary.marks) == (0, 5, 0) and path.read_bytes() == before

    documents = write(folder, c="7", e="2", g="1")
    (folder / "d.txt").unlink()
    documents.pop("d.txt")
    reading = Reading()
    summary = make(path, documents, read=reading)
    assert reading.pages == [("c.txt", 1), ("e.txt", 1), ("g.txt", 1)]
    assert (summary.files, summary.pages, summary.marks, summary.unchanged, summary.removed) == (3, 3, 10, 3, 0)
    index = Index.load(path)
    assert index.documents.names == ["a.txt", "b.txt", "d.txt", "f.txt", "c.txt", "e.txt", "g.txt"]
    assert sorted(entry for entry in entries(index) if entry[0] != "d.txt") == sorted(expected(documents))

    summary = make(path, documents, forget=True)
    assert summary.removed == 1 and sorted(entries(Index.load(path))) == sorted(expected(documents))


def test_forgetting_spares_what_is_still_there(tmp_path):
    path = tmp_path / "marks.index"
    documents = write(tmp_path / "in", a="1", b="2")
    make(path, documents)
    summary = make(path, {"a.txt": documents["a.txt"]}, forget=True)
    assert summary.removed == 0 and Index.load(path).documents.names == ["a.txt", "b.txt"]


def test_a_changed_file_that_cannot_be_read_keeps_its_marks(tmp_path):
    path = tmp_path / "marks.index"
    make(path, write(tmp_path / "in", a="3", b="2"))
    summary = make(path, write(tmp_path / "in", a="1 broken"))
    assert summary.skipped == [("a.txt", "page 2 is broken (mend it)")] and len(Index.load(path)) == 5


def test_touched_and_moved_files_are_not_read_again(tmp_path):
    path = tmp_path / "marks.index"
    documents = write(tmp_path / "in", a="3", b="2")
    make(path, documents)
    os.utime(documents["a.txt"], ns=(5, 5))
    shutil.move(tmp_path / "in", tmp_path / "out")
    reading = Reading()
    summary = make(path, write(tmp_path / "out"), read=reading)
    assert reading.pages == [] and summary.unchanged == 2
    known = Index.load(path).documents
    assert known[0].path == str(tmp_path / "out" / "a.txt") and known[0].mtime_ns == 5


def test_two_files_of_one_name_are_not_mixed_up(tmp_path):
    path = tmp_path / "marks.index"
    make(path, write(tmp_path / "in", a="3"))
    with pytest.raises(UsageError, match=r"the index has a.txt from .*/in/a.txt, which is not .*/other/a.txt"):
        make(path, write(tmp_path / "other", a="4"))
    assert len(Index.load(path)) == 3


def test_missing_and_unreadable_files_are_left_out(tmp_path):
    documents = {**write(tmp_path / "in", a="3"), "none.txt": tmp_path / "in" / "none.txt", "in": tmp_path / "in"}
    summary = make(tmp_path / "marks.index", documents)
    assert [name for name, _ in summary.skipped] == ["none.txt", "in"] and summary.files == 1
    assert "No such file" in summary.skipped[0][1]
    with pytest.raises(DataError, match=r"none of 1 files could be read: none.txt: No such file"):
        make(tmp_path / "other.index", {"none.txt": tmp_path / "none.txt"})
    assert not list(tmp_path.glob("other*"))


def test_what_cuts_may_fail_too(tmp_path):
    def picky(page):
        if page.document == "b.txt":
            raise DataError("no ink")
        if page.document == "d.txt":
            raise UsageError("PDF needs a library", "pip install it")
        return cut(page)

    summary = make(tmp_path / "marks.index", write(tmp_path / "in", a="3", b="2", c="1", d="1"), cut=picky)
    assert summary.skipped == [("b.txt", "no ink"), ("d.txt", "PDF needs a library (pip install it)")]
    assert summary.marks == 4


def test_errors_of_the_encoder_and_of_the_disk_are_not_the_files_fault(tmp_path, monkeypatch):
    class Broken(Encoder):
        def embed(self, marks):
            raise DataError("no")

    documents = write(tmp_path / "in", **FIRST)
    with pytest.raises(DataError, match=r"^no$"):
        make(tmp_path / "marks.index", documents, encoder=Broken())

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(GankitError, match=r"disk is full: cannot write .*segment-000001$"):
        make(tmp_path / "marks.index", documents)


def test_another_encoder_is_refused_at_once(tmp_path):
    path, documents = tmp_path / "marks.index", write(tmp_path / "in", a="3")
    other = Encoder()
    other.fingerprint = "f2"
    make(path, documents)
    for options, said in (
        ({"encoder": other}, "encoder$"),
        ({"cutting": {"kind": "words"}}, "cutting .*kind .*, not words"),
    ):
        reading = Reading()
        with pytest.raises(UsageError, match=f"was made with another {said}") as error:
            make(path, write(tmp_path / "in", b="1"), read=reading, **options)
        assert not reading.pages and error.value.hint

    stop_after(2, tmp_path / "new.index", write(tmp_path / "in", **FIRST))
    with pytest.raises(UsageError, match="was begun with another encoder") as error:
        make(tmp_path / "new.index", documents, encoder=other)
    assert "delete" in error.value.hint


def test_a_foreign_file_is_refused_before_the_work(tmp_path):
    path, reading = tmp_path / "thesis.tex", Reading()
    path.write_text("precious")
    with pytest.raises(UsageError, match="not overwritten"):
        make(path, write(tmp_path / "in", a="3"), read=reading)
    assert not reading.pages and path.read_text() == "precious"


def test_one_process_at_a_time(tmp_path):
    with (
        FileLock(tmp_path / ".marks.index.partial.lock"),
        pytest.raises(UsageError, match="another process is writing"),
    ):
        make(tmp_path / "marks.index", write(tmp_path / "in", a="3"))


def test_settings_can_be_changed_later(tmp_path):
    path, documents = tmp_path / "marks.index", write(tmp_path / "in", a="3")
    make(path, documents, settings=SearchSettings(ivf_from=50))
    make(path, documents)
    assert Index.load(path).settings.ivf_from == 50
    make(path, documents, settings=SearchSettings("exact"))
    assert Index.load(path).settings == SearchSettings("exact")


class Stopped(Exception):
    pass


def stop_after(batches, path, documents, **options):
    """Leaves a partial build behind."""

    class Stopping(Encoder):
        def embed(self, marks):
            if len(self.batches) == batches:
                raise Stopped
            return super().embed(marks)

    with pytest.raises(Stopped):
        make(path, documents, encoder=Stopping(), **options)


def test_few_marks_on_large_pages_are_kept_soon(tmp_path, monkeypatch):
    monkeypatch.setattr("gankit_sketch_retrieval.index.build._PIXELS", 300)  # three pages
    encoder = Encoder()
    make(tmp_path / "marks.index", write(tmp_path / "in", a="1 1 1 1 0 0 1", b="1 1"), encoder=encoder)
    assert encoder.batches == [3, 1, 3]


def test_a_file_that_changes_between_two_attempts_is_read_anew(tmp_path):
    path, documents = tmp_path / "marks.index", write(tmp_path / "in", **FIRST)
    stop_after(3, path, documents)
    segments = sorted(path.with_name("marks.index.partial").iterdir())
    assert len(segments) == 3
    documents = write(tmp_path / "in", a="2", c="1 2 3")  # one that was read, and one that was half read
    make(path, documents)
    assert sorted(entries(Index.load(path))) == sorted(expected(documents))


@pytest.mark.parametrize("damaged", [1, 2, 3])
def test_a_damaged_segment_is_made_again(tmp_path, damaged, caplog):
    path, documents = tmp_path / "marks.index", write(tmp_path / "in", **FIRST)
    stop_after(3, path, documents)
    segment = path.with_name("marks.index.partial") / f"segment-00000{damaged}"
    segment.write_bytes(segment.read_bytes()[:-1])
    make(path, documents)
    assert sorted(entries(Index.load(path))) == sorted(expected(documents))
    assert "are read again" in caplog.text


def killed_everywhere(folder, update):
    """Kills builds before each step that the disk or the encoder sees; run in a process of its own, which forks."""
    folder = Path(folder)
    documents, whole = write(folder / "in", **FIRST), folder / "whole.index"
    start, log = folder / "start.index", folder / "read"
    pages, most = 18 + 2, 10  # with those of the broken file; in a batch
    if update:
        make(start, documents)
        documents = write(folder / "in", c="2 20 3", d="1 1", g="30 4 20")
        documents.pop("a.txt").unlink()
        shutil.copy(start, whole)
        pages, most = 8 + 2, 6
    make(whole, documents, forget=True)

    def logged(page):
        with log.open("ab", buffering=0) as file:
            file.write(b".")
        return cut(page)

    def attempt(path, last):
        """A build that is killed before its last-th step; whether it came to its end."""
        if not (pid := os.fork()):
            steps = itertools.count(1)

            def killing(call):
                def step(*arguments, **options):
                    if next(steps) == last:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return call(*arguments, **options)

                return step

            for name in ("fsync", "replace", "unlink", "rmdir", "mkdir"):
                setattr(os, name, killing(getattr(os, name)))
            Encoder.embed = killing(Encoder.embed)
            make(path, documents, forget=True, cut=logged)
            os._exit(0)
        return os.waitpid(pid, 0)[1] == 0

    kills = 0
    for last in itertools.count(1):
        path = folder / "killed.index"
        for old in folder.glob("killed.index*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        if update:
            shutil.copy(start, path)
        log.write_bytes(b"")
        if attempt(path, last):
            break
        kills += 1
        make(path, documents, forget=True, cut=logged)
        assert path.read_bytes() == whole.read_bytes()  # the same rows, the same bits
        assert not list(folder.glob("killed.index.*"))
        assert log.stat().st_size <= pages + most, (last, log.stat().st_size)
    assert kills > 20

    path, attempts = folder / "often.index", 1
    if update:
        shutil.copy(start, path)
    while not attempt(path, 9):
        attempts += 1
    assert attempts > 2
    assert path.read_bytes() == whole.read_bytes()  # the same rows, the same bits
    print("the same", kills, attempts)


@pytest.mark.parametrize("update", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_killed_build_goes_on_to_the_same_bytes(tmp_path, update):
    code = f"import test_index_build as test; test.killed_everywhere({str(tmp_path)!r}, {update})"
    paths = [os.path.dirname(__file__), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and done.stdout.startswith("the same"), done.stderr[-3000:]
