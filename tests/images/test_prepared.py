"""Photographs in memory and in the file that holds them where memory does not: the same pixels, never stale ones."""

import copy
import errno
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from mutation import altered, mutated
from PIL import Image

from gankit.errors import DataError
from gankit.images import decoding, prepared
from gankit.images.crops import ImageCrops
from gankit.images.images import list_images, read_image
from gankit.images.prepared import load_pixels
from gankit.images.reductions import Reductions

SIZES = Reductions((1.0, 0.5), None, 12)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GANKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "prepared"


@pytest.fixture
def photos(tmp_path):
    """A dozen pictures; one lies on its side, one is too small to be reduced, and one is upright."""
    rng, folder = np.random.default_rng(1), tmp_path / "photos"
    folder.mkdir()
    for number in range(12):
        shape = {3: (20, 23), 5: (61, 35)}.get(number, (30 + number, 61))
        exif = Image.Exif()
        exif[0x0112] = 6 if number == 2 else 1
        picture = Image.fromarray(rng.integers(0, 256, (*shape, 3), np.uint8))
        picture.save(folder / f"{number:02}.png", exif=exif)
    return list_images(folder)


@pytest.fixture
def decodings(monkeypatch):
    """The names of the files that are decoded."""
    names, lock = [], threading.Lock()

    def counted(path):
        with lock:
            names.append(path.name)
        return read_image(path)

    monkeypatch.setattr(decoding, "read_image", counted)
    return names


def contents(pixels):
    return pixels.tensor().numpy()


def folders(home):
    return sorted(path.name for path in home.iterdir() if path.is_dir())


def test_memory_and_file_hold_the_same(home, photos):
    memory, file = load_pixels(photos, SIZES, 1), load_pixels(photos, SIZES, 0)
    expected = [copy for path in photos for copy in SIZES.copies(read_image(path))]
    assert len(expected) == 23 and expected[4].shape == (61, 32, 3)
    for pixels in (memory, file):
        assert list(zip(pixels.heights, pixels.widths, strict=True)) == [copy.shape[:2] for copy in expected]
        np.testing.assert_array_equal(contents(pixels), np.concatenate([copy.reshape(-1, 3) for copy in expected]))
        assert pixels.names == tuple(str(path) for path in photos for _ in SIZES.shapes(*read_image(path).shape[:2]))
    assert memory.hashes == file.hashes
    assert ImageCrops(memory, 12).fingerprint == ImageCrops(file, 12).fingerprint
    (folder,) = folders(home)
    assert (home / folder / "pixels").stat().st_size == sum(copy.nbytes for copy in expected)
    assert sorted(path.name for path in (home / folder).iterdir()) == ["index.json", "pixels"]


def test_a_later_run_finds_it(home, photos, decodings, caplog):
    caplog.set_level(logging.INFO, "gankit")
    first = load_pixels(photos, SIZES, 0)
    assert sorted(decodings) == [path.name for path in photos]
    assert "cache_mb 0: preparing them, once; that takes" in caplog.text
    caplog.clear()
    again = load_pixels(photos, SIZES, 0)
    assert len(decodings) == len(photos) and again.hashes == first.hashes
    (line,) = caplog.messages
    assert "reading them from" in line and str(home) in line


def test_it_fits_exactly(home, photos):
    bytes_needed = decoding.Plan.of(photos, SIZES).nbytes
    plan = Reductions((1.0,), None, 12)
    assert decoding.Plan.of(photos, plan).nbytes < bytes_needed
    load_pixels(photos, SIZES, bytes_needed / 1e6)
    assert not home.exists()
    load_pixels(photos, SIZES, (bytes_needed - 1) / 1e6)
    assert len(folders(home)) == 1


def test_a_changed_picture_is_never_stale(home, photos):
    """Same name, same size, same times: only the bytes tell."""
    bmp = photos[5].with_suffix(".bmp")
    Image.open(photos[5]).save(bmp)
    photos[5].unlink()
    photos[5] = bmp
    before, status = load_pixels(photos, SIZES, 0), bmp.stat()
    data = bytearray(bmp.read_bytes())
    data[-10] ^= 1
    bmp.write_bytes(data)
    os.utime(bmp, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (bmp.stat().st_size, bmp.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    after = load_pixels(photos, SIZES, 0)
    assert sum(a != b for a, b in zip(before.hashes, after.hashes, strict=True)) >= 1
    np.testing.assert_array_equal(contents(after), contents(load_pixels(photos, SIZES, 1)))
    assert len(folders(home)) == 2


def test_only_pictures_and_sizes_matter(home, photos, decodings, tmp_path):
    load_pixels(photos, SIZES, 0)
    shutil.copytree(photos[0].parent, tmp_path / "elsewhere")  # with other times
    moved = list_images(tmp_path / "elsewhere")
    moved = [path.rename(path.with_name(f"picture-{path.name}")) for path in moved]
    found = load_pixels(moved, Reductions((0.5, 1.0), 4000, 11), 0)  # which come to the same shapes
    assert len(decodings) == 12 and found.names[0] == str(moved[0])
    load_pixels(photos, Reductions((1.0,), None, 12), 0)
    load_pixels(photos[::-1], SIZES, 0)
    assert len(decodings) == 36 and len(folders(home)) == 3


CHILD = """
import os, signal, sys, time
from gankit.images import decoding, prepared
from gankit.support.places import home
from gankit.images.images import list_images, read_image
from gankit.images.reductions import Reductions
from pathlib import Path
read, count = read_image, 0
def fatal(path):
    global count
    count += 1
    if count == 8:
        while not any(journal.read_text() for journal in home().glob("prepared/*/done.jsonl")):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    return read(path)
decoding.read_image = fatal
prepared.load_pixels(list_images(Path(sys.argv[1])), Reductions((1.0, 0.5), None, 12), 0)
"""


def killed(photos):
    """Leaves what a process that is killed at the eighth picture leaves."""
    child = subprocess.run([sys.executable, "-c", CHILD, str(photos[0].parent)])
    assert child.returncode == -signal.SIGKILL


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_killed_preparation_goes_on(home, photos, decodings, caplog):
    caplog.set_level(logging.INFO, "gankit")
    killed(photos)
    (part,) = folders(home)
    assert part.endswith(".part")
    journal = home / part / "done.jsonl"
    lines = [line for line in journal.read_text().splitlines() if line]
    numbers = [json.loads(line)[0] for line in lines]
    assert 1 <= len(numbers) <= 7
    # The crash also cut a line short, left nonsense, and spoiled the pixels of one picture.
    with journal.open("a") as file:
        file.write('\n{"a": 1}\n[99, []]\n[3, [[1, 2]]]\n[0, [[20,')
    with (home / part / "pixels").open("r+b") as file:
        file.seek(3 * decoding.Plan.of(photos, SIZES).offsets[numbers[0]] + 5)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    found = load_pixels(photos, SIZES, 0)
    assert set(decodings) == {path.name for number, path in enumerate(photos) if number not in numbers[1:]}
    assert len(decodings) == len(set(decodings))
    assert f"going on after {len(numbers) - 1} of 12" in caplog.text or len(numbers) == 1
    np.testing.assert_array_equal(contents(found), contents(load_pixels(photos, SIZES, 1)))
    assert folders(home) == [part.removesuffix(".part")]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_what_was_left_unfinished_is_cleared_away(home, photos, tmp_path):
    killed(photos)
    (left,) = folders(home)
    lock = prepared.FileLock(home / left.replace(".part", ".lock"))
    with lock:  # some process is at it
        load_pixels(photos[:2], SIZES, 0)
        assert left in folders(home)
    load_pixels(photos[:3], SIZES, 0)
    assert left not in folders(home) and len(folders(home)) == 2


def test_a_damaged_file_is_made_again(home, photos, decodings, caplog):
    caplog.set_level(logging.WARNING, "gankit")
    load_pixels(photos, SIZES, 0)
    (folder,) = folders(home)
    path, index = home / folder / "pixels", home / folder / "index.json"
    good, time = path.read_bytes(), path.stat().st_mtime_ns
    os.utime(path, ns=(0, 0))  # only touched: nothing is decoded, and it is not looked into again
    load_pixels(photos, SIZES, 0)
    assert len(decodings) == 12 and path.stat().st_mtime_ns == time and not caplog.text
    for number, spoil in enumerate(
        (
            lambda: path.write_bytes(good[:-1] + bytes([good[-1] ^ 1])),
            lambda: path.write_bytes(good[:-1]),
            lambda: index.write_text("{"),
            lambda: index.write_text(index.read_text().replace('"format": 1', '"format": 0')),
            index.unlink,
            path.unlink,
        )
    ):
        caplog.clear()
        spoil()
        load_pixels(photos, SIZES, 0)
        assert path.read_bytes() == good and len(decodings) == 12 * (number + 2)
        assert ("damaged" in caplog.text) == (number < 4)
        assert folders(home) == [folder]


def test_a_full_disk_is_seen_before(home, photos, decodings, monkeypatch):
    needed = decoding.Plan.of(photos, SIZES).nbytes
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=needed - 1))
    with pytest.raises(DataError, match=r"need 91\.8 kB of disk in .*, which has 91\.8 kB free") as caught:
        load_pixels(photos, SIZES, 0)
    assert "cache_mb of 1" in caught.value.hint and "GANKIT_HOME" in caught.value.hint
    assert folders(home) == [] and not decodings
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=needed))
    load_pixels(photos, SIZES, 0)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="posix_fallocate")
def test_a_disk_that_fills_up_meanwhile(home, photos, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataError, match="the disk is full") as caught:
        load_pixels(photos, SIZES, 0)
    assert "cache_mb" in caught.value.hint and folders(home) == []

    def unsupported(*arguments):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    load_pixels(photos, SIZES, 0)


def test_a_folder_that_cannot_be_made(home, photos):
    home.parent.write_text("a file")
    with pytest.raises(DataError, match=r"cannot prepare the photographs in .*: Not a directory") as caught:
        load_pixels(photos, SIZES, 0)
    assert "GANKIT_HOME" in caught.value.hint


def test_bad_photographs_are_all_named_and_nothing_is_left(home, photos):
    for number in (1, 4):
        photos[number].write_bytes(photos[number].read_bytes()[:-1500])  # the header is whole
    for cache_mb in (0, 1):
        with pytest.raises(DataError, match=r"01\.png.*04\.png"):
            load_pixels(photos, SIZES, cache_mb)
    assert folders(home) == []
    with pytest.raises(DataError, match=r"smaller than a crop of 31 x 31 pixels: .*00\.png \(61 x 30\), .*03\.png"):
        load_pixels([*photos[:1], *photos[2:4], *photos[5:]], Reductions((1.0, 0.5), None, 31), 1)


@pytest.mark.parametrize("shape", [(30, 61), (30, 62)])
def test_a_photograph_that_changes_meanwhile_is_refused(home, photos, monkeypatch, shape):
    def other(path):
        if path == photos[0]:
            Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(path)
        return read_image(path)

    monkeypatch.setattr(decoding, "read_image", other)
    with pytest.raises(DataError, match=r"00\.png changed while it was read"):
        load_pixels(photos, SIZES, 0)
    assert folders(home) == []


def test_two_at_once_prepare_once(home, photos, decodings, caplog):
    caplog.set_level(logging.INFO, "gankit")
    found = []
    threads = [threading.Thread(target=lambda: found.append(load_pixels(photos, SIZES, 0))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(decodings) == 12 and len(found) == 3 and len({one.hashes for one in found}) == 1


def test_no_photograph(home):
    with pytest.raises(DataError, match="no image"):
        ImageCrops(load_pixels([], SIZES, 1), 12)


def test_any_other_index_or_journal_gives_the_same_pixels(home, photos):
    """By chance: an index or a journal is never believed, and at worst all is made again."""

    def told(cache_mb):
        found = load_pixels(photos[:2], SIZES, cache_mb)
        return found.hashes, found.heights.tolist(), found.widths.tolist()

    truth = told(1000)
    load_pixels(photos[:2], SIZES, 0)
    (index,) = home.glob("*/index.json")
    whole = index.read_bytes()
    document = json.loads(whole)
    journal = "\n".join(json.dumps([i, one["images"]]) for i, one in enumerate(document["photographs"])).encode()
    rng = np.random.default_rng(0)
    taller = copy.deepcopy(document)
    taller["photographs"][0]["images"][0][0] += 1
    for number in range(60):
        changed = altered(document, rng) if number else taller
        index.write_bytes(mutated(whole, rng) if rng.random() < 0.3 and number else json.dumps(changed).encode())
        part = index.parent.with_name(f"{index.parent.name}.part")
        part.mkdir()
        shutil.copy(index.with_name("pixels"), part / "pixels")
        lines = [json.dumps(altered([0, document["photographs"][0]["images"]], rng)).encode(), mutated(journal, rng)]
        (part / "done.jsonl").write_bytes(b"\n".join(lines))
        assert told(0) == truth
        shutil.rmtree(part, ignore_errors=True)
