"""Reading every kind of image, and crops against plain slices."""

import itertools
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from gankit.data.images import ImageCrops, list_images, memory_bytes, read_image
from gankit.errors import DataError

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def bomb(path, width, height):
    """A PNG of black 1-bit pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 7) // 8 + 1) * height, 9)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    return path


def test_list_images(tmp_path):
    for name in ("b.PNG", "a.jpg", "sub/c.TiFF", "sub/d.webp", "e.bmp", "notes.txt", "._a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    names = [str(path.relative_to(tmp_path)) for path in list_images(tmp_path)]
    assert names == ["a.jpg", "b.PNG", "e.bmp", "sub/c.TiFF", "sub/d.webp"]
    assert list_images(tmp_path / "a.jpg") == [tmp_path / "a.jpg"]
    for folder, message in ((tmp_path / "missing", "no such folder"), (tmp_path / "folder.png", "no image")):
        with pytest.raises(DataError, match=message) as caught:
            list_images(folder)
        assert caught.value.hint and str(folder) in caught.value.message


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp"])
def test_lossless_formats(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(RGB).save(path, **({"lossless": True} if suffix == "webp" else {}))
    np.testing.assert_array_equal(read_image(path), RGB)


def test_jpeg(tmp_path):
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    Image.fromarray(flat).save(tmp_path / "x.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "x.jpg").astype(int) - flat).max() <= 2


def test_grey_one_bit_and_palette(tmp_path):
    grey = RGB[..., 0]
    Image.fromarray(grey).save(tmp_path / "l.png")
    np.testing.assert_array_equal(read_image(tmp_path / "l.png"), np.repeat(grey[..., None], 3, axis=2))
    np.testing.assert_array_equal(read_image(tmp_path / "l.png", keep_grey=True), grey)
    Image.fromarray(grey > 99).save(tmp_path / "one.png")
    np.testing.assert_array_equal(read_image(tmp_path / "one.png")[..., 1], np.where(grey > 99, 255, 0))
    palette = Image.fromarray(RGB).quantize(256)
    palette.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_image(tmp_path / "p.png"), np.asarray(palette.convert("RGB")))
    palette.save(tmp_path / "q.png", transparency=int(np.asarray(palette)[0, 0]))
    assert (read_image(tmp_path / "q.png")[0, 0] == 255).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_laid_over_white(tmp_path, mode):
    alpha = np.array([[0, 255, 128]], np.uint8)
    colour = np.full((1, 3, len(mode) - 1), 40, np.uint8)
    Image.fromarray(np.concatenate([colour, alpha[..., None]], axis=2), mode=None).save(tmp_path / "x.png")
    out = read_image(tmp_path / "x.png", keep_grey=True)
    assert out.shape == (1, 3, 3)
    np.testing.assert_allclose(out[0, :, 0], [255, 40, 255 - 215 * 128 / 255], atol=1)


def test_cmyk(tmp_path):
    Image.new("CMYK", (3, 2), (255, 0, 0, 0)).save(tmp_path / "x.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "x.tif")[1, 2], [0, 255, 255])


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey(tmp_path, suffix):
    values = np.array([[0, 128, 129, 257 * 77, 65406, 65407, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / f"x.{suffix}")
    np.testing.assert_array_equal(read_image(tmp_path / f"x.{suffix}")[0, :, 2], [0, 0, 1, 77, 254, 255, 255])


@pytest.mark.parametrize(
    "orientation, turned", [(1, RGB), (3, RGB[::-1, ::-1]), (6, np.rot90(RGB, -1)), (8, np.rot90(RGB))]
)
def test_exif_orientation(tmp_path, orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(RGB).save(tmp_path / "x.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "x.png"), turned)


def test_broken_files_are_named(tmp_path):
    Image.fromarray(np.tile(RGB, (20, 20, 1))).save(tmp_path / "cut.png")
    data = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "empty.png").touch()
    Image.fromarray(np.zeros((2, 2), np.float32)).save(tmp_path / "float.tif")
    for name in ("cut.png", "text.jpg", "empty.png", "float.tif", "missing.png"):
        with pytest.raises(DataError, match=name) as caught:
            read_image(tmp_path / name)
        assert caught.value.hint


def test_decompression_bomb_is_refused_before_decoding(tmp_path, recwarn):
    path = bomb(tmp_path / "bomb.png", 15000, 15000)
    assert path.stat().st_size < 100_000
    limit = Image.MAX_IMAGE_PIXELS
    for read in (read_image, lambda path: memory_bytes([path])):
        seconds = []
        for _ in range(3):  # the first may load Pillow's plugins
            start = time.perf_counter()
            with pytest.raises(DataError, match=r"bomb\.png is too large: 15000 x 15000"):
                read(path)
            seconds.append(time.perf_counter() - start)
        assert min(seconds) < 0.1
    assert memory_bytes([bomb(tmp_path / "large.png", 14000, 14000)]) == 3 * 14000**2  # Pillow alone refuses 179e6
    assert limit == Image.MAX_IMAGE_PIXELS and not len(recwarn)


def test_memory_bytes(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    Image.fromarray(RGB[..., 0]).save(tmp_path / "b.png")
    assert memory_bytes(list_images(tmp_path)) == 2 * RGB.nbytes
    assert memory_bytes([]) == 0


def pictures(*shapes):
    """Images in which every pixel of the set is different."""
    start, out = 0, []
    for height, width in shapes:
        number = np.arange(start, start + height * width).reshape(height, width)
        out.append(np.stack([number % 256, number // 256 % 256, number // 65536], axis=2).astype(np.uint8))
        start += height * width
    return out


def cut(source, rows, index, seed=0):
    import tensorflow as tf

    batch = source.gather(tf.constant(rows, tf.int64), tf.constant(index, tf.int64), seed)
    (crops,) = batch.values()
    return np.rint(crops.numpy() * 255).astype(np.uint8)


def test_crops_are_slices():
    images = pictures((8, 11), (20, 5), (5, 5))
    crop = 5
    source = ImageCrops(images, crop, augment=False, repeat=20)
    rows = np.arange(source.n)
    owner = np.searchsorted(source.ends, rows, side="right")
    for image, out in zip(owner, cut(source, rows, rows + 2**33), strict=True):
        picture = images[image]
        slices = [
            picture[y : y + crop, x : x + crop]
            for y, x in itertools.product(range(picture.shape[0] - 4), range(picture.shape[1] - 4))
        ]
        assert sum(np.array_equal(out, one) for one in slices) == 1


def test_rows_are_shared_out_by_area():
    source = ImageCrops(pictures((10, 10), (10, 20), (40, 40), (4, 4)), 4, repeat=100)
    counts = np.diff(source.ends, prepend=0)
    np.testing.assert_array_equal(counts, np.rint(400 * np.array([100, 200, 1600, 16]) / 1916))
    assert source.n == counts.sum()
    assert np.diff(ImageCrops(pictures((4, 4), (90, 90)), 4).ends, prepend=0).tolist() == [1, 2]


def test_a_crop_depends_on_its_index_alone():
    source = ImageCrops(pictures((30, 40), (25, 20)), 7, repeat=8)
    rows = np.arange(source.n)
    index = rows * 1000
    all_at_once = cut(source, rows, index, seed=3)
    backwards = np.concatenate([cut(source, rows[i : i + 1], index[i : i + 1], seed=3) for i in rows[::-1]])[::-1]
    np.testing.assert_array_equal(all_at_once, backwards)
    assert not np.array_equal(all_at_once, cut(source, rows, index, seed=4))
    assert not np.array_equal(all_at_once, cut(source, rows, index + 1, seed=3))


def test_augmentation_is_the_eight_symmetries():
    (image,) = pictures((6, 6))
    symmetries = [np.rot90(side, k) for side in (image, image[:, ::-1]) for k in range(4)]
    out = cut(ImageCrops([image], 6), np.zeros(4000), np.arange(4000))
    counts = [sum(np.array_equal(crop, one) for crop in out) for one in symmetries]
    assert sum(counts) == 4000
    assert sum((count - 500) ** 2 / 500 for count in counts) < 24.3  # chi-square, 7 degrees of freedom, p = .001


@pytest.mark.parametrize("augment", [False, True])
def test_positions_are_uniform_to_the_very_edge(augment):
    (image,) = pictures((9, 11))
    out = cut(ImageCrops([image], 5, augment=augment), np.zeros(14000), np.arange(14000))
    first = out[..., 0].reshape(len(out), -1).min(axis=1)  # the smallest number in a crop is its top left pixel
    where, counts = np.unique(first, return_counts=True)
    assert where.tolist() == [y * 11 + x for y in range(5) for x in range(7)]
    assert ((counts - 400) ** 2 / 400).sum() < 65.2  # 34 degrees of freedom, p = .001


def test_source_in_a_dataset_has_static_shapes_and_floatx():
    import keras
    import tensorflow as tf

    source = ImageCrops(pictures((9, 11)), 4, field="image", repeat=10)

    def dataset(drop):
        batches = tf.data.Dataset.range(10).batch(4, drop_remainder=drop)
        return batches.map(lambda index: source.gather(index % source.n, index, 1))

    assert dataset(True).element_spec["image"] == tf.TensorSpec((4, 4, 4, 3), "float32")
    assert dataset(False).element_spec["image"].shape.as_list() == [None, 4, 4, 3]
    before = keras.config.floatx()
    try:
        keras.config.set_floatx("float64")
        (first, *_) = dataset(False)
    finally:
        keras.config.set_floatx(before)
    assert first["image"].dtype == tf.float64 and 0 <= first["image"].numpy().min() <= first["image"].numpy().max() <= 1
    np.testing.assert_array_equal(np.rint(first["image"] * 255), cut(source, range(4), range(4), seed=1))


def test_fingerprint_follows_pixels_and_settings():
    images = pictures((9, 11), (6, 6))
    same = ImageCrops([image.copy() for image in images], 4)
    changed = [image.copy() for image in images]
    changed[1][5, 5, 2] += 1
    others = [
        ImageCrops(changed, 4),
        ImageCrops(images, 5),
        ImageCrops(images, 4, augment=False),
        ImageCrops(images, 4, repeat=2),
        ImageCrops([images[0].transpose(1, 0, 2).reshape(11, 9, 3), images[1]], 4),
    ]
    assert ImageCrops(images, 4).fingerprint == same.fingerprint and len(same.fingerprint) == 64
    assert len({same.fingerprint, *(other.fingerprint for other in others)}) == 6


def test_unusable_images_are_refused_by_name():
    with pytest.raises(DataError, match=r"b\.png \(20 x 7\)") as caught:
        ImageCrops(pictures((9, 9), (7, 20)), 8, names=["a.png", "b.png"])
    assert "a.png" not in caught.value.message and caught.value.hint
    with pytest.raises(DataError, match=r"image 1 .*float"):
        ImageCrops([RGB, RGB / 255], 4)
    with pytest.raises(DataError, match="no image"):
        ImageCrops([], 4)
    with pytest.raises(ValueError, match="crop"):
        ImageCrops([RGB], 0)
