"""Pages of a TIFF and frames of an animation: all of them, in one file or in many."""

import os
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from gankit_srgan.upscale.decoders import frames_of_png
from gankit_srgan.upscale.job import Settings, enlarge, prepare
from gankit_srgan.upscale.pictures import header
from gankit_srgan.upscale.targets import Job, plan
from PIL import Image, ImageSequence

from gankit.errors import DataError, GankitError, UsageError

PAGES = np.random.default_rng(0).integers(0, 256, (3, 12, 16, 3), np.uint8)
FLAT = [np.full((12, 16, 3), level, np.uint8) for level in (40, 120, 200)]


def save(path, pages, **options):
    images = [Image.fromarray(page) for page in pages]
    images[0].save(path, save_all=True, append_images=images[1:], **options)
    return path


def stored(path, mode="RGB"):
    """All pages or frames of a file, and how long each is shown."""
    with Image.open(path) as image:
        found = [(np.asarray(page.convert(mode)), page.info.get("duration")) for page in ImageSequence.Iterator(image)]
    return [pixels for pixels, _ in found], [delay for _, delay in found]


def large(pixels, scale=2):
    return pixels.repeat(scale, 0).repeat(scale, 1)


def running():
    """How many threads there are, without those of libvips."""
    return sum(not isinstance(thread, threading._DummyThread) for thread in threading.enumerate())


@pytest.fixture
def all_frames(tmp_path, repeat):
    """Enlarges all of a file into a folder `out`, or a file there."""

    def run(source, name="", format=None, factor=2.0, scale=2, **settings):
        jobs = plan([str(source)], tmp_path / "out" / name, format, f"{factor:g}", "refuse", "all")
        return [enlarge(repeat(scale), prepare(job, factor), Settings(**settings)) for job in jobs]

    return run


def test_pages_of_a_tiff_become_pages_of_a_tiff(tmp_path, all_frames):
    source = save(tmp_path / "scan.tif", PAGES, dpi=(300, 300), tiffinfo={315: "me"})
    (result,) = all_frames(source, tile=5)
    assert result.frames == (1, 2, 3) and result.tiles == 3 * 3 * 4 and not result.notes
    pages, _ = stored(tmp_path / "out" / "scan.tif")
    np.testing.assert_array_equal(pages, [large(page) for page in PAGES])
    with Image.open(tmp_path / "out" / "scan.tif") as image:
        assert image.info["dpi"] == (300, 300) and image.tag_v2[315] == "me"  # written behind the last page


def test_sixteen_bits_of_many_pages(tmp_path, all_frames):
    import tifffile

    pages = np.random.default_rng(1).integers(0, 2**16, (4, 10, 14), np.uint16)
    tifffile.imwrite(tmp_path / "deep.tif", pages, photometric="minisblack")
    all_frames(tmp_path / "deep.tif")
    found = tifffile.imread(tmp_path / "out" / "deep.tif")
    np.testing.assert_array_equal(found, pages.repeat(2, 1).repeat(2, 2))


def test_pages_that_are_shrunk_do_not_bleed_into_each_other(tmp_path, all_frames, upscale, repeat):
    source = save(tmp_path / "scan.tif", [PAGES[0], 255 - PAGES[0] // 4])
    all_frames(source, factor=1.5)
    pages, _ = stored(tmp_path / "out" / "scan.tif")
    for page, pixels in zip(pages, (PAGES[0], 255 - PAGES[0] // 4), strict=True):
        Image.fromarray(pixels).save(tmp_path / "one.png")
        upscale(repeat(2), tmp_path / "one.png", tmp_path / "alone.png", 1.5)
        np.testing.assert_array_equal(page, np.asarray(Image.open(tmp_path / "alone.png")))


def test_pages_of_other_sizes_become_files_with_numbers(tmp_path, all_frames):
    source = save(tmp_path / "mixed.tif", [PAGES[0], PAGES[1, :8], PAGES[2, :, :, 0]])
    results = all_frames(source)
    assert [Path(result.output).name for result in results] == ["mixed_001.tif", "mixed_002.tif", "mixed_003.tif"]
    assert [result.output_size for result in results] == [(32, 24), (32, 16), (32, 24)]
    for result, pixels in zip(results, [PAGES[0], PAGES[1, :8], PAGES[2, :, :, 0]], strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(result.output)), large(pixels))
        assert b"TrainedAlgorithmicMedia" in Path(result.output).read_bytes() and not result.notes


def test_each_page_keeps_its_own_tags(tmp_path, all_frames):
    import tifffile

    with tifffile.TiffWriter(tmp_path / "named.tif") as writer:
        for name, page in zip(("first", "second", "third"), PAGES, strict=True):
            writer.write(page, photometric="rgb", description=name, metadata=None)
    for result, name in zip(
        all_frames(tmp_path / "named.tif", format="png"), ("first", "second", "third"), strict=True
    ):
        assert Image.open(result.output).getexif()[270] == name


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_an_animation_becomes_an_animated_webp(tmp_path, all_frames, name):
    source = save(tmp_path / name, FLAT, duration=[50, 100, 250], loop=3)
    (result,) = all_frames(source, quality=100)
    assert Path(result.output).name == "a.webp" and result.frames == (1, 2, 3) and not result.notes
    frames, delays = stored(result.output)
    assert delays == [50, 100, 250]
    np.testing.assert_allclose(np.array(frames).astype(int), [large(frame) for frame in FLAT], atol=2)
    plays = 4 if name == "a.gif" else 3  # a GIF says how often it is repeated
    assert Image.open(result.output).info["loop"] == plays


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_frames_in_files_with_numbers(tmp_path, all_frames, name):
    source = save(tmp_path / name, FLAT, duration=80, lossless=True)
    results = all_frames(source, format="png")
    assert [Path(result.output).name for result in results] == ["a_001.png", "a_002.png", "a_003.png"]
    assert [result.frames for result in results] == [(1,), (2,), (3,)]
    for result, pixels in zip(results, FLAT, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(result.output).convert("RGB")), large(pixels))
        assert b"TrainedAlgorithmicMedia" in Path(result.output).read_bytes()
    assert "how long its frames are shown is left out" in results[0].notes[0] and not results[1].notes


def test_frames_of_an_avif(tmp_path, all_frames):
    source = save(tmp_path / "a.avif", FLAT, duration=80, quality=100)
    results = all_frames(source)
    assert [Path(result.output).name for result in results] == ["a_001.png", "a_002.png", "a_003.png"]
    for result, pixels in zip(results, FLAT, strict=True):
        np.testing.assert_allclose(np.asarray(Image.open(result.output)).astype(int), large(pixels), atol=2)


def test_frames_that_change_a_part_are_put_together(tmp_path, all_frames):
    moving = np.zeros((3, 12, 16, 4), np.uint8)
    moving[:, 2:5, 3:6] = moving[1:, 6:9, 9:13] = (200, 100, 50, 255)
    source = save(tmp_path / "part.png", moving, duration=100, blend=1)
    for result, pixels in zip(all_frames(source, format="png"), stored(source, "RGBA")[0], strict=True):
        found = np.asarray(Image.open(result.output).convert("RGBA"))
        np.testing.assert_array_equal(found[..., 3], large(pixels[..., 3]))
        np.testing.assert_array_equal(found[found[..., 3] > 0], large(pixels)[found[..., 3] > 0])


def test_what_a_png_claims_of_its_frames_does_not_count(tmp_path):
    path = save(tmp_path / "a.png", FLAT, duration=[50, 60, 70], loop=9)
    assert frames_of_png(path) == (3, (50, 60, 70), 9)
    data = bytearray(path.read_bytes())
    at = data.index(b"acTL")
    struct.pack_into(">I", data, at + 4, 2**31)
    struct.pack_into(">I", data, at + 12, zlib.crc32(data[at : at + 12]))
    path.write_bytes(data)
    assert frames_of_png(path)[0] == 3
    Image.fromarray(PAGES[0]).save(path)
    assert frames_of_png(path) == (1, (), 0)
    save(path, FLAT, duration=50, default_image=True)
    assert frames_of_png(path) == (3, (), 0)


@pytest.mark.parametrize(
    "name, parts", [("a.gif", "frames"), ("a.png", "frames"), ("a.webp", "frames"), ("a.tif", "pages")]
)
def test_without_the_option_the_first_is_enlarged_and_it_is_said(tmp_path, upscale, repeat, name, parts):
    source = save(tmp_path / name, FLAT, **({} if name == "a.tif" else {"duration": 80, "lossless": True}))
    result = upscale(repeat(), source, tmp_path / "out.png")
    assert result.notes[0] == f"only the first of its 3 {parts} is enlarged; --frames all takes every one"
    found = np.asarray(Image.open(tmp_path / "out.png").convert("RGB"))
    np.testing.assert_array_equal(found, large(FLAT[0], 4))


def test_names_of_frames_and_what_is_there_already(tmp_path):
    save(tmp_path / "a.gif", FLAT, duration=50)
    Image.fromarray(PAGES[0]).save(tmp_path / "b.png")
    (tmp_path / "c.png").write_text("no picture")
    names = [str(tmp_path / name) for name in ("a.gif", "b.png", "c.png")]
    jobs = plan(names, None, "png", "4", "refuse", "all")
    assert [job.target.name for job in jobs] == ["a_x4_001.png", "a_x4_002.png", "a_x4_003.png", "b_x4.png", "c_x4.png"]
    assert [job.pages for job in jobs] == [(0,), (1,), (2,), None, None]
    (tmp_path / "a_x4_002.png").write_text("precious")
    with pytest.raises(UsageError, match=r"a_x4_002\.png exists"):
        plan(names, None, "png", "4", "refuse", "all")
    left = plan(names, None, "png", "4", "skip", "all")
    assert [job.target.name for job in left] == ["a_x4_001.png", "a_x4_003.png", "b_x4.png", "c_x4.png"]
    (job,) = plan(names[:1], tmp_path / "o.webp", None, "4", "refuse", "all")
    assert job.pages == (0, 1, 2)
    assert plan(names[:1], tmp_path / "o.png", None, "4", "refuse", "all")[0].target.name == "o_001.png"


def test_work_and_disk_count_all_pages(tmp_path):
    source = save(tmp_path / "scan.tif", PAGES)
    one = prepare(Job(source, tmp_path / "o.tif", "tif"), 2.0)
    every = prepare(Job(source, tmp_path / "o.tif", "tif", (0, 1, 2)), 2.0)
    assert (every.pixels, every.bytes // one.bytes) == (3 * one.pixels, 3)
    assert header(source, 2).page == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full disk")
@pytest.mark.parametrize("factor", [2.0, 1.5])
@pytest.mark.parametrize("name", ["o.tif", "o.webp"])
def test_a_disk_that_fills_up_between_pages(tmp_path, all_frames, name, factor):
    (tmp_path / "out").mkdir()
    options = {"duration": 50} if name == "o.webp" else {}
    source = save(tmp_path / f"a{Path(name).suffix}", [np.tile(page, (20, 20, 1)) for page in PAGES], **options)
    (tmp_path / "out" / f".{name}.{os.getpid()}.tmp").symlink_to("/dev/full")
    threads = running()
    with pytest.raises(GankitError, match=rf"the disk is full: cannot write .*{name}$"):
        all_frames(source, name, factor=factor)
    assert not list((tmp_path / "out").iterdir()) and running() == threads


@pytest.mark.parametrize("factor", [2.0, 1.5])
def test_a_damaged_page_leaves_nothing(tmp_path, all_frames, factor):
    source = save(
        tmp_path / "scan.tif", [np.tile(page, (20, 20, 1)) for page in PAGES], compression="tiff_adobe_deflate"
    )
    with Image.open(source) as image:
        image.seek(2)
        place, length = image.tag_v2[273][0], image.tag_v2[279][0]
    data = bytearray(source.read_bytes())
    data[place : place + length] = bytes(length)
    source.write_bytes(data)
    threads = running()
    with pytest.raises(DataError, match=r"cannot read .*scan\.tif"):
        all_frames(source, factor=factor)
    assert not list((tmp_path / "out").iterdir()) and running() == threads


def test_page_of_comparison_shows_the_first_frame(tmp_path, all_frames):
    source = save(tmp_path / "a.gif", FLAT, duration=80)
    (result,) = all_frames(source, compare=True)
    assert "16 x 12 to 32 x 24 pixels" in Path(result.compare).read_text("utf-8")
