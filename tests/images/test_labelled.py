"""Small labelled pictures: datasets by name, folders of one's own, and the files that datasets come in."""

import gzip
import io
import logging
import struct
import tarfile

import numpy as np
import pytest
import yaml
from fileserver import serve, sha256
from PIL import Image

from gankit.datasets import catalogue
from gankit.errors import DataError, UsageError
from gankit.images.folders import held_out
from gankit.images.idx import read_idx
from gankit.images.labelled import open_pictures
from gankit.images.picture_formats import READERS

HEAD = b"\0\0\x08\x03" + struct.pack(">3I", 2, 3, 4)
VALUES = np.arange(24, dtype=np.uint8)


@pytest.fixture(scope="module")
def fashion():
    card = catalogue.all_cards()["fashion-mnist"]
    if card.state != "installed":
        pytest.skip("install Debian's package dataset-fashion-mnist")
    return open_pictures("fashion-mnist")


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path, **options)
    return path


def colours(folder, counts, side=8):
    """A folder of plain pictures that can be told by their pixels: red is the class, green the number."""
    for red, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for green in range(count):
            save(folder / name / f"{green:02d}.png", np.full((side, side, 3), (10 * red + 1, green, 99)))
    return folder


def told(pictures):
    """What `colours` wrote: (class, number) of each picture."""
    return [(int(image[0, 0, 0]) // 10, int(image[0, 0, 1])) for image in pictures.images]


# --- named datasets ---------------------------------------------------------------------------------------------------


def test_fashion_mnist(fashion):
    assert fashion.name == "fashion-mnist" and fashion.classes[0] == "T-shirt or top"
    assert fashion.classes[8:] == ("bag", "ankle boot") and len(fashion.classes) == 10
    assert fashion.train.images.shape == (60_000, 28, 28, 1) and fashion.test.images.shape == (10_000, 28, 28, 1)
    assert fashion.train.images.dtype == np.uint8 and fashion.train.labels.dtype == np.int64
    assert np.bincount(fashion.train.labels).tolist() == [6000] * 10
    assert np.bincount(fashion.test.labels).tolist() == [1000] * 10
    # The figures that everybody normalises with: 0.2860 and 0.3530 of 255.
    share, level = np.bincount(fashion.train.images.ravel(), minlength=256) / (60_000 * 28**2), np.arange(256) / 255
    assert share @ level == pytest.approx(0.286040, abs=1e-6)
    assert share @ level**2 == pytest.approx(0.286040**2 + 0.353024**2, abs=1e-6)
    assert fashion.test.images.mean() == pytest.approx(73.146567, abs=1e-6)
    assert fashion.train.labels[:5].tolist() == [9, 0, 0, 3, 0]
    # Upright: trousers are narrower at the foot of the picture than an ankle boot's sole.
    boots, trousers = (fashion.test.images[fashion.test.labels == k].mean(0)[..., 0] for k in (9, 1))
    assert boots[22].mean() > 3 * boots[4].mean() and trousers[:, 14].mean() > 4 * trousers[:, 5].mean()


def test_fashion_mnist_in_a_frame(fashion):
    framed = open_pictures("fashion-mnist", size=32, channels=3)
    assert framed.train.images.shape == (60_000, 32, 32, 3)
    np.testing.assert_array_equal(framed.test.images[:, 2:30, 2:30], np.repeat(fashion.test.images, 3, axis=3))
    assert framed.test.images.sum(dtype=np.int64) == 3 * fashion.test.images.sum(dtype=np.int64)
    np.testing.assert_array_equal(framed.test.labels, fashion.test.labels)
    assert framed.fingerprint != fashion.fingerprint


def test_digits():
    (path,), digits = catalogue.all_cards()["digits"].paths("train"), open_pictures("digits")
    truth = np.array([line.split(",") for line in gzip.decompress(path.read_bytes()).decode().split()], int)
    assert digits.classes == tuple("0123456789") and digits.train.images.shape == (1438, 8, 8, 1)
    # A fifth of 178, 182, 177, 183, 181, 182, 181, 179, 174 and 180.
    assert np.bincount(digits.test.labels).tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]
    # 255 v / 16, with the one half (v = 8) rounded up.
    scaled = ((2 * 255 * truth[:, :64] + 16) // 32).reshape(-1, 8, 8)
    chosen = np.array(held_out(truth[:, 64].tolist(), 0.2))
    rest = np.setdiff1d(np.arange(1797), chosen)
    for part, rows in ((digits.train, rest), (digits.test, chosen)):
        np.testing.assert_array_equal(part.images[..., 0], scaled[rows])
        np.testing.assert_array_equal(part.labels, truth[rows, 64])
    assert digits.fingerprint == open_pictures("digits").fingerprint


def test_fingerprint_sees_labels_shapes_and_split():
    from dataclasses import replace

    digits = open_pictures("digits")
    relabelled = replace(digits.train, labels=np.roll(digits.train.labels, 1))
    unlabelled = replace(digits.train, labels=None)
    reshaped = replace(digits.train, images=digits.train.images.reshape(-1, 4, 16, 1))
    others = [replace(digits, train=train) for train in (relabelled, unlabelled, reshaped)]
    others.append(replace(digits, train=digits.test, test=digits.train))
    assert len({digits.fingerprint, *(other.fingerprint for other in others)}) == 5


@pytest.mark.parametrize(("size", "framed"), [(8, True), (9, True), (16, True), (17, False), (32, False), (4, False)])
def test_sizes_of_a_dataset(size, framed):
    digits, other = open_pictures("digits"), open_pictures("digits", size=size)
    assert other.train.images.shape == (1438, size, size, 1)
    if framed:
        start = (size - 8) // 2
        np.testing.assert_array_equal(other.test.images[:, start : start + 8, start : start + 8], digits.test.images)
        assert other.test.images.sum(dtype=int) == digits.test.images.sum(dtype=int)
    else:
        expected = Image.fromarray(digits.test.images[7, ..., 0]).resize((size, size), Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(other.test.images[7, ..., 0], np.asarray(expected))


def cifar(n, seed):
    """Records of the binary version, with the pixels `[n, 32, 32, 3]` and labels that they hold."""
    generator = np.random.default_rng(seed)
    images, labels = generator.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8), generator.integers(0, 10, n)
    records = b"".join(
        bytes([label]) + b"".join(image[..., channel].tobytes() for channel in range(3))
        for image, label in zip(images, labels, strict=True)
    )
    return records, images, labels


def test_cifar_from_its_archive(tmp_path, monkeypatch, datasets_home):
    members = {f"data_batch_{k}.bin": cifar(3, k) for k in (1, 2, 3, 4, 5)} | {"test_batch.bin": cifar(4, 6)}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in sorted(members, reverse=True):
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(members[name][0])
            archive.addfile(info, io.BytesIO(members[name][0]))
    installed = catalogue.all_cards()["cifar-10"]
    document = {key: value for key, value in installed.model_dump().items() if value is not None}
    document["classes"] = list(installed.classes)
    with serve(**{"cifar-10-binary.tar.gz": packed.getvalue()}) as shop:
        document["archives"] = [
            {
                "file": "cifar-10-binary.tar.gz",
                "address": shop.url("/cifar-10-binary.tar.gz"),
                "sha256": sha256(packed.getvalue()),
                "bytes": len(packed.getvalue()),
            }
        ]
        (tmp_path / "cifar.yaml").write_text(yaml.safe_dump(document))
        opened = open_pictures(str(tmp_path / "cifar.yaml"))
    assert opened.classes[:2] == ("airplane", "automobile") and opened.train.images.shape == (15, 32, 32, 3)
    np.testing.assert_array_equal(
        opened.train.images, np.concatenate([members[f"data_batch_{k}.bin"][1] for k in range(1, 6)])
    )
    np.testing.assert_array_equal(
        opened.train.labels, np.concatenate([members[f"data_batch_{k}.bin"][2] for k in range(1, 6)])
    )
    np.testing.assert_array_equal(opened.test.images, members["test_batch.bin"][1])
    grey = open_pictures(str(tmp_path / "cifar.yaml"), channels=1)
    weights = opened.test.images @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey.test.images[..., 0], weights, atol=0.51)


def test_the_installed_card_of_cifar():
    card = catalogue.all_cards()["cifar-10"]
    (archive,) = card.archives
    assert (archive.bytes, archive.sha256[:8], card.format) == (170_052_171, "c4a38c50", "cifar-binary")
    assert archive.unpacked_bytes > 6 * 10_000 * 3073


# --- folders ----------------------------------------------------------------------------------------------------------


def test_a_folder_of_classes(tmp_path):
    folder = colours(tmp_path / "pets", {"cats": 20, "dogs": 2, "eels": 1})
    (folder / ".cache").mkdir()
    save(folder / ".cache" / "x.png", np.zeros((8, 8, 3)))
    save(folder / "cats" / ".thumbnails" / "x.png", np.zeros((8, 8, 3)))
    (folder / "__MACOSX").mkdir()
    (folder / "notes.txt").write_text("no picture")
    opened = open_pictures(str(folder), size=8)
    assert opened.name == "pets" and opened.classes == ("cats", "dogs", "eels")
    # A tenth of the cats, spread; one of the two dogs; the eel is needed to train.
    assert told(opened.test) == [(0, 5), (0, 15), (1, 1)] and opened.test.labels.tolist() == [0, 0, 1]
    assert told(opened.train) == [(0, n) for n in range(20) if n not in (5, 15)] + [(1, 0), (2, 0)]
    assert opened.train.labels.tolist() == [0] * 18 + [1, 2] and opened.train.labels.dtype == np.int64
    assert opened.train.images.shape == (20, 8, 8, 3)
    assert opened.fingerprint == open_pictures(str(folder), size=8).fingerprint


def test_one_folder_of_all_is_no_class(tmp_path):
    opened = open_pictures(str(colours(tmp_path / "in", {"all": 20})), size=8)
    assert opened.classes == () and opened.train.labels is None and len(opened.test.images) == 2
    for part, count in (("train", 4), ("test", 3)):
        colours(tmp_path / "split" / part, {"all": count})
    opened = open_pictures(str(tmp_path / "split"), size=8)
    assert opened.classes == () and opened.test.labels is None and len(opened.test.images) == 3


def test_a_flat_folder(tmp_path):
    folder = colours(tmp_path, {"flat": 25}) / "flat"
    (folder / "no pictures in here").mkdir()
    opened = open_pictures(str(folder), size=8)
    assert opened.classes == () and opened.train.labels is None and opened.test.labels is None
    assert [n for _, n in told(opened.test)] == [6, 18] and len(opened.train.images) == 23


def test_train_and_test(tmp_path, caplog):
    colours(tmp_path / "train", {"a": 3, "b": 2, "c": 1})
    colours(tmp_path / "test", {"a": 1, "c": 2})
    colours(tmp_path / "val", {"a": 1})
    opened = open_pictures(str(tmp_path), size=8)
    assert opened.classes == ("a", "b", "c") and opened.train.labels.tolist() == [0, 0, 0, 1, 1, 2]
    assert opened.test.labels.tolist() == [0, 2, 2] and told(opened.test) == [(0, 0), (1, 0), (1, 1)]
    assert "not val" in caplog.text
    for name in ("val", "validation", "dev"):  # where there is no test, it is held out
        colours(tmp_path / name / "of", {f"train/{kind}": 2 for kind in "ab"} | {f"{name}/{kind}": 1 for kind in "ab"})
        opened = open_pictures(str(tmp_path / name / "of"), size=8)
        assert opened.train.labels.tolist() == [0, 0, 1, 1] and opened.test.labels.tolist() == [0, 1]
    colours(tmp_path / "alone", {"train/a": 20, "train/b": 20})
    opened = open_pictures(str(tmp_path / "alone"), size=8)
    assert opened.classes == ("a", "b") and opened.test.labels.tolist() == [0, 0, 1, 1]
    colours(tmp_path / "vehicles", {"bus": 2, "train": 2})  # not the training part
    assert open_pictures(str(tmp_path / "vehicles"), size=8).classes == ("bus", "train")
    flat = tmp_path / "flat"
    colours(flat, {"train": 3, "test": 2})
    opened = open_pictures(str(flat), size=8)
    assert opened.classes == () and len(opened.train.images) == 3 and len(opened.test.images) == 2
    assert opened.train.labels is None


def test_default_size_and_channels_of_a_folder(tmp_path, caplog):
    caplog.set_level(logging.INFO, "gankit")
    for n in range(4):
        save(tmp_path / "grey" / f"{n}.png", np.full((100, 70), 50 * n))
    opened = open_pictures(str(tmp_path / "grey"))
    assert opened.train.images.shape == (3, 64, 64, 1) and opened.test.images.shape == (1, 64, 64, 1)
    assert sorted(int(i.mean()) for i in (*opened.train.images, *opened.test.images)) == [0, 50, 100, 150]
    assert "enlarged" not in caplog.text
    assert open_pictures(str(tmp_path / "grey"), channels=3).train.images.shape == (3, 64, 64, 3)
    save(tmp_path / "grey" / "tint.png", np.full((63, 90, 3), (200, 200, 201)))  # one colour makes all RGB
    opened = open_pictures(str(tmp_path / "grey"))
    assert opened.train.images.shape == (4, 64, 64, 3) and "1 of 5 pictures were smaller than 64 pixels" in caplog.text
    assert open_pictures(str(tmp_path / "grey"), channels=1).train.images.shape == (4, 64, 64, 1)


def test_the_middle_is_cut_out_and_reduced_without_aliases(tmp_path):
    # White bars stand outside of the middle; inside, lines of one pixel that every second pixel would miss.
    pixels = np.full((32, 64, 3), 255)
    pixels[:, 16:48] = 0
    pixels[::2, 16:48] = 200
    for n in range(2):
        save(tmp_path / f"wide{n}.png", pixels)
        save(tmp_path / f"high{n}.png", pixels.transpose(1, 0, 2))
    opened = open_pictures(str(tmp_path), size=8)
    assert opened.train.images.shape == (3, 8, 8, 1)
    images = np.concatenate([opened.train.images, opened.test.images]).astype(int)
    assert images.min() > 80 and images.max() < 120  # neither white from outside, nor 0 or 200


def test_reduction_is_pillows_lanczos(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    for name in "ab":
        save(tmp_path / f"{name}.png", pixels)
    expected = np.asarray(Image.fromarray(pixels).resize((12, 12), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(open_pictures(str(tmp_path), size=12).test.images[0], expected)


def test_kinds_of_pictures(tmp_path):
    save(tmp_path / "a_rgba.png", np.full((8, 8, 4), (10, 20, 30, 0)))  # wholly transparent: white
    Image.fromarray(np.full((8, 8), 257 * 40, np.uint16)).save(tmp_path / "b_16.png")
    Image.fromarray(np.full((8, 8, 3), (5, 6, 7), np.uint8)).quantize(4).save(tmp_path / "c_palette.png")
    Image.fromarray(np.full((8, 8), True)).save(tmp_path / "d_bit.png")
    save(tmp_path / "e.JPG", np.full((8, 8, 3), 128))
    opened = open_pictures(str(tmp_path), size=8)
    # A tenth of five is one: the one in the middle.
    assert opened.train.images.reshape(4, -1, 3)[:, 0].tolist() == [[255] * 3, [40] * 3, [255] * 3, [128] * 3]
    assert (opened.test.images[0] == (5, 6, 7)).all()


def test_damaged_pictures_are_all_named_at_once(tmp_path):
    folder = colours(tmp_path, {"a": 5, "b": 5})
    (folder / "a" / "01.png").write_bytes((folder / "a" / "01.png").read_bytes()[:40])
    (folder / "b" / "04.png").write_bytes(b"no picture")
    with pytest.raises(DataError) as caught:
        open_pictures(str(folder), size=8)
    assert str(folder / "a" / "01.png") in caught.value.message and str(folder / "b" / "04.png") in caught.value.message
    assert "remove" in caught.value.hint


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ({}, "no picture in"),
        ({"cats": 0, "dogs": 0}, "no picture in"),
        ({"cats": 3, "dogs": 0, "eels": 0}, "without a picture: dogs, eels"),
        ({"cats": 3, ".": 2}, "pictures beside them, such as 00.png"),
        ({"cats": 1, "dogs": 1}, "one picture of each class"),
        ({".": 1}, "one picture"),
        ({"train/a": 2, "train/b": 2, "test/a": 1, "test/c": 1}, "lacks: c"),
        ({"train/a": 2, "test": 2}, "one of train and test"),
        ({"train": 2, "test": 0}, "no picture in .*test"),
        ({"train": 2, "test": 2, ".": 1}, "beside train and test, such as 00.png"),
        ({"dev": 2, "val": 2}, "dev and val, but no train"),
        ({"train": 2, "val": 2, ".": 1}, "beside train and val, such as 00.png"),
    ],
)
def test_folders_that_cannot_be_understood(tmp_path, layout, said):
    colours(tmp_path, layout)
    with pytest.raises((DataError, UsageError), match=said) as caught:
        open_pictures(str(tmp_path), size=8)
    assert caught.value.hint


def test_wrong_requests(tmp_path):
    for name in ("one", "two"):
        save(tmp_path / f"{name}.png", np.zeros((8, 8, 3)))
    for source, options, error, said in (
        ("digits", {"size": 3}, UsageError, "3 pixels"),
        ("digits", {"channels": 2}, UsageError, "2 channels"),
        ("digit", {}, UsageError, "'digit'"),
        (str(tmp_path / "one.png"), {}, DataError, "no folder"),
        (str(tmp_path / "missing"), {}, UsageError, "missing"),
        (str(tmp_path), {"size": 10**8}, DataError, "take 60000000 GB decoded, .*, they need 60000000 GB of disk"),
        (str(tmp_path), {"size": 10**10}, DataError, "need"),
    ):
        with pytest.raises(error, match=said) as caught:
            open_pictures(source, **options)
        assert caught.value.hint


@pytest.mark.parametrize("fraction", [0.1, 0.2])
@pytest.mark.parametrize("n", [1, 2, 3, 9, 10, 15, 100, 181])
def test_held_out_is_stratified_and_spread(n, fraction):
    labels = [7, 3] * n
    chosen = held_out(labels, fraction)
    assert chosen == sorted(set(chosen)) and all(0 <= row < 2 * n for row in chosen)
    for label in (7, 3):
        rows = [row // 2 for row in chosen if labels[row] == label]
        assert len(rows) == (max(1, round(fraction * n)) if n > 1 else 0)
        if len(rows) > 1:
            gaps = np.diff(rows)
            assert gaps.max() - gaps.min() <= 1


# --- idx and the other formats ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx(tmp_path, pack):
    (tmp_path / "x").write_bytes(pack(HEAD + VALUES.tobytes()))
    found = read_idx(tmp_path / "x")
    assert found.dtype == np.uint8 and found.shape == (2, 3, 4) and found[1, 2, 3] == 23 and found[1, 0, 2] == 14
    np.testing.assert_array_equal(found.ravel(), VALUES)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "begins with nothing"),
        (b"\0\0\x08", "no idx file"),
        (b"\0\1\x08\x01\0\0\0\1x", "no idx file"),
        (b"\x89PNG\r\n", "no idx file: it begins with 89504e47"),
        (b"\0\0\x0d\x01\0\0\0\1abcd", "idx type 13"),
        (b"\0\0\x08\x00", "0 dimensions"),
        (b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"x", "255 dimensions"),
        (HEAD[:9], "within its header"),
        (b"\0\0\x08\x01\0\0\0\0", "has 0 values"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "4,294,967,295 x 4,294,967,295 x 4,294,967,295 values"),
        (b"\0\0\x08\x02" + struct.pack(">2I", 1 << 31, 3), "2,147,483,648 x 3 values$"),
        (b"\0\0\x08\x01\xff\xff\xff\xff" + b"x" * 99, "ends after 99"),
        (HEAD + VALUES.tobytes()[:-1], "2 x 3 x 4 values, and ends after 23"),
        (HEAD + VALUES.tobytes() + b"x", "goes on"),
    ],
)
def test_hostile_idx(tmp_path, content, said, pack):
    path = tmp_path / "x.gz"
    path.write_bytes(pack(content))
    with pytest.raises(DataError, match=said) as caught:
        read_idx(path)
    assert str(path) in caught.value.message and caught.value.hint


def test_damaged_gzip(tmp_path):
    whole = gzip.compress(HEAD + VALUES.tobytes())
    for content in (
        whole[:-9],
        whole[:-1],
        whole[:4],
        whole[:-6] + b"??" + whole[-4:],
        whole[:12] + b"\xff\xff" + whole[14:],
    ):
        (tmp_path / "x.gz").write_bytes(content)
        with pytest.raises(DataError, match=r"x\.gz"):
            read_idx(tmp_path / "x.gz")
    with pytest.raises(DataError, match="no such file"):
        read_idx(tmp_path / "missing")
    with pytest.raises(DataError, match="cannot read"):
        read_idx(tmp_path)


def test_a_bomb_is_not_expanded(tmp_path, monkeypatch):
    import tracemalloc

    # 32 MB of zeros in 32 kB, behind a header of 24 values.
    packer = gzip.GzipFile(tmp_path / "x.gz", "wb")
    packer.write(HEAD)
    for _ in range(32):
        packer.write(bytes(1 << 20))
    packer.close()
    tracemalloc.start()
    with pytest.raises(DataError, match="goes on"):
        read_idx(tmp_path / "x.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6


def packed(path, values):
    values = np.asarray(values, np.uint8)
    path.write_bytes(bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes())
    return path


def test_idx_files_that_do_not_belong_together(tmp_path):
    images, labels = packed(tmp_path / "i", np.zeros((3, 5, 4))), packed(tmp_path / "l", [0, 1, 2])
    flat, short = packed(tmp_path / "f", np.zeros((3, 20))), packed(tmp_path / "s", [0, 1])
    found, answers = READERS["idx"]([labels, images])
    assert found.shape == (3, 5, 4, 1) and answers.tolist() == [0, 1, 2] and answers.dtype == np.int64
    assert READERS["idx"]([images])[1] is None
    for paths, said in (
        ([labels], "one idx file of pictures"),
        ([images, images], "one idx file of pictures"),
        ([images, flat], "one idx file of pictures"),
        ([images, labels, labels], "one idx file of pictures"),
        ([images, short], "3 pictures, but 2 labels"),
    ):
        with pytest.raises(DataError, match=said):
            READERS["idx"](paths)


def test_damaged_records(tmp_path):
    (tmp_path / "x.bin").write_bytes(cifar(2, 0)[0][:-1])
    with pytest.raises(DataError, match=r"x\.bin has 6,145 bytes"):
        READERS["cifar-binary"]([tmp_path / "x.bin"])
    line = ",".join(["16"] * 64 + ["3"]) + "\n"
    for text, said in (
        (line.replace("16", "17", 1), "between 0 and 16"),
        (line.replace("16", "-1", 1), "between 0 and 16"),
        (line.replace("16", "nan", 1), "cannot read"),
        (line + "1,2\n", "cannot read"),
        ("1,2\n", "no lines of 64"),
    ):
        (tmp_path / "x.gz").write_bytes(gzip.compress(text.encode()))
        with pytest.raises(DataError, match=said):
            READERS["digits-csv"]([tmp_path / "x.gz"])
    (tmp_path / "x.gz").write_bytes(gzip.compress(line.encode() * 2))
    images, labels = READERS["digits-csv"]([tmp_path / "x.gz"])
    assert images.shape == (2, 8, 8, 1) and images.min() == 255 and labels.tolist() == [3, 3]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "idx"}, "no idx file"),
        ({"format": "pickle"}, "the format 'pickle'.*"),
        ({"format": ""}, "the format ''"),
        ({"classes": ["only one"]}, "the label 9, and its card names 1 classes"),
        ({"files": "test"}, "no split 'train'"),
    ],
)
def test_cards_that_are_wrong_about_labelled_images(tmp_path, changes, said):
    document = {key: value for key, value in catalogue.all_cards()["digits"].model_dump().items() if value is not None}
    document |= {"classes": list(document["classes"]), "files": [dict(file) for file in document["files"]]}
    if changes.get("files"):
        document["files"][0]["split"] = "test"
    else:
        document |= changes
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(DataError, match=said):
        open_pictures(str(tmp_path / "wrong.yaml"))


def test_names_of_classes_may_be_left_out(tmp_path):
    document = {key: value for key, value in catalogue.all_cards()["digits"].model_dump().items() if value is not None}
    document |= {"classes": [], "files": [dict(file) for file in document["files"]]}
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(document))
    assert open_pictures(str(tmp_path / "x.yaml")).classes == tuple("0123456789")
