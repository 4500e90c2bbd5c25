"""Folders of pictures opened as sources: pairs, two kinds, tables, crops, and the same from disk as from memory."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from gankit.engine.stream import batch_of
from gankit.errors import DataError, UsageError
from gankit.images.crops import open_crops
from gankit.images.labelled import open_pictures
from gankit.images.pairs import open_pairs, open_unpaired
from gankit.images.picture_table import open_picture_table
from gankit.support.places import home


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("GANKIT_HOME", str(tmp_path / "home"))


def save(path, *colours, side=8):
    """A picture of plain squares beside each other; red says which."""
    path.parent.mkdir(parents=True, exist_ok=True)
    squares = [np.full((side, side, 3), (colour, 99, 7), np.uint8) for colour in colours]
    Image.fromarray(np.concatenate(squares, axis=1)).save(path)


def reds(source, rows=None):
    """Field -> the red of each picture, in the order of the rows; the other channels are as they were saved."""
    rows = np.arange(source.n) if rows is None else rows
    found = {}
    for name, value in source.gather(rows, rows, 0).items():
        if len(value.shape) == 4:
            pixels = np.rint((value.numpy() + 1) * 127.5)
            assert (pixels[..., 1:] == (99, 7)).all() and (pixels[..., 0] == pixels[:, :1, :1, 0]).all()
            found[name] = pixels[:, 0, 0, 0].astype(int).tolist()
        else:
            found[name] = value.numpy().tolist()
    return found


# --- pairs ------------------------------------------------------------------------------------------------------------


def side_by_side(folder, count, first=0):
    for number in range(first, first + count):
        save(folder / f"{number:02}.png", number, 100 + number)


def in_two(first, second, numbers, ending=".png"):
    for number in numbers:
        save(first / f"{number:02}.png", number)
        save(second / f"{number:02}{ending}", 100 + number)


def test_pairs_side_by_side(tmp_path):
    side_by_side(tmp_path / "pairs", 20)
    data = open_pairs(tmp_path / "pairs", size=8)
    train, test = reds(data.train["pairs"]), reds(data.held_out["pairs"])
    assert test == {"source": [5, 15], "target": [105, 115]}
    rest = [number for number in range(20) if number not in (5, 15)]
    assert train == {"source": rest, "target": [100 + number for number in rest]}
    assert data.facts == {"size": [8, 8], "channels": 3}
    other = open_pairs(tmp_path / "pairs", size=(4, 6), source="second", channels=1)
    assert reds(open_pairs(tmp_path / "pairs", size=8, source="second").train["pairs"])["source"] == train["target"]
    made = other.train["pairs"].gather([0], [0], 0)
    assert made["source"].shape == (1, 4, 6, 1) and other.facts == {"size": [4, 6], "channels": 1}


@pytest.mark.parametrize("layout", ["A and B", "trainA", "train/A", "A/train", "side by side", "two folders"])
@pytest.mark.parametrize("held", ["test", "val", None])
def test_every_layout_of_pairs(tmp_path, layout, held):
    """The parts that a folder has are taken as they are; else a tenth is held out."""
    numbers = {"train": range(10), held: range(10, 13)} if held else {"": range(20)}
    if layout in ("train/A", "trainA") and not held:
        numbers = {"train": range(20)}
    for part, members in numbers.items():
        if layout == "side by side":
            side_by_side(tmp_path / "d" / part, len(members), members[0])
            continue
        pattern = {"trainA": "{part}{side}", "train/A": "{part}/{side}"}.get(layout, "{side}/{part}")
        names = ("A", "B") if layout != "two folders" else ("edges", "photos")
        in_two(*(tmp_path / "d" / pattern.format(part=part, side=side) for side in names), members, ".jpg.png")
    if layout == "two folders":
        for file in (tmp_path / "d" / "edges").rglob("*.png"):
            file.rename(file.with_name(f"{file.stem}.jpg.png"))
    else:
        for file in (tmp_path / "d").rglob("*.jpg.png"):
            file.rename(file.with_name(file.name.replace(".jpg", "")))
    where = [tmp_path / "d"] if layout != "two folders" else [tmp_path / "d" / "edges", tmp_path / "d" / "photos"]
    data = open_pairs(*where, size=8)
    train, test = reds(data.train["pairs"]), reds(data.held_out["pairs"])
    assert train["target"] == [100 + number for number in train["source"]]
    assert test["source"] == ([10, 11, 12] if held else [5, 15])
    assert train["source"] == (list(range(10)) if held else [n for n in range(20) if n not in (5, 15)])
    only = open_pairs(*where, size=8, held_out=1)
    assert only.train == {} and reds(only.held_out["pairs"])["source"] == (
        test["source"] if held else sorted(train["source"] + test["source"])
    )
    alone = open_pairs(*where, size=8, held_out=0)
    assert alone.held_out == {} and alone.train["pairs"].n == (10 if held else 20)


def test_files_without_a_partner(tmp_path, caplog):
    edges, photos = tmp_path / "edges", tmp_path / "photos"
    in_two(edges, photos, range(12), ".bmp")
    save(edges / "lone.png", 1)
    for number in range(7):
        save(photos / "more" / f"x{number}.png", 1)
    said = (
        "1 of 13 files of .*edges have none in .*photos: lone; "
        "7 of 19 files of .*photos have none in .*edges: more/x0, more/x1, more/x2, more/x3, more/x4 and 2 more"
    )
    with pytest.raises(DataError, match=said) as caught:
        open_pairs(edges, photos, size=8)
    assert "unmatched='leave'" in caught.value.hint
    data = open_pairs(edges, photos, size=8, unmatched="leave")
    assert data.train["pairs"].n == 11 and "left out, having no partner: 1 of 13" in caplog.text
    (photos / "03.bmp").rename(photos / "03.png")
    save(photos / "03.jpg", 1)
    with pytest.raises(DataError, match=r"03\.jpg and .*03\.png have one name"):
        open_pairs(edges, photos, size=8)


def test_pairs_of_different_proportions_are_said(tmp_path, caplog):
    in_two(tmp_path / "A", tmp_path / "B", range(10))
    save(tmp_path / "B" / "04.png", 104, 104)
    open_pairs(tmp_path, size=8)
    assert "1 of 9 pairs have different proportions" in caplog.text and "04.png (8 x 8 and 16 x 8)" in caplog.text
    caplog.clear()
    open_pairs(tmp_path, size=8, fit="squeeze")
    assert "proportions" not in caplog.text


def test_single_pictures_are_not_taken_for_pairs(tmp_path, caplog):
    for number in range(6):
        save(tmp_path / f"{number}.png", number, 100 + number)
    caplog.set_level(logging.INFO, "gankit")
    open_pairs(tmp_path, size=8)
    assert "each of 6 pictures is taken for a pair, its left half and its right half" in caplog.text
    save(tmp_path / "face.png", 1)
    with pytest.raises(DataError, match=r"1 of 7 pictures are no wider than high.*: face\.png") as caught:
        open_pairs(tmp_path, size=8)
    assert "sub-folders A and B" in caught.value.hint


def test_what_holds_no_pairs(tmp_path):
    in_two(tmp_path / "edges", tmp_path / "photos", range(4))
    in_two(tmp_path / "p" / "A" / "train", tmp_path / "p" / "B" / "train", range(4))
    save(tmp_path / "p" / "A" / "test" / "1.png", 1)
    (tmp_path / "none").mkdir()
    for arguments, options, error, said in (
        ([tmp_path / "nowhere"], {}, DataError, "there is no folder .*nowhere"),
        ([tmp_path], {}, DataError, "no pairs of pictures in .*, but edges, none, p"),
        ([tmp_path / "edges", tmp_path / "none"], {}, DataError, "no picture in .*none"),
        ([tmp_path / "edges", tmp_path / "p" / "A"], {}, DataError, "counterpart|without a partner"),
        ([tmp_path / "p"], {}, DataError, "A/test has no counterpart beside .*B"),
        ([tmp_path / "edges"], {"source": "left"}, UsageError, "source 'left'"),
        ([tmp_path / "edges"], {"unmatched": "drop"}, UsageError, "unmatched 'drop'"),
        ([tmp_path / "edges"], {"held_out": 1.5}, UsageError, "1.5 cannot be held out"),
        ([tmp_path / "edges"], {"size": 2}, UsageError, "2 x 2 pixels"),
    ):
        with pytest.raises(error, match=said) as caught:
            open_pairs(*arguments, **{"size": 8, **options})
        assert caught.value.hint


# --- two kinds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["trainA", "A", "two folders"])
def test_two_kinds_of_pictures(tmp_path, layout):
    for side, numbers in (("A", range(20)), ("B", range(100, 110))):
        for number in numbers:
            save(tmp_path / f"{'train' if layout == 'trainA' else ''}{side}" / f"{number}.png", number)
    if layout == "trainA":
        for number in range(50, 53):
            save(tmp_path / "testA" / f"{number}.png", number)
            save(tmp_path / "testB" / "deeper" / f"{number}.png", number + 100)
    data = open_unpaired(*([tmp_path / "A", tmp_path / "B"] if layout == "two folders" else [tmp_path]), size=8)
    counts = {name: source.n for name, source in data.train.items()}
    assert counts == ({"a": 20, "b": 10} if layout == "trainA" else {"a": 18, "b": 9})
    held = [reds(data.held_out["a"]), reds(data.held_out["b"])]
    if layout == "trainA":
        assert held == [{"a": [50, 51, 52]}, {"b": [150, 151, 152]}]
        only = open_unpaired(tmp_path, size=8, held_out=1)
        assert only.train == {} and reds(only.held_out["b"]) == held[1]
    else:
        assert len(held[0]["a"]) == 2 and len(held[1]["b"]) == 1
    # The engine shuffles each by itself, and goes round the shorter one more often.
    batches = [batch_of(data.train, tf.constant(g, tf.int64), tf.constant(0, tf.int64), 10, 10, 3) for g in range(18)]
    for name in "ab":
        seen = np.concatenate([np.rint((batch[name][:, 0, 0, 0] + 1) * 127.5) for batch in batches])
        _, often = np.unique(seen, return_counts=True)
        assert often.min() == often.max() == 180 // counts[name] or layout == "trainA"
    with pytest.raises(DataError, match="neither trainA and trainB nor A and B") as caught:
        open_unpaired(tmp_path / ("trainA" if layout == "trainA" else "A"), size=8)
    assert caught.value.hint


# --- tables -----------------------------------------------------------------------------------------------------------

ROWS = [
    "kind,name,age,who",
    *(f"{'cat' if n % 3 else 'dog'},pets/{n:02}.png,{n}.5,{9 + n % 2}" for n in range(18)),
    "cat,pets/missing.png,1,9",
    "",
]


@pytest.fixture
def pets(tmp_path):
    for number in range(18):
        save(tmp_path / "d" / "pets" / f"{number:02}.png", number)
    (tmp_path / "d" / "labels.csv").write_text("\n".join(ROWS))
    return tmp_path / "d"


def test_a_table_beside_pictures(pets, caplog):
    data = open_picture_table(pets, size=8, labels=["kind", "who"], numbers=["age"])
    assert "left out: 1 of 19 rows of labels.csv have no picture: pets/missing.png" in caplog.text
    assert data.facts == {"size": [8, 8], "channels": 3, "classes": {"kind": ["cat", "dog"], "who": ["9", "10"]}}
    made, held = reds(data.train["pictures"]), reds(data.held_out["pictures"])
    assert set(made) == {"image", "kind", "who", "age"} and len(made["image"]) == 16
    for part in (made, held):
        assert part["kind"] == [int(number % 3 == 0) for number in part["image"]]
        assert part["age"] == [number + 0.5 for number in part["image"]]
        assert part["who"] == [number % 2 for number in part["image"]]
    assert sorted(held["kind"]) == [0, 1]  # a part of each class
    assert sorted(made["image"] + held["image"]) == list(range(18))


def test_how_a_table_may_name_pictures(pets, caplog):
    """With or without folders and extensions, from Windows, in any order, in a column that has to be found."""
    names = [
        "pets\\{n:02}.png",
        "./pets/{n:02}.png",
        "{n:02}",
        "{n:02}.png",
        "pets/{n:02}",
        "/home/ada/pets/{n:02}.png",
    ]
    for name in names:
        rows = ["age;file;remark", *(f"{n};{name.format(n=n)};pets" for n in reversed(range(18)))]
        (pets / "labels.csv").write_text("\n".join(rows))
        made = reds(open_picture_table(pets, size=8, numbers=["age"]).train["pictures"])
        assert made["age"] == made["image"] and len(made["age"]) == 16
    assert "left out" not in caplog.text
    save(pets / "more" / "03.png", 3)  # now 03.png is the name of two
    (pets / "labels.csv").write_text("\n".join(["age,file", *(f"{n},{n:02}.png" for n in range(18))]))
    assert open_picture_table(pets, size=8, numbers=["age"]).train["pictures"].n == 15
    assert (
        "1 of 18 rows of labels.csv have no picture: 03.png; 2 pictures have no row: more/03.png, pets/03.png"
        in caplog.text
    )
    with pytest.raises(DataError, match="2 pictures have no row") as caught:
        open_picture_table(pets, size=8, numbers=["age"], unmatched="error")
    assert "unmatched='leave'" in caught.value.hint


@pytest.mark.parametrize(
    ("rows", "options", "error", "said", "hint"),
    [
        (["name,age", "pets/00.png,1"], {}, UsageError, "columns to learn from: none", "name, age"),
        (["name,age", "pets/00.png,1"], {"numbers": ["agee"]}, DataError, "no column 'agee'", "did you mean 'age'"),
        (["name,age,age", "pets/00.png,1,2"], {"numbers": ["age"]}, DataError, "2 columns 'age'", "did you mean"),
        (["name,age", "pets/00.png,1"], {"numbers": ["age"], "labels": ["age"]}, UsageError, "age, age", "each once"),
        (["name,image", "pets/00.png,1"], {"numbers": ["image"]}, UsageError, "image", "are taken"),
        (["name,index", "pets/00.png,1"], {"labels": ["index"]}, UsageError, "index", "are taken"),
        (["name,age", "a.png,1"], {"numbers": ["age"]}, DataError, "no column of labels.csv names pictures", "00"),
        (["name,age", "a.png,1"], {"numbers": ["age"], "file": "name"}, DataError, "no row of .*: a.png", "file="),
        (["name,age", "00,1", "pets/00.png,2"], {"numbers": ["age"]}, DataError, "lines 2 and 3 .* one picture", "out"),
        (
            ["name,age", "00,1,5", "01,old", "02"],
            {"numbers": ["age"]},
            DataError,
            "line 3: 'old', line 4: ''",
            "decimal",
        ),
        (
            ["name,age", "00,nan", "01,1e999"],
            {"numbers": ["age"]},
            DataError,
            "line 2: 'nan', line 3: '1e999'",
            "decimal",
        ),
        (["name,kind", "00,a", "01,"], {"labels": ["kind"]}, DataError, "1 rows .* have no 'kind': line 3", "fill"),
    ],
)
def test_wrong_tables(pets, rows, options, error, said, hint):
    (pets / "labels.csv").write_text("\n".join(rows))
    with pytest.raises(error, match=said) as caught:
        open_picture_table(pets, size=8, **options)
    assert hint in caught.value.hint


def test_which_table(pets):
    (pets / "more.tsv").write_text("a\tb\n")
    with pytest.raises(DataError, match=r"has 2 tables: labels\.csv, more\.tsv"):
        open_picture_table(pets, size=8, numbers=["age"])
    with pytest.raises(DataError, match="has no table"):
        open_picture_table(pets / "pets", size=8, numbers=["age"])
    assert open_picture_table(pets, pets / "labels.csv", size=8, numbers=["age"]).train["pictures"].n == 16


# --- crops ------------------------------------------------------------------------------------------------------------


def test_crops_of_a_folder(tmp_path):
    for number in range(10):
        save(tmp_path / "d" / f"{number}.png", number, number, side=16)
    data = open_crops(tmp_path / "d", 8)
    train, test = data.train["pictures"], data.held_out["pictures"]
    assert train.n == 9 * 32 and test.n == 1 and data.facts == {"size": [8, 8], "channels": 3}
    assert sorted(set(reds(train)["image"])) == [0, 1, 2, 3, 4, 6, 7, 8, 9] and reds(test)["image"] == [5]
    with pytest.raises(DataError, match=r"smaller than a crop of 17 x 17 pixels: .*/0.png \(32 x 16\)"):
        open_crops(tmp_path / "d", 17)
    assert open_crops(tmp_path / "d", 8, held_out=1).train == {}


# --- from disk and from memory ----------------------------------------------------------------------------------------


def batches(sources, count=4):
    @tf.function(autograph=False)
    def batch(number):
        return batch_of(sources, number, tf.constant(0, tf.int64), 16, 16, 3)

    return [batch(tf.constant(number, tf.int64)) for number in range(count)]


def assert_same(one, other):
    """The same sources, to the bit, of which only the other one lies in a file."""
    assert {name: source.fingerprint for name, source in one.items()} == {n: s.fingerprint for n, s in other.items()}
    for a, b in zip(batches(one), batches(other), strict=True):
        assert set(a) == set(b)
        for name in a:
            assert a[name].dtype == b[name].dtype
            np.testing.assert_array_equal(a[name], b[name])


@pytest.fixture(scope="module")
def photographs(test_data, tmp_path_factory):
    """40 photographs in train and test, of two classes; the same as 40 pairs of a photograph and the one before it."""
    folder = tmp_path_factory.mktemp("photographs")
    files = sorted((test_data / "sr" / "BSDS500_train_test").glob("*.jpg"))[:40]
    for number, file in enumerate(files):
        part = folder / "classes" / ("test" if number % 10 == 0 else "train") / ("even", "odd")[number % 2]
        part.mkdir(parents=True, exist_ok=True)
        (part / file.name).symlink_to(file)
        for kind in "AB":
            (folder / "pairs" / kind).mkdir(parents=True, exist_ok=True)
        (folder / "pairs" / "A" / f"{number}.jpg").symlink_to(file)
        (folder / "pairs" / "B" / f"{number}.jpg").symlink_to(files[number - 1])
    return folder


@pytest.mark.slow
def test_real_photographs_from_disk_are_those_from_memory(photographs, caplog):
    caplog.set_level(logging.INFO, "gankit")

    def both(opened, folder):
        memory, file = (opened(cache_mb) for cache_mb in (10_000, 0))
        assert not isinstance(next(iter(memory.train.values())).fields[folder], np.memmap)
        assert isinstance(next(iter(file.train.values())).fields[folder], np.memmap)
        assert_same(memory.train, file.train)
        assert_same(memory.held_out, file.held_out)

    classes, pairs = str(photographs / "classes"), photographs / "pairs"
    both(lambda cache_mb: open_pictures(classes, size=64, cache_mb=cache_mb).data(), "image")
    both(lambda cache_mb: open_pairs(pairs, size=64, fit="squeeze", cache_mb=cache_mb), "source")
    both(lambda cache_mb: open_unpaired(pairs, size=(48, 64), cache_mb=cache_mb), "a")
    assert "decoded, more than cache_mb 0: preparing them, once; that takes" in caplog.text
    assert "40 of 40 pictures lose what lies outside of their middle" in caplog.text
    memory, file = (open_crops(pairs / "A", 96, cache_mb=cache_mb) for cache_mb in (10_000, 0))
    assert_same(memory.train, file.train)
    assert_same(memory.held_out, file.held_out)


def test_what_is_on_disk_is_what_was_in_memory(tmp_path):
    """Colour, and grey that becomes one channel, with classes."""
    rng = np.random.default_rng(0)
    for kind in ("colour", "grey"):
        for number in range(40):
            path = tmp_path / kind / "ab"[number % 2] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            shape = (20, 30, 3) if kind == "colour" else (20, 30)
            Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(path)
        memory, file = (open_pictures(str(tmp_path / kind), size=8, cache_mb=cache_mb) for cache_mb in (1, 0))
        assert isinstance(file.train.images, np.memmap) and not isinstance(memory.train.images, np.memmap)
        assert memory.train.images.shape == (36, 8, 8, 3 if kind == "colour" else 1)
        assert memory.fingerprint == file.fingerprint
        assert_same(memory.data().train, file.data().train)
        assert_same(memory.data().held_out, file.data().held_out)
        assert memory.data().facts == {"size": [8, 8], "channels": memory.train.images.shape[3], "classes": ["a", "b"]}


def test_a_second_opening_decodes_nothing(tmp_path, monkeypatch):
    side_by_side(tmp_path / "d", 12)
    first = open_pairs(tmp_path / "d", size=8, cache_mb=0)
    monkeypatch.setattr("gankit.images.decoding.read_image", None)
    again = open_pairs(tmp_path / "d", size=8, cache_mb=0)
    assert_same(first.train, again.train)
    with pytest.raises(TypeError):  # squeezed or grey, they would be other pixels
        open_pairs(tmp_path / "d", size=8, cache_mb=0, fit="squeeze")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells what a process holds")
def test_pictures_beyond_the_memory_do_not_enter_it(tmp_path):
    """250 MB of pictures: neither preparing nor reading a few batches holds more than a small part of them."""
    for number in range(320):
        save(tmp_path / "d" / f"{number}.png", number % 256)

    def held():
        text = Path("/proc/self/status").read_text()
        return sum(int(line.split()[1]) / 1e3 for line in text.splitlines() if line.startswith(("RssAnon", "RssFile")))

    batches(open_crops(tmp_path / "d", 8).train)  # whatever TensorFlow needs
    before = held()
    data = open_pictures(str(tmp_path / "d"), size=512, cache_mb=100)
    images = data.train.images
    assert images.nbytes > 2e8 and held() - before < 60
    source = data.data().train["pictures"]
    for row in range(0, source.n, 40):
        source.gather([row], [row], 0)
    assert held() - before < 90
    (prepared,) = (home() / "prepared").glob("*/pixels")
    assert os.path.getsize(prepared) == 320 * 512 * 512 * 3
