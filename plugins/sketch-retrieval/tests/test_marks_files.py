"""Folders and arrays of pictures -> marks."""

import logging
import os
import time
from pathlib import Path

import numpy as np
import pytest
from gankit_sketch_retrieval.marks.arrays import read_arrays
from gankit_sketch_retrieval.marks.files import read
from gankit_sketch_retrieval.marks.normalisation import normalised
from PIL import Image

from gankit import DataError, UsageError


def mark(seed, side=40, height=None):
    """Bright ink on black: a few bars."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((height or side, side), np.uint8)
    for _ in range(3):
        top, left = rng.integers(4, (height or side) - 12), rng.integers(4, side - 12)
        if rng.random() < 0.5:
            pixels[top : top + 8, left : left + 3] = 255
        else:
            pixels[top : top + 3, left : left + 8] = 255
    return pixels


@pytest.fixture
def folder(tmp_path):
    """Ten pictures of dark ink, in two folders."""
    for number in range(10):
        path = tmp_path / ("a" if number < 5 else "b") / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(255 - mark(number)).save(path)
    return tmp_path


def labels(folder, text, **encoding):
    (folder / "labels.csv").write_bytes(text.encode(**encoding))


def expected(*numbers):
    return [normalised(mark(number) / np.float32(255)) for number in numbers]


def test_folder_of_dark_ink(folder, caplog):
    with caplog.at_level(logging.INFO, "gankit"):
        found = read(folder)
    np.testing.assert_array_equal(found.pictures, expected(*range(10)))
    assert found.names == (*(f"a/{n}.png" for n in range(5)), *(f"b/{n}.png" for n in range(5, 10)))
    assert (found.kind, found.labels, found.left_out, found.repeated, found.raw) == ("dark", None, {}, 0, ())
    assert caplog.messages == ["10 marks: dark ink on bright ground"]


def test_formats_and_sizes(tmp_path):
    for number, name in enumerate(["a.PNG", "b.bmp", "c.tif", "d.webp", "e.gif"]):
        options = {"lossless": True} if name == "d.webp" else {}
        Image.fromarray(mark(number, 30 + 10 * number)).save(tmp_path / name, **options)
    (tmp_path / "notes.txt").write_text("no picture")
    found = read(tmp_path)
    wanted = [normalised(mark(number, 30 + 10 * number) / np.float32(255)) for number in range(5)]
    np.testing.assert_array_equal(found.pictures, wanted)
    assert found.kind == "bright"


def test_one_file(folder):
    found = read(folder / "a/3.png")
    np.testing.assert_array_equal(found.pictures, expected(3))
    assert found.names == ("3.png",)


def test_most_pictures_decide_for_all(folder, caplog):
    dense = np.zeros((40, 40), np.uint8)
    dense[:] = 20
    dense[15:25, 15:25] = 230  # dark ink nearly everywhere: looks bright by itself
    Image.fromarray(dense).save(folder / "dense.png")
    with caplog.at_level(logging.INFO, "gankit"):
        found = read(folder)
    np.testing.assert_array_equal(found.pictures[-1], normalised((dense == 20).astype(np.float32)))
    assert found.kind == "dark"
    assert caplog.messages[0] == "11 marks: dark ink on bright ground"
    assert "1 of them look as if it were the other way round" in caplog.messages[1]


def test_without_a_majority_each_by_itself(folder, caplog):
    for number in range(10, 14):  # 4 of 14: the others are 71 %
        Image.fromarray(mark(number)).save(folder / f"z{number}.png")
    found = read(folder)
    np.testing.assert_array_equal(found.pictures, expected(*range(14)))
    assert found.kind == "mixed"
    assert "dark ink on bright ground in 10 and bright ink on dark ground in 4; each is read" in caplog.text


def test_kind_can_be_said(folder):
    found = read(folder, kind="bright")
    assert found.kind == "bright" and found.pictures[0].mean() > 128
    with pytest.raises(UsageError, match="cannot be 'grey'"):
        read(folder, kind="grey")


def test_what_cannot_be_used_is_counted(folder, caplog):
    (folder / "a/broken.png").write_bytes(b"no picture")
    Image.new("L", (30, 30), 255).save(folder / "blank.png")
    Image.new("L", (30, 30), 0).save(folder / "black.png")
    Image.fromarray(mark(1)[:7, :7]).save(folder / "tiny.png")
    found = read(folder)
    assert found.left_out == {"unreadable": 1, "without ink": 2, "smaller than 8 pixels": 1} and len(found) == 10
    assert "4 pictures left out: 1 unreadable, 2 without ink, 1 smaller than 8 pixels" in caplog.text
    assert "broken.png: not a picture" in caplog.text and "black.png" in caplog.text


def test_nothing_to_use(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no image in"):
        read(tmp_path)
    Image.new("L", (30, 30), 255).save(tmp_path / "blank.png")
    with pytest.raises(DataError, match=r"no mark in .*: 1 without ink") as error:
        read(tmp_path)
    assert error.value.hint


def test_repeated_pictures_are_noted(folder, caplog):
    Image.fromarray(255 - mark(2)).save(folder / "b/copy.bmp")
    found = read(folder)
    assert found.repeated == 1 and len(found) == 11
    assert "1 pictures are the same as others (b/copy.bmp as a/2.png, say)" in caplog.text


def test_raw_ink_is_the_box_at_bounded_size(tmp_path):
    big = np.zeros((300, 400), np.uint8)
    big[50:250, 100:140] = 255
    small = np.zeros((30, 30), np.uint8)
    small[5:25, 10:13] = 255
    for name, pixels in (("big.png", big), ("small.png", small)):
        Image.fromarray(pixels).save(tmp_path / name)
    first, second = read(tmp_path, raw=128).raw
    assert first.shape == (128, 26) and second.shape == (20, 3)
    assert first.dtype == np.uint8 and first.min() == second.min() == 255


def test_labels_and_further_columns(folder):
    labels(folder, "Path,label,drawer\na/0.png,x,ann\nb/9.png,y,bob\na\\1.png,x,bob\n./b/8.png,,eve\n")
    found = read(folder)
    assert list(found.labels) == ["x", "x", "", "", "", "", "", "", "", "y"]
    assert list(found.columns["drawer"]) == ["ann", "bob", "", "", "", "", "", "", "eve", "bob"]
    some = found.labelled()
    assert list(some.labels) == ["x", "x", "y"] and some.names == ("a/0.png", "a/1.png", "b/9.png")
    np.testing.assert_array_equal(some.pictures, expected(0, 1, 9))


def test_labels_stay_with_their_pictures_when_some_are_left_out(folder):
    Image.new("L", (30, 30), 255).save(folder / "a/0.png")
    labels(folder, "path,label\n" + "".join(f"{'a' if n < 5 else 'b'}/{n}.png,L{n}\n" for n in range(10)))
    assert list(read(folder).labels) == [f"L{n}" for n in range(1, 10)]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("path;label\na/0.png;x, y\n", {}),
        ("path\tlabel\r\na/0.png\tx, y\r\n", {}),
        ('path,label\na/0.png,"x, y"\n\n', {}),
        ("path;label\na/0.png;x, y\n", {"encoding": "utf-8-sig"}),
    ],
)
def test_labels_of_other_spreadsheets(folder, text, encoding):
    labels(folder, text, **encoding)
    assert read(folder).labels[0] == "x, y"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\na/0.png,x\na/77.png,x\nc.png,y\n", r"names a/77\.png \(line 3\) and 1 more, which is no picture"),
        ("file,label\na/0.png,x\n", "has no column path in its first line"),
        ("a/0.png,x\n", "has no column path and no column label"),
        ("", "is empty"),
        ("path,label\na/0.png\n", "has 1 fields in line 2, not 2"),
        ("path,label\n,x\n", "has no path in line 2"),
        ("path,label,label\n", "two columns of one name"),
        ("path,label\na/0.png,x\na/0.png,y\n", r"gives a/0\.png two labels, the second in line 3"),
        ('path,label\na/0.png,"x\n', "cannot be read"),
    ],
)
def test_wrong_labels_are_one_clear_error(folder, text, message):
    labels(folder, text)
    with pytest.raises(DataError, match=message) as error:
        read(folder)
    assert error.value.hint


def test_labels_in_another_encoding(folder):
    labels(folder, "path,label\na/0.png,Zürich\n", encoding="latin-1")
    assert read(folder).labels[0] == "Zürich"


def test_folders_are_labels_only_if_asked(folder):
    assert read(folder).labels is None
    with pytest.raises(DataError, match="no mark has a label"):
        read(folder).labelled()
    assert list(read(folder, by_folder=True).labels) == ["a"] * 5 + ["b"] * 5
    labels(folder, "path,label\na/0.png,x\n")
    assert read(folder, by_folder=True).labels[0] == "x"


def arrays(tmp_path, **named):
    np.savez(tmp_path / "marks.npz", **named)
    return str(tmp_path / "marks.npz")


def test_arrays(tmp_path):
    pictures = np.stack([mark(number) for number in range(6)])
    source = arrays(
        tmp_path, images=255 - pictures, labels=np.arange(6) % 2, fonts=list("abcabc"), names=["zero", "one"],
        test=pictures[:3], test_labels=["u", "v", "w"],
    )  # fmt: skip
    found = read(source)
    np.testing.assert_array_equal(found.pictures, expected(*range(6)))
    assert found.kind == "dark" and list(found.labels) == list("010101") and list(found.columns["font"]) == [*"abcabc"]
    assert set(found.columns) == {"label", "font"} and found.names[5] == "marks.npz#5"
    other = read(source + "#test")
    assert other.kind == "bright" and list(other.labels) == ["u", "v", "w"] and other.names[2] == "marks.npz#test/2"


@pytest.mark.parametrize(
    "change", [lambda p: p / 255, lambda p: p / 127.5 - 1, lambda p: p > 127, lambda p: p[..., None]]
)
def test_arrays_of_other_kinds(tmp_path, change):
    pictures = np.stack([mark(number) for number in range(4)])
    found, _ = read_arrays(arrays(tmp_path, images=change(pictures)))
    np.testing.assert_array_equal(found, pictures)
    assert found.dtype == np.uint8


def test_arrays_of_colours(tmp_path):
    pictures = np.stack([mark(number) for number in range(4)])
    colours = np.repeat(pictures[..., None], 3, -1)
    np.testing.assert_array_equal(read(arrays(tmp_path, images=colours)).pictures, expected(*range(4)))


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"train": np.zeros((2, 9, 9), np.uint8), "train_labels": [1, 2]}, "has no array 'images'"),
        ({"images": np.zeros((2, 9), np.uint8)}, r"has shape \(2, 9\)"),
        ({"images": np.zeros((0, 9, 9), np.uint8)}, r"has shape \(0, 9, 9\)"),
        ({"images": np.full((2, 9, 9), 300.0)}, "is float64, and not all"),
        ({"images": np.full((2, 9, 9), np.nan)}, "is float64, and not all"),
        ({"images": np.array([[None]])}, "cannot be read as arrays"),
        ({"images": np.zeros((2, 9, 9), np.uint8)}, "no mark in .*2 without ink"),
    ],
)
def test_wrong_arrays(tmp_path, named, message):
    with pytest.raises(DataError, match=message) as error:
        read(arrays(tmp_path, **named))
    assert "marks.npz#train" in error.value.hint or "train" not in named


def test_files_that_are_no_arrays(tmp_path):
    (tmp_path / "marks.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(DataError, match="cannot be read as arrays"):
        read(tmp_path / "marks.npz")
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "other.npz#train")


@pytest.mark.slow
def test_thousands_of_files_in_seconds(tmp_path):
    for number in range(2000):
        Image.fromarray(255 - mark(number, 100)).save(tmp_path / f"{number}.png", compress_level=1)
    start = time.process_time()
    assert len(read(tmp_path)) == 2000
    assert time.process_time() - start < 30  # of one processor


@pytest.mark.slow
def test_real_arrays(tmp_path):
    root = os.environ.get("GANKIT_TEST_DATA")
    if not root:
        pytest.skip("GANKIT_TEST_DATA is not set: it names the folder with sketch/omniglot and sketch/bhmsds")
    found = read(f"{Path(root) / 'sketch/omniglot/omniglot64.npz'}#test")
    assert (len(found), found.kind, len(set(found.labels)), found.left_out) == (1180, "bright", 59, {})
    assert read(Path(root) / "sketch/glyphs/glyphs64.npz").kind == "bright"
    with np.load(Path(root) / "sketch/bhmsds/bhmsds28.npz") as file:
        photographed = read(arrays(tmp_path, images=file["images"][::20]))
    assert photographed.kind == "dark" and len(photographed) == 1350
