"""Which files are read and written, what is refused before the work, and that nothing is left behind."""

import os
import shutil
import threading
import weakref

import numpy as np
import pytest
from gankit_srgan.upscale.batch import Batch, factor_for
from gankit_srgan.upscale.encoder import Output, encoded
from gankit_srgan.upscale.formats import FORMATS, what_is_lost
from gankit_srgan.upscale.job import Settings, enlarge, prepare
from gankit_srgan.upscale.targets import Job, plan
from PIL import Image

from gankit.errors import DataError, GankitError, UsageError
from gankit.support import Jobs

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


class Chosen:
    """A choice of a network that is there already."""

    def __init__(self, enlarger):
        self.enlarger = enlarger

    def opened(self):
        return self.enlarger


@pytest.fixture
def photos(tmp_path):
    """A folder with a.png, b.jpg and sub/c.tif."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "b.jpg", "sub/c.tif"):
        Image.fromarray(PIXELS).save(folder / name)
    (folder / "notes.txt").write_text("no picture")
    return folder


def targets(jobs, folder):
    return sorted(str(job.target.relative_to(folder)) for job in jobs)


def test_outputs_of_files_folders_and_globs(photos, tmp_path):
    out = tmp_path / "out"
    assert targets(plan([str(photos)], out, None, "4", "refuse"), out) == ["a.png", "b.jpg", "sub/c.tif"]
    assert targets(plan([str(photos)], out, "webp", "4", "refuse"), out) == ["a.webp", "b.webp", "sub/c.webp"]
    assert targets(plan([f"{photos}/**/*.*"], out, None, "4", "refuse"), out) == ["a.png", "b.jpg", "c.tif"]
    assert targets(plan([f"{photos}/*.jpg", str(photos / "b.jpg")], out, None, "4", "refuse"), out) == ["b.jpg"]
    (job,) = plan([str(photos / "a.png")], tmp_path / "large.tif", None, "4", "refuse")
    assert (job.target, job.format) == (tmp_path / "large.tif", "tif")
    (job,) = plan([str(photos / "a.png")], None, None, "2.5", "refuse")
    assert job.target == photos / "a_x2.5.png"
    (job,) = plan([str(photos / "a.png")], None, "jpg", "4", "refuse")
    assert (job.target, job.format) == (photos / "a_x4.jpg", "jpg")


def test_results_within_the_folder_are_not_enlarged_again(photos):
    out = photos / "large"
    for job in plan([str(photos)], out, None, "4", "refuse"):
        job.target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(job.source, job.target)
    assert len(plan([str(photos)], out, None, "4", "replace")) == 3
    assert plan([str(photos)], out, None, "4", "skip") == []


def test_links_are_pictures_of_their_own(photos, tmp_path):
    (photos / "link.png").symlink_to(photos / "a.png")
    (photos / "nowhere.png").symlink_to(photos / "gone.png")
    out = tmp_path / "out"
    assert "link.png" in targets(plan([str(photos)], out, None, "4", "refuse"), out)
    both = plan([str(photos / "a.png"), str(photos / "link.png")], out, None, "4", "refuse")
    assert targets(both, out) == ["a.png", "link.png"]


def test_gifs_of_a_folder_are_taken(photos, tmp_path):
    Image.new("P", (4, 4)).save(photos / "d.gif")
    out = tmp_path / "out"
    assert "d.png" in targets(plan([str(photos)], out, None, "4", "refuse"), out)


def test_every_ending_of_a_format(photos, tmp_path):
    for name in ("e.jfif", "f.jpe", "g.JP2", "h.avif", "i.apng"):
        (photos / name).touch()
    jobs = plan([str(photos)], tmp_path / "out", None, "4", "refuse")
    found = {job.source.name: (job.target.name, job.format) for job in jobs}
    assert found["e.jfif"] == ("e.jfif", "jpg") and found["f.jpe"] == ("f.jpe", "jpg")
    assert [found[name][0] for name in ("g.JP2", "h.avif", "i.apng")] == ["g.png", "h.png", "i.png"]


def test_what_cannot_be_meant_is_refused(photos, tmp_path):
    a, b = str(photos / "a.png"), str(photos / "b.jpg")
    for inputs, output, form, message in [
        (["nothing.png"], None, None, "no such file"),
        ([f"{photos}/*.webp"], None, None, "nothing matches"),
        ([a, b], tmp_path / "one.png", None, "cannot go into the file"),
        ([str(photos)], None, None, "no place is given"),
        ([a], tmp_path / "one.jp2", None, "cannot write '.jp2'"),
        ([a], tmp_path / "one.png", "jpg", "not a file of the format jpg"),
        ([a], photos, None, "is an input"),
        ([str(photos)], photos, None, "is an input"),
        ([str(photos)], photos.parent / "photos", None, "is an input"),
        ([a], photos / "a.png", None, "is an input"),
    ]:
        with pytest.raises(GankitError, match=message) as error:
            plan(inputs, output, form, "4", "replace")
        assert error.value.hint


def test_two_inputs_never_write_one_output(photos, tmp_path):
    shutil.copy(photos / "a.png", photos / "b.png")
    with pytest.raises(UsageError, match=r"b\.\w+ and .*b\.\w+ would both become"):
        plan([str(photos)], tmp_path / "out", "webp", "4", "refuse")
    with pytest.raises(UsageError, match="would both become"):
        plan([str(photos), str(photos / "sub")], tmp_path / "out", "png", "4", "refuse")


def test_a_file_that_is_named_twice_is_enlarged_once(photos, tmp_path):
    names = [str(photos / "a.png"), str(photos / "sub" / ".." / "a.png"), f"{photos}/a.*"]
    assert len(plan(names, tmp_path / "out", None, "4", "refuse")) == 1


def test_existing_files_are_refused_replaced_or_skipped(photos, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.png").write_text("precious")
    with pytest.raises(UsageError, match=r"a\.png exists") as error:
        plan([str(photos)], out, None, "4", "refuse")
    assert "--force" in error.value.hint
    assert len(plan([str(photos)], out, None, "4", "replace")) == 3
    assert targets(plan([str(photos)], out, None, "4", "skip"), out) == ["b.jpg", "sub/c.tif"]


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path, photos, repeat):
    (job,) = plan([str(photos / "a.png")], tmp_path / "out.png", None, "4", "refuse")
    task = prepare(job, 2.0)
    job.target.write_text("precious")
    with pytest.raises(GankitError, match="has appeared"):
        enlarge(repeat(2), task, Settings())
    assert job.target.read_text() == "precious"
    assert not list(tmp_path.glob(".*"))


def test_limits_of_the_formats(tmp_path):
    path = tmp_path / "x"
    assert what_is_lost(path, "jpg", 65_535, 1, False, 8) == []
    for form, width in (("jpg", 65_536), ("webp", 16_384)):
        with pytest.raises(UsageError, match="at most"):
            what_is_lost(path, form, 1, width, False, 8)
    with pytest.raises(UsageError, match="JPEG holds no transparency"):
        what_is_lost(path, "jpg", 1, 1, True, 8)
    assert "become 8" in what_is_lost(path, "webp", 1, 1, True, 16)[0]
    assert what_is_lost(path, "png", 100_000, 1, True, 16) == []


def test_limits_are_found_before_the_work(photos, tmp_path, repeat):
    Image.new("L", (16_384, 1)).save(photos / "long.png")
    (job,) = plan([str(photos / "long.png")], tmp_path / "out.jpg", None, "4", "refuse")
    with pytest.raises(UsageError, match="65,536 x 4"):
        prepare(job, 4.0)
    assert prepare(job, 3.0).size == (49_152, 3)


def test_a_full_disk_is_found_before_the_work(photos, tmp_path, monkeypatch):
    tasks = [prepare(job, 4.0) for job in plan([str(photos)], tmp_path / "out", None, "4", "refuse")]
    needed = sum(task.bytes for task in tasks)
    assert 120 * 80 * 3 * 0.5 < needed < 3 * 120 * 80 * 3
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": needed - 1}))
    with pytest.raises(GankitError, match="left"):
        Batch([task.job for task in tasks], 4.0).prepare()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": needed}))
    assert len(Batch([task.job for task in tasks], 4.0).prepare()) == 3


@pytest.mark.parametrize(
    "scales, scale, outscale, expected",
    [
        ([2, 3, 4], None, None, (4, 4.0)),
        ([2, 3, 4], 2, None, (2, 2.0)),
        ([2, 3, 4], None, 2.5, (3, 2.5)),
        ([2, 3, 4], None, 2.0, (2, 2.0)),
        ([2, 3, 4], None, 1.0, (2, 1.0)),
        ([2, 3, 4], 4, 2.5, (4, 2.5)),
        ([4], None, 1.5, (4, 1.5)),
    ],
)
def test_the_network_of_a_factor(scales, scale, outscale, expected):
    assert factor_for(scales, scale, outscale) == expected


@pytest.mark.parametrize(
    "scales, scale, outscale",
    [
        ([4], 2, None),
        ([2, 3], None, 3.5),
        ([2, 3, 4], 2, 2.5),
        ([2, 3, 4], None, 4.1),
        ([2, 3, 4], None, 0.9),
    ],
)
def test_factors_that_no_network_makes(scales, scale, outscale):
    with pytest.raises(UsageError) as error:
        factor_for(scales, scale, outscale)
    assert error.value.hint


@pytest.mark.parametrize("form", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("channels, bits", [(1, 8), (2, 8), (3, 8), (4, 8), (1, 16), (2, 16), (3, 16), (4, 16)])
def test_encoder_writes_what_it_is_given(tmp_path, form, channels, bits):
    if not FORMATS[form].alpha and channels in (2, 4):
        return
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 2**bits, (70, 90, channels), np.uint8 if bits == 8 else np.uint16)
    out = Output(tmp_path / f"o.{form}", form, 90, 70, channels, min(bits, FORMATS[form].bits), quality=100)
    with encoded(out, 90, 70) as encoder:
        for start, stop in ((0, 1), (1, 33), (33, 70)):
            encoder.write(noise[start:stop])
    import pyvips

    found = pyvips.Image.new_from_file(str(out.path)).numpy().reshape(70, 90, -1)
    if form in ("png", "tif"):
        np.testing.assert_array_equal(found, noise)
    else:
        assert found.shape[2] == (channels if form == "jpg" or channels > 2 else channels + 2)  # WebP knows no grey


def test_two_strips_at_most_are_in_memory(tmp_path):
    out = Output(tmp_path / "o.png", "png", 5000, 5 * 40, 3, 8)
    with encoded(out, 5000, 200) as encoder:
        kept = []
        for _ in range(5):
            strip = np.zeros((40, 5000, 3), np.uint8)
            kept.append(weakref.ref(strip))
            encoder.write(strip)
            del strip
            assert sum(one() is not None for one in kept) <= 1  # the ones before are encoded


def test_failure_leaves_nothing(photos, tmp_path, repeat):
    class Fails(repeat):
        calls = 0

        def __call__(self, low):
            self.calls += 1
            if self.calls == 3:
                raise KeyboardInterrupt
            return super().__call__(low)

    threads = threading.active_count()
    for form in ("png", "jpg", "tif", "webp"):
        (job,) = plan([str(photos / "a.png")], tmp_path / f"new/out.{form}", None, "2", "refuse")
        with pytest.raises(KeyboardInterrupt):
            enlarge(Fails(2), prepare(job, 2.0), Settings(tile=9))
        assert list((tmp_path / "new").iterdir()) == []
    assert threading.active_count() == threads


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full disk")
@pytest.mark.parametrize("form", ["png", "jpg", "tif", "webp"])
def test_a_disk_that_fills_up_is_an_error(photos, tmp_path, repeat, form):
    (job,) = plan([str(photos / "a.png")], tmp_path / f"out.{form}", None, "2", "refuse")
    aside = tmp_path / f".out.{form}.{os.getpid()}.tmp"
    aside.symlink_to("/dev/full")
    with pytest.raises(GankitError, match=rf"the disk is full: cannot write .*out\.{form}$") as error:
        enlarge(repeat(2), prepare(job, 2.0), Settings(tile=9))
    assert "free some space" in error.value.hint
    assert not job.target.exists() and not aside.is_symlink()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs permissions that bind")
def test_a_folder_that_cannot_be_made(photos, tmp_path, repeat):
    tmp_path.chmod(0o500)
    try:
        task = prepare(Job(photos / "a.png", tmp_path / "new" / "out.png", "png"), 2.0)
        with pytest.raises(GankitError, match="cannot make the folder"):
            enlarge(repeat(2), task, Settings())
    finally:
        tmp_path.chmod(0o700)


def test_a_file_in_the_way_of_a_folder(photos, tmp_path, repeat):
    (tmp_path / "out").write_text("a file")
    task = prepare(Job(photos / "a.png", tmp_path / "out" / "a.png", "png"), 2.0)
    with pytest.raises(GankitError, match="cannot make the folder"):
        enlarge(repeat(2), task, Settings())


def cut_off(path):
    """A JPEG of 300 x 200 pixels whose header is fine, and whose pixels end too early."""
    Image.fromarray(np.tile(PIXELS, (10, 10, 1))).save(path)
    path.write_bytes(path.read_bytes()[:9000])
    return path


def test_a_broken_file_stops_no_other(photos, tmp_path, repeat, capsys):
    assert prepare(Job(cut_off(photos / "cut.jpg"), tmp_path / "x.png", "png"), 2.0).pixels == 60_000
    (photos / "text.png").write_text("no picture")
    batch = Batch(plan([str(photos)], tmp_path / "out", None, "2", "refuse"), 2.0)
    batch.enlarge(Chosen(repeat(2)), batch.prepare(), Settings(), Jobs())
    assert sorted(os.path.basename(result.output) for result in batch.results) == ["a.png", "b.jpg", "c.tif"]
    assert sorted(os.path.basename(row["input"]) for row in batch.failed) == ["cut.jpg", "text.png"]
    assert sorted(p.name for p in (tmp_path / "out").rglob("*") if p.is_file()) == ["a.png", "b.jpg", "c.tif"]
    said = capsys.readouterr().err
    assert said.count("error:") == said.count("hint:") == 2 and said.count("30 x 20 to 60 x 40") == 3


def test_a_picture_that_fails_is_no_work_that_is_left(photos, tmp_path, repeat, monkeypatch):
    from gankit.support import Bar

    cut_off(photos / "cut.jpg")
    shares, shown = [], Bar.show
    monkeypatch.setattr(Bar, "show", lambda bar, done: [shown(bar, done), shares.append((bar.label, bar.amount()))])
    batch = Batch(plan([str(photos)], tmp_path / "out", None, "2", "refuse"), 2.0)
    batch.enlarge(Chosen(repeat(2)), batch.prepare(), Settings(), Jobs())
    assert shares == [("a.png", "1 %"), ("b.jpg", "2 %"), ("c.tif", "100 %")]


def test_the_only_picture_raises_its_own_error(photos):
    (photos / "text.png").write_text("no picture")
    with pytest.raises(DataError, match=r"text\.png"):
        Batch([Job(photos / "text.png", photos / "x.png", "png")], 2.0).prepare()
