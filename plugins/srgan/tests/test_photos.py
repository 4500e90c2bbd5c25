"""Photographs at several sizes, from memory and from disk, and those to judge by."""

import numpy as np
import pytest
from gankit_srgan.photos import Pairs, held_out
from gankit_srgan.recipe import SRGAN, SRGANConfig
from PIL import Image

from gankit.config import resolve
from gankit.errors import DataError
from gankit.images import ImageCrops, Reductions, imresize, list_images, load_pixels


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Pictures of 400 x 200, 160 x 120 and 96 x 72 pixels."""
    monkeypatch.setenv("GANKIT_HOME", str(tmp_path / "home"))
    rng = np.random.default_rng(3)
    for name, size in (("a", (200, 400)), ("b", (120, 160)), ("c", (72, 96))):
        Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(tmp_path / f"{name}.png")
    return list_images(tmp_path)


def read_all(files, cache_mb, crop=1, sizes=(1.0,), largest=None):
    return load_pixels(files, Reductions(sizes, largest, crop), cache_mb)


def shapes(pixels):
    return list(zip(pixels.heights.tolist(), pixels.widths.tolist(), strict=True))


def test_sizes_and_the_largest_side(photos):
    assert shapes(read_all(photos, 1)) == [(200, 400), (120, 160), (72, 96)]
    several = read_all(photos, 1, 48, (1.0, 0.5, 0.25))
    assert shapes(several) == [(200, 400), (100, 200), (50, 100), (120, 160), (60, 80), (72, 96)]
    limited = read_all(photos, 1, 48, (1.0, 0.5), 300)
    assert shapes(limited) == [(150, 300), (75, 150), (120, 160), (60, 80), (72, 96)]
    picture = np.asarray(Image.open(photos[0]))
    start = int(limited.offsets[1])
    found = limited.tensor()[start : start + 75 * 150].numpy().reshape(75, 150, 3)
    np.testing.assert_array_equal(found, imresize(picture, 75, 150))
    assert len({ImageCrops(pixels, 48).fingerprint for pixels in (several, limited, read_all(photos, 1, 48))}) == 3


def test_shares_of_the_sizes(photos):
    pixels = read_all(photos[:1], 1, 48, (1.0, 0.5, 0.25))
    assert np.diff(ImageCrops(pixels, 48, repeat=70).ends, prepend=0).tolist() == [160, 40, 10]
    assert np.diff(ImageCrops(pixels, 48, repeat=70, by="image").ends, prepend=0).tolist() == [70, 70, 70]


def test_pairs_are_the_same_from_memory_and_from_disk(photos, tmp_path):
    import tensorflow as tf

    rows, index = tf.range(40, dtype=tf.int64), tf.range(40, dtype=tf.int64) + 2**35
    memory, disk = (
        Pairs(ImageCrops(read_all(photos, cache_mb, 48, (1.0, 0.5)), 48, repeat=9, by="image"), 4)
        for cache_mb in (1, 0)
    )
    assert len(list((tmp_path / "home" / "prepared").glob("*/pixels"))) == 1
    assert memory.fingerprint == disk.fingerprint and memory.n == disk.n == 45
    ours, theirs = memory.gather(rows, index, 11), disk.gather(rows, index, 11)
    assert set(ours) == {"hr", "lr"} and ours["lr"].shape == (40, 12, 12, 3)
    for field in ours:
        np.testing.assert_array_equal(ours[field], theirs[field])


def test_a_picture_too_small_at_every_size_is_named(photos):
    with pytest.raises(DataError, match=r"crop of 64 x 64 pixels: .*b\.png \(160 x 120\), .*c\.png \(96 x 72\)$"):
        read_all(photos, 1, 64, (0.5,))


def test_photographs_to_judge_by(tmp_path):
    rng = np.random.default_rng(4)
    large, grey = rng.integers(0, 256, (40, 1501, 3), np.uint8), rng.integers(0, 256, (51, 30), np.uint8)
    (tmp_path / "sub").mkdir()
    Image.fromarray(large).save(tmp_path / "a.png")
    Image.fromarray(grey).save(tmp_path / "sub" / "a.png")
    files = list_images(tmp_path)
    found = held_out(files, 4)
    assert list(found) == ["a.png", str(files[1])]
    np.testing.assert_array_equal(found["a.png"], large[:, 238 : 238 + 1024])
    np.testing.assert_array_equal(found[str(files[1])], grey[:48, :28])
    Image.fromarray(grey[:18]).save(tmp_path / "b.png")
    Image.fromarray(grey[:, :17]).save(tmp_path / "c.png")
    with pytest.raises(DataError, match=r"b\.png is too small .*c\.png is too small"):
        held_out(list_images(tmp_path), 4)


def checked(source, **options):
    return SRGAN(resolve(SRGANConfig, {}, {"held_out": 1, **options})).check(str(source))


def test_check_says_what_a_training_would_make_of_photographs(photos, tmp_path):
    (tmp_path / "d.png").write_bytes(b"no picture")
    facts, text = checked(tmp_path, crop=192, scale=3, sizes="1,0.5", cache_mb=1)  # c is held out
    assert facts["ok"] is False and facts["images"] == 2 and (facts["train"], facts["held_out"]) == (1, 1)
    assert [problem["path"] for problem in facts["problems"]] == [str(tmp_path / "d.png"), str(photos[1])]
    assert "160 x 120 pixels, smaller than a crop of 192 x 192" in text
    assert facts["smallest_side"] == 72 and f"smallest side  72 pixels: {photos[2]}" in text
    assert facts["decoded_bytes"] == 3 * (200 * 400 + 72 * 96) and "96 x 72 to 400 x 200 pixels" in text
    assert facts["training_bytes"] == 3 * 200 * 400 and "240 kB in memory" in text
    (tmp_path / "d.png").unlink()
    facts, text = checked(tmp_path, crop=64, sizes="1,0.9,0.8", held_out=2)
    assert facts["ok"] is True and (facts["train"], facts["held_out"], facts["crop"]) == (1, 2, 64)
    # What it counts is what is decoded.
    assert facts["training_bytes"] == 3 * read_all(photos[1:2], 1, 64, (1.0, 0.9, 0.8)).areas.sum()


def test_check_says_what_is_too_much_for_the_memory_and_too_small_for_the_figures(tmp_path):
    for name, size in (("a", (900, 1000)), ("b", (16, 200))):  # b is held out
        Image.fromarray(np.zeros((*size, 3), np.uint8)).save(tmp_path / f"{name}.png")
    facts, text = checked(tmp_path, cache_mb=2)
    assert "2.7 MB on disk, being more than --cache-mb 2" in text and facts["cache_mb"] == 2
    assert "b.png: 200 x 16 pixels, too small to be judged at x4" in text and facts["held_out"] == 0
    with pytest.raises(DataError, match="too small to be judged"):
        held_out([tmp_path / "b.png"], 4)
    facts, text = checked(tmp_path / "a.png")
    assert facts["ok"] and "1 image(s), and 1 would be held out" in text and facts["lacks"] in text
