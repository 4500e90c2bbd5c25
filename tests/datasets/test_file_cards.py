"""Cards of plain files: a tiny MNIST on a server of this machine, or in a folder of the system."""

import gzip
import json
import os
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml
from fileserver import serve, sha256

from gankit.cli import main
from gankit.datasets import catalogue, store
from gankit.errors import DataError, Offline
from gankit.images.labelled import open_pictures

NAMES = {"train": ("a-images.gz", "a-labels.gz"), "test": ("b-images.gz", "b-labels.gz")}


def idx(values, kind=8):
    values = np.asarray(values, np.uint8)
    return bytes([0, 0, kind, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def arrays():
    generator = np.random.default_rng(0)
    found = {}
    for split, n in (("train", 12), ("test", 6)):
        found[split] = generator.integers(0, 256, (n, 5, 4), dtype=np.uint8), np.arange(n) % 3
    return found


CONTENTS = {
    name: idx(values) for split, pair in arrays().items() for name, values in zip(NAMES[split], pair, strict=True)
}
FILES = {name: gzip.compress(content, 9, mtime=0) for name, content in CONTENTS.items()}
ANEW = {name: gzip.compress(content, 1, mtime=1) for name, content in CONTENTS.items()}


@pytest.fixture(autouse=True)
def home(datasets_home):
    """Where the card's files are put."""
    return datasets_home / "tiny"


@pytest.fixture
def shop():
    with serve(**FILES) as running:
        yield running


@pytest.fixture
def system(tmp_path):
    """The folder of a package of the system; empty."""
    (tmp_path / "system").mkdir()
    return tmp_path / "system"


@pytest.fixture
def card(shop, tmp_path, system):
    def write(**changes):
        document = {
            "name": "tiny",
            "title": "A tiny MNIST",
            "kind": "labelled-images",
            "licence": "made for a test",
            "layout": "files",
            "format": "idx",
            "classes": ["zero", "one", "two"],
            "folders": [str(system)],
            "files": [
                {
                    "file": name,
                    "address": shop.url(f"/{name}"),
                    "sha256": sha256(content),
                    "bytes": len(content),
                    "content_sha256": sha256(CONTENTS[name]),
                }
                for name, content in FILES.items()
            ],
            "splits": {split: {"images": pair[0], "labels": pair[1]} for split, pair in NAMES.items()},
        } | changes
        (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
        return tmp_path / "tiny.yaml"

    return write


@pytest.fixture
def gankit(capsys):
    """Runs a command; exit code, stdout, stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        os.environ.pop("GANKIT_OFFLINE", None)
        return stop.value.code, *capsys.readouterr()

    return run


def put(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def asked(shop):
    return [line[0].removeprefix("/") for line in shop.log]


def listed(home):
    return sorted(path.name for path in home.iterdir() if path.name != ".lock")


def test_fetch_reads_every_pixel_and_asks_once(gankit, card, home, shop):
    code, out, err = gankit("data", "fetch", card())
    assert code == 0 and asked(shop) == list(FILES)
    assert "tiny: fetching" in err and "made for a test" in err
    assert f"train      2 files in {home}" in out and "not needed" not in out
    assert listed(home) == sorted(FILES)
    code, out, _ = gankit("data", "fetch", "tiny", "--card", card(), "--json")
    assert json.loads(out)["splits"] == {split: [str(home / name) for name in pair] for split, pair in NAMES.items()}
    opened = open_pictures(str(card()))
    assert opened.name == "tiny" and opened.classes == ("zero", "one", "two") and len(shop.log) == 4
    for part, (images, labels) in zip((opened.train, opened.test), arrays().values(), strict=True):
        np.testing.assert_array_equal(part.images, images[..., None])
        np.testing.assert_array_equal(part.labels, labels)
        assert part.images.dtype == np.uint8 and part.labels.dtype == np.int64


def test_a_split_fetches_its_own_files_only(card, shop):
    paths = catalogue.read_card(card()).paths("test")
    assert asked(shop) == ["b-images.gz", "b-labels.gz"] == [path.name for path in paths]


def test_a_broken_download_goes_on(card, shop, home):
    shop.drop_after = [30]
    catalogue.read_card(card()).paths("train")
    assert [line[1] for line in shop.log] == [None, "bytes=30-", None]
    assert (home / "a-images.gz").read_bytes() == FILES["a-images.gz"] and not list(home.glob("*.part*"))


def test_files_of_the_system_that_were_compressed_anew(gankit, card, system, home, shop):
    assert all(ANEW[name] != FILES[name] for name in FILES)
    put(system, ANEW)
    read = catalogue.read_card(card())
    assert read.state == "installed" and read.paths("train") == [system / name for name in NAMES["train"]]
    assert gankit("data", "check", card())[0] == 0
    code, out, _ = gankit("data", "fetch", card(), "--offline")
    assert code == 0 and f"test       2 files in {system}" in out
    assert shop.log == [] and not home.exists()


def test_without_a_hash_of_the_content_such_files_do_not_fit(card, system, shop, home, caplog):
    put(system, ANEW)
    files = yaml.safe_load(card().read_text())["files"]
    for file in files:
        del file["content_sha256"]
    paths = catalogue.read_card(card(files=files)).paths("train")
    assert paths == [home / name for name in NAMES["train"]] and len(shop.log) == 2
    assert str(system / "a-images.gz") in caplog.text


@pytest.mark.parametrize(
    "spoil", [lambda c: gzip.compress(c[:-1] + b"?"), lambda c: gzip.compress(c)[:-9], lambda c: c]
)
def test_another_content_in_the_systems_folder_is_told_and_not_used(gankit, card, system, shop, home, spoil):
    put(system, ANEW | {"a-labels.gz": spoil(CONTENTS["a-labels.gz"])})
    read = catalogue.read_card(card())
    (problem,) = read.problems()
    assert problem.path == system / "a-labels.gz" and problem.what
    code, out, err = gankit("data", "check", card())
    assert code == 1 and str(system / "a-labels.gz") in out and "1 file of 'tiny'" in err
    code, _, err = gankit("data", "fetch", card())
    assert code == 0 and f"{system / 'a-labels.gz'} is not the file that the card describes" in err
    assert read.paths("train") == [system / "a-images.gz", home / "a-labels.gz"] and asked(shop) == ["a-labels.gz"]
    assert read.problems() == []  # there is a whole one elsewhere


def test_state(card, system, home):
    read = catalogue.read_card(card())
    whole = sum(map(len, FILES.values()))
    assert read.bytes == whole and read.state == f"to fetch: {whole} bytes" and read.folder == home
    put(home, {"a-images.gz": FILES["a-images.gz"], "b-images.gz.part": FILES["b-images.gz"][:10]})
    assert read.state == f"to fetch: {whole - len(FILES['a-images.gz']) - 10} bytes"
    put(system, {name: ANEW[name] for name in NAMES["test"]})
    assert read.state == f"to fetch: {len(FILES['a-labels.gz'])} bytes"
    put(home, FILES)
    assert read.state == "fetched"


def test_offline_names_address_file_and_folder(gankit, card, home, shop):
    put(home, {"a-images.gz": FILES["a-images.gz"]})
    code, out, err = gankit("data", "fetch", card(), "--offline")
    assert code == 1 and out == "" and shop.log == [] and f"put by hand into {home}," in err
    for name in set(FILES) - {"a-images.gz"}:
        assert f"{name} ({len(FILES[name])} bytes) from {shop.url(f'/{name}')}" in err
    assert shop.url("/a-images.gz") not in err
    put(home, ANEW)  # by hand, and compressed anew
    assert gankit("data", "fetch", card(), "--offline")[0] == 0


def test_without_a_network_the_hint_names_what_is_still_missing(card, shop, home):
    shop.files.pop("/a-labels.gz")
    with pytest.raises(DataError, match="404") as caught:
        catalogue.read_card(card()).fetch()
    assert "a-images.gz" not in caught.value.hint and str(home) in caught.value.hint
    assert all(shop.url(f"/{name}") in caught.value.hint for name in ("a-labels.gz", "b-images.gz", "b-labels.gz"))
    assert listed(home) == ["a-images.gz"]


@pytest.mark.parametrize("wrong", [FILES["a-images.gz"][:-1], FILES["a-images.gz"][:-1] + b"x", b""])
def test_a_wrong_file_put_by_hand_is_kept_until_verify_replaces_it(gankit, card, home, shop, wrong):
    put(home, FILES | {"a-images.gz": wrong})
    code, _, err = gankit("data", "fetch", card())
    assert code == 1 and "delete it" in err and (home / "a-images.gz").read_bytes() == wrong and shop.log == []
    code, out, err = gankit("data", "check", card())
    assert code == 1 and str(home / "a-images.gz") in out and "--verify" in err
    code, _, err = gankit("data", "fetch", card(), "--verify", "--offline")
    assert code == 1 and shop.url("/a-images.gz") in err and (home / "a-images.gz").read_bytes() == wrong
    assert gankit("data", "fetch", card(), "--verify")[0] == 0
    assert asked(shop) == ["a-images.gz"] and (home / "a-images.gz").read_bytes() == FILES["a-images.gz"]


def test_a_file_that_is_corrupted_on_its_way_is_not_kept(card, home, shop):
    shop.files["/a-images.gz"] = FILES["a-images.gz"][:-1] + b"x"
    with pytest.raises(DataError, match="it was deleted"):
        catalogue.read_card(card()).paths("train")
    assert listed(home) == []


def test_check_of_what_was_not_fetched(gankit, card, home):
    code, out, _ = gankit("data", "check", card())
    assert code == 1 and out.count("not fetched") == 4 and not home.exists()


def test_two_processes_fetch_once(card, shop):
    shop.pause = 0.05
    read, failures = catalogue.read_card(card()), []

    def fetch():
        try:
            read.fetch()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and sorted(asked(shop)) == sorted(FILES)


def test_a_disk_that_is_too_small(card, shop, monkeypatch):
    usage, needed = store.shutil.disk_usage("."), sum(map(len, FILES.values()))
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: usage._replace(free=needed - 1))
    with pytest.raises(DataError, match="are free"):
        catalogue.read_card(card()).fetch()
    assert shop.log == []
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: usage._replace(free=needed))
    catalogue.read_card(card()).fetch()


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("file", "../evil.gz", "files.0.file"),
        ("file", "a/b.gz", "files.0.file"),
        ("file", ".hidden", "files.0.file"),
        ("file", "A-LABELS.gz", "two files have one name"),
        ("file", "x.part", "unfinished"),
        ("address", "http://example.org/a.gz", "files.0.address: the address 'http://example.org/a.gz' is refused"),
        ("address", "file:///etc/passwd", "files.0.address"),
        ("sha256", "0" * 63, "files.0.sha256"),
        ("content_sha256", "0" * 65, "files.0.content_sha256"),
        ("bytes", 0, "files.0.bytes"),
        ("folders", ["share"], "folders.0: 'share' is no absolute path"),
        ("splits", {"train": {"images": "other.gz"}}, "not listed: other.gz"),
        ("splits", {"train": {"labels": "a-labels.gz"}}, "splits.train.images"),
        ("splits", {"dev": {"images": "a-images.gz"}}, "splits.dev"),
        ("files", [], "files:"),
        ("classes", [1, 2], "classes.0"),
        ("layout", "fils", "'fils'"),
    ],
)
def test_damaged_cards_are_refused_and_write_nothing(gankit, card, tmp_path, place, value, said):
    document = yaml.safe_load(card().read_text())
    if place in document:
        document[place] = value
    else:
        document["files"][0][place] = value
    path = card(**document)
    code, _, err = gankit("data", "fetch", path)
    assert code == 1 and f"{path} is damaged" in err and said in err
    assert not (tmp_path / "home").exists()


def test_a_card_of_installed_files_names_the_place_of_an_error():
    text = "name: x\ntitle: x\nkind: images\nlicence: x\nlayout: python-package\nfiles: [{package: p}]\n"
    with pytest.raises(DataError, match=r"files\.0\.path"):
        catalogue.parse_card(text, "x.yaml")


@pytest.mark.parametrize("name", ["fashion-mnist", "mnist"])
def test_the_installed_cards(name):
    card = catalogue.all_cards()[name]
    assert [file.file for file in card.files] == [
        f"{part}-{what}-ubyte.gz" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")
    ]
    host = {"mnist": "cvdf-datasets/mnist", "fashion-mnist": "tensorflow/tf-keras-datasets"}[name]
    assert all(f.address == f"https://storage.googleapis.com/{host}/{f.file}" for f in card.files)
    assert card.bytes == {"mnist": 11_594_722, "fashion-mnist": 30_878_645}[name]
    assert len(card.classes) == 10 and card.kind == "labelled-images" and card.format == "idx"


def test_mnists_test_files_fit_their_card(test_data):
    """The downloaded files by their own hash, and what is in them by the hash of the content."""
    card = catalogue.all_cards()["mnist"]
    for file in card.files[2:]:
        path = test_data / "zoo" / "mnist" / file.file
        if not path.is_file():
            pytest.skip(f"{path} is not there")
        assert file.wrong(path) == ""
        assert sha256(gzip.decompress(path.read_bytes())) == file.content_sha256


def test_offline_is_its_own_error(card, monkeypatch):
    monkeypatch.setenv("GANKIT_OFFLINE", "1")
    with pytest.raises(Offline, match=r"lacks a-images\.gz, a-labels\.gz, b-images\.gz, b-labels\.gz"):
        open_pictures(str(card()))


def test_the_folder_of_a_package_may_be_another_systems(card):
    read = catalogue.read_card(card(folders=["/nowhere/at/all"]))
    assert read.state.startswith("to fetch") and [path.is_file() for path in read.paths("test")] == [True, True]
    assert Path(read.folders[0]).name == "all"
