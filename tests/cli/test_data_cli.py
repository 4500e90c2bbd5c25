"""`gankit data` and datasets by name, as a user meets them: a small DIV2K on a server of this machine."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fileserver import div2k, noise, picture, serve, sha256, tree, write_card, zipped

from gankit.cli import main
from gankit.datasets import archives, catalogue, store
from gankit.engine import checkpoint
from gankit.errors import DataError, UsageError

ARCHIVES = div2k()
TRAIN, VALID = ARCHIVES


@pytest.fixture(autouse=True)
def home(datasets_home):
    """Where the card's files are put."""
    return datasets_home / "div2k"


@pytest.fixture
def shop():
    with serve(**ARCHIVES) as running:
        yield running


@pytest.fixture
def card(shop, tmp_path):
    return write_card(tmp_path / "card.yaml", shop, ARCHIVES)


@pytest.fixture
def gankit(capsys):
    """Runs a command; exit code, stdout, stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        os.environ.pop("GANKIT_OFFLINE", None)  # what --offline leaves behind in this process
        return stop.value.code, *capsys.readouterr()

    return run


def pictures(home):
    return {path: content for path, content in tree(home).items() if path.endswith(".png")}


def put(home, archives):
    """Places archives by hand."""
    (home / "downloads").mkdir(parents=True, exist_ok=True)
    for name, content in archives.items():
        (home / "downloads" / name).write_bytes(content)


def test_list_knows_div2k_and_its_size(gankit):
    code, out, _ = gankit("data", "list")
    assert code == 0
    (line,) = (line for line in out.splitlines() if line.startswith("div2k"))
    assert "to fetch: 4.0 GB" in line and "academic research only" in line and "images" in line
    code, out, _ = gankit("data", "list", "--json")
    cards = {card["name"]: card for card in json.loads(out)}
    assert cards["div2k"]["bytes"] == 3_530_603_713 + 448_993_893
    assert cards["div2k"]["folder"].endswith("home/datasets/div2k") and "NTIRE 2017" in cards["div2k"]["citation"]
    assert cards["photos"]["state"] == "installed" and cards["photos"]["folder"] is None


def test_the_card_of_div2k():
    card = catalogue.all_cards()["div2k"]
    assert {archive.file: (archive.bytes, archive.sha256[:8], archive.stem) for archive in card.archives} == {
        "DIV2K_train_HR.zip": (3_530_603_713, "9d0b9c46", "DIV2K_train_HR"),
        "DIV2K_valid_HR.zip": (448_993_893, "20dd31fd", "DIV2K_valid_HR"),
    }
    assert {name: (split.archive, split.count) for name, split in card.splits.items()} == {
        "train": ("DIV2K_train_HR.zip", 800),
        "test": ("DIV2K_valid_HR.zip", 100),
    }
    assert all(
        archive.address == f"https://data.vision.ee.ethz.ch/cvl/DIV2K/{archive.file}" for archive in card.archives
    )


def test_data_list_is_light():
    code = (
        "import sys\nfrom gankit.cli import main\n"
        "try: main(['data', 'list'])\nexcept SystemExit as stop: assert not stop.code\n"
        "heavy = {'tensorflow', 'keras', 'requests', 'matplotlib', 'skimage', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_fetch_says_how_large_and_where_and_does_it_once(gankit, card, home, shop):
    code, out, err = gankit("data", "fetch", "div2k", "--card", card)
    assert code == 0
    size = sum(map(len, ARCHIVES.values()))
    assert f"div2k: fetching {size / 1000:.1f} kB from 127.0.0.1" in err and "made for a test" in err
    assert f"train      4 files in {home / 'DIV2K_train_HR' / 'DIV2K_train_HR'}" in out
    assert f"test       2 files in {home / 'DIV2K_valid_HR' / 'DIV2K_valid_HR'}" in out
    assert f"archives   {size / 1000:.1f} kB in {home / 'downloads'}, not needed any more" in out
    assert len(pictures(home)) == 6
    assert pictures(home)["DIV2K_train_HR/DIV2K_train_HR/0003.png"] == picture(64 + 24, 3)
    assert [line[0] for line in shop.log] == [f"/{TRAIN}", f"/{VALID}"]
    for word in ("div2k", card):
        code, out, _ = gankit("data", "fetch", word, *(["--card", card] if word == "div2k" else []), "--json")
        assert code == 0 and len(shop.log) == 2
    assert [Path(path).name for path in json.loads(out)["splits"]["test"]] == ["0005.png", "0006.png"]


def test_a_split_fetches_its_own_archive_only(card, home, shop):
    paths = catalogue.read_card(card).paths("test")
    assert [line[0] for line in shop.log] == [f"/{VALID}"]
    assert [path.name for path in paths] == ["0005.png", "0006.png"]
    assert catalogue.read_card(card).state.startswith("to fetch: ")


def test_state(card, home, shop, gankit):
    read = catalogue.read_card(card)
    assert read.state == f"to fetch: {read.bytes / 1000:.1f} kB"
    put(home, {TRAIN: ARCHIVES[TRAIN]})
    (home / "downloads" / f"{VALID}.part").write_bytes(ARCHIVES[VALID][:-1000])
    assert read.state == "to fetch: 1.0 kB"
    (home / "downloads" / VALID).write_bytes(b"another file")
    assert read.state == "to fetch: 1.0 kB"
    (home / "downloads" / VALID).write_bytes(ARCHIVES[VALID])
    assert read.state == "to unpack"
    read.fetch()
    assert read.state == "fetched" and shop.log == []
    for path in (home / "downloads").iterdir():
        path.unlink()
    assert read.state == "fetched" and len(read.paths("train")) == 4  # the archives are not needed any more


@pytest.mark.parametrize("by", ["option", "verb's option", "variable"])
def test_offline_names_address_file_and_folder(gankit, card, home, shop, monkeypatch, by):
    before = ["--offline"] if by == "option" else []
    after = ["--offline"] if by == "verb's option" else []
    if by == "variable":
        monkeypatch.setenv("GANKIT_OFFLINE", "1")
    code, out, err = gankit(*before, "data", "fetch", card, *after)
    assert code == 1 and out == "" and shop.log == []
    for name in ARCHIVES:
        assert shop.url(f"/{name}") in err and name in err
    assert f"{home / 'downloads'}" in err
    put(home, ARCHIVES)
    code, *_ = gankit("--offline", "data", "fetch", card)
    assert code == 0 and len(pictures(home)) == 6 and shop.log == []


def test_without_a_network_the_same_is_said(gankit, tmp_path, home):
    with serve() as gone:
        card = write_card(tmp_path / "card.yaml", gone, ARCHIVES)
    code, _, err = gankit("data", "fetch", card)
    assert code == 1 and "Connection refused" in err
    for name in ARCHIVES:
        assert gone.url(f"/{name}") in err
    assert str(home / "downloads") in err


@pytest.mark.parametrize("spoil", [lambda c: c[:-1], lambda c: c[:99] + bytes([c[99] ^ 1]) + c[100:]])
def test_a_wrong_file_put_by_hand_is_named_and_kept(gankit, card, home, shop, spoil):
    wrong = spoil(ARCHIVES[TRAIN])
    put(home, {TRAIN: wrong})
    code, _, err = gankit("data", "fetch", card)
    assert code == 1 and str(home / "downloads" / TRAIN) in err and "delete it" in err
    assert (home / "downloads" / TRAIN).read_bytes() == wrong and shop.log == []


def test_an_archive_that_is_corrupted_on_its_way(gankit, card, home, shop):
    shop.files[f"/{VALID}"] = ARCHIVES[VALID][:-1] + b"x"
    code, _, err = gankit("data", "fetch", card)
    assert code == 1 and sha256(ARCHIVES[VALID]) in err and sha256(ARCHIVES[VALID][:-1] + b"x") in err
    assert not (home / "downloads" / VALID).exists() and not (home / "downloads" / f"{VALID}.part").exists()
    assert len(pictures(home)) == 4  # the other one is there
    shop.files[f"/{VALID}"] = ARCHIVES[VALID]
    code, *_ = gankit("data", "fetch", card)
    assert code == 0 and [line[0] for line in shop.log].count(f"/{TRAIN}") == 1


def test_a_truncated_archive(gankit, card, home, shop):
    shop.files[f"/{TRAIN}"] = ARCHIVES[TRAIN][:-1000]
    code, _, err = gankit("data", "fetch", card)
    assert code == 1 and f"instead of {len(ARCHIVES[TRAIN]):,}" in err and "by hand" in err


def test_an_archive_that_is_refused_leaves_nothing_unpacked(gankit, shop, tmp_path, home):
    bad = {"DIV2K_train_HR.zip": zipped(**{"DIV2K_train_HR__1.png": b"1", "..__evil": b"2"})}
    shop.files["/DIV2K_train_HR.zip"] = bad["DIV2K_train_HR.zip"]
    code, _, err = gankit("data", "fetch", write_card(tmp_path / "card.yaml", shop, bad))
    assert code == 1 and "leads elsewhere" in err
    assert set(tree(tmp_path / "home")) == {"datasets/div2k/.lock", "datasets/div2k/downloads/DIV2K_train_HR.zip"}


@pytest.mark.parametrize("moment", ["first file", "last file", "before the folder", "before the record"])
def test_an_interrupted_unpacking_is_never_taken_for_a_whole_one(card, home, shop, monkeypatch, moment):
    put(home, ARCHIVES)
    read = catalogue.read_card(card)
    with monkeypatch.context() as patch:
        if "file" in moment:
            whole = archives.unpack

            def torn(*arguments):
                done = 0

                def stop(count):
                    nonlocal done
                    done += 1
                    if done == {"first file": 1, "last file": 4}[moment]:
                        raise KeyboardInterrupt

                return whole(*arguments[:-1], stop)

            patch.setattr(archives, "unpack", torn)
        else:
            replace, calls = os.replace, []

            def refuse(*arguments):
                calls.append(arguments)
                if len(calls) == {"before the folder": 1, "before the record": 2}[moment]:
                    raise KeyboardInterrupt
                replace(*arguments)

            patch.setattr(archives.os, "replace", refuse)
            patch.setattr(store.shutil, "rmtree", lambda *arguments, **options: None)  # a killed process cleans nothing
        with pytest.raises(KeyboardInterrupt):
            read.paths("train")
    assert read.state != "fetched" and not list(home.glob("*.unpacked.json"))
    assert [path.read_bytes() for path in read.paths("train")] == [picture(64 + 8 * (n % 5), n) for n in (1, 2, 3, 4)]
    assert not list(home.glob(".DIV2K*")) and shop.log == []


@pytest.mark.parametrize("kept", [True, False])
def test_check_finds_damage_and_fetch_verify_mends_it(gankit, card, home, shop, kept):
    assert gankit("data", "fetch", card)[0] == 0
    code, out, _ = gankit("data", "check", card)
    assert code == 0 and "every file is as it should be" in out
    whole = pictures(home)
    if not kept:
        (home / "downloads" / TRAIN).unlink()
    folder = home / "DIV2K_train_HR" / "DIV2K_train_HR"
    flipped, shortened, gone = (folder / f"000{n}.png" for n in (1, 2, 3))
    content = bytearray(flipped.read_bytes())
    content[-20] ^= 1
    flipped.write_bytes(content)
    shortened.write_bytes(shortened.read_bytes()[:-1])
    gone.unlink()
    code, out, err = gankit("data", "check", card)
    assert code == 1 and "3 files" in err and f"gankit data fetch {card} --verify" in err
    assert [line.split(": ")[0] for line in out.splitlines()] == [str(flipped), str(shortened), str(gone)]
    assert "sha256" in out and "bytes instead of" in out and "missing" in out
    code, out, _ = gankit("data", "check", "div2k", "--card", card, "--json")
    found = json.loads(out)
    assert (
        code == 1
        and found["ok"] is False
        and [p["path"] for p in found["problems"]]
        == [
            str(flipped),
            str(shortened),
            str(gone),
        ]
    )
    requests = len(shop.log)
    assert gankit("data", "fetch", card, "--verify")[0] == 0
    assert pictures(home) == whole and len(shop.log) == requests + (not kept)
    assert gankit("data", "check", card)[0] == 0


def test_a_damaged_archive_is_found_too(gankit, card, home, shop):
    assert gankit("data", "fetch", card)[0] == 0
    requests = len(shop.log)
    (home / "downloads" / TRAIN).write_bytes(noise(len(ARCHIVES[TRAIN])))
    code, out, err = gankit("data", "check", card)
    assert code == 1 and "1 file of" in err and f"{home / 'downloads' / TRAIN}: its sha256 is" in out
    assert catalogue.read_card(card).paths("train")  # it isn't needed
    assert gankit("data", "fetch", card, "--verify")[0] == 0 and len(shop.log) == requests
    assert not (home / "downloads" / TRAIN).exists()
    assert gankit("data", "check", card)[0] == 0


def test_verify_fetches_a_damaged_archive_again_where_it_is_needed(gankit, card, home, shop):
    put(home, ARCHIVES | {TRAIN: noise(len(ARCHIVES[TRAIN]))})
    assert gankit("data", "fetch", card)[0] == 1
    assert gankit("data", "fetch", card, "--verify")[0] == 0
    assert len(pictures(home)) == 6 and [line[0] for line in shop.log] == [f"/{TRAIN}"]


def test_a_missing_picture_is_replaced_without_being_asked(card, home, shop):
    read = catalogue.read_card(card)
    first = read.paths("train")[0]
    first.unlink()
    assert read.paths("train")[0].is_file() and len(shop.log) == 1


def test_check_of_what_was_not_fetched(gankit, card, home, shop):
    code, out, _ = gankit("data", "check", card)
    assert code == 1 and out.count("not fetched") == 2 and shop.log == []
    put(home, {TRAIN: ARCHIVES[TRAIN]})
    assert gankit("data", "check", card)[1].count("not unpacked") == 1
    (home / "downloads" / TRAIN).write_bytes(b"torn")
    assert "4 bytes instead of" in gankit("data", "check", card)[1]


def test_check_of_photos(gankit):
    code, out, _ = gankit("data", "check", "photos")
    assert code == 0 and "every file" in out


RECIPE = """
from gankit import Recipe


class Counting(Recipe):
    name = "counting"

    def check(self, source):
        with open(source) as file:
            lines = file.read().split()
        return {"ok": "bad" not in lines, "lines": len(lines)}, f"lines {len(lines)}"
"""


def test_check_of_ones_own_files_asks_the_recipe(gankit, card, tmp_path):
    (tmp_path / "mine.py").write_text(RECIPE)
    recipe, data = f"{tmp_path / 'mine.py'}:Counting", tmp_path / "data.txt"
    data.write_text("a b")
    assert gankit("data", "check", data, "--recipe", recipe)[:2] == (0, "lines 2\n")
    data.write_text("a bad c")
    code, out, err = gankit("data", "check", data, "--recipe", recipe, "--json")
    assert (code, json.loads(out)) == (1, {"ok": False, "lines": 3}) and "not all of" in err
    code, _, err = gankit("data", "check", data, "--recipe", recipe, "--card", card)
    assert code == 2 and "is the card of 'div2k'" in err
    code, out, err = gankit("data", "check", data)
    assert (code, out) == (2, "") and f"gankit data check {data} --recipe NAME" in err


OPENING = """
import numpy as np
from gankit import ArraySource, Data, Recipe, RecipeConfig


class Config(RecipeConfig):
    data: str = ""


class Opening(Recipe):
    name, Config = "opening", Config

    def data(self):
        rows = np.loadtxt(self.config.data)
        return Data({"rows": ArraySource(x=rows)}, {}, {"columns": rows.shape[1]})
"""


def test_a_recipe_without_a_check_of_its_own_opens_the_data(gankit, tmp_path):
    (tmp_path / "mine.py").write_text(OPENING)
    recipe, data = f"{tmp_path / 'mine.py'}:Opening", tmp_path / "data.txt"
    data.write_text("1 2 3\n4 5 6\n")
    assert gankit("data", "check", data, "--recipe", recipe)[:2] == (0, "rows: 2 examples to train on\n")
    assert json.loads(gankit("data", "check", data, "--recipe", recipe, "--json")[1])["facts"] == {"columns": 3}
    data.write_text("one two")
    code, _, err = gankit("data", "check", data, "--recipe", recipe)
    assert code == 1 and "mine.py:14 in data" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["data", "fetch", "div2"], "did you mean 'div2k'"),
        (["data", "check", "div2"], "did you mean 'div2k'"),
        (["data", "fetch", "photos", "--card", "CARD"], "is the card of 'div2k'"),
        (["data", "fetch", "div2k", "--card", "absent.yaml"], "does not exist"),
        (["run", "srgan", "--card", "CARD", "--data", "photos"], "is the card of 'div2k'"),
        (["run", "srgan", "--card", "CARD", "--set", "data=photos"], "other data than --card"),
        (["data", "ftech"], "fetch"),
    ],
)
def test_wrong_usage(gankit, card, arguments, said):
    code, _, err = gankit(*(str(card) if word == "CARD" else word for word in arguments))
    assert code == 2 and said in err


def changed(card, **changes):
    document = yaml.safe_load(card.read_text()) | changes
    card.write_text(yaml.safe_dump(document))
    return card


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("name", "../evil"),
        ("name", "/evil"),
        ("name", "Evil"),
        ("name", ""),
        ("layout", "torrent"),
        ("file", "../evil.zip"),
        ("file", "/tmp/evil.zip"),
        ("file", "a/b.zip"),
        ("file", "a\\b.zip"),
        ("file", "..zip"),
        ("file", "evil"),
        ("file", "downloads.zip"),
        ("file", VALID),
        ("address", "http://example.org/a.zip"),
        ("address", "file:///etc/passwd"),
        ("sha256", "0" * 63),
        ("sha256", "../" + "0" * 61),
        ("bytes", 0),
        ("bytes", "many"),
        ("unpacked_bytes", -1),
        ("archive", "other.zip"),
    ],
)
def test_damaged_cards_are_refused_and_write_nothing(gankit, card, tmp_path, place, value):
    document = yaml.safe_load(card.read_text())
    if place in document:
        document[place] = value
    elif place == "archive":
        document["splits"]["train"][place] = value
    else:
        document["archives"][0][place] = value
        document["splits"]["train"]["archive"] = document["archives"][0]["file"]
    changed(card, **document)
    code, _, err = gankit("data", "fetch", card)
    assert code == 1 and str(card) in err and "is damaged" in err and (place in err or place in ("file", "archive"))
    assert not (tmp_path / "home").exists()


def test_names_in_one_folder_are_different_on_every_system(gankit, card):
    document = yaml.safe_load(card.read_text())
    document["archives"][1]["file"] = TRAIN.lower()
    document["splits"]["test"]["archive"] = TRAIN.lower()
    assert "two archives" in gankit("data", "fetch", changed(card, **document))[2]


def test_a_new_edition_replaces_the_old_one(card, shop, home):
    catalogue.read_card(card).fetch()
    newer = div2k(train=3)
    shop.files |= {f"/{name}": content for name, content in newer.items()}
    shutil.rmtree(home / "downloads")
    read = catalogue.read_card(write_card(card, shop, newer))
    assert read.state.startswith("to fetch")
    assert [path.name for path in read.paths("train")] == ["0001.png", "0002.png", "0003.png"]
    assert len(list((home / "DIV2K_train_HR" / "DIV2K_train_HR").iterdir())) == 3


def test_a_card_that_is_wrong_about_the_content(gankit, card):
    document = yaml.safe_load(card.read_text())
    document["splits"]["train"]["count"] = 5
    code, _, err = gankit("data", "fetch", changed(card, **document))
    assert code == 1 and "has 4 files" in err and "speaks of 5" in err
    document["splits"]["train"] = {"archive": TRAIN, "files": "*.jpg"}
    assert "has 0 files" in gankit("data", "fetch", changed(card, **document))[2]


def test_the_limit_of_a_card(gankit, card, home):
    document = yaml.safe_load(card.read_text())
    document["archives"][0]["unpacked_bytes"] = 1000
    code, _, err = gankit("data", "fetch", changed(card, **document))
    assert code == 1 and "more than 1,000 bytes" in err and pictures(home) == {}


def test_a_disk_that_is_too_small_is_noticed_first(gankit, card, shop, home, monkeypatch):
    usage = store.shutil.disk_usage(".")
    needed = 2 * sum(map(len, ARCHIVES.values()))
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: usage._replace(free=needed - 1))
    code, _, err = gankit("data", "fetch", card)
    assert code == 1 and "are free" in err and "GANKIT_HOME" in err and shop.log == []
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: usage._replace(free=needed))
    assert gankit("data", "fetch", card)[0] == 0


def test_a_home_that_cannot_be_written(gankit, card, tmp_path):
    (tmp_path / "home").write_text("a file")
    code, _, err = gankit("data", "fetch", card)
    assert code == 1 and "GANKIT_HOME" in err


def test_resolve_reads_cards(card, tmp_path, monkeypatch):
    assert catalogue.resolve(str(card), "images").title == "A small DIV2K"
    assert catalogue.resolve("div2k", "images").title.startswith("DIV2K, 900")
    with pytest.raises(UsageError, match="is a dataset of tables, and the recipe reads images"):
        catalogue.resolve(str(changed(card, kind="tables")), "images")
    with pytest.raises(UsageError, match="mnist is a dataset of labelled images, and the recipe reads images"):
        catalogue.resolve("mnist", "images")
    (tmp_path / "torn.yaml").write_text("name: [")
    with pytest.raises((DataError, UsageError), match=r"torn\.yaml"):
        catalogue.resolve(str(tmp_path / "torn.yaml"), "images")


@pytest.mark.slow
def test_a_recipe_trains_on_a_dataset_that_it_fetches_itself(gankit, card, home, shop, tmp_path, monkeypatch):
    pytest.importorskip("gankit_srgan")
    monkeypatch.chdir(tmp_path)
    quick = ["--stages", "pixel", "--blocks", 1, "--width", 8, "--crop", 32, "--batch-size", 4]
    quick += ["--max-steps", 4, "--steps-per-call", 1, "--checkpoint-every", 2, "--runs-dir", tmp_path / "runs"]
    code, _, err = gankit("run", "srgan", "--data", "div2k", "--card", "card.yaml", "--offline", *quick)
    assert code == 1 and shop.url(f"/{TRAIN}") in err and not (tmp_path / "runs").exists()
    code, out, err = gankit("run", "srgan", "--data", "div2k", "--card", "card.yaml", *quick)
    assert code == 0, err
    assert "div2k: fetching" in err and "psnr" in out and len(pictures(home)) == 6
    (run,) = (tmp_path / "runs" / "srgan").iterdir()
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert {row["image"] for row in evaluation["rows"]} == {"0005.png", "0006.png"}

    # A resume elsewhere knows the card, and goes on to the same weights.
    before, last = checkpoint.checkpoints(run / "checkpoints")
    _, expected = checkpoint.read(last)
    shutil.rmtree(last)
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(info | {"status": "preempted"}))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, _, err = gankit("resume", run)
    assert code == 0 and f"from step {int(before.name[5:])}" in err, err
    _, again = checkpoint.read(last)
    assert again.keys() == expected.keys() and all((again[key] == expected[key]).all() for key in expected)

    requests = len(shop.log)
    code, out, err = gankit("evaluate", run, "--card", card, "--json")
    assert code == 0 and json.loads(out)["metrics"] == pytest.approx(evaluation["metrics"]), err
    assert len(shop.log) == requests == 2
