"""Reading every kind of image, one or many."""

import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from gankit.errors import DataError
from gankit.images.images import image_size, list_images, read_each, read_image

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
    for read in (read_image, image_size):
        seconds = []
        for _ in range(3):  # the first may load Pillow's plugins
            start = time.perf_counter()
            with pytest.raises(DataError, match=r"bomb\.png is too large: 15000 x 15000"):
                read(path)
            seconds.append(time.perf_counter() - start)
        assert min(seconds) < 0.1
    assert image_size(bomb(tmp_path / "large.png", 14000, 14000)) == (14000, 14000)  # Pillow alone refuses 179e6
    assert limit == Image.MAX_IMAGE_PIXELS and not len(recwarn)


def test_image_size(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB[..., 0]).save(tmp_path / "b.jpg", exif=exif)
    assert [image_size(path) for path in list_images(tmp_path)] == [(6, 9), (6, 9)]  # as they are stored
    assert read_image(tmp_path / "b.jpg").shape == (9, 6, 3)


def test_read_each_keeps_order_and_names_all_that_fail():
    def read(number):
        time.sleep(0.01 * (number % 3))
        if number in bad:
            raise DataError(f"cannot read {number}.png", "look at it")
        return 10 * number

    seen, bad = [], ()
    assert read_each(range(12), read, seen.append) == seen == [10 * number for number in range(12)]
    bad = (3,)
    with pytest.raises(DataError, match=r"^cannot read 3\.png$") as caught:
        read_each(range(12), read)
    assert caught.value.hint == "look at it"
    seen, bad = [], range(1, 13)
    with pytest.raises(DataError, match=r"1\.png; cannot read 2\.png.*10\.png; and 2 more$"):
        read_each(range(14), read, seen.append)
    assert seen == [0, 130]
    with pytest.raises(ZeroDivisionError):
        read_each([1, 0, 2], lambda number: 1 // number)
