"""Archives, and what may not be in them."""

import gzip
import hashlib
import io
import json
import os
import stat
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from fileserver import noise
from growth import growth
from mutation import altered, mutated

from gankit.datasets.archives import ArchiveCard
from gankit.datasets.unpack import Limits, Unpacked, unpack
from gankit.errors import DataError
from gankit.support.limits import MEMBERS

FILES = {"a/one.png": noise(5000), "a/b/two.txt": b"x" * 3000, "empty": b"", "ä/ü.png": b"2"}
SUFFIXES = [".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"]


def pack(path, files):
    """An archive of files; a list of pairs may hold a name twice."""
    pairs = list(files.items()) if isinstance(files, dict) else files
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in pairs:
                archive.writestr(name, content)
    else:
        mode = {"tgz": "w:gz", "gz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}.get(path.suffix[1:], "w")
        with tarfile.open(path, mode) as archive:
            for name, content in pairs:
                info = tarfile.TarInfo(name.rstrip("/"))
                info.size, info.type = len(content), tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
                archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def out(tmp_path):
    """An empty folder with a neighbour that nothing may touch."""
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "out").mkdir()
    return tmp_path / "room" / "out"


def found(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(archive, out, match, limits=None):
    """The archive is refused, and nothing lies outside of the folder."""
    with pytest.raises(DataError, match=match) as caught:
        unpack(archive, out, limits or Limits())
    assert str(archive) in caught.value.message
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert not any(path.is_symlink() or not (path.is_file() or path.is_dir()) for path in out.rglob("*"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_come_out_as_they_went_in(tmp_path, out, suffix):
    seen = []
    files = unpack(pack(tmp_path / f"x{suffix}", {"a/": b"", **FILES}), out, advance=seen.append)
    assert found(out) == FILES
    assert files == {name: Unpacked(len(c), hashlib.sha256(c).hexdigest()) for name, c in FILES.items()}
    assert sum(seen) == sum(map(len, FILES.values()))


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_a_leading_dot_is_the_folder_itself(tmp_path, out, suffix):
    assert list(unpack(pack(tmp_path / f"x{suffix}", {"./": b"", "./a/": b"", "./a/b": b"1"}), out)) == ["a/b"]
    assert found(out) == {"a/b": b"1"}


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "a/../../evil",
        "a/..",
        "/evil",
        "//evil",
        "a//b",
        "a/./b",
        "..\\evil",
        "a\\b",
        "C:evil",
        "C:/evil",
        "evil.txt:stream",
        "a\nb",
        "a\x7f",
        "../",
        "/a/",
        "x" * 1001,
    ],
)
def test_names_that_lead_elsewhere(tmp_path, out, suffix, name):
    archive = tmp_path / f"x{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as packed:
            info = zipfile.ZipInfo("good")
            info.filename = name
            packed.writestr(info, b"")
    else:
        with tarfile.open(archive, "w:gz") as packed:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            packed.addfile(info)
    refused(archive, out, "leads elsewhere")
    assert found(out) == {}


def test_a_zero_byte_hides_no_name(tmp_path, out):
    archive = pack(tmp_path / "x.zip", {"good.pngX..": b"1"})
    archive.write_bytes(archive.read_bytes().replace(b"good.pngX..", b"good.png\0.."))
    refused(archive, out, "leads elsewhere")


def test_two_names_of_one_zip_member(tmp_path, out):
    archive = pack(tmp_path / "x.zip", {"good.png": b"1"})
    archive.write_bytes(archive.read_bytes().replace(b"good.png", b"evil.png", 1))  # only where the file lies
    refused(archive, out, "damaged")


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
@pytest.mark.parametrize(
    ("names", "match"),
    [
        (["a/b", "a/b"], "two members"),
        (["a/b", "a/B"], "one name on some systems"),
        (["A/b", "a/c"], "one name on some systems"),
        (["straße", "STRASSE"], "one name on some systems"),
        (["é", "e\u0301"], "one name on some systems"),
        (["a", "a/b"], "one name on some systems"),
        (["a/b", "a"], "one name on some systems"),
        (["a/b/", "a/b"], "one name on some systems"),
        (["./a", "a"], "two members"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_share_a_name(tmp_path, out, suffix, names, match):
    refused(pack(tmp_path / f"x{suffix}", [(name, b"") for name in names]), out, match)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK, stat.S_IFDIR])
def test_zip_links_and_devices(tmp_path, out, kind):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        info = zipfile.ZipInfo("a")
        info.external_attr = (kind | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    refused(tmp_path / "x.zip", out, "link or a device")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, b"Z"]
)
def test_tar_links_and_devices(tmp_path, out, kind):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        info = tarfile.TarInfo("a")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
        after = tarfile.TarInfo("a/passwd")
        archive.addfile(after)
    refused(tmp_path / "x.tar", out, "a link, a device")


def test_a_sparse_file_is_refused(tmp_path, out):
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("a")
        info.size = 10
        info.pax_headers = {"GNU.sparse.map": "0,10", "GNU.sparse.size": str(1 << 40), "GNU.sparse.name": "a"}
        archive.addfile(info, io.BytesIO(bytes(10)))
    refused(tmp_path / "x.tar", out, "or a sparse file")


def test_an_encrypted_zip(tmp_path, out):
    archive = pack(tmp_path / "x.zip", {"a": b"1"})
    content = bytearray(archive.read_bytes())
    central = content.index(b"PK\1\2")
    content[6] |= 1
    content[central + 8] |= 1
    archive.write_bytes(bytes(content))
    refused(archive, out, "is encrypted")


def test_a_rare_compression(tmp_path, out):
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", b"1" * 1000)
    refused(tmp_path / "x.zip", out, "other than deflate")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_limits_hold_at_the_last_byte_and_member(tmp_path, out, suffix):
    archive = pack(tmp_path / f"x{suffix}", {"a": noise(500), "b": noise(500)})
    assert len(unpack(archive, out, Limits(members=2, total_bytes=1000))) == 2
    for name in ("a", "b"):
        (out / name).unlink()
    refused(archive, out, "more than 999 bytes", Limits(total_bytes=999))
    for path in out.iterdir():
        path.unlink()
    refused(archive, out, "more than 1 members", Limits(members=1))


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tar.xz"])
def test_a_bomb(tmp_path, out, suffix):
    archive = pack(tmp_path / f"x{suffix}", {"zeros": bytes(4_000_000)})
    assert archive.stat().st_size < 100_000
    refused(archive, out, "its files have more than")
    assert found(out) == {}
    assert len(unpack(archive, out, Limits(total_bytes=4_000_000))) == 1  # where the card says so


def test_a_zip_whose_header_lies_about_the_size(tmp_path, out):
    archive = pack(tmp_path / "x.zip", {"zeros": bytes(4_000_000)})
    content = bytearray(archive.read_bytes())
    central = content.index(b"PK\1\2")
    for place in (22, central + 24):
        content[place : place + 4] = struct.pack("<I", 1000)
    archive.write_bytes(bytes(content))
    refused(archive, out, "damaged|another size")
    assert sum(map(len, found(out).values())) <= 1000


def test_a_tar_header_that_is_a_bomb(tmp_path, out):
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz", format=tarfile.GNU_FORMAT) as archive:
        info = tarfile.TarInfo("a" * 5_000_000)
        archive.addfile(info)
    assert (tmp_path / "x.tar.gz").stat().st_size < 100_000
    refused(tmp_path / "x.tar.gz", out, "headers are too large")


@pytest.mark.parametrize("suffix", [".zip", *SUFFIXES[2:]])
def test_a_flipped_bit(tmp_path, out, suffix):
    archive = pack(tmp_path / f"x{suffix}", {"a": noise(50_000)})
    content = bytearray(archive.read_bytes())
    content[25_000] ^= 4
    archive.write_bytes(bytes(content))
    refused(archive, out, "damaged")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kept", [0, 1, 20_000, 49_000])
def test_a_torn_archive(tmp_path, out, suffix, kept):
    archive = pack(tmp_path / f"x{suffix}", {"a": noise(50_000)})
    archive.write_bytes(archive.read_bytes()[:kept])
    refused(archive, out, "damaged")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_no_archive(tmp_path, out, suffix):
    archive = tmp_path / f"x{suffix}"
    archive.write_bytes(b"<!DOCTYPE html><html>Log in first</html>" * 100)
    refused(archive, out, "damaged or of an unknown kind")


def test_a_file_that_is_there_is_not_overwritten(tmp_path, out):
    os.symlink(tmp_path / "victim", out / "a")
    with pytest.raises(FileExistsError):
        unpack(pack(tmp_path / "x.zip", {"a": b"1"}), out)
    assert not (tmp_path / "victim").exists()


def test_permissions_are_not_taken_over(tmp_path, out):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        info = zipfile.ZipInfo("a")
        info.external_attr = (stat.S_IFREG | 0o4777) << 16
        archive.writestr(info, b"1")
    unpack(tmp_path / "x.zip", out)
    assert (out / "a").stat().st_mode & 0o7111 == 0


def many(path, count, **options):
    """An archive of empty members."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for i in range(count):
                archive.writestr(zipfile.ZipInfo(f"{i:06d}"), b"")
    else:
        with tarfile.open(path, "w:gz", compresslevel=1, **options) as archive:
            for i in range(count):
                archive.addfile(tarfile.TarInfo(f"{i:06d}" + "x" * (120 if options else 0)))
    return path


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
def test_too_many_members_are_refused_at_once(tmp_path, out, suffix):
    archive = many(tmp_path / f"x{suffix}", MEMBERS + 1)
    code = f"unpack(path, Path({str(out)!r}))"
    took = growth(archive, "from gankit.datasets.unpack import unpack", code)
    assert "more than 50,000 members" in took.said and not list(out.iterdir())
    assert took.mb < 60 and took.seconds < 2, took


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_no_members(tmp_path, out, form):
    archive = many(tmp_path / "x.tar.gz", 5, format=form)
    assert len(unpack(archive, out, Limits(members=5))) == 5
    (tmp_path / "other").mkdir()
    with pytest.raises(DataError, match="more than 4 members"):
        unpack(archive, tmp_path / "other", Limits(members=4))


def test_a_zip_archives_members_are_counted_before_any_is_taken_in(tmp_path, out, monkeypatch):
    archive = many(tmp_path / "x.zip", 5)
    monkeypatch.setattr(zipfile, "ZipInfo", None)
    refused(archive, out, "more than 4 members", Limits(members=4))


def test_a_member_before_the_beginning_of_a_zip_is_damage(tmp_path, out):
    archive = pack(tmp_path / "x.zip", {"a": b"1", "b": b"2"})
    content = bytearray(archive.read_bytes())
    end = content.rindex(b"PK\5\6")
    struct.pack_into("<I", content, end + 16, struct.unpack_from("<I", content, end + 16)[0] + 4)  # of the list
    archive.write_bytes(content)
    refused(archive, out, "damaged or of an unknown kind")


def test_a_list_of_members_has_a_size(tmp_path, out, monkeypatch):
    monkeypatch.setattr("gankit.datasets.unpack.MEMBER_LIST_BYTES", 100)
    refused(pack(tmp_path / "x.zip", FILES), out, "list of members is too large")


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
def test_damage_of_any_kind_is_told(tmp_path, suffix):
    """Bytes are changed, and only gankit's own errors come; nothing is ever written outside."""
    whole = pack(tmp_path / f"x{suffix}", {"a/": b"", **FILES, "long" * 60: b"3"}).read_bytes()
    if suffix == ".tar.gz":
        whole = gzip.decompress(whole)
    rng = np.random.default_rng(0)
    (tmp_path / "room").mkdir()
    refusals = 0
    for number in range(150):
        content = mutated(whole, rng)
        archive = tmp_path / f"y{suffix}"
        archive.write_bytes(gzip.compress(content, 1) if suffix == ".tar.gz" else content)
        (tmp_path / "room" / str(number)).mkdir()
        try:
            unpack(archive, tmp_path / "room" / str(number), Limits(total_bytes=100_000))
        except DataError as error:
            refusals += bool(error.hint)
    assert refusals > 20
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["room", archive.name, f"x{suffix}"])


def test_any_other_record_of_an_archive_means_unpacking_again(tmp_path, monkeypatch):
    """A record is never believed: it is what was written, or there is none."""
    content = pack(tmp_path / "a.zip", {"x/one": b"1", "two": b"22"}).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    archive = {"file": "a.zip", "address": "https://example.org/a.zip", "bytes": len(content), "sha256": digest}
    split = {"archive": "a.zip", "files": "*"}
    facts = {"name": "mine", "title": "t", "kind": "images", "licence": "l", "layout": "archives"}
    card = ArchiveCard.model_validate(facts | {"archives": [archive], "splits": {"train": split, "test": split}})
    monkeypatch.setenv("GANKIT_HOME", str(tmp_path / "home"))
    (card.folder / "downloads").mkdir(parents=True)
    (card.folder / "downloads" / "a.zip").write_bytes(content)
    card.fetch()
    (record,) = card.folder.glob("*.unpacked.json")
    whole = json.loads(record.read_text())
    names = sorted(path.relative_to(card.folder).as_posix() for path in card.paths("train"))
    rng = np.random.default_rng(0)
    changed = [altered(whole, rng) for _ in range(60)]
    (card.folder / "secret").write_bytes(b"3")
    changed.append({**whole, "files": {"../secret": {"bytes": 1, "sha256": hashlib.sha256(b"3").hexdigest()}}})
    for document in changed:
        record.write_text(json.dumps(document))
        if card._whole(card.archives[0], verify=True):
            assert set(card._record(card.archives[0])) <= {"x/one", "two"}
        else:
            card.fetch()
            assert sorted(path.relative_to(card.folder).as_posix() for path in card.paths("train")) == names
